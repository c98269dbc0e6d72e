use globus_core::call::Paging;
use globus_core::TaskId;

use crate::operation::operation;
use crate::transfer::{SuccessfulTransferPage, TransferClient};

operation! {
    /// Lists the files that a transfer has copied. Directories and what was skipped are not among them.
    TransferClient.task_successful_transfers(task_id: TaskId) -> TaskSuccessfulTransfers;
    GET "/v0.10/task/{task_id}/successful_transfers" => SuccessfulTransferPage,
        list "DATA" by Paging::NullableMarker { member: "next_marker" };
    query {
        /// Where the page begins, as the page before it said.
        marker: text,
    }
}
