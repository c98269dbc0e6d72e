use globus_core::call::Paging;
use globus_core::TaskId;

use crate::operation::operation;
use crate::transfer::{Filter, TaskEventPage, TransferClient};

operation! {
    /// Lists what happened in a task, the newest first.
    TransferClient.task_event_list(task_id: TaskId) -> TaskEventList;
    GET "/v0.10/task/{task_id}/event_list" => TaskEventPage,
        list "DATA" by Paging::LimitOffsetTotal { page_size: 1000, cap: 1000 };
    query {
        /// At most this many events on a page, up to 1,000.
        limit: u32,
        /// Leaves out this many events at the beginning.
        offset: u64,
        /// Lists only events that match; `is_error:1` gives the errors.
        filter: (Filter),
    }
}
