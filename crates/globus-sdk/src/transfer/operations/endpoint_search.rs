use globus_core::call::Paging;
use globus_core::EndpointId;

use crate::operation::operation;
use crate::transfer::{EndpointPage, EntityType, TransferClient};

operation! {
    /// Searches collections and endpoints. Say at least a text or a scope other than `all`.
    ///
    /// ```no_run
    /// # async fn example(client: globus_sdk::TransferClient) -> globus_sdk::Result<()> {
    /// let mut found = client.endpoint_search().filter_fulltext("climate archive").items();
    /// while let Some(endpoint) = found.next().await {
    ///     let endpoint = endpoint?;
    ///     println!("{} {}", endpoint.id, endpoint.display_name.as_deref().unwrap_or_default());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    TransferClient.endpoint_search() -> EndpointSearch;
    GET "/v0.10/endpoint_search" => EndpointPage,
        list "DATA" by Paging::HasNext { page_size: 100, cap: 1000 };
    query {
        /// Words of the name, description, keywords or owner.
        filter_fulltext: text,
        /// Which ones to look at: `all` (the default), `my-endpoints`, `administered-by-me`, `shared-with-me`,
        /// `recently-used`, `in-use` and others.
        filter_scope: text,
        /// Only those of this owner: an identity's id, or a name.
        filter_owner_id: text,
        /// Only guest collections on this endpoint.
        filter_host_endpoint: (EndpointId),
        /// Whether those that can no longer be used are among the results. False by default.
        filter_non_functional: bit,
        /// Only those of this kind.
        filter_entity_type: EntityType,
        /// At most this many on a page, up to 100.
        limit: u32,
        /// Leaves out this many at the beginning.
        offset: u64,
    }
}
