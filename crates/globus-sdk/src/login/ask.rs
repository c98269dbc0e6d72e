use std::error::Error as StdError;
use std::fmt;
use std::future::Future;

use globus_core::TokenResponse;
use url::Url;

use super::{LoginRequest, LoginUi};
use crate::auth::LoginError;

/// A login by a function of the program's own, which shows the address to the person and answers what they bring back: the
/// code, or the address that the browser was sent to.
///
/// ```
/// use globus_sdk::login::AskWith;
///
/// let login_ui = AskWith::new(|address: url::Url| async move {
///     println!("Please log in: {address}");
///     let mut code = String::new();
///     std::io::stdin().read_line(&mut code).map(|_| code)
/// });
/// # let _ = login_ui;
/// ```
#[derive(Clone)]
pub struct AskWith<F>(F);

impl<F> AskWith<F> {
    /// A login by this function.
    pub fn new<R, E>(function: F) -> Self
    where
        F: Fn(Url) -> R + Send + Sync + 'static,
        R: Future<Output = Result<String, E>> + Send,
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        Self(function)
    }
}

impl<F, R, E> LoginUi for AskWith<F>
where
    F: Fn(Url) -> R + Send + Sync + 'static,
    R: Future<Output = Result<String, E>> + Send,
    E: Into<Box<dyn StdError + Send + Sync>>,
{
    async fn log_in(&self, request: &LoginRequest) -> Result<TokenResponse, LoginError> {
        let login = request.start()?;
        let brought = (self.0)(login.authorize_url().clone());
        let brought = brought.await.map_err(|error| LoginError::Ui(error.into()))?;
        login.finish(&brought).await
    }
}

impl<F> fmt::Debug for AskWith<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AskWith")
    }
}
