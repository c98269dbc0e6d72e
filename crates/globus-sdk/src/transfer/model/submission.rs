use globus_core::decode::Text;
use globus_core::{TaskId, document};

document! {
    /// An id under which a submission can be repeated without being done twice.
    pub struct SubmissionId {
        /// The id, a UUID.
        pub value: Text,
    }
}

document! {
    /// The answer to a submission.
    pub struct SubmitResponse {
        /// `transfer_result` or `delete_result`.
        pub data_type as "DATA_TYPE": Text,
        /// The task that does the work.
        pub task_id: TaskId,
        /// The id under which the submission can be repeated.
        pub submission_id: Option<Text>,
        /// `Accepted`; `Duplicate` when this submission was made before, with that task's id.
        pub code: Text,
        /// A sentence for people.
        pub message: Text,
        /// The service's name for this exchange.
        pub request_id: Option<Text>,
        /// The path that was called.
        pub resource: Option<Text>,
    }
}
