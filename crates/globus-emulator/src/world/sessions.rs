//! Sessions: which of a person's identities signed in to a client, when, and how.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::World;
use super::tokens::Login;

/// What a person's browser remembers for a client. The tokens of all logins there share it, so that a later
/// login also makes the earlier tokens good for more.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) client: String,
    /// The account whose identities signed in.
    pub(crate) account: String,
    /// The last authentication of each identity.
    pub(crate) authentications: BTreeMap<String, Authentication>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Authentication {
    pub(crate) auth_time: Timestamp,
    /// Whether a second factor was shown.
    pub(crate) mfa: bool,
}

impl Authentication {
    /// Whether it is at most this many seconds old.
    pub(crate) fn is_within(&self, seconds: i64, now: Timestamp) -> bool {
        now.duration_since(self.auth_time) <= SignedDuration::from_secs(seconds)
    }
}

/// How long a browser remembers who signed in: a login that asks for nothing in particular is then no new
/// authentication.
const REMEMBERED: i64 = 24 * 3600;

impl World {
    fn session_of(&self, client: &str, identity: &str) -> Option<&Session> {
        let account = &self.identities.get(identity)?.account;
        self.sessions.values().find(|session| session.client == client && session.account == *account)
    }

    /// Whether a login with this identity needs no new authentication.
    pub(crate) fn is_remembered(&self, client: &str, identity: &str, now: Timestamp) -> bool {
        let known =
            self.session_of(client, identity).and_then(|session| session.authentications.get(identity));
        known.is_some_and(|authentication| authentication.is_within(REMEMBERED, now))
    }

    /// The session of an identity's account with a client, begun if there is none, after these identities of
    /// the account have authenticated.
    pub(crate) fn sign_in(
        &mut self,
        now: Timestamp,
        client: &str,
        identity: &str,
        authenticated: &[String],
        mfa: bool,
    ) -> Login {
        let known = self.session_of(client, identity).map(|session| session.id.clone());
        let id = known.unwrap_or_else(|| {
            let id = Uuid::new_v4().to_string();
            let account =
                self.identities.get(identity).map_or(identity, |identity| &identity.account).to_owned();
            let session = Session {
                id: id.clone(),
                client: client.to_owned(),
                account,
                authentications: BTreeMap::new(),
            };
            self.sessions.insert(id.clone(), session);
            id
        });
        if !authenticated.is_empty()
            && let Some(session) = self.sessions.get_mut(&id)
        {
            let authentication = Authentication { auth_time: now, mfa };
            session.authentications.extend(authenticated.iter().map(|id| (id.clone(), authentication)));
        }
        Login { identity: identity.to_owned(), session: id }
    }

    /// The authentications of a login's session, by identity.
    pub(crate) fn authentications(&self, login: &Login) -> impl Iterator<Item = (&str, &Authentication)> {
        let session = self.sessions.get(&login.session);
        session
            .into_iter()
            .flat_map(|session| &session.authentications)
            .map(|(id, known)| (id.as_str(), known))
    }

    /// When an identity last authenticated in a login's session.
    pub(crate) fn auth_time(&self, login: &Login, identity: &str) -> Option<Timestamp> {
        Some(self.sessions.get(&login.session)?.authentications.get(identity)?.auth_time)
    }

    /// A session as introspection tells it.
    pub(crate) fn session_info(&self, session: &str) -> Value {
        let known = self.sessions.get(session);
        let authentications: serde_json::Map<String, Value> = known
            .into_iter()
            .flat_map(|session| &session.authentications)
            .map(|(id, authentication)| {
                let provider = self.identities.get(id).map(|identity| &identity.identity_provider);
                let (acr, amr) = if authentication.mfa {
                    (json!("https://refeds.org/profile/mfa"), json!(["pwd", "mfa"]))
                } else {
                    (Value::Null, Value::Null)
                };
                let document = json!({
                    "idp": provider, "auth_time": authentication.auth_time.as_second(), "acr": acr, "amr": amr,
                    "custom_claims": {},
                });
                (id.clone(), document)
            })
            .collect();
        json!({"session_id": session, "authentications": authentications})
    }
}
