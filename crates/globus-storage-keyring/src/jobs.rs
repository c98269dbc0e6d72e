//! Jobs of a storage, one after the other on a thread of their own.
//!
//! A job is decided when it is given: it is done even if nobody waits for its answer any more. The end of a
//! runtime or of the program does not wait for it, as it may take as long as a keyring takes that does not
//! answer.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{self, Sender};
use std::sync::{Mutex, PoisonError};

use globus_core::storage::StorageError;
use tokio::sync::oneshot;

type Job = Box<dyn FnOnce() + Send>;

/// The queue of jobs. Its thread starts with the first one and ends with the queue.
#[derive(Default)]
pub(crate) struct Jobs(Mutex<Option<Sender<Job>>>);

impl Jobs {
    /// Queues a job, now and not only when the answer is first polled.
    pub(crate) fn run<T, F>(&self, job: F) -> impl Future<Output = Result<T, StorageError>> + Send + use<T, F>
    where
        F: FnOnce() -> Result<T, StorageError> + Send + 'static,
        T: Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        // Nobody may wait for the answer any more.
        let queued = self.queue(Box::new(move || drop(reply.send(catch_unwind(AssertUnwindSafe(job))))));
        async move {
            queued?;
            match answer.await {
                Ok(Ok(answer)) => answer,
                Ok(Err(panic)) => resume_unwind(panic),
                Err(_) => unreachable!("a queued job always answers: its thread ends after the last one"),
            }
        }
    }

    fn queue(&self, job: Job) -> Result<(), StorageError> {
        let mut queue = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let sender = match queue.take() {
            Some(sender) => sender,
            None => start()?,
        };
        // The thread lives as long as this sender.
        drop(sender.send(job));
        *queue = Some(sender);
        Ok(())
    }
}

fn start() -> Result<Sender<Job>, StorageError> {
    let (sender, jobs) = mpsc::channel::<Job>();
    std::thread::Builder::new()
        .name("keyring storage".to_owned())
        .spawn(move || jobs.into_iter().for_each(|job| job()))
        .map_err(|error| StorageError::from_io(error, "start a thread for"))?;
    Ok(sender)
}
