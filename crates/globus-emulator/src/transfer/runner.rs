//! The threads that run tasks: started, slowed, cancelled and stopped here.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::job;
use crate::app::App;
use crate::clock::EmulatedClock;

/// The threads of an emulator's tasks.
#[derive(Debug, Default)]
pub(crate) struct Runner {
    threads: Mutex<Threads>,
    /// Told when a thread ends, so that another one may begin.
    ended: Condvar,
    /// Counts changes of the limits, so that a waiting task looks at them anew.
    limits_changed: AtomicU64,
}

#[derive(Debug, Default)]
struct Threads {
    stopped: bool,
    working: usize,
    flags: HashMap<String, Arc<AtomicBool>>,
    handles: Vec<JoinHandle<()>>,
}

/// What a thread asks while it works.
#[derive(Debug)]
pub(super) struct Control {
    app: Arc<App>,
    canceled: Arc<AtomicBool>,
}

impl Control {
    pub(super) fn is_canceled(&self) -> bool {
        self.canceled.load(Ordering::SeqCst)
    }

    pub(super) fn limits_version(&self) -> u64 {
        self.app.runner.limits_changed.load(Ordering::SeqCst)
    }
}

/// The right to run, given back when it goes.
struct Place<'r>(&'r Runner);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.lock().working -= 1;
        self.0.ended.notify_all();
    }
}

impl Runner {
    /// Runs a task on a thread of its own. A thread and not a runtime's task: copying blocks, and must end
    /// with the emulator and not with the runtime.
    pub(crate) fn start(&self, app: &Arc<App>, task: &str) {
        let mut threads = self.lock();
        if threads.stopped {
            return;
        }
        let canceled = Arc::new(AtomicBool::new(false));
        let control = Control { app: app.clone(), canceled: canceled.clone() };
        let id = task.to_owned();
        let started = std::thread::Builder::new().name("globus-transfer".to_owned()).spawn(move || {
            let app = control.app.clone();
            if let Some(_place) = app.runner.wait_for_place(&app, &id, &control) {
                job::run(&app, &id, &control);
            }
            app.runner.lock().flags.remove(&id);
        });
        threads.handles.retain(|handle| !handle.is_finished());
        match started {
            Ok(handle) => {
                threads.flags.insert(task.to_owned(), canceled);
                threads.handles.push(handle);
            }
            // The task stays active and runs when the emulator is started again.
            Err(error) => tracing::error!(%error, "no thread could be started for a transfer task"),
        }
    }

    /// Waits until fewer tasks run than may; nothing when the task is cancelled first. A task whose deadline
    /// passes has no need to wait for its end.
    fn wait_for_place(&self, app: &App, task: &str, control: &Control) -> Option<Place<'_>> {
        loop {
            let now = app.now();
            let (limit, expired) = app.world.read(|world| {
                let expired = world.tasks.get(task).is_some_and(|task| task.deadline <= now);
                (world.settings.limits.concurrency.unwrap_or(usize::MAX), expired)
            });
            let mut threads = self.lock();
            if control.is_canceled() {
                return None;
            }
            if threads.working < limit || expired {
                threads.working += 1;
                return Some(Place(self));
            }
            // Changed limits and times are not told through this condition; a late look is good enough.
            drop(self.ended.wait_timeout(threads, Duration::from_millis(100)));
        }
    }

    /// Tells a task's thread to end.
    pub(crate) fn cancel(&self, clock: &EmulatedClock, task: &str) {
        if let Some(flag) = self.lock().flags.get(task) {
            flag.store(true, Ordering::SeqCst);
        }
        self.ended.notify_all();
        clock.wake();
    }

    /// Tells every thread to end.
    pub(crate) fn cancel_all(&self, clock: &EmulatedClock) {
        for flag in self.lock().flags.values() {
            flag.store(true, Ordering::SeqCst);
        }
        self.ended.notify_all();
        clock.wake();
    }

    /// Lets every task look at the limits and its deadline anew.
    pub(crate) fn limits_changed(&self, clock: &EmulatedClock) {
        self.limits_changed.fetch_add(1, Ordering::SeqCst);
        clock.wake();
    }

    /// Ends every thread, and lets none begin. Answers the threads, for waiting until they have ended.
    pub(crate) fn stop(&self, clock: &EmulatedClock) -> Vec<JoinHandle<()>> {
        self.lock().stopped = true;
        self.cancel_all(clock);
        std::mem::take(&mut self.lock().handles)
    }

    fn lock(&self) -> MutexGuard<'_, Threads> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
