use std::sync::Arc;

use super::renewing::renewing;
use super::{ConfidentialGrants, RenewingBuilder};
use crate::error::{Error, Result};
use crate::refresh::{Engine, RenewalGrant};
use crate::scope::Scopes;

/// Gets access tokens as the client itself, and new ones whenever they near their expiry. No person and no
/// refresh token is involved. For daemons and services.
///
/// The scopes must all belong to one resource server: an authorizer has one token.
///
/// ```
/// # use globus_core::{ClientCredentialsAuthorizer, ConfidentialGrants};
/// # fn example(confidential_client: impl ConfidentialGrants + Clone) -> globus_core::Result<()> {
/// let authorizer = ClientCredentialsAuthorizer::new(
///     &confidential_client,
///     "urn:globus:auth:scope:transfer.api.globus.org:all",
/// )?;
/// # let _ = authorizer;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ClientCredentialsAuthorizer {
    engine: Arc<Engine>,
}

impl ClientCredentialsAuthorizer {
    /// An authorizer that fetches its first access token when a call needs one.
    ///
    /// # Errors
    ///
    /// A usage error when `scopes` is empty.
    pub fn new(
        confidential_client: &(impl ConfidentialGrants + Clone),
        scopes: impl Into<Scopes>,
    ) -> Result<Self> {
        Self::builder(confidential_client, scopes).build()
    }

    /// Sets up an authorizer with more: an access token to start with, a place to store tokens.
    pub fn builder(
        confidential_client: &(impl ConfidentialGrants + Clone),
        scopes: impl Into<Scopes>,
    ) -> RenewingBuilder<Self> {
        let scopes = scopes.into();
        let grant = if scopes.is_empty() {
            Err(Error::usage("name at least one scope to ask for"))
        } else {
            Ok(RenewalGrant::ClientCredentials(Arc::new(confidential_client.clone()), scopes))
        };
        RenewingBuilder::new(grant, None, |engine| Self { engine })
    }
}

renewing!(ClientCredentialsAuthorizer);
