use globus_core::ClientId;

use super::MANAGE_PROJECTS;
use crate::auth::{AuthClient, RegisteredClient};
use crate::operation::operation;

operation! {
    /// Deletes a client. Answers with the client as it was. Needs the scope `manage_projects`.
    AuthClient.delete_client(client_id: ClientId) -> DeleteClient;
    DELETE "/v2/api/clients/{client_id}" => RegisteredClient, member "client";
    needs MANAGE_PROJECTS;
}
