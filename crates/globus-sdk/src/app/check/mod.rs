//! Will these credentials do it, and for how long?

#[cfg(feature = "transfer")]
mod collections;
mod tokens;
mod verdict;

use std::collections::{BTreeMap, BTreeSet};
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use globus_core::storage::Loaded;
use globus_core::{Authorizer, Clock, EndpointId, ResourceServer, Result, Scope, Scopes, Timestamp};

pub use self::verdict::{Answer, Lapse, LapseReason, Unknown, Verdict};
use super::parts::{Kind, Parts};
use crate::gare::GlobusAuthorizationParameters;

/// A check of an app's credentials, about to be made. From [`GlobusApp::check`](super::GlobusApp::check); `await` it.
#[derive(Debug)]
#[must_use = "nothing is checked until it is awaited"]
pub struct Check<'a> {
    app: &'a Arc<Parts>,
    duration: Duration,
    scopes: Vec<(ResourceServer, Scopes)>,
    collections: Vec<EndpointId>,
    renew: bool,
}

impl<'a> Check<'a> {
    pub(super) fn new(app: &'a Arc<Parts>) -> Self {
        Self { app, duration: Duration::ZERO, scopes: Vec::new(), collections: Vec::new(), renew: true }
    }

    /// For how long the credentials have to hold, from now on. Without it: now.
    pub fn for_duration(mut self, duration: Duration) -> Self {
        self.duration = duration;
        self
    }

    /// Whether they allow to list these collections and to transfer between them.
    #[cfg(feature = "transfer")]
    pub fn transfer<I: Into<EndpointId>>(mut self, collections: impl IntoIterator<Item = I>) -> Self {
        self.collections.extend(collections.into_iter().map(Into::into));
        self
    }

    /// Whether they allow what needs these scopes of a resource server.
    pub fn scopes(mut self, resource_server: impl Into<ResourceServer>, scopes: impl Into<Scopes>) -> Self {
        self.scopes.push((resource_server.into(), scopes.into()));
        self
    }

    /// Renews no token. Then it stays unknown whether Globus Auth still takes a refresh token.
    pub fn without_renewal(mut self) -> Self {
        self.renew = false;
        self
    }
}

impl<'a> IntoFuture for Check<'a> {
    type Output = Result<Verdict>;
    type IntoFuture = Pin<Box<dyn Future<Output = Result<Verdict>> + Send + 'a>>;

    /// # Errors
    ///
    /// When the scopes cannot be read, or the storage as a whole cannot. That a service does not answer is no error: what
    /// it would have said is then [unknown](Verdict::unknown).
    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let app = Arc::clone(self.app);
            Inquiry::begin(&app, self).await?.verdict().await
        })
    }
}

/// A check under way, and what it has found.
struct Inquiry<'a> {
    app: &'a Parts,
    stored: Loaded,
    now: Timestamp,
    until: Timestamp,
    renew: bool,
    needed: BTreeMap<ResourceServer, Vec<Scope>>,
    #[cfg(feature = "transfer")]
    collections: Vec<EndpointId>,
    lapses: Vec<Lapse>,
    unknown: Vec<Unknown>,
}

/// What is known of a token after it was looked at.
#[derive(Default)]
struct Looked {
    /// Calls can be made with this. There is none where they could not.
    authorizer: Option<Authorizer>,
    /// Globus Auth has said just now that it is good.
    is_proved: bool,
}

impl<'a> Inquiry<'a> {
    async fn begin(app: &'a Parts, check: Check<'_>) -> Result<Self> {
        let mut needed: BTreeMap<ResourceServer, Scopes> = BTreeMap::new();
        for (server, scopes) in check.scopes {
            let known = needed.entry(server).or_insert_with(|| Scopes::from(""));
            *known = known.merge(scopes)?;
        }
        let mut needed = needed
            .into_iter()
            .map(|(server, scopes)| Ok((server, scopes.parse()?)))
            .collect::<Result<BTreeMap<_, _>>>()?;
        if needed.is_empty() && check.collections.is_empty() {
            needed = app.requirements.all();
        }
        let stored = app.plain.get_all().await?;
        let now = app.clock.now();
        Ok(Self {
            app,
            stored,
            now,
            until: now.saturating_add(check.duration).unwrap_or(Timestamp::MAX),
            renew: check.renew,
            needed,
            #[cfg(feature = "transfer")]
            collections: check.collections,
            lapses: Vec::new(),
            unknown: Vec::new(),
        })
    }

    async fn verdict(mut self) -> Result<Verdict> {
        match &self.app.kind {
            Kind::User(_) => self.look_at_user().await?,
            Kind::Client(client) => self.look_at_client(client).await?,
        }
        Ok(Verdict::new(self.now, self.until, self.lapses, self.unknown))
    }

    async fn look_at_user(&mut self) -> Result<()> {
        let identities: BTreeSet<_> =
            self.stored.tokens.values().filter_map(|token| token.identity_id.as_deref()).collect();
        if identities.len() > 1 {
            let step = "log out of everything (`logout` with `sweep`), then log in again";
            self.lapse(LapseReason::SeveralIdentities, self.app.plain.namespace(), self.now, step, None);
            return Ok(());
        }
        let mut looked = BTreeMap::new();
        #[cfg(feature = "transfer")]
        self.add_transfer();
        for server in self.needed.keys().cloned().collect::<Vec<_>>() {
            let token = self.look_at_token(&server).await;
            looked.insert(server, token);
        }
        #[cfg(feature = "transfer")]
        self.look_at_collections(&mut looked).await?;
        self.look_at_consents().await;
        for (server, token) in looked {
            if token.authorizer.is_some() && !token.is_proved {
                let why = "this kind of client can only ask by using it; what it says about its time counts";
                self.not_found_out(format!("whether {server} still takes the access token"), why);
            }
        }
        Ok(())
    }

    fn lapse(
        &mut self,
        reason: LapseReason,
        concerns: &(impl ToString + ?Sized),
        at: Timestamp,
        next_step: impl Into<String>,
        login: Option<GlobusAuthorizationParameters>,
    ) {
        let (concerns, next_step) = (concerns.to_string(), next_step.into());
        self.lapses.push(Lapse { reason, concerns, at, next_step, login });
    }

    fn not_found_out(&mut self, what: impl Into<String>, why: &(impl ToString + ?Sized)) {
        self.unknown.push(Unknown { what: what.into(), why: why.to_string() });
    }
}
