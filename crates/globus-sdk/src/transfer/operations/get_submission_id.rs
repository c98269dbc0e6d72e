use globus_core::BaseClient;
use http::Method;

use crate::operation::operation;
use crate::transfer::SubmissionId;

operation! {
    /// `GET /v0.10/submission_id`.
    GetSubmissionId -> SubmissionId
}

impl GetSubmissionId {
    pub(crate) fn new(client: &BaseClient) -> Self {
        Self { call: client.request(Method::GET, "/v0.10/submission_id") }
    }
}
