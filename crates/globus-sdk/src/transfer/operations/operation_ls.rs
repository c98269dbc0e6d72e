use globus_core::EndpointId;
use crate::operation::operation;
use crate::transfer::{FileList, Filter, TransferClient};

operation! {
    /// Lists a directory of a collection. Without a path, the collection's default directory.
    ///
    /// ```no_run
    /// # async fn example(client: globus_sdk::TransferClient, collection: uuid::Uuid) -> globus_sdk::Result<()> {
    /// let listing = client
    ///     .operation_ls(collection)
    ///     .path("/~/results/")
    ///     .filter("name:~*.csv")
    ///     .orderby("last_modified DESC")
    ///     .send()
    ///     .await?;
    /// for entry in &listing.data {
    ///     println!("{:>12} {}", entry.size, entry.name);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    TransferClient.operation_ls(endpoint_id: EndpointId) -> OperationLs;
    GET "/v0.10/operation/endpoint/{endpoint_id}/ls" => FileList, list "DATA";
    query {
        /// The directory; `/~/` is the default one.
        path: text,
        /// Whether entries whose names begin with a dot are listed. True by default.
        show_hidden: bit,
        /// The order, such as `["type", "name DESC"]`.
        orderby: list,
        /// At most this many entries, up to 100,000.
        limit: u32,
        /// Leaves out this many entries at the beginning.
        offset: u64,
        /// Lists as this local account, where the person has several on the collection.
        local_user: text,
    }
}

impl OperationLs {
    /// Lists only entries that match, such as `name:~*.csv` or `type:dir/size:>1000`: all clauses joined
    /// with `/` must hold. Called again, it adds an alternative.
    pub fn filter(mut self, filter: impl Into<Filter>) -> Self {
        self.call = self.call.query("filter", filter.into());
        self
    }
}
