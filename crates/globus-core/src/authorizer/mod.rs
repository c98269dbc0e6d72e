//! Authorizers: where a request's `Authorization` header comes from.
//!
//! | authorizer | for a program that has |
//! |---|---|
//! | [`AccessTokenAuthorizer`] | an access token, good until it expires |
//! | [`RefreshTokenAuthorizer`] | a refresh token: renews the access token by itself |
//! | [`ClientCredentialsAuthorizer`] | a client of its own: asks for tokens as that client |
//! | [`BasicAuthorizer`] | a user name and password, as the token endpoint wants from clients |
//! | [`NullAuthorizer`] | nothing: no header is sent |
//!
//! Each converts into an [`Authorizer`], the handle that clients hold:
//!
//! ```
//! use globus_core::{AccessTokenAuthorizer, Authorizer};
//!
//! let authorizer: Authorizer = AccessTokenAuthorizer::new("AgExample").into();
//! # let _ = authorizer;
//! ```

mod access_token;
mod basic;
mod client_credentials;
mod grants;
mod null;
mod refresh_token;
mod renewing;

use std::fmt::{self, Debug};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use http::HeaderValue;
use jiff::Timestamp;

pub use self::access_token::AccessTokenAuthorizer;
pub use self::basic::BasicAuthorizer;
pub use self::client_credentials::ClientCredentialsAuthorizer;
pub(crate) use self::grants::DynTokenGrants;
pub use self::grants::{ConfidentialGrants, TokenGrants};
pub use self::null::NullAuthorizer;
pub use self::refresh_token::RefreshTokenAuthorizer;
pub use self::renewing::RenewingBuilder;
use crate::api_error::ApiError;
use crate::error::{Error, Result};
use crate::secret::AccessToken;

/// What goes into the `Authorization` header: a value, or nothing. Cloning is cheap.
#[derive(Clone, PartialEq, Eq)]
pub struct Authorization(Option<Arc<HeaderValue>>);

impl Authorization {
    /// No header; one that the caller set is removed.
    pub const fn none() -> Self {
        Self(None)
    }

    /// `Bearer` with a token (RFC 6750, section 2.1).
    ///
    /// # Errors
    ///
    /// A usage error when the token holds a character that cannot stand in a header, such as a line break
    /// at its end. The message does not show the token.
    pub fn bearer(token: &AccessToken) -> Result<Self> {
        Self::sensitive(&zeroize::Zeroizing::new(format!("Bearer {}", token.expose())), "access token")
    }

    /// A header with a secret in it.
    fn sensitive(text: &str, what: &'static str) -> Result<Self> {
        let visible = |c: char| c == ' ' || c.is_ascii_graphic();
        if let Some(position) = text.chars().position(|c| !visible(c)) {
            let start = text.find(' ').map_or(0, |space| space + 1);
            return Err(Error::usage(format!(
                "the {what} holds a character that cannot be sent, at position {} of {}; was it read with its \
                 line break?",
                position.saturating_sub(start) + 1,
                text.chars().count().saturating_sub(start),
            )));
        }
        let mut value = HeaderValue::from_str(text)
            .map_err(|_| Error::usage(format!("the {what} holds a character that cannot be sent")))?;
        value.set_sensitive(true);
        Ok(Self(Some(Arc::new(value))))
    }

    /// The header's value, if there is one.
    pub fn header(&self) -> Option<&HeaderValue> {
        self.0.as_deref()
    }
}

impl Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self.0.as_ref().map(|value| {
            value.to_str().ok().and_then(|text| text.split(' ').next()).unwrap_or("unknown").to_owned()
        });
        f.debug_struct("Authorization").field("scheme", &scheme).finish_non_exhaustive()
    }
}

/// Makes `Authorization` headers. Implement it for a way of authorizing that the SDK does not have.
///
/// A client asks for the header before every attempt: first [`cached`](Self::cached), then
/// [`authorization`](Self::authorization). After a 401 it asks [`rejected`](Self::rejected) once, and tries
/// again if that answers true.
///
/// ```
/// use globus_core::{AccessToken, Authorization, Authorize, Authorizer, Result};
///
/// /// Reads the token from a file that another program renews.
/// #[derive(Debug)]
/// struct TokenFile(std::path::PathBuf);
///
/// impl Authorize for TokenFile {
///     async fn authorization(&self) -> Result<Authorization> {
///         let text = std::fs::read_to_string(&self.0)
///             .map_err(|error| globus_core::Error::callback(error))?;
///         Authorization::bearer(&AccessToken::new(text.trim_end()))
///     }
/// }
///
/// let authorizer = Authorizer::from(TokenFile("/run/token".into()));
/// # let _ = authorizer;
/// ```
pub trait Authorize: Debug + Send + Sync + 'static {
    /// The header, if it can be had without waiting. Must be quick.
    fn cached(&self) -> Option<Authorization> {
        None
    }

    /// The header.
    ///
    /// # Errors
    ///
    /// When there is none to be had; the call fails with this error and nothing is sent.
    fn authorization(&self) -> impl Future<Output = Result<Authorization>> + Send;

    /// The service answered 401 to a request with the header `used`. Answers whether another header can be
    /// had, so that trying again makes sense.
    #[doc(alias = "handle_missing_authorization")]
    fn rejected(&self, used: &Authorization) -> bool {
        let _ = used;
        false
    }

    /// The service refused a request with the header `used` (403). Answers whether what it wants was seen to, such as by
    /// a login with the consents that it names, so that trying again makes sense. Asked once in a call at most.
    ///
    /// # Errors
    ///
    /// When it was tried and failed; the call fails with this error.
    fn fulfil(
        &self,
        used: Option<&Authorization>,
        refusal: &ApiError,
    ) -> impl Future<Output = Result<bool>> + Send {
        let _ = (used, refusal);
        std::future::ready(Ok(false))
    }

    /// Waits until nothing is under way: renewals, and tokens that are not stored yet. Programs that end
    /// soon after their last call do this.
    ///
    /// # Errors
    ///
    /// When a renewed token still cannot be stored.
    fn settle(&self) -> impl Future<Output = Result<()>> + Send {
        std::future::ready(Ok(()))
    }

    /// The service's clock showed this time just now.
    fn observe_server_time(&self, server_time: Timestamp) {
        let _ = server_time;
    }
}

mod dynamic {
    use super::{ApiError, Authorization, Authorize, Debug, Future, Pin, Result, Timestamp};

    pub(super) type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

    /// [`Authorize`] as it can stand behind a pointer.
    pub(super) trait DynAuthorize: Debug + Send + Sync {
        fn cached(&self) -> Option<Authorization>;
        fn authorization(&self) -> Pending<'_, Authorization>;
        fn rejected(&self, used: &Authorization) -> bool;
        fn fulfil<'a>(&'a self, used: Option<&'a Authorization>, refusal: &'a ApiError) -> Pending<'a, bool>;
        fn settle(&self) -> Pending<'_, ()>;
        fn observe_server_time(&self, server_time: Timestamp);
    }

    impl<A: Authorize> DynAuthorize for A {
        fn cached(&self) -> Option<Authorization> {
            Authorize::cached(self)
        }

        fn authorization(&self) -> Pending<'_, Authorization> {
            Box::pin(Authorize::authorization(self))
        }

        fn rejected(&self, used: &Authorization) -> bool {
            Authorize::rejected(self, used)
        }

        fn fulfil<'a>(&'a self, used: Option<&'a Authorization>, refusal: &'a ApiError) -> Pending<'a, bool> {
            Box::pin(Authorize::fulfil(self, used, refusal))
        }

        fn settle(&self) -> Pending<'_, ()> {
            Box::pin(Authorize::settle(self))
        }

        fn observe_server_time(&self, server_time: Timestamp) {
            Authorize::observe_server_time(self, server_time);
        }
    }
}

/// A shared handle to any authorizer; what clients hold. Every authorizer converts into it.
#[derive(Clone)]
#[doc(alias = "GlobusAuthorizer")]
pub struct Authorizer(Arc<dyn dynamic::DynAuthorize>);

impl Authorizer {
    /// The header for the next attempt. A token that is still good costs no allocation and no waiting.
    ///
    /// # Errors
    ///
    /// When no header can be had: the token cannot be renewed, or holds characters that cannot be sent.
    #[doc(alias = "get_authorization_header")]
    pub async fn authorization(&self) -> Result<Authorization> {
        match self.0.cached() {
            Some(authorization) => Ok(authorization),
            None => self.0.authorization().await,
        }
    }

    /// Tells the authorizer that the service answered 401 to the header `used`; answers whether trying
    /// again makes sense.
    #[doc(alias = "handle_missing_authorization")]
    pub fn rejected(&self, used: &Authorization) -> bool {
        self.0.rejected(used)
    }

    pub(crate) async fn fulfil(&self, used: Option<&Authorization>, refusal: &ApiError) -> Result<bool> {
        self.0.fulfil(used, refusal).await
    }

    /// Waits until nothing is under way: renewals, and tokens that are not stored yet. Programs that end
    /// soon after their last call do this.
    ///
    /// # Errors
    ///
    /// When a renewed token still cannot be stored; the storage's error says why.
    pub async fn settle(&self) -> Result<()> {
        self.0.settle().await
    }

    /// The header, if it can be had without waiting. For authorizers around others.
    pub fn cached(&self) -> Option<Authorization> {
        self.0.cached()
    }

    /// Tells the authorizer what time the service's clock showed just now. For authorizers around others.
    pub fn observe_server_time(&self, server_time: Timestamp) {
        self.0.observe_server_time(server_time);
    }
}

impl<A: Authorize> From<A> for Authorizer {
    fn from(authorizer: A) -> Self {
        Self(Arc::new(authorizer))
    }
}

impl From<&Self> for Authorizer {
    fn from(authorizer: &Self) -> Self {
        authorizer.clone()
    }
}

impl Debug for Authorizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
