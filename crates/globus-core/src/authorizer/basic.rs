use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::{Authorization, Authorize};
use crate::error::Result;
use crate::secret::ClientSecret;

/// Sends a user name and a password as `Basic` (RFC 7617): how a confidential client proves itself.
///
/// `ConfidentialAppAuthClient` does this by itself; use that for logins. The user name should hold no colon,
/// which would move the border between name and password.
///
/// ```
/// use globus_core::{Authorizer, BasicAuthorizer};
///
/// # async fn example() -> globus_core::Result<()> {
/// let authorizer = Authorizer::from(BasicAuthorizer::new("cid", "sec"));
/// assert_eq!(authorizer.authorization().await?.header().unwrap(), "Basic Y2lkOnNlYw==");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct BasicAuthorizer {
    username: String,
    header: Result<Authorization>,
}

impl BasicAuthorizer {
    /// An authorizer for this name and password.
    pub fn new(username: impl Into<String>, password: impl Into<ClientSecret>) -> Self {
        let username = username.into();
        let pair = Zeroizing::new(format!("{username}:{}", password.into().expose()));
        let text = Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())));
        Self { username, header: Authorization::sensitive(&text, "user name and password") }
    }
}

impl Authorize for BasicAuthorizer {
    fn cached(&self) -> Option<Authorization> {
        self.header.as_ref().ok().cloned()
    }

    async fn authorization(&self) -> Result<Authorization> {
        self.header.clone()
    }
}

impl fmt::Debug for BasicAuthorizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BasicAuthorizer").field("username", &self.username).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_and_password_are_encoded_as_utf8() {
        for (name, password, expected) in [
            ("cid", "sec", "Basic Y2lkOnNlYw=="),
            ("user:na", "pä:ss", "Basic dXNlcjpuYTpww6Q6c3M="),
            ("", "", "Basic Og=="),
        ] {
            let header = BasicAuthorizer::new(name, password).cached().unwrap();
            assert_eq!(header.header().unwrap(), expected);
        }
    }
}
