use super::submission::submission;
use crate::transfer::{DeleteData, TransferClient};

submission! {
    /// Has files and directories of a collection deleted. The answer comes at once, with the id of the task that
    /// does the work; [`task_wait`](Self::task_wait) waits for it.
    ///
    /// ```no_run
    /// # use globus_sdk::DeleteData;
    /// # async fn example(client: globus_sdk::TransferClient, collection: uuid::Uuid) -> globus_sdk::Result<()> {
    /// let data = DeleteData::new(collection).recursive(true).add_item("/~/scratch/run-17/");
    /// let submitted = client.submit_delete(data).send().await?;
    /// client.task_wait(submitted.task_id).await?;
    /// # Ok(())
    /// # }
    /// ```
    TransferClient.submit_delete(data: DeleteData) -> SubmitDelete;
    POST "/v0.10/delete"
}
