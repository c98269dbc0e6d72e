use std::sync::Arc;

use globus_core::{ApiError, Authorization, Authorize, Authorizer, Error, ResourceServer, Result, Timestamp};

use super::parts::{Kind, Parts};
use super::place::Place;
use crate::gare::{Gare, GlobusAuthorizationParameters};

/// Authorizes calls to one resource server with what an app has, or gets by a login.
#[derive(Debug)]
pub(super) struct AppAuthorizer {
    app: Arc<Parts>,
    server: ResourceServer,
    place: Arc<Place>,
}

impl AppAuthorizer {
    pub(super) fn new(app: Arc<Parts>, server: ResourceServer) -> Self {
        let place = app.place(&server);
        Self { app, server, place }
    }

    /// The header, without a login.
    async fn header(&self) -> Result<Authorization> {
        let header = self.app.authorizer_of(&self.server).await?.authorization().await?;
        self.place.gives_out(&header);
        Ok(header)
    }
}

impl Authorize for AppAuthorizer {
    fn cached(&self) -> Option<Authorization> {
        self.place.cached(&self.app.clock)
    }

    async fn authorization(&self) -> Result<Authorization> {
        let seen = self.app.seen();
        match self.header().await {
            Err(reason) if wants_login(&reason) => {
                self.app
                    .log_in(seen, GlobusAuthorizationParameters::default())
                    .await
                    .map_err(|failure| needed_because(&self.server, reason, failure))?;
                // Once is enough: what a login does not mend, the next one does not either.
                self.header().await
            }
            other => other,
        }
    }

    fn rejected(&self, used: &Authorization) -> bool {
        self.place.rejected_header(used, matches!(self.app.kind, Kind::User(_)))
    }

    async fn fulfil(&self, used: Option<&Authorization>, refusal: &ApiError) -> Result<bool> {
        if !self.app.auto_redrive_gares {
            return Ok(false);
        }
        let Some(gare) = Gare::find_for_login(refusal) else { return Ok(false) };
        let wanted = gare.authorization_parameters;
        if matches!(self.app.kind, Kind::Client(_)) && wanted.scopes_to_request().is_empty() {
            // A client has no session that could be made better.
            return Ok(false);
        }
        let seen = self.app.seen();
        // A login may have ended since the request was sent, and been for the same.
        let seen = used.and_then(|used| self.place.seen_with(used)).unwrap_or(seen);
        match self.app.log_in(seen.whatever_else_is_needed(), wanted).await {
            Ok(()) => Ok(true),
            Err(failure) => Err(Error::login_failed(refusal.clone().into(), failure)),
        }
    }

    async fn settle(&self) -> Result<()> {
        match self.place.current() {
            Some(authorizer) => authorizer.settle().await,
            None => Ok(()),
        }
    }

    fn observe_server_time(&self, server_time: Timestamp) {
        self.app.clock.observe(server_time);
        if let Some(authorizer) = self.place.current() {
            authorizer.observe_server_time(server_time);
        }
    }
}

/// Whether a login would mend it. That somebody else's tokens are stored it would not, nor that a login does not say whose
/// it is, which comes out when its tokens are to be stored.
pub(super) fn wants_login(error: &Error) -> bool {
    use globus_core::storage::StorageErrorKind as Kind;
    error.is_login_required()
        || error.storage().is_some_and(|error| {
            error.is_validation()
                && !matches!(
                    error.kind(),
                    Kind::IdentityMismatch { .. } | Kind::SeveralIdentities | Kind::MissingIdentity
                )
        })
}

/// Keeps with a failed login why there had to be one.
fn needed_because(server: &ResourceServer, reason: Error, failure: Error) -> Error {
    if !failure.is_login_required() {
        return failure;
    }
    Error::login_required(Some(server.to_string()), Error::login_failed(reason, failure))
}

/// The authorizer of a resource server, as clients hold it.
pub(super) fn handle(app: &Arc<Parts>, server: impl Into<ResourceServer>) -> Authorizer {
    AppAuthorizer::new(Arc::clone(app), server.into()).into()
}

#[cfg(test)]
mod tests {
    use globus_core::StorageError;
    use globus_core::storage::StorageErrorKind as Kind;

    use super::*;

    #[test]
    fn what_another_login_would_not_mend_asks_for_none() {
        for error in [
            StorageError::identity_mismatch("ana", "ben"),
            StorageError::new(Kind::SeveralIdentities),
            StorageError::new(Kind::MissingIdentity),
            StorageError::new(Kind::Database),
        ] {
            assert!(!wants_login(&error.into()));
        }
        for error in [
            StorageError::missing_token("rs"),
            StorageError::unmet_scope_requirements("rs", "the token was given without a"),
        ] {
            assert!(wants_login(&error.into()));
        }
        assert!(!wants_login(&Error::usage("name a scope")));
    }
}
