//! The waiter: one future that ends when the task does.

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use globus_core::{Error, RetryPolicy, TaskId};

use super::error::{TaskFailure, TaskWaitError};
use super::polling::Polling;
use super::progress::TaskProgress;
use super::updates::TaskUpdates;
use crate::transfer::{Task, TaskStatus, TransferClient};

/// Waits until a task has ended. From [`TransferClient::task_wait`]; await it.
#[must_use = "a waiter does nothing until it is awaited"]
pub struct TaskWaiter {
    client: TransferClient,
    task_id: TaskId,
    timeout: Option<Duration>,
    interval: Option<Duration>,
    retry: Option<RetryPolicy>,
    on_progress: Option<Seeing>,
}

/// What is called after every look.
type Seeing = Box<dyn FnMut(&TaskProgress) + Send>;

impl TransferClient {
    /// Waits until a task has ended, and answers it if it succeeded.
    ///
    /// A task that failed is an error which says why ([`TaskWaitError::Failed`]); so is one that cannot go on by
    /// itself. Dropping the waiter changes nothing about the task.
    ///
    /// # Errors
    ///
    /// [`TaskWaitError`]: the task has failed, cannot go on by itself (a status that this SDK does not know counts as
    /// that), or has not ended in the time that was given; or it could not be looked at, which is the error of
    /// [`get_task`](TransferClient::get_task). A timeout or an interval of zero is a usage error.
    ///
    /// ```no_run
    /// use globus_sdk::transfer::TaskWaitError;
    /// # use std::time::Duration;
    ///
    /// # async fn example(client: globus_sdk::TransferClient, task_id: uuid::Uuid) {
    /// let waiter = client
    ///     .task_wait(task_id)
    ///     .timeout(Duration::from_secs(3600))
    ///     .on_progress(|progress| println!("{} of {} files", progress.files_done(), progress.files_total()));
    /// match waiter.await {
    ///     Ok(task) => println!("{} bytes", task.bytes_transferred),
    ///     Err(TaskWaitError::Failed(failure)) => println!("it failed: {}", failure.fault),
    ///     Err(other) => println!("{other}"),
    /// }
    /// # }
    /// ```
    pub fn task_wait(&self, task_id: impl Into<TaskId>) -> TaskWaiter {
        TaskWaiter {
            client: self.clone(),
            task_id: task_id.into(),
            timeout: None,
            interval: None,
            retry: None,
            on_progress: None,
        }
    }
}

impl TaskWaiter {
    /// How long to wait at most, more than zero. By default, until the task has ended, which it does at its deadline.
    ///
    /// The waits between looks count; the looks themselves, with their retries, come on top.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// How long to wait between two looks at the task, more than zero. By default half a second at first, then twice as long
    /// each time, up to ten seconds. An interval longer than the timeout is cut to it.
    pub fn polling_interval(mut self, interval: Duration) -> Self {
        self.interval = Some(interval);
        self
    }

    /// Calls this after every look at the task, the last one included.
    pub fn on_progress(mut self, see: impl FnMut(&TaskProgress) + Send + 'static) -> Self {
        self.on_progress = Some(Box::new(see));
        self
    }

    /// Retries each request by another policy than the client's.
    pub fn with_retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = Some(policy);
        self
    }

    /// The looks themselves, one by one, for programs that watch tasks in their own way.
    ///
    /// ```no_run
    /// # async fn example(client: globus_sdk::TransferClient, task_id: uuid::Uuid) -> globus_sdk::Result<()> {
    /// let mut updates = client.task_wait(task_id).updates();
    /// while let Some(progress) = updates.next().await {
    ///     let progress = progress?;
    ///     println!("{}: {} bytes", progress.status(), progress.bytes_done());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn updates(self) -> TaskUpdates {
        let polling = if self.timeout.is_some_and(|time| time.is_zero())
            || self.interval.is_some_and(|time| time.is_zero())
        {
            Err(Error::usage("timeout and polling interval of a wait must be longer than nothing"))
        } else {
            Ok(Polling::new(self.timeout, self.interval))
        };
        TaskUpdates::new(self.client, self.task_id, self.retry, polling)
    }

    async fn wait(mut self) -> Result<Task, TaskWaitError> {
        let mut on_progress = self.on_progress.take();
        let mut updates = self.updates();
        let mut last = None;
        while let Some(progress) = updates.next().await {
            let progress = progress?;
            if let Some(see) = &mut on_progress {
                see(&progress);
            }
            last = Some(progress);
        }
        // There was a first look, or an error.
        let Some(progress) = last else {
            return Err(Error::usage("nothing was waited for").into());
        };
        match progress.status() {
            TaskStatus::Succeeded => Ok(progress.into_task()),
            TaskStatus::Active => Err(TaskWaitError::TimedOut {
                task: Box::new(progress.into_task()),
                waited: updates.polling().waited(),
            }),
            TaskStatus::Failed => {
                let fault = match progress.fault() {
                    Some(fault) => fault,
                    None => updates.last_fault().await,
                };
                let task = progress.into_task();
                Err(TaskWaitError::Failed(Box::new(TaskFailure { task, fault })))
            }
            _ => Err(TaskWaitError::Inactive(Box::new(progress.into_task()))),
        }
    }
}

impl IntoFuture for TaskWaiter {
    type Output = Result<Task, TaskWaitError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.wait())
    }
}

impl fmt::Debug for TaskWaiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskWaiter")
            .field("task_id", &self.task_id)
            .field("timeout", &self.timeout)
            .field("interval", &self.interval)
            .finish_non_exhaustive()
    }
}
