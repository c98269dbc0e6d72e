use globus_core::{ClientId, IdentityProviderId};
use serde_json::{Value, json};

use super::MANAGE_PROJECTS;
use crate::auth::{AuthClient, ClientVisibility, RegisteredClient};
use crate::operation::operation;

operation! {
    /// Changes a client; what is not set stays. Needs the scope `manage_projects`.
    AuthClient.update_client(client_id: ClientId) -> UpdateClient;
    PUT "/v2/api/clients/{client_id}" => RegisteredClient, member "client";
    needs MANAGE_PROJECTS;
    envelope "client";
    body {
        /// The client's name, which people see when they log in.
        name: text,
        /// Who may see it.
        visibility: (ClientVisibility),
        /// The addresses to which a login may go back, in place of those there were.
        redirect_uris: [String],
        /// The identity provider that people must log in with.
        required_idp: (IdentityProviderId),
        /// Lets people log in with any identity provider again: sends null.
        clear_required_idp as "required_idp": null,
        /// The identity provider that the login proposes.
        preselect_idp: (IdentityProviderId),
        /// Proposes no identity provider any more: sends null.
        clear_preselect_idp as "preselect_idp": null,
    }
}

impl UpdateClient {
    /// The addresses of the terms and conditions and of the privacy policy. A client has both or neither.
    pub fn links(mut self, terms_and_conditions: impl Into<String>, privacy_policy: impl Into<String>) -> Self {
        self.call = self.call.member_in("client", "links", links(terms_and_conditions.into(), privacy_policy.into()));
        self
    }

    /// Takes both addresses away: sends nulls.
    pub fn clear_links(mut self) -> Self {
        self.call = self.call.member_in("client", "links", links(Value::Null, Value::Null));
        self
    }
}

/// The links of a client as they are sent.
pub(super) fn links<T: Into<Value>>(terms_and_conditions: T, privacy_policy: T) -> Value {
    json!({"terms_and_conditions": terms_and_conditions.into(), "privacy_policy": privacy_policy.into()})
}
