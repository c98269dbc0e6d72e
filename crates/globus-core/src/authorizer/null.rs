use super::{Authorization, Authorize};
use crate::error::Result;

/// Sends no `Authorization` header, and removes one that the caller set. For calls that must stay anonymous.
///
/// ```
/// use globus_core::{Authorizer, NullAuthorizer};
///
/// let authorizer = Authorizer::from(NullAuthorizer);
/// # let _ = authorizer;
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct NullAuthorizer;

impl Authorize for NullAuthorizer {
    fn cached(&self) -> Option<Authorization> {
        Some(Authorization::none())
    }

    async fn authorization(&self) -> Result<Authorization> {
        Ok(Authorization::none())
    }
}
