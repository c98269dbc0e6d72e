use std::fmt;

use super::{Authorization, Authorize};
use crate::error::Result;
use crate::secret::AccessToken;

/// Sends one access token as `Bearer`, until it expires; nothing renews it.
///
/// For the part of a program that only sees access tokens. A token belongs to one service: Auth and Transfer
/// need one each.
///
/// ```
/// use globus_core::{AccessTokenAuthorizer, Authorizer};
///
/// # async fn example() -> globus_core::Result<()> {
/// let authorizer = Authorizer::from(AccessTokenAuthorizer::new("AgExample"));
/// let header = authorizer.authorization().await?;
/// assert_eq!(header.header().unwrap(), "Bearer AgExample");
/// # Ok(())
/// # }
/// ```
///
/// A token with a character that cannot stand in a header, such as a line break, makes every call fail with a
/// usage error before anything is sent.
#[derive(Clone)]
pub struct AccessTokenAuthorizer {
    token: AccessToken,
    header: Result<Authorization>,
}

impl AccessTokenAuthorizer {
    /// An authorizer for this token.
    pub fn new(token: impl Into<AccessToken>) -> Self {
        let token = token.into();
        let header = Authorization::bearer(&token);
        Self { token, header }
    }
}

impl Authorize for AccessTokenAuthorizer {
    fn cached(&self) -> Option<Authorization> {
        self.header.as_ref().ok().cloned()
    }

    async fn authorization(&self) -> Result<Authorization> {
        self.header.clone()
    }
}

impl fmt::Debug for AccessTokenAuthorizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessTokenAuthorizer")
            .field("token_sha256", &self.token.fingerprint())
            .finish_non_exhaustive()
    }
}
