use globus_core::decode::Text;
use globus_core::{ClientId, ScopeId, document, page};
use serde_json::Value;

document! {
    /// A scope that a client offers to others, as it is registered with Globus Auth.
    pub struct RegisteredScope {
        /// The scope's id.
        pub id: ScopeId,
        /// The client that it belongs to.
        pub client: ClientId,
        /// The text that is asked for.
        pub scope_string: Text,
        /// The scope's name, which people see when they consent.
        pub name: Text,
        /// What it allows, for people.
        pub description: Text,
        /// Whether everybody can find it.
        pub advertised: bool,
        /// Whether refresh tokens are given out for it.
        pub allows_refresh_token: bool,
        /// The domains of which the person must have an identity.
        pub required_domains: Vec<Text>,
        /// The scopes of other services that it needs.
        pub dependent_scopes: Vec<DependentScope>,
    }
}

document! {
    /// A scope of another service that a scope needs.
    ///
    /// ```
    /// use globus_sdk::auth::DependentScope;
    /// use uuid::Uuid;
    ///
    /// let needed = DependentScope::new(Uuid::from_u128(7)).requires_refresh_token(true);
    /// assert!(needed.requires_refresh_token && !needed.optional);
    /// ```
    #[doc(alias = "DependentScopeSpec")]
    pub struct DependentScope {
        /// The id of the scope needed.
        pub scope: ScopeId,
        /// Whether a person can take back the consent to it without taking back the rest.
        pub optional: bool,
        /// Whether a refresh token of it is needed.
        pub requires_refresh_token: bool,
    }
}

impl DependentScope {
    /// A scope that is needed, and of which an access token is enough.
    #[must_use]
    pub fn new(scope: impl Into<ScopeId>) -> Self {
        Self { scope: scope.into(), ..Self::default() }
    }

    /// Says whether a person can take back the consent to it without taking back the rest.
    #[must_use]
    pub fn optional(mut self, optional: bool) -> Self {
        self.optional = optional;
        self
    }

    /// Says whether a refresh token of it is needed.
    #[must_use]
    pub fn requires_refresh_token(mut self, required: bool) -> Self {
        self.requires_refresh_token = required;
        self
    }
}

impl From<DependentScope> for Value {
    fn from(dependent: DependentScope) -> Self {
        let mut members = dependent.extra.into_map();
        members.insert("scope".to_owned(), dependent.scope.into());
        members.insert("optional".to_owned(), dependent.optional.into());
        members.insert("requires_refresh_token".to_owned(), dependent.requires_refresh_token.into());
        Self::Object(members)
    }
}

document! {
    /// The answer to [`get_scopes`](crate::AuthClient::get_scopes).
    pub struct ScopeList {
        /// The scopes found.
        pub scopes: Vec<RegisteredScope>,
    }
}

page!(ScopeList, scopes: RegisteredScope);
