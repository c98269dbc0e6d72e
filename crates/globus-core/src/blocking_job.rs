//! Blocking work that must not be lost: a write that was decided on is done even if nobody waits for it any
//! more and even if the runtime ends meanwhile.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use tokio::sync::oneshot;

type Outcome<T> = Result<T, Box<dyn Any + Send>>;

/// Starts a blocking job on tokio's threads for such work, at once and not only when polled, and answers its
/// result.
///
/// Dropping the future does not stop the job. Where the runtime ends before the job was started, it runs on
/// the thread that ends the runtime. Without a runtime it runs right here.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let sum = globus_core::blocking_job::run_blocking(|| 1 + 1).await;
/// assert_eq!(sum, 2);
/// # }
/// ```
///
/// # Panics
///
/// The future panics where the job did.
pub fn run_blocking<T, F>(job: F) -> impl Future<Output = T> + Send + use<T, F>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let (sender, receiver) = oneshot::channel();
    let mut queued = Queued { job: Some(job), sender: Some(sender) };
    match tokio::runtime::Handle::try_current() {
        // The handle is not needed: the result comes through the channel, and the job is never aborted.
        Ok(runtime) => drop(runtime.spawn_blocking(move || queued.run())),
        Err(_) => queued.run(),
    }
    async move {
        match receiver.await {
            Ok(Ok(value)) => value,
            Ok(Err(panic)) => resume_unwind(panic),
            Err(_) => unreachable!("a queued job always sends, at the latest when it is dropped"),
        }
    }
}

/// The same for a job that only waits for something: it is told whether anybody still wants it, and should end soon
/// when nobody does.
///
/// ```
/// use globus_core::storage::{PrivateFile, RefreshLease, StorageError};
///
/// fn lock(file: PrivateFile) -> impl Future<Output = Result<RefreshLease, StorageError>> {
///     globus_core::blocking_job::run_blocking_while_wanted(move |is_wanted| file.lock_refresh_while(is_wanted))
/// }
/// ```
///
/// # Panics
///
/// The future panics where the job did.
pub fn run_blocking_while_wanted<T, F>(job: F) -> impl Future<Output = T> + Send + use<T, F>
where
    F: FnOnce(&dyn Fn() -> bool) -> T + Send + 'static,
    T: Send + 'static,
{
    let caller = Arc::new(());
    let waiting = Arc::downgrade(&caller);
    let done = run_blocking(move || job(&|| waiting.strong_count() > 0));
    async move {
        let answer = done.await;
        drop(caller);
        answer
    }
}

/// A job that runs at the latest when it is dropped.
struct Queued<F, T>
where
    F: FnOnce() -> T,
{
    job: Option<F>,
    sender: Option<oneshot::Sender<Outcome<T>>>,
}

impl<F, T> Queued<F, T>
where
    F: FnOnce() -> T,
{
    fn run(&mut self) {
        if let (Some(job), Some(sender)) = (self.job.take(), self.sender.take()) {
            // Nobody may be waiting any more; the job is done all the same.
            drop(sender.send(catch_unwind(AssertUnwindSafe(job))));
        }
    }
}

impl<F, T> Drop for Queued<F, T>
where
    F: FnOnce() -> T,
{
    fn drop(&mut self) {
        self.run();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_queued_job_is_done_when_the_runtime_ends() {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(1)
            .build()
            .unwrap();
        let (started, wait_started) = mpsc::channel();
        let (release, wait_release) = mpsc::channel::<()>();
        let (done, wait_done) = mpsc::channel();
        let guard = runtime.enter();
        drop(run_blocking(move || {
            started.send(()).unwrap();
            wait_release.recv().unwrap();
        }));
        wait_started.recv().unwrap();
        // The only thread is busy, so this one is queued, and tokio drops it unstarted.
        drop(run_blocking(move || done.send(()).unwrap()));
        drop(guard);
        runtime.shutdown_background();
        release.send(()).unwrap();
        wait_done.recv().unwrap();
    }

    #[test]
    fn a_job_given_to_an_ended_runtime_is_done() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let handle = runtime.handle().clone();
        drop(runtime);
        let _guard = handle.enter();
        let done = Arc::new(AtomicBool::new(false));
        drop(run_blocking({
            let done = Arc::clone(&done);
            move || done.store(true, Ordering::SeqCst)
        }));
        assert!(done.load(Ordering::SeqCst));
    }

    #[tokio::test]
    async fn a_panic_reaches_the_one_who_waits() {
        let waiting = tokio::spawn(run_blocking(|| panic!("the job's own")));
        assert!(waiting.await.unwrap_err().is_panic());
    }

    #[tokio::test]
    async fn a_job_that_waits_is_told_when_nobody_wants_it_any_more() {
        let (sender, receiver) = oneshot::channel();
        drop(run_blocking_while_wanted(|is_wanted| {
            while is_wanted() {
                std::thread::yield_now();
            }
            sender.send(()).unwrap();
        }));
        receiver.await.unwrap();
        assert!(run_blocking_while_wanted(|is_wanted| is_wanted()).await);
    }

    #[test]
    fn without_a_runtime_it_runs_here() {
        let here = std::thread::current().id();
        let future = run_blocking(|| std::thread::current().id());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        assert_eq!(runtime.block_on(future), here);
    }
}
