use std::fmt::Debug;
use std::future::Future;

use globus_core::TokenResponse;

use super::LoginRequest;
use crate::auth::LoginError;

/// Lets a person log in: shows the address, gets back what the browser came back with, and exchanges it for tokens.
///
/// An app asks one at a time, and drops the future when nobody waits for the login any more. An implementation must not call
/// through the app that asks it: such a call would wait for the very login.
///
/// Implement it for a way of one's own, such as a window of the program:
///
/// ```
/// use globus_sdk::TokenResponse;
/// use globus_sdk::auth::LoginError;
/// use globus_sdk::login::{LoginRequest, LoginUi};
///
/// #[derive(Debug)]
/// struct Window;
///
/// impl Window {
///     async fn open(&self, address: &url::Url) -> String {
///         // … the address that the window was sent to at the end
/// #       address.to_string()
///     }
/// }
///
/// impl LoginUi for Window {
///     async fn log_in(&self, request: &LoginRequest) -> Result<TokenResponse, LoginError> {
///         let login = request.start()?;
///         let came_back_with = self.open(login.authorize_url()).await;
///         login.finish(&came_back_with).await
///     }
/// }
/// ```
#[doc(alias = "LoginFlowManager")]
pub trait LoginUi: Debug + Send + Sync + 'static {
    /// Logs a person in.
    ///
    /// # Errors
    ///
    /// Why there are no tokens, and what to do; see [`LoginError`].
    fn log_in(
        &self,
        request: &LoginRequest,
    ) -> impl Future<Output = Result<TokenResponse, LoginError>> + Send;
}

/// The twin of [`LoginUi`] that can be a trait object.
pub(super) mod dynamic {
    use std::fmt::Debug;
    use std::pin::Pin;
    use std::sync::Arc;

    use super::{Future, LoginError, LoginRequest, TokenResponse};

    type LoggingIn<'a> = Pin<Box<dyn Future<Output = Result<TokenResponse, LoginError>> + Send + 'a>>;

    pub(crate) type SharedLoginUi = Arc<dyn LoginUi>;

    pub(crate) trait LoginUi: Debug + Send + Sync {
        fn log_in<'a>(&'a self, request: &'a LoginRequest) -> LoggingIn<'a>;
    }

    impl<U: super::LoginUi> LoginUi for U {
        fn log_in<'a>(&'a self, request: &'a LoginRequest) -> LoggingIn<'a> {
            Box::pin(super::LoginUi::log_in(self, request))
        }
    }
}
