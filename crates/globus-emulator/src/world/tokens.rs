//! Codes and tokens. Only fingerprints of them are kept.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::World;
use super::consents::Approved;
use crate::auth::scopes::{self, ScopeTree};
use crate::random;

pub(crate) const ACCESS_PREFIX: &str = "Ag";
pub(crate) const REFRESH_PREFIX: &str = "Rg";

/// An authorization code, by fingerprint.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Code {
    pub(crate) client: String,
    pub(crate) redirect_uri: String,
    pub(crate) challenge: Option<String>,
    pub(crate) login: Login,
    pub(crate) scopes: Vec<ScopeTree>,
    pub(crate) offline: bool,
    pub(crate) state: Option<String>,
    pub(crate) expires_at: Timestamp,
    /// The families that it gave, once it was used.
    pub(crate) used: Option<Vec<String>>,
}

/// Who logged in, and the session that says how.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Login {
    pub(crate) identity: String,
    pub(crate) session: String,
}

/// What one grant gave for one resource server: every token that descends from it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Family {
    pub(crate) client: String,
    pub(crate) login: Login,
    pub(crate) resource_server: String,
    pub(crate) scopes: Vec<ScopeTree>,
    /// The consent that each of the scopes rests on, in their order.
    pub(crate) consents: Vec<i64>,
    pub(crate) revoked: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct AccessToken {
    pub(crate) family: String,
    pub(crate) issued_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    pub(crate) revoked: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RefreshToken {
    pub(crate) family: String,
    pub(crate) last_used_at: Timestamp,
    /// When a successor was answered in its place.
    pub(crate) rotated_at: Option<Timestamp>,
    pub(crate) expired: bool,
}

/// A valid access token with what it stands for.
#[derive(Debug, Clone)]
pub(crate) struct Bearer {
    pub(crate) family_id: String,
    pub(crate) family: Family,
    pub(crate) token: AccessToken,
}

impl Bearer {
    pub(crate) fn identity(&self) -> &str {
        &self.family.login.identity
    }

    pub(crate) fn has_scope(&self, scope: &str) -> bool {
        self.family.scopes.iter().any(|tree| tree.scope == scope)
    }
}

/// One token as it is answered.
pub(crate) struct Issued {
    pub(crate) family: String,
    pub(crate) resource_server: String,
    pub(crate) scope: String,
    pub(crate) access_token: String,
    pub(crate) refresh_token: Option<String>,
    pub(crate) expires_in: u64,
}

impl World {
    /// New families and tokens for these scopes: one for each resource server, in the order asked for, Auth's
    /// first.
    pub(crate) fn issue(
        &mut self,
        now: Timestamp,
        client: &str,
        login: &Login,
        approved: &[Approved],
        offline: bool,
    ) -> Vec<Issued> {
        let mut issued: Vec<Issued> = by_resource_server(approved)
            .into_iter()
            .map(|(resource_server, approved)| {
                let id = random::hex128();
                let (scopes, consents): (Vec<ScopeTree>, Vec<i64>) =
                    approved.into_iter().map(|approved| (approved.tree, approved.consent)).unzip();
                let may_refresh = scopes
                    .iter()
                    .all(|tree| self.registered(&tree.scope).is_none_or(|scope| scope.allows_refresh_token));
                let family = Family {
                    client: client.to_owned(),
                    login: login.clone(),
                    resource_server,
                    scopes,
                    consents,
                    revoked: false,
                };
                self.families.insert(id.clone(), family);
                let refresh_token = (offline && may_refresh).then(|| {
                    let token = random::secret(REFRESH_PREFIX);
                    self.keep_refresh_token(&token, &id, now);
                    token
                });
                self.issue_access_token(now, &id, refresh_token)
            })
            .collect();
        issued.sort_by_key(|token| token.resource_server != "auth.globus.org");
        issued
    }

    /// One more access token for a family.
    pub(crate) fn issue_access_token(
        &mut self,
        now: Timestamp,
        family_id: &str,
        refresh_token: Option<String>,
    ) -> Issued {
        let expires_in = self.settings.lifetimes.access_seconds;
        let access_token = random::secret(ACCESS_PREFIX);
        let token = AccessToken {
            family: family_id.to_owned(),
            issued_at: now,
            expires_at: after(now, expires_in),
            revoked: false,
        };
        self.access_tokens.insert(random::fingerprint(&access_token), token);
        let (resource_server, scope) = match self.families.get(family_id) {
            Some(family) => (family.resource_server.clone(), scopes::top_level(&family.scopes)),
            None => (String::new(), String::new()),
        };
        Issued {
            family: family_id.to_owned(),
            resource_server,
            scope,
            access_token,
            refresh_token,
            expires_in,
        }
    }

    pub(crate) fn keep_refresh_token(&mut self, token: &str, family: &str, now: Timestamp) {
        let row =
            RefreshToken { family: family.to_owned(), last_used_at: now, rotated_at: None, expired: false };
        self.refresh_tokens.insert(random::fingerprint(token), row);
    }

    /// The access token with this fingerprint, if it is valid now.
    pub(crate) fn bearer(&self, fingerprint: &str, now: Timestamp) -> Option<Bearer> {
        let token = self.access_tokens.get(fingerprint)?;
        let family = self.families.get(&token.family)?;
        (!token.revoked && !family.revoked && now < token.expires_at).then(|| Bearer {
            family_id: token.family.clone(),
            family: family.clone(),
            token: token.clone(),
        })
    }

    /// The refresh token with this fingerprint and its family, if it is neither revoked nor expired. It may
    /// have been rotated.
    pub(crate) fn live_refresh_token(
        &self,
        fingerprint: &str,
        now: Timestamp,
    ) -> Option<(&RefreshToken, &Family)> {
        let token = self.refresh_tokens.get(fingerprint)?;
        let family = self.families.get(&token.family)?;
        let idle_until = after(token.last_used_at, self.settings.lifetimes.refresh_idle_seconds);
        (!token.expired && !family.revoked && now < idle_until).then_some((token, family))
    }

    /// Revokes a family with every token in it.
    pub(crate) fn revoke_family(&mut self, id: &str) {
        if let Some(family) = self.families.get_mut(id) {
            family.revoked = true;
        }
    }
}

/// What was approved, by resource server, in order of first mention.
fn by_resource_server(approved: &[Approved]) -> Vec<(String, Vec<Approved>)> {
    let mut groups: Vec<(String, Vec<Approved>)> = Vec::new();
    for one in approved {
        let server = scopes::resource_server(&one.tree.scope).unwrap_or_default();
        match groups.iter_mut().find(|(known, _)| *known == server) {
            Some((_, group)) => group.push(one.clone()),
            None => groups.push((server, vec![one.clone()])),
        }
    }
    groups
}

pub(crate) fn after(time: Timestamp, seconds: u64) -> Timestamp {
    let step = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
    time.saturating_add(step).unwrap_or(Timestamp::MAX)
}
