use globus_core::IdentityId;

use super::VIEW_CONSENTS;
use crate::auth::AuthClient;
use crate::auth::consents::ConsentList;
use crate::operation::{operation, word};

operation! {
    /// Lists the consents of an identity: those that the calling client has, unless [`all`](GetConsents::all) are
    /// asked for. Needs the scope `urn:globus:auth:scope:auth.globus.org:view_consents`.
    ///
    /// [`to_forest`](ConsentList::to_forest) of the answer tells what they are good for.
    ///
    /// ```no_run
    /// # async fn example(client: globus_sdk::AuthClient) -> globus_sdk::Result<()> {
    /// let me = client.userinfo().send().await?;
    /// let forest = client.get_consents(me.sub).send().await?.to_forest()?;
    /// for tree in forest.trees() {
    ///     println!("{}, and {} below it", tree.root(), tree.nodes().len() - 1);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    AuthClient.get_consents(identity_id: IdentityId) -> GetConsents;
    GET "/v2/api/identities/{identity_id}/consents" => ConsentList, list "consents";
    needs VIEW_CONSENTS;
    ask { "all": word(false) }
    query {
        /// Whether the consents of all clients are listed, not only those of the calling one. False by default.
        all: word,
    }
}
