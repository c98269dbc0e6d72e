use globus_core::call::Paging;

use crate::operation::operation;
use crate::transfer::{Filter, TaskPage, TransferClient};

operation! {
    /// Lists the tasks of the caller. Without an order, the newest first.
    ///
    /// The service lists at most 1,000 tasks that way; `without_cap()` of [`items`](TaskList::items) goes on for
    /// as long as it answers.
    ///
    /// ```no_run
    /// # use globus_sdk::transfer::Filter;
    /// # async fn example(client: globus_sdk::TransferClient) -> globus_sdk::Result<()> {
    /// let running = Filter::new().field("status", ["ACTIVE", "INACTIVE"]);
    /// let mut tasks = client.task_list().filter(running).orderby("request_time DESC").items();
    /// while let Some(task) = tasks.next().await {
    ///     let task = task?;
    ///     println!("{} {}", task.task_id, task.status);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    TransferClient.task_list() -> TaskList;
    GET "/v0.10/task_list" => TaskPage,
        list "DATA" by Paging::LimitOffsetTotal { page_size: 1000, cap: 1000 };
    query {
        /// At most this many tasks on a page, up to 1,000.
        limit: u32,
        /// Leaves out this many tasks at the beginning.
        offset: u64,
        /// The order, such as `["status", "request_time DESC"]`.
        orderby: list,
        /// Lists only tasks that match, such as `status:ACTIVE,INACTIVE/type:TRANSFER`.
        filter: (Filter),
    }
}
