use globus_core::call::Paging;
use globus_core::TaskId;

use crate::operation::operation;
use crate::transfer::{SkippedErrorPage, TransferClient};

operation! {
    /// Lists what a transfer with [`skip_source_errors`](crate::TransferData::skip_source_errors) left out, and
    /// why.
    TransferClient.task_skipped_errors(task_id: TaskId) -> TaskSkippedErrors;
    GET "/v0.10/task/{task_id}/skipped_errors" => SkippedErrorPage,
        list "DATA" by Paging::NullableMarker { member: "next_marker" };
    query {
        /// Where the page begins, as the page before it said.
        marker: text,
    }
}
