use globus_core::TaskId;
use crate::operation::operation;
use crate::transfer::{Task, TransferClient};

operation! {
    /// Reads a task. [`task_wait`](TransferClient::task_wait) waits until one has ended.
    TransferClient.get_task(task_id: TaskId) -> GetTask;
    GET "/v0.10/task/{task_id}" => Task;
}
