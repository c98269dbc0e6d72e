use globus_core::ClientId;

use super::MANAGE_PROJECTS;
use crate::auth::{AuthClient, DependentScope, RegisteredScope};
use crate::operation::operation;

operation! {
    /// Makes a scope of a client. Its text is made of the client's id and `scope_suffix`. Needs the scope
    /// `manage_projects`.
    ///
    /// It is not sent again once it may have been processed.
    AuthClient.create_scope(
        client_id: ClientId, name: String, description: String, scope_suffix: String,
    ) -> CreateScope;
    POST "/v2/api/clients/{client_id}/scopes" => RegisteredScope, member "scope";
    needs MANAGE_PROJECTS;
    envelope "scope";
    send { "name": name, "description": description, "scope_suffix": scope_suffix }
    body {
        /// The domains of which the person must have an identity.
        required_domains: [String],
        /// The scopes of other services that it needs.
        dependent_scopes: [DependentScope],
        /// Whether everybody can find it.
        advertised: bool,
        /// Whether refresh tokens are given out for it.
        allows_refresh_token: bool,
    }
}
