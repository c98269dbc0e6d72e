use globus_core::EndpointId;
use crate::operation::operation;
use crate::transfer::{OperationResult, TransferClient};

operation! {
    /// Makes a directory on a collection. Its parent must exist.
    ///
    /// Not sent again after a failure that leaves open whether it was done: a second attempt would fail because
    /// the directory exists.
    TransferClient.operation_mkdir(endpoint_id: EndpointId, path: String) -> OperationMkdir;
    POST "/v0.10/operation/endpoint/{endpoint_id}/mkdir" => OperationResult;
    send { "DATA_TYPE": "mkdir", "path": path }
    body {
        /// Acts as this local account, where the person has several on the collection.
        local_user: text,
    }
}
