use super::submission::submission;
use crate::transfer::{TransferClient, TransferData};

submission! {
    /// Has files copied from one collection to another. The answer comes at once, with the id of the task that
    /// does the work; [`task_wait`](Self::task_wait) waits for it.
    ///
    /// ```no_run
    /// # use globus_sdk::TransferData;
    /// # async fn example(client: globus_sdk::TransferClient, a: uuid::Uuid, b: uuid::Uuid) -> globus_sdk::Result<()> {
    /// let data = TransferData::new(a, b).label("nightly copy").add_folder("/~/data/", "/~/backup/");
    /// let submitted = client.submit_transfer(data).send().await?;
    /// let task = client.task_wait(submitted.task_id).await?;
    /// println!("{} bytes", task.bytes_transferred);
    /// # Ok(())
    /// # }
    /// ```
    TransferClient.submit_transfer(data: TransferData) -> SubmitTransfer;
    POST "/v0.10/transfer"
}
