use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use crate::clock::{Clock, SystemClock};
use crate::error::Result;
use crate::refresh::{Engine, OnRefresh, RefreshWindows, RenewalGrant};
use crate::secret::{AccessToken, RefreshToken};
use crate::token::{ResourceServer, TokenResponse};

/// Puts a renewing authorizer together. From
/// [`RefreshTokenAuthorizer::builder`](super::RefreshTokenAuthorizer::builder) and
/// [`ClientCredentialsAuthorizer::builder`](super::ClientCredentialsAuthorizer::builder).
///
/// End with [`build`](Self::build), which touches no network, or with [`fetch`](Self::fetch), which asks for
/// a token at once if there is none. After that both behave the same.
#[must_use = "call build() or fetch()"]
pub struct RenewingBuilder<A> {
    grant: Result<RenewalGrant>,
    refresh_token: Option<RefreshToken>,
    initial: Option<(AccessToken, i64)>,
    resource_server: Option<ResourceServer>,
    identity_id: Option<String>,
    on_refresh: Option<OnRefresh>,
    clock: Arc<dyn Clock>,
    windows: RefreshWindows,
    make: fn(Arc<Engine>) -> A,
}

impl<A> RenewingBuilder<A> {
    pub(super) fn new(
        grant: Result<RenewalGrant>,
        refresh_token: Option<RefreshToken>,
        make: fn(Arc<Engine>) -> A,
    ) -> Self {
        Self {
            grant,
            refresh_token,
            initial: None,
            resource_server: None,
            identity_id: None,
            on_refresh: None,
            clock: Arc::new(SystemClock),
            windows: RefreshWindows::default(),
            make,
        }
    }

    /// Starts with this access token, which expires at this time, in seconds since 1970-01-01 UTC.
    pub fn access_token(mut self, token: impl Into<AccessToken>, expires_at_seconds: i64) -> Self {
        self.initial = Some((token.into(), expires_at_seconds));
        self
    }

    /// The resource server of the token, where it is known beforehand: a [`Storage`](crate::Storage) with
    /// many tokens is asked for this one before the first renewal.
    pub fn resource_server(mut self, server: impl Into<ResourceServer>) -> Self {
        self.resource_server = Some(server.into());
        self
    }

    /// Whose tokens these are: what is stored of somebody else is then neither taken over nor overwritten.
    pub(super) fn identity_id(mut self, identity_id: Option<String>) -> Self {
        self.identity_id = identity_id;
        self
    }

    /// Stores every renewal here, before it is used: a [`StorageAdapter`](crate::StorageAdapter) such as
    /// `SimpleJsonFileAdapter`, or a token storage.
    ///
    /// The storage's own coordination is used too: of several processes that share it, one renews and the
    /// others take over what it stored. While the service that keeps the tokens is away
    /// ([`Unavailable`](crate::storage::StorageErrorKind::Unavailable)) nothing is renewed, because what came could not be
    /// kept and others would spend the same refresh token; a token that is still good is used on.
    pub fn on_refresh(mut self, target: impl Into<OnRefresh>) -> Self {
        self.on_refresh = Some(target.into());
        self
    }

    /// Calls a function with every renewal, on a thread where it may block.
    ///
    /// If it fails, the new token is used all the same, and the function is called again with the same
    /// response before the next header and by `settle`.
    pub fn on_refresh_fn<F, E>(self, function: F) -> Self
    where
        F: Fn(&TokenResponse) -> std::result::Result<(), E> + Send + Sync + 'static,
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        self.on_refresh(OnRefresh::function(function))
    }

    /// Calls an async function with every renewal. As [`on_refresh_fn`](Self::on_refresh_fn) otherwise.
    pub fn on_refresh_async<F, R, E>(self, function: F) -> Self
    where
        F: Fn(TokenResponse) -> R + Send + Sync + 'static,
        R: Future<Output = std::result::Result<(), E>> + Send + 'static,
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        self.on_refresh(OnRefresh::async_function(function))
    }

    /// Uses another clock than the machine's.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Renews earlier or later than usual.
    pub fn windows(mut self, windows: RefreshWindows) -> Self {
        self.windows = windows;
        self
    }

    /// The authorizer. Nothing is sent; a missing token is fetched by the first call that needs it.
    ///
    /// # Errors
    ///
    /// A usage error when the access token holds characters that cannot be sent, or no scope is asked for.
    pub fn build(self) -> Result<A> {
        let make = self.make;
        self.engine().map(make)
    }

    /// The authorizer, with a token fetched now if none was given, as the Python SDK's constructor does.
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build), and what the token endpoint answers.
    pub async fn fetch(self) -> Result<A> {
        let (make, has_token) = (self.make, self.initial.is_some());
        let engine = self.engine()?;
        if !has_token {
            engine.authorization().await?;
        }
        Ok(make(engine))
    }

    fn engine(self) -> Result<Arc<Engine>> {
        let engine = Engine::new(
            self.grant?,
            self.on_refresh,
            self.clock,
            self.windows,
            self.refresh_token,
            self.resource_server,
        );
        engine.belongs_to(self.identity_id);
        if let Some((access_token, expires_at)) = self.initial {
            engine.hold(access_token, expires_at)?;
        }
        Ok(Arc::new(engine))
    }
}

impl<A> fmt::Debug for RenewingBuilder<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RenewingBuilder")
            .field("has_access_token", &self.initial.is_some())
            .field("on_refresh", &self.on_refresh)
            .field("windows", &self.windows)
            .finish_non_exhaustive()
    }
}

/// The methods that both renewing authorizers have.
macro_rules! renewing {
    ($name:ident) => {
        impl $name {
            /// Renews the token if it is due, so that the storage holds a good one.
            ///
            /// # Errors
            ///
            /// What the token endpoint answers, unless the token at hand is still good.
            pub async fn ensure_valid_token(&self) -> $crate::error::Result<()> {
                $crate::Authorizer::from(self.clone()).authorization().await.map(drop)
            }

            /// The tokens held at this moment, without renewing anything.
            pub fn held(&self) -> $crate::refresh::HeldTokens {
                self.engine.held()
            }

            /// A renewed token that is in use but could not be stored yet.
            pub fn pending_persist(&self) -> Option<$crate::refresh::PendingPersist> {
                self.engine.pending_persist()
            }

            /// How far the service's clock is ahead of this machine's, where they differ by 5 seconds or
            /// more. The expiry of tokens is judged by the service's clock.
            pub fn clock_offset(&self) -> jiff::SignedDuration {
                self.engine.clock_offset()
            }

            /// Waits for the renewal under way and stores what is not stored yet. Programs that end soon
            /// after their last call do this.
            ///
            /// # Errors
            ///
            /// When a renewed token still cannot be stored.
            pub async fn settle(&self) -> $crate::error::Result<()> {
                self.engine.settle().await
            }
        }

        impl $crate::authorizer::Authorize for $name {
            fn cached(&self) -> Option<$crate::Authorization> {
                self.engine.cached()
            }

            async fn authorization(&self) -> $crate::error::Result<$crate::Authorization> {
                self.engine.authorization().await
            }

            fn rejected(&self, used: &$crate::Authorization) -> bool {
                self.engine.rejected(used)
            }

            async fn settle(&self) -> $crate::error::Result<()> {
                self.engine.settle().await
            }

            fn observe_server_time(&self, server_time: jiff::Timestamp) {
                self.engine.observe_server_time(server_time);
            }
        }

        impl From<&$name> for $crate::Authorizer {
            fn from(authorizer: &$name) -> Self {
                authorizer.clone().into()
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let token = self.engine.held().access_token;
                f.debug_struct(stringify!($name))
                    .field("token_sha256", &token.map(|token| token.fingerprint()))
                    .finish_non_exhaustive()
            }
        }
    };
}

pub(super) use renewing;
