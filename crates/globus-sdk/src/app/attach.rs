//! How the clients of services are attached to an app.

/// The methods with which a client is attached to an app, or told to need more. The client has `SERVER` scopes: a type of
/// [`scopes`](crate::scopes) with `RESOURCE_SERVER` and `DEFAULTS`.
macro_rules! service_client {
    ($client:ident, $scopes:ident) => {
        impl $client {
            /// A client of an app: with the app's tokens, for what this client needs by default.
            ///
            /// # Errors
            ///
            /// A usage error when a variable is not usable.
            pub fn with_app(app: &$crate::app::GlobusApp) -> globus_core::Result<Self> {
                Self::with_app_scopes(app, $crate::scopes::$scopes::DEFAULTS)
            }

            /// A client of an app that needs these scopes, in place of those by default.
            ///
            /// # Errors
            ///
            /// When the scopes cannot be read, or a variable is not usable.
            pub fn with_app_scopes(
                app: &$crate::app::GlobusApp,
                scopes: impl Into<globus_core::Scopes>,
            ) -> globus_core::Result<Self> {
                app.attach(Self::builder(), $crate::scopes::$scopes::RESOURCE_SERVER, scopes)?.build()
            }
        }
    };
}

pub(crate) use service_client;
