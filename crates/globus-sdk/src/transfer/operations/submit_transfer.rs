use globus_core::{BaseClient, Call, Response, Result};
use http::Method;

use super::GetSubmissionId;
use crate::operation::call_options;
use crate::transfer::{SubmitResponse, TransferData};

/// `POST /v0.10/transfer`. From [`TransferClient::submit_transfer`](crate::TransferClient::submit_transfer).
#[derive(Debug, Clone)]
#[must_use = "an operation does nothing until it is sent"]
pub struct SubmitTransfer {
    client: BaseClient,
    call: Call,
    data: TransferData,
}

call_options!(SubmitTransfer);

impl SubmitTransfer {
    pub(crate) fn new(client: &BaseClient, data: TransferData) -> Self {
        Self { client: client.clone(), call: client.request(Method::POST, "/v0.10/transfer"), data }
    }

    /// Sends the request, after one for a submission id if the document has none. With that id the
    /// submission can be sent again after any failure, and is done once.
    ///
    /// # Errors
    ///
    /// The service's error, or the failure to reach it.
    pub async fn send(mut self) -> Result<Response<SubmitResponse>> {
        if self.data.submission_id.is_none() {
            let answer = GetSubmissionId::new(&self.client).send().await?;
            self.data.submission_id = Some(answer.value.to_string());
        }
        self.call.json(&self.data).idempotent(true).send_document().await
    }
}
