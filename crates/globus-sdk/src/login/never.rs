use globus_core::TokenResponse;

use super::{LoginRequest, LoginUi};
use crate::auth::LoginError;

/// Never asks anybody: every login that is needed is the error [`LoginError::PersonNeeded`]. For batch jobs, daemons, and
/// servers that send people to log in themselves.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "it has nothing to set")]
pub struct NeverPrompt;

impl LoginUi for NeverPrompt {
    async fn log_in(&self, request: &LoginRequest) -> Result<TokenResponse, LoginError> {
        Err(LoginError::person_needed("this program may not ask for a login", request.parameters()))
    }
}
