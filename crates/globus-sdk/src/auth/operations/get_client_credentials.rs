use globus_core::ClientId;

use super::MANAGE_PROJECTS;
use crate::auth::{AuthClient, CredentialList};
use crate::operation::operation;

operation! {
    /// Lists a client's credentials, without their secrets. Needs the scope `manage_projects`.
    AuthClient.get_client_credentials(client_id: ClientId) -> GetClientCredentials;
    GET "/v2/api/clients/{client_id}/credentials" => CredentialList, list "credentials";
    needs MANAGE_PROJECTS;
}
