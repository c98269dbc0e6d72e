use super::MANAGE_PROJECTS;
use crate::auth::{AuthClient, ScopeList};
use crate::operation::operation;

operation! {
    /// Looks scopes up, by their texts or ids; without either, lists those of the clients that the caller
    /// administers. Needs the scope `manage_projects`.
    ///
    /// ```no_run
    /// # async fn example(client: globus_sdk::AuthClient) -> globus_sdk::Result<()> {
    /// let found = client.get_scopes().scope_strings("urn:globus:auth:scope:transfer.api.globus.org:all").send().await?;
    /// for scope in &found.scopes {
    ///     println!("{} {}", scope.id, scope.description);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    AuthClient.get_scopes() -> GetScopes;
    GET "/v2/api/scopes" => ScopeList, list "scopes";
    needs MANAGE_PROJECTS;
    not both "scope_strings", "ids";
    query {
        /// The scopes with these texts.
        scope_strings: list,
        /// The scopes with these ids.
        ids: list,
    }
}
