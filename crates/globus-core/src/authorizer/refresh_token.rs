use std::sync::Arc;

use super::renewing::renewing;
use super::{RenewingBuilder, TokenGrants};
use crate::clock::SystemClock;
use crate::error::{Error, Result};
use crate::refresh::{Engine, RefreshWindows, RenewalGrant};
use crate::secret::RefreshToken;
use crate::token::TokenData;

/// Renews an access token with a refresh token whenever it nears its expiry.
///
/// The login client does the renewing; it is another client than the one that uses this authorizer to act as
/// the user. One renewal serves all callers, however many wait. With `on_refresh` every renewal is stored
/// before it is used.
///
/// ```
/// # use globus_core::{RefreshTokenAuthorizer, SimpleJsonFileAdapter, TokenGrants, FileAdapter};
/// # fn example(internal_auth_client: impl TokenGrants + Clone) -> globus_core::Result<()> {
/// let my_file_adapter = SimpleJsonFileAdapter::for_resource_server("tokens.json", "transfer.api.globus.org");
/// let tokens = my_file_adapter.read()?;
///
/// let authorizer = RefreshTokenAuthorizer::from_tokens(&tokens, &internal_auth_client)?
///     .on_refresh(my_file_adapter)
///     .build()?;
/// # let _ = authorizer;
/// # Ok(())
/// # }
/// ```
///
/// With nothing but a refresh token, [`new`](Self::new) is enough. Programs that end soon after their last
/// call should end with [`settle`](Self::settle).
#[derive(Clone)]
pub struct RefreshTokenAuthorizer {
    engine: Arc<Engine>,
}

impl RefreshTokenAuthorizer {
    /// An authorizer that fetches its first access token when a call needs one.
    pub fn new(refresh_token: impl Into<RefreshToken>, login_client: &(impl TokenGrants + Clone)) -> Self {
        let grant = RenewalGrant::Refresh(Arc::new(login_client.clone()));
        let (clock, windows) = (Arc::new(SystemClock), RefreshWindows::default());
        let engine = Engine::new(grant, None, clock, windows, Some(refresh_token.into()), None);
        Self { engine: Arc::new(engine) }
    }

    /// Sets up an authorizer with more than the refresh token: an access token to start with, a place to
    /// store renewals, another clock.
    pub fn builder(
        refresh_token: impl Into<RefreshToken>,
        login_client: &(impl TokenGrants + Clone),
    ) -> RenewingBuilder<Self> {
        RenewingBuilder::new(
            Ok(RenewalGrant::Refresh(Arc::new(login_client.clone()))),
            Some(refresh_token.into()),
            |engine| Self { engine },
        )
    }

    /// Sets up an authorizer from stored tokens: refresh token, access token, expiry and resource server.
    ///
    /// # Errors
    ///
    /// A usage error when the tokens hold no refresh token: log in again, asking for refresh tokens.
    pub fn from_tokens(
        tokens: &TokenData,
        login_client: &(impl TokenGrants + Clone),
    ) -> Result<RenewingBuilder<Self>> {
        let refresh_token =
            tokens.refresh_token.as_ref().filter(|token| !token.is_empty()).ok_or_else(|| {
                Error::usage(format!(
                    "the tokens for {} hold no refresh token; log in again and ask for refresh tokens",
                    tokens.resource_server
                ))
            })?;
        Ok(Self::builder(refresh_token, login_client)
            .access_token(&tokens.access_token, tokens.expires_at_seconds)
            .resource_server(tokens.resource_server.clone())
            .identity_id(tokens.identity_id.clone()))
    }
}

renewing!(RefreshTokenAuthorizer);
