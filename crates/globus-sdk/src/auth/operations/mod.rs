//! The operations of Globus Auth, one in each file.

use crate::operation::operations;

/// For whatever belongs to projects.
const MANAGE_PROJECTS: &str = "urn:globus:auth:scope:auth.globus.org:manage_projects";
const VIEW_CONSENTS: &str = "urn:globus:auth:scope:auth.globus.org:view_consents";
const VIEW_IDENTITIES: &str = "urn:globus:auth:scope:auth.globus.org:view_identities";

operations! {
    create_client: CreateClient,
    create_client_credential: CreateClientCredential,
    create_policy: CreatePolicy,
    create_project: CreateProject,
    create_scope: CreateScope,
    delete_client: DeleteClient,
    delete_client_credential: DeleteClientCredential,
    delete_policy: DeletePolicy,
    delete_project: DeleteProject,
    delete_scope: DeleteScope,
    get_client: GetClient,
    get_client_credentials: GetClientCredentials,
    get_clients: GetClients,
    get_consents: GetConsents,
    get_identities: GetIdentities,
    get_identity_providers: GetIdentityProviders,
    get_jwk: GetJwk,
    get_openid_configuration: GetOpenIdConfiguration,
    get_policies: GetPolicies,
    get_policy: GetPolicy,
    get_project: GetProject,
    get_projects: GetProjects,
    get_scope: GetScope,
    get_scopes: GetScopes,
    update_client: UpdateClient,
    update_policy: UpdatePolicy,
    update_project: UpdateProject,
    update_scope: UpdateScope,
    userinfo: UserInfoRequest,
}
