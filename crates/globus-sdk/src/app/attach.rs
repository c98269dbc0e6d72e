//! How the clients of services are attached to an app.

/// The methods with which a client is attached to an app, or told to need more. Named are the client, which has a member
/// `app`, and its collection of [`scopes`](crate::scopes).
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

            /// A client of an app that needs these scopes, in place of those by default. Without any it is those by default.
            ///
            /// # Errors
            ///
            /// When the scopes cannot be read, or a variable is not usable.
            pub fn with_app_scopes(
                app: &$crate::app::GlobusApp,
                scopes: impl Into<globus_core::Scopes>,
            ) -> globus_core::Result<Self> {
                let scopes = scopes.into();
                if scopes.is_empty() {
                    return Self::with_app(app);
                }
                let builder =
                    app.attach(Self::builder(), $crate::scopes::$scopes::RESOURCE_SERVER, scopes)?;
                Ok(Self { app: Some(app.clone()), ..builder.build()? })
            }

            /// Tells the client's app that more scopes of this service are needed. Answers the client, for the next call.
            ///
            /// # Errors
            ///
            /// When the scopes cannot be read; a usage error when the client is not attached to an app.
            pub fn add_app_scope(
                &self,
                scopes: impl Into<globus_core::Scopes>,
            ) -> globus_core::Result<&Self> {
                let app = self.app.as_ref().ok_or_else($crate::app::no_app)?;
                app.add_scope_requirements($crate::scopes::$scopes::RESOURCE_SERVER, scopes)?;
                Ok(self)
            }
        }
    };
}

pub(crate) use service_client;

pub(crate) fn no_app() -> globus_core::Error {
    globus_core::Error::usage(
        "the client is not attached to an app, so there is none to add scopes to; make it with `with_app`",
    )
}
