use crate::operation::operation;
use crate::transfer::{SubmissionId, TransferClient};

operation! {
    /// Asks for an id under which a submission can be repeated without being done twice.
    ///
    /// [`submit_transfer`](TransferClient::submit_transfer) and
    /// [`submit_delete`](TransferClient::submit_delete) do this by themselves. A program that must be able to
    /// submit again after a crash asks for the id first, keeps the document with it, and then submits.
    TransferClient.get_submission_id() -> GetSubmissionId;
    GET "/v0.10/submission_id" => SubmissionId;
}
