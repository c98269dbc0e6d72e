//! What is known of an app's logins without asking anybody.

use std::collections::BTreeSet;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;

use globus_core::storage::{Loaded, Namespace};
use globus_core::{Clock, ResourceServer, Result, Scope, Shown, Timestamp, TokenData};
use serde::Serialize;

use super::parts::{Kind, Parts};
use super::remembered_login::RememberedLogin;
use super::unrevoked;

/// A look at the logins of an app, about to be taken. From [`GlobusApp::status`](super::GlobusApp::status); `await` it.
#[derive(Debug)]
#[must_use = "nothing is looked at until it is awaited"]
pub struct Status<'a> {
    app: &'a Arc<Parts>,
    all_profiles: bool,
}

/// The logins of an app, as far as they are known without asking anybody. It holds no secret.
///
/// `Display` says it in words; serialized, it is a document for programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AppStatus {
    /// The program's name.
    pub app_name: String,
    /// The client that logs in.
    pub client_id: String,
    /// Who acts.
    pub kind: AppKind,
    /// The profile that the app uses.
    pub profile: String,
    /// When this was looked at, by the clock of the services as far as the app has seen it.
    pub at: Timestamp,
    /// Whose the tokens are: the id of an identity. `None` where nobody has logged in, or the records do not say it. Of a
    /// client app it usually is `None`; it acts as the client.
    pub identity_id: Option<String>,
    /// That records of several identities are stored in this profile: then the app refuses all of them until a
    /// [logout](super::GlobusApp::logout) with `sweep`.
    pub several_identities: bool,
    /// The last login that is remembered.
    pub last_login: Option<LastLogin>,
    /// Each resource server that the app needs, or has a token of, in order.
    pub resource_servers: Vec<ResourceServerStatus>,
    /// Whether somebody has to log in before the app can do what it needs by now. Of a client app it is false: it gets
    /// tokens by itself.
    ///
    /// False does not promise that a call succeeds: refresh tokens can be revoked, and consents and sessions are known to
    /// Globus Auth alone. [`check`](super::GlobusApp::check) asks.
    pub login_required: bool,
    /// The profiles of the storage and whose they are. Only this one, unless
    /// [`all_profiles`](Status::all_profiles) was asked for.
    pub profiles: Vec<ProfileStatus>,
}

/// Who acts in an app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AppKind {
    /// A person, who logs in.
    User,
    /// The client itself.
    Client,
}

/// The last login of this SDK that is remembered. Logins of other programs in the same storage are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LastLogin {
    /// When its tokens were given out.
    pub at: Timestamp,
    /// When the person proved who they are, where the service said it at the login (which it does for the scope
    /// `profile`). That may be before the login: browsers remember. A later login of the same client in the same browser
    /// makes the session younger without this program noticing, so the session is as old as this at most.
    pub authenticated_at: Option<Timestamp>,
}

/// What is stored for one resource server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ResourceServerStatus {
    /// Its name.
    pub resource_server: String,
    /// Whether the app needs it.
    pub needed: bool,
    /// The token, if there is one that can be read.
    pub token: Option<TokenStatus>,
    /// Why the stored record cannot be read, or must not be used. Without secrets.
    pub damage: Option<String>,
    /// Needed scopes that the token was given without. All of them where there is no token.
    pub missing_scopes: Vec<String>,
    /// Needed scopes with dependencies: whether these were consented to is not known here.
    pub unknown_dependencies: Vec<String>,
    /// Whether somebody has to log in before this can be used.
    pub login_required: bool,
}

/// A stored token, without the token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct TokenStatus {
    /// The scopes that were granted.
    pub scopes: Vec<String>,
    /// When the access token ends, or ended.
    pub access_token_until: Option<Timestamp>,
    /// Whether that time is over.
    pub expired: bool,
    /// Whether the app can get a new access token by itself: with a refresh token that it has and uses, or as the client.
    /// Whether the service still takes the refresh token is not known here.
    pub renewable: bool,
}

/// A profile of the storage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ProfileStatus {
    /// Its name.
    pub name: String,
    /// Whose its tokens are, where that is known and it is one.
    pub identity_id: Option<String>,
}

impl<'a> Status<'a> {
    pub(super) fn new(app: &'a Arc<Parts>) -> Self {
        Self { app, all_profiles: false }
    }

    /// Also says whose the other profiles of the storage are. It reads all of them, and the storage must be able to
    /// [list](globus_core::storage::Capabilities::list) them.
    pub fn all_profiles(mut self) -> Self {
        self.all_profiles = true;
        self
    }
}

impl<'a> IntoFuture for Status<'a> {
    type Output = Result<AppStatus>;
    type IntoFuture = Pin<Box<dyn Future<Output = Result<AppStatus>> + Send + 'a>>;

    /// # Errors
    ///
    /// When the storage as a whole cannot be read. Single damaged records are in the answer.
    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.app.status(self.all_profiles))
    }
}

impl Parts {
    async fn status(self: &Arc<Self>, all_profiles: bool) -> Result<AppStatus> {
        let stored = self.plain.get_all().await?;
        let now = self.clock.now();
        let needed = self.requirements.all();
        let identities = identities(&stored);
        let several_identities = identities.len() > 1;
        let mut servers: BTreeSet<ResourceServer> = needed.keys().cloned().collect();
        servers.extend(stored.tokens.keys().cloned());
        servers.extend(stored.damaged.iter().filter_map(|error| error.resource_server().cloned()));
        let resource_servers: Vec<_> = servers
            .iter()
            .map(|server| self.status_of(server, needed.get(server).map(Vec::as_slice), &stored, now))
            .collect();
        let is_user = matches!(self.kind, Kind::User(_));
        let profile = self.plain.namespace().clone();
        let mut profiles = vec![ProfileStatus::new(&profile, &stored)];
        if all_profiles {
            for other in self.plain.list().await? {
                if other != profile && !unrevoked::is_of_logouts(&other) {
                    let stored = self.plain.with_namespace(other.clone()).get_all().await?;
                    profiles.push(ProfileStatus::new(&other, &stored));
                }
            }
            profiles.sort_by(|one, other| one.name.cmp(&other.name));
        }
        Ok(AppStatus {
            app_name: self.name.clone(),
            client_id: self.login_client.client_id().to_owned(),
            kind: if is_user { AppKind::User } else { AppKind::Client },
            profile: profile.to_string(),
            at: now,
            identity_id: if several_identities {
                None
            } else {
                identities.first().copied().map(str::to_owned)
            },
            several_identities,
            last_login: last_login(&stored),
            login_required: is_user
                && (several_identities || resource_servers.iter().any(|server| server.login_required)),
            resource_servers,
            profiles,
        })
    }

    fn status_of(
        &self,
        server: &ResourceServer,
        needed: Option<&[Scope]>,
        stored: &Loaded,
        now: Timestamp,
    ) -> ResourceServerStatus {
        let damage = stored.damaged.iter().find(|error| error.resource_server() == Some(server));
        let token = stored.tokens.get(server).filter(|_| damage.is_none());
        let granted: Vec<&str> =
            token.map_or_else(Vec::new, |token| token.scope.split_whitespace().collect());
        let required = || needed.unwrap_or_default().iter();
        let missing_scopes: Vec<String> = required()
            .filter(|scope| !scope.is_optional() && !granted.contains(&scope.name()))
            .map(ToString::to_string)
            .collect();
        let status = token.map(|token| TokenStatus {
            scopes: granted.iter().map(|scope| (*scope).to_owned()).collect(),
            access_token_until: Timestamp::from_second(token.expires_at_seconds).ok(),
            expired: token.is_expired(now),
            renewable: self.can_renew(token),
        });
        let login_required = match &self.kind {
            Kind::Client(_) => false,
            Kind::User(_) if needed.is_none() => false,
            Kind::User(login) => !status.as_ref().is_some_and(|token| {
                // As the validators of the storage have it.
                let lives = if login.refresh_tokens { token.renewable } else { !token.expired };
                lives && missing_scopes.is_empty()
            }),
        };
        ResourceServerStatus {
            resource_server: server.to_string(),
            needed: needed.is_some(),
            token: status,
            damage: damage.map(ToString::to_string),
            unknown_dependencies: required()
                .filter(|scope| !scope.dependencies().is_empty() && granted.contains(&scope.name()))
                .map(ToString::to_string)
                .collect(),
            missing_scopes,
            login_required,
        }
    }

    /// Whether a new access token can be had without a person.
    pub(super) fn can_renew(&self, token: &TokenData) -> bool {
        match &self.kind {
            Kind::User(login) => login.refresh_tokens && token.usable_refresh_token().is_some(),
            Kind::Client(_) => true,
        }
    }
}

/// The identities that the records name, in order.
fn identities(stored: &Loaded) -> Vec<&str> {
    let identities: BTreeSet<&str> =
        stored.tokens.values().filter_map(|token| token.identity_id.as_deref()).collect();
    identities.into_iter().collect()
}

/// The last login that the records remember.
pub(super) fn last_login(stored: &Loaded) -> Option<LastLogin> {
    let logins = stored.tokens.values().filter_map(RememberedLogin::of);
    let last = logins.max_by_key(|login| (login.at, login.authenticated_at))?;
    Some(LastLogin { at: last.at, authenticated_at: last.authenticated_at })
}

impl ProfileStatus {
    fn new(name: &Namespace, stored: &Loaded) -> Self {
        let identity_id = match identities(stored)[..] {
            [identity] => Some(identity.to_owned()),
            _ => None,
        };
        Self { name: name.to_string(), identity_id }
    }
}

impl fmt::Display for AppStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = |text| Shown::new(text, 200);
        writeln!(
            f,
            "{} (client {}, profile {})",
            short(&self.app_name),
            short(&self.client_id),
            short(&self.profile)
        )?;
        match (&self.identity_id, self.kind) {
            _ if self.several_identities => {
                writeln!(
                    f,
                    "tokens of several identities are stored; log out of everything, then log in again"
                )?;
            }
            (Some(identity), _) => writeln!(f, "logged in as {}", short(identity))?,
            (None, AppKind::User) => writeln!(f, "nobody is known to be logged in")?,
            (None, AppKind::Client) => writeln!(f, "acts as the client itself")?,
        }
        if let Some(login) = &self.last_login {
            write!(f, "last login {}", login.at)?;
            match login.authenticated_at {
                Some(time) => writeln!(f, ", signed in {time} or later")?,
                None => writeln!(f, "; when the person signed in was not said")?,
            }
        }
        for server in &self.resource_servers {
            writeln!(f, "{server}")?;
        }
        f.write_str(if self.login_required {
            "a login is needed"
        } else {
            "no login is needed as far as can be known here"
        })
    }
}

impl fmt::Display for ResourceServerStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", Shown::new(&self.resource_server, 200))?;
        match (&self.token, &self.damage) {
            (_, Some(damage)) => write!(f, "{}", Shown::new(damage, 400))?,
            (None, None) => f.write_str("no token")?,
            (Some(token), None) => {
                let until =
                    token.access_token_until.map_or_else(|| "an unknown time".to_owned(), |t| t.to_string());
                let word = if token.expired { "ended" } else { "good until" };
                write!(f, "access token {word} {until}")?;
                f.write_str(if token.renewable { ", can be renewed" } else { ", cannot be renewed" })?;
            }
        }
        if self.token.is_some() && !self.missing_scopes.is_empty() {
            write!(f, "; lacks {}", Shown::new(&self.missing_scopes.join(" "), 400))?;
        }
        if !self.needed {
            f.write_str("; not needed by this program")?;
        }
        Ok(())
    }
}
