use globus_core::TaskId;
use crate::operation::operation;
use crate::transfer::{OperationResult, TransferClient};

operation! {
    /// Cancels a task. What it has copied or deleted so far stays so.
    ///
    /// The answer's [`code`](OperationResult::code) is `Canceled`, or `TaskComplete` where the task had ended
    /// before.
    TransferClient.cancel_task(task_id: TaskId) -> CancelTask;
    // Cancelled twice is cancelled.
    POST "/v0.10/task/{task_id}/cancel" (repeatable) => OperationResult;
}
