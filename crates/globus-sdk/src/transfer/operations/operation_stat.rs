use globus_core::EndpointId;
use crate::operation::operation;
use crate::transfer::{FileEntry, TransferClient};

operation! {
    /// Describes one file or directory of a collection.
    ///
    /// A path that is not there is an error for which
    /// [`is_not_found`](globus_core::Error::is_not_found) is true.
    TransferClient.operation_stat(endpoint_id: EndpointId) -> OperationStat;
    GET "/v0.10/operation/endpoint/{endpoint_id}/stat" => FileEntry;
    query {
        /// The file or directory; by default the collection's default directory.
        path: text,
        /// Looks as this local account, where the person has several on the collection.
        local_user: text,
    }
}
