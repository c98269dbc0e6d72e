//! The cases of the contract, each an async function over a place.

mod compare_and_swap;
mod concurrency;
mod dropped_futures;
mod files;
mod leases;
mod processes;
mod records;
mod secrets;

pub use compare_and_swap::*;
pub use concurrency::*;
pub use dropped_futures::*;
pub use files::*;
pub use leases::*;
pub use processes::*;
pub use records::*;
pub use secrets::*;

use crate::{Backend, Place};

/// Runs one case in a place of its own, on a runtime with two threads.
pub fn run<B, C>(child_test: &'static str, backend: B, case: C)
where
    B: Backend,
    C: AsyncFnOnce(&Place<B>),
{
    let runtime =
        || tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let running = runtime();
    let place = running.block_on(async {
        let place = Place::make(backend, child_test).await;
        case(&place).await;
        place
    });
    // What the case has left running, such as a wait that nobody wants any more, ends before its place goes.
    drop(running);
    runtime().block_on(place.remove());
}
