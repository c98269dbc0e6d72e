//! Async work that must not be lost half-way: a write that was decided on is finished even if nobody waits for
//! it any more.

use std::future::Future;
use std::panic::resume_unwind;

use futures_util::FutureExt;
use futures_util::future::Either;
use tokio::runtime::Handle;

/// Starts a future as a task of its own, at once and not only when polled, and answers its result.
///
/// Dropping the answer does not stop the task. It ends early only with its runtime. Where there is no runtime the
/// future runs when the answer is awaited.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let sum = globus_core::detached_job::run_detached(async { 1 + 1 }).await;
/// assert_eq!(sum, 2);
/// # }
/// ```
///
/// # Panics
///
/// The answer panics where the future did, and when the runtime has ended before the future.
pub fn run_detached<T, F>(future: F) -> impl Future<Output = T> + Send + use<T, F>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    let started = match Handle::try_current() {
        Ok(runtime) => Ok(runtime.spawn(future)),
        Err(_) => Err(future),
    };
    async move {
        match started {
            Err(future) => future.await,
            Ok(task) => match task.await {
                Ok(value) => value,
                Err(error) => match error.try_into_panic() {
                    Ok(panic) => resume_unwind(panic),
                    Err(cancelled) => panic!("the runtime has ended before the work was done: {cancelled}"),
                },
            },
        }
    }
}

/// Does the first part of a future right here, up to the first place where it has to wait, and answers the rest.
///
/// A storage that wraps another one hands a write over with it: what the inner storage begins at the call is begun
/// by the outer call.
///
/// ```
/// use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
///
/// static BEGUN: AtomicBool = AtomicBool::new(false);
/// drop(globus_core::detached_job::begin(async { BEGUN.store(true, SeqCst) }));
/// assert!(BEGUN.load(SeqCst));
/// ```
///
/// # Panics
///
/// Where the first part of the future does.
pub fn begin<T, F>(future: F) -> impl Future<Output = T> + Send + use<T, F>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    let mut future = Box::pin(future);
    match (&mut future).now_or_never() {
        Some(value) => Either::Left(std::future::ready(value)),
        None => Either::Right(future),
    }
}

/// [Begins](begin) a future right here, and where that does not end it, lets it go on as [`run_detached`] does.
///
/// # Panics
///
/// Where the first part of the future does; otherwise as [`run_detached`].
pub fn begin_detached<T, F>(future: F) -> impl Future<Output = T> + Send + use<T, F>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    let mut future = Box::pin(future);
    match (&mut future).now_or_never() {
        Some(value) => Either::Left(std::future::ready(value)),
        None => Either::Right(run_detached(future)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::Semaphore;

    use super::*;

    #[tokio::test]
    async fn it_goes_on_when_nobody_waits() {
        let (begin, done) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        drop(run_detached({
            let (begin, done) = (Arc::clone(&begin), Arc::clone(&done));
            async move {
                begin.acquire().await.unwrap().forget();
                done.add_permits(1);
            }
        }));
        begin.add_permits(1);
        done.acquire().await.unwrap().forget();
    }

    #[tokio::test]
    async fn a_panic_reaches_the_one_who_waits() {
        let waiting = tokio::spawn(run_detached(async { panic!("the job's own") }));
        assert!(waiting.await.unwrap_err().is_panic());
    }

    #[tokio::test]
    async fn what_is_begun_goes_on_when_nobody_waits_or_with_the_one_who_does() {
        let steps = || {
            let (first, gate, last) =
                (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
            let work = {
                let (first, gate, last) = (Arc::clone(&first), Arc::clone(&gate), Arc::clone(&last));
                async move {
                    first.add_permits(1);
                    gate.acquire().await.unwrap().forget();
                    last.add_permits(1);
                }
            };
            (first, gate, last, work)
        };
        let (first, gate, last, work) = steps();
        let rest = begin(work);
        assert_eq!(first.available_permits(), 1);
        gate.add_permits(1);
        rest.await;
        assert_eq!(last.available_permits(), 1);

        let (first, gate, last, work) = steps();
        drop(begin_detached(work));
        assert_eq!(first.available_permits(), 1);
        gate.add_permits(1);
        last.acquire().await.unwrap().forget();
    }

    #[test]
    fn without_a_runtime_it_runs_where_it_is_awaited() {
        let answer = run_detached(async { std::thread::current().id() });
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        assert_eq!(runtime.block_on(answer), std::thread::current().id());
    }
}
