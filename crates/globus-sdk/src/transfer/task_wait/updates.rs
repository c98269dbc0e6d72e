//! Looking at a task again and again.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use globus_core::{Error, Result, RetryPolicy, TaskId};

use super::polling::Polling;
use super::progress::{TaskFault, TaskProgress};
use crate::transfer::{Task, TransferClient};

type Looking = Pin<Box<dyn Future<Output = Result<Task>> + Send>>;

/// A task's progress, look by look, until it has ended or the time is over. From
/// [`TaskWaiter::updates`](super::TaskWaiter::updates).
///
/// The last update is one whose status is no longer active, unless the time was over before.
#[must_use = "nothing is asked until updates are"]
pub struct TaskUpdates {
    client: TransferClient,
    task_id: TaskId,
    retry: Option<RetryPolicy>,
    polling: Polling,
    state: State,
}

enum State {
    /// Nothing may be asked: the settings make no sense.
    Refused(Option<Error>),
    /// The next look comes at once.
    First,
    /// The next look comes after a wait.
    Waiting,
    Looking(Looking),
    Ended,
}

impl TaskUpdates {
    pub(super) fn new(
        client: TransferClient,
        task_id: TaskId,
        retry: Option<RetryPolicy>,
        polling: Result<Polling>,
    ) -> Self {
        let (polling, state) = match polling {
            Ok(polling) => (polling, State::First),
            Err(error) => (Polling::new(None, None), State::Refused(Some(error))),
        };
        Self { client, task_id, retry, polling, state }
    }

    /// The next update; `None` when the task has ended or the time is over.
    ///
    /// Dropping the future that this answers loses nothing.
    ///
    /// # Errors
    ///
    /// As [`get_task`](TransferClient::get_task): the task is not affected, and the next call looks again. A usage
    /// error, for a timeout or an interval of zero, is the end.
    pub async fn next(&mut self) -> Option<Result<TaskProgress>> {
        poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }

    pub(super) fn polling(&self) -> &Polling {
        &self.polling
    }

    /// The last thing that went wrong, for a failed task that does not say itself why.
    pub(super) async fn last_fault(self) -> TaskFault {
        let mut request = self.client.task_event_list(self.task_id).filter("is_error:1").limit(1);
        if let Some(policy) = &self.retry {
            request = request.with_retry(policy.clone());
        }
        let events = request.send().await;
        let event = events.ok().and_then(|events| events.data.first().cloned());
        event.map_or_else(
            || TaskFault { code: "UNKNOWN".to_owned(), description: String::new() },
            |event| TaskFault { code: event.code.to_string(), description: event.description.to_string() },
        )
    }

    /// A look at the task, after a wait if there is to be one.
    fn look(&mut self, wait: bool) -> Option<Looking> {
        let wait = if wait { Some(self.polling.next()?) } else { None };
        let (client, task_id, retry) = (self.client.clone(), self.task_id, self.retry.clone());
        Some(Box::pin(async move {
            if let Some(wait) = wait {
                client.base.clock().sleep(wait).await;
            }
            let request = client.get_task(task_id);
            let request = if let Some(policy) = retry { request.with_retry(policy) } else { request };
            Ok(request.send().await?.into_inner())
        }))
    }
}

impl Stream for TaskUpdates {
    type Item = Result<TaskProgress>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let wait = match &mut self.state {
            State::Refused(error) => {
                let error = error.take();
                self.state = State::Ended;
                return Poll::Ready(error.map(Err));
            }
            State::Ended => return Poll::Ready(None),
            State::First => Some(false),
            State::Waiting => Some(true),
            State::Looking(_) => None,
        };
        if let Some(wait) = wait {
            match self.look(wait) {
                Some(looking) => self.state = State::Looking(looking),
                None => self.state = State::Ended,
            }
        }
        let State::Looking(looking) = &mut self.state else { return Poll::Ready(None) };
        let looked = ready!(looking.as_mut().poll(context)).map(TaskProgress::new);
        let over = looked.as_ref().is_ok_and(|progress| !progress.is_active());
        self.state = if over { State::Ended } else { State::Waiting };
        Poll::Ready(Some(looked))
    }
}

impl fmt::Debug for TaskUpdates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskUpdates")
            .field("task_id", &self.task_id)
            .field("polling", &self.polling)
            .finish_non_exhaustive()
    }
}
