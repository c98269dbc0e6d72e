//! The scopes of one endpoint, collection or flow, and scopes that depend on them.

use std::fmt::Display;

use globus_core::{EndpointId, Scope};

use super::{TimersScopes, TransferScopes};

/// Collections made from the id of one thing.
macro_rules! scopes_of_one {
    ($($(#[$doc:meta])* $name:ident { $($(#[$scope_doc:meta])* $scope:ident: |$id:ident| $text:expr;)* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name(String);

        impl $name {
            /// The scopes of the one with this id.
            pub fn new(id: impl Display) -> Self {
                Self(id.to_string())
            }

            /// The resource server that these scopes belong to: the id.
            pub fn resource_server(&self) -> &str {
                &self.0
            }

            $(
                $(#[$scope_doc])*
                pub fn $scope(&self) -> Scope {
                    let $id = &self.0;
                    named(&$text)
                }
            )*

            /// All scopes with their short names.
            pub fn all_scopes(&self) -> Vec<(&'static str, Scope)> {
                vec![$((stringify!($scope), self.$scope())),*]
            }
        }
    )*};
}

scopes_of_one! {
    /// The scopes of a Globus Connect Server endpoint. The id is that of its manager's client, which usually is the
    /// endpoint's.
    #[doc(alias = "GCSEndpointScopes")]
    GcsEndpointScopes {
        /// Making and changing collections.
        manage_collections: |id| format!("urn:globus:auth:scope:{id}:manage_collections");
    }

    /// The scopes of a collection.
    #[doc(alias = "GCSCollectionScopes")]
    GcsCollectionScopes {
        /// Access to data through Transfer. Only mapped collections without high assurance have this scope, and it is
        /// used as an optional dependency of Transfer's: see [`TransferScopes::with_data_access`].
        data_access: |id| format!("https://auth.globus.org/scopes/{id}/data_access");
        /// Access to data by HTTPS.
        https: |id| format!("https://auth.globus.org/scopes/{id}/https");
    }

    /// The scopes of a flow.
    SpecificFlowScopes {
        /// Running it.
        user: |id| {
            format!("https://auth.globus.org/scopes/{id}/flow_{}_user", id.replace('-', "_"))
        };
    }
}

/// A scope with a name that was made from an id. What cannot stand in names is written as in addresses.
fn named(name: &str) -> Scope {
    let encoded: String = name
        .chars()
        .map(|character| match character {
            ' ' => "%20".to_owned(),
            '*' => "%2A".to_owned(),
            '[' => "%5B".to_owned(),
            ']' => "%5D".to_owned(),
            other => other.to_string(),
        })
        .collect();
    // Nothing is left that the constructor refuses.
    Scope::new(encoded).unwrap_or(TransferScopes::ALL)
}

impl TransferScopes {
    /// Transfer with access to the data of these collections, which must be mapped ones without high assurance: for
    /// others Globus Auth answers that the scope is unknown.
    ///
    /// ```
    /// use globus_sdk::scopes::TransferScopes;
    /// use uuid::uuid;
    ///
    /// let scope = TransferScopes::with_data_access([uuid!("d1b5a7c0-2f64-4f0e-9a8e-1c2d3e4f5a6b")]);
    /// assert!(scope.to_string().ends_with(":all[*https://auth.globus.org/scopes/d1b5a7c0-2f64-4f0e-9a8e-1c2d3e4f5a6b/data_access]"));
    /// ```
    pub fn with_data_access<I: Into<EndpointId>>(mapped_collections: impl IntoIterator<Item = I>) -> Scope {
        Self::ALL.with_dependencies(
            mapped_collections
                .into_iter()
                .map(|id| GcsCollectionScopes::new(id.into()).data_access().optional()),
        )
    }
}

impl TimersScopes {
    /// Timers that transfer, with access to the data of these collections; see
    /// [`TransferScopes::with_data_access`].
    pub fn with_transfer_data_access<I: Into<EndpointId>>(
        mapped_collections: impl IntoIterator<Item = I>,
    ) -> Scope {
        Self::TIMER.with_dependency(TransferScopes::with_data_access(mapped_collections))
    }

    /// Timers that run these flows.
    pub fn with_flow_user<I: Display>(flow_ids: impl IntoIterator<Item = I>) -> Scope {
        Self::TIMER.with_dependencies(flow_ids.into_iter().map(|id| SpecificFlowScopes::new(id).user()))
    }
}

impl SpecificFlowScopes {
    /// Running the flow, which may transfer with access to the data of these collections; see
    /// [`TransferScopes::with_data_access`].
    pub fn with_transfer_data_access<I: Into<EndpointId>>(
        &self,
        mapped_collections: impl IntoIterator<Item = I>,
    ) -> Scope {
        self.user().with_dependency(TransferScopes::with_data_access(mapped_collections).optional())
    }
}
