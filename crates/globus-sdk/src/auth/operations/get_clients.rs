use super::MANAGE_PROJECTS;
use crate::auth::{AuthClient, ClientList};
use crate::operation::operation;

operation! {
    /// Lists the clients of the projects that the caller administers. Needs the scope `manage_projects`.
    AuthClient.get_clients() -> GetClients;
    GET "/v2/api/clients" => ClientList, list "clients";
    needs MANAGE_PROJECTS;
}
