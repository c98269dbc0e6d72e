use globus_core::BaseClient;
use http::Method;
use uuid::Uuid;

use crate::operation::operation;
use crate::transfer::Task;

operation! {
    /// `GET /v0.10/task/{task_id}`. From [`TransferClient::get_task`](crate::TransferClient::get_task).
    GetTask -> Task
}

impl GetTask {
    pub(crate) fn new(client: &BaseClient, task_id: Uuid) -> Self {
        Self { call: client.request(Method::GET, format!("/v0.10/task/{task_id}")) }
    }
}
