use globus_core::EndpointId;
use crate::operation::operation;
use crate::transfer::{OperationResult, TransferClient};

operation! {
    /// Renames or moves a file or directory within a collection.
    TransferClient.operation_rename(
        endpoint_id: EndpointId,
        oldpath: String,
        newpath: String,
    ) -> OperationRename;
    POST "/v0.10/operation/endpoint/{endpoint_id}/rename" => OperationResult;
    send { "DATA_TYPE": "rename", "old_path": oldpath, "new_path": newpath }
    body {
        /// Acts as this local account, where the person has several on the collection.
        local_user: text,
    }
}
