//! Work that is finished even if nobody waits for it, without a task of its own while somebody does.
//!
//! A task costs a storage on a fast network a third of its speed, because the runtime wakes another thread for it. So
//! the caller runs the work; it becomes a task when the caller goes away.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use tokio::runtime::Handle;

/// Begins the work, and answers what carries it on.
pub(crate) fn finish<F>(work: F) -> Finishing<F>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    let mut work =
        Finishing { work: Some(Box::pin(work)), output: None, runtime: Handle::try_current().ok() };
    // At once and not only when somebody asks, as with a task. Without a runtime the connection cannot be used yet.
    if work.runtime.is_some()
        && let Poll::Ready(output) = work.carry_on(&mut Context::from_waker(Waker::noop()))
    {
        work.output = Some(output);
    }
    work
}

pub(crate) struct Finishing<F: Future<Output: Send + 'static> + Send + 'static> {
    /// What is left to do; taken out while it runs, so that nobody runs again what has panicked.
    work: Option<Pin<Box<F>>>,
    output: Option<F::Output>,
    runtime: Option<Handle>,
}

// Only what is pinned in its box must not move.
impl<F: Future<Output: Send + 'static> + Send + 'static> Unpin for Finishing<F> {}

impl<F: Future<Output: Send + 'static> + Send + 'static> Finishing<F> {
    fn carry_on(&mut self, context: &mut Context<'_>) -> Poll<F::Output> {
        let Some(mut work) = self.work.take() else { return Poll::Pending };
        let polled = work.as_mut().poll(context);
        if polled.is_pending() {
            self.work = Some(work);
        }
        polled
    }
}

impl<F: Future<Output: Send + 'static> + Send + 'static> Future for Finishing<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        match self.output.take() {
            Some(output) => Poll::Ready(output),
            None => self.carry_on(context),
        }
    }
}

impl<F: Future<Output: Send + 'static> + Send + 'static> Drop for Finishing<F> {
    fn drop(&mut self) {
        if let (Some(work), Some(runtime)) = (self.work.take(), self.runtime.take()) {
            drop(runtime.spawn(work));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::sync::Semaphore;

    use super::*;

    /// Work in two steps, each of which waits for a permit, and how often a step was done.
    fn two_steps(
        permits: &Arc<Semaphore>,
        done: &Arc<AtomicU32>,
    ) -> impl Future<Output = u32> + Send + use<> {
        let (permits, done) = (Arc::clone(permits), Arc::clone(done));
        async move {
            for _ in 0..2 {
                permits.acquire().await.unwrap().forget();
                done.fetch_add(1, Ordering::SeqCst);
            }
            done.load(Ordering::SeqCst)
        }
    }

    fn parts(permits: usize) -> (Arc<Semaphore>, Arc<AtomicU32>) {
        (Arc::new(Semaphore::new(permits)), Arc::new(AtomicU32::new(0)))
    }

    #[tokio::test]
    async fn it_begins_at_once_and_goes_on_when_dropped() {
        let (permits, done) = parts(1);
        let work = finish(two_steps(&permits, &done));
        assert_eq!(done.load(Ordering::SeqCst), 1, "the first step is done by the call");
        drop(work);
        permits.add_permits(1);
        while done.load(Ordering::SeqCst) < 2 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn it_goes_on_after_some_polls_and_when_dropped_elsewhere() {
        let (permits, done) = parts(0);
        let mut work = finish(two_steps(&permits, &done));
        assert!(Pin::new(&mut work).poll(&mut Context::from_waker(Waker::noop())).is_pending());
        std::thread::spawn(move || drop(work)).join().unwrap();
        permits.add_permits(2);
        while done.load(Ordering::SeqCst) < 2 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn it_answers_whether_it_is_done_at_once_or_later() {
        let (permits, done) = parts(2);
        assert_eq!(finish(two_steps(&permits, &done)).await, 2);
        let work = finish(two_steps(&permits, &done));
        permits.add_permits(2);
        assert_eq!(work.await, 4);
        assert_eq!(done.load(Ordering::SeqCst), 4, "no step is done twice");
    }

    #[test]
    fn without_a_runtime_it_begins_when_it_is_awaited() {
        let (permits, done) = parts(2);
        let work = finish(two_steps(&permits, &done));
        assert_eq!(done.load(Ordering::SeqCst), 0);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        assert_eq!(runtime.block_on(work), 2);
    }

    #[tokio::test]
    async fn a_panic_reaches_the_caller() {
        let permits = Arc::new(Semaphore::new(0));
        let waiting = Arc::clone(&permits);
        let failed = tokio::spawn(finish(async move {
            waiting.acquire().await.unwrap().forget();
            panic!("the work's own");
        }));
        permits.add_permits(1);
        assert!(failed.await.unwrap_err().is_panic());
    }
}
