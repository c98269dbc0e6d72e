use globus_core::{ClientId, CredentialId};

use super::MANAGE_PROJECTS;
use crate::auth::{AuthClient, ClientCredential};
use crate::operation::operation;

operation! {
    /// Deletes a client's credential: its secret proves nothing any more. Answers with the credential as it was.
    /// Needs the scope `manage_projects`.
    AuthClient.delete_client_credential(client_id: ClientId, credential_id: CredentialId) -> DeleteClientCredential;
    DELETE "/v2/api/clients/{client_id}/credentials/{credential_id}" => ClientCredential, member "credential";
    needs MANAGE_PROJECTS;
}
