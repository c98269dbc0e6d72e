use globus_core::TaskId;
use serde_json::{Map, Value};

use crate::operation::operation;
use crate::transfer::{Deadline, OperationResult, TransferClient};

operation! {
    /// Changes the label or the deadline of a task that has not ended.
    TransferClient.update_task(task_id: TaskId) -> UpdateTask;
    PUT "/v0.10/task/{task_id}" => OperationResult;
    send { "DATA_TYPE": "task" }
    body {
        /// The task's name, for people.
        label: text,
        /// When the task is given up.
        deadline: (Deadline),
    }
}

impl UpdateTask {
    /// Sends this document, in place of what was set so far.
    pub fn document(mut self, document: Map<String, Value>) -> Self {
        self.call = self.call.members(document);
        self
    }

    /// Sets any member of the document that is sent.
    pub fn field(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.call = self.call.member(name, value);
        self
    }
}
