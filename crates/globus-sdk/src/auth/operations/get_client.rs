use globus_core::ClientId;

use super::MANAGE_PROJECTS;
use crate::auth::{AuthClient, RegisteredClient};
use crate::operation::operation;

operation! {
    /// Reads a client. Needs the scope `manage_projects`.
    AuthClient.get_client(client_id: ClientId) -> GetClient;
    GET "/v2/api/clients/{client_id}" => RegisteredClient, member "client";
    needs MANAGE_PROJECTS;
}

impl AuthClient {
    /// Reads the client that has proven to own this host name. Otherwise as
    /// [`get_client`](Self::get_client).
    pub fn get_client_by_fqdn(&self, fqdn: impl Into<String>) -> GetClient {
        let call = self.base.operation(&GetClient::INFO, "/v2/api/clients");
        GetClient { call: call.set_query("fqdn", fqdn.into()) }
    }
}
