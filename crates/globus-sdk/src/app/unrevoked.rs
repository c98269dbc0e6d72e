//! Tokens that a logout could not make useless, kept to be tried again.

use globus_core::storage::{Namespace, StoreKind};
use globus_core::{Clock, Error, ResourceServer, Result, Storage, StorageError, Timestamp, TokenData};
use jiff::SignedDuration;

use super::logout::{LogoutReport, StillValid};
use super::parts::Parts;

/// The end of the names of the namespaces in which logouts keep what they could not revoke.
const SUFFIX: &str = "/unrevoked";

/// A refresh token that is not used for half a year ends by itself.
const LIFE_OF_REFRESH_TOKEN: SignedDuration = SignedDuration::from_hours(183 * 24);

pub(super) fn is_of_logouts(namespace: &Namespace) -> bool {
    namespace.as_str().ends_with(SUFFIX)
}

impl Parts {
    fn unrevoked(&self) -> Storage {
        self.plain.with_namespace(format!("{}{SUFFIX}", self.plain.namespace()))
    }

    /// Keeps a token to be revoked later. Its fingerprint is part of its name, since there can be several of a resource
    /// server.
    pub(super) async fn remember_unrevoked(&self, token: &TokenData) -> Result<(), StorageError> {
        let mut token = token.clone();
        let fingerprint = token.access_token.fingerprint();
        token.resource_server = format!("{}#{fingerprint}", token.resource_server).into();
        self.unrevoked().store(vec![token], StoreKind::Login).await
    }

    /// Tries again to revoke what is kept. What is revoked or has ended by itself is removed.
    pub(super) async fn revoke_remembered(&self) -> Result<LogoutReport> {
        let storage = self.unrevoked();
        let mut report = LogoutReport { removed: Vec::new(), still_valid: Vec::new() };
        let mut failed = None;
        for (name, token) in storage.get_all().await?.tokens {
            let server = match name.as_str().rsplit_once('#') {
                Some((server, _)) => ResourceServer::from(server),
                None => name.clone(),
            };
            if !self.has_ended(&token)
                && let Err(error) = self.revoke(&token).await
            {
                report.still_valid.push(StillValid::new(server, &token, error, true));
                continue;
            }
            match storage.remove(&name).await {
                Ok(_) => report.removed.push(server),
                Err(error) => failed = Some(Error::from(error)),
            }
        }
        failed.map_or(Ok(report), Err)
    }

    /// Whether nobody can use it any more, refresh token included.
    fn has_ended(&self, token: &TokenData) -> bool {
        let Ok(mut ends) = Timestamp::from_second(token.expires_at_seconds) else { return false };
        if token.usable_refresh_token().is_some() {
            ends = ends.saturating_add(LIFE_OF_REFRESH_TOKEN).unwrap_or(Timestamp::MAX);
        }
        ends < self.clock.now()
    }
}
