//! Waiting for a task: how it ends, what it says, and that dropping it loses nothing.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod playback;

use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt;
use globus_sdk::transfer::{Task, TaskStatus, TaskUpdates, TaskWaitError, TaskWaiter};
use globus_sdk::{AccessTokenAuthorizer, Error, ManualClock, TransferClient};
use playback::{Playback, Step};
use serde_json::{Value, json};
use uuid::Uuid;

const TASK: Uuid = Uuid::from_u128(7);

struct World {
    client: TransferClient,
    clock: ManualClock,
    playback: Playback,
}

impl World {
    fn answering(documents: impl IntoIterator<Item = Value>) -> Self {
        Self::playing(documents.into_iter().map(|document| Step::json(200, &document)))
    }

    fn playing(steps: impl IntoIterator<Item = Step>) -> Self {
        let (playback, clock) = (Playback::new(steps), ManualClock::default());
        let client = TransferClient::builder()
            .authorizer(AccessTokenAuthorizer::new("AgToken"))
            .transport(playback.clone())
            .clock(clock.clone())
            .build()
            .unwrap();
        Self { client, clock, playback }
    }

    async fn wait(&self) -> Result<Task, TaskWaitError> {
        self.client.task_wait(TASK).await
    }

    fn sleeps(&self) -> Vec<f64> {
        self.clock.sleeps().iter().map(Duration::as_secs_f64).collect()
    }
}

fn active() -> Value {
    json!({"task_id": TASK, "status": "ACTIVE"})
}

fn ended(status: &str) -> Value {
    json!({"task_id": TASK, "status": status, "bytes_transferred": 5})
}

#[tokio::test]
async fn a_task_that_succeeds_is_answered_after_waits_that_grow() {
    let world = World::answering([active(), active(), active(), ended("SUCCEEDED")]);
    let task = world.wait().await.unwrap();
    assert_eq!((task.status, task.bytes_transferred), (TaskStatus::Succeeded, 5));
    assert_eq!(world.sleeps(), [0.5, 1.0, 2.0]);
    assert!(world.playback.sent().iter().all(|sent| sent.path() == format!("/v0.10/task/{TASK}")));
}

#[tokio::test]
async fn a_task_that_fails_is_an_error_that_names_the_fault() {
    let mut failed = ended("FAILED");
    failed["fatal_error"] = json!({"code": "PERMISSION_DENIED", "description": "permission denied: /a/b"});
    let world = World::answering([active(), failed]);
    let error = world.wait().await.unwrap_err();
    let failure = error.failure().unwrap();
    assert_eq!(failure.fault.code, "PERMISSION_DENIED");
    assert_eq!(failure.task.bytes_transferred, 5);
    assert!(!failure.is_canceled() && !failure.is_expired());
    let text = error.to_string();
    assert_eq!(
        text,
        format!(
            "task {TASK} failed: PERMISSION_DENIED: permission denied: /a/b; ask for access, or leave out what cannot be read"
        )
    );
}

#[tokio::test]
async fn a_failed_task_that_does_not_say_why_is_asked_for_its_last_error() {
    let event = json!({"code": "EXPIRED", "description": "the deadline has passed", "is_error": true});
    let world = World::answering([ended("FAILED"), json!({"DATA": [event], "total": 9})]);
    let error = world.wait().await.unwrap_err();
    assert!(error.failure().unwrap().is_expired(), "{error}");
    let asked = &world.playback.sent()[1];
    assert_eq!(asked.path(), format!("/v0.10/task/{TASK}/event_list"));
    assert_eq!(asked.request.url.query(), Some("filter=is_error%3A1&limit=1"));

    // If that cannot be had, the task has failed all the same.
    let world = World::playing([Step::json(200, &ended("FAILED")), Step::json(404, &json!({}))]);
    assert_eq!(world.wait().await.unwrap_err().failure().unwrap().fault.code, "UNKNOWN");
}

#[tokio::test]
async fn other_ends_are_told_apart() {
    let mut inactive = ended("INACTIVE");
    inactive["nice_status"] = json!("CREDENTIALS_EXPIRED");
    let error = World::answering([inactive]).wait().await.unwrap_err();
    assert!(matches!(error, TaskWaitError::Inactive(_)));
    assert!(error.to_string().contains("CREDENTIALS_EXPIRED"), "{error}");

    // A status that this version does not know is not taken for a success.
    assert!(matches!(
        World::answering([ended("RESTING")]).wait().await.unwrap_err(),
        TaskWaitError::Inactive(task) if task.status == "RESTING"
    ));

    let error = World::playing([Step::json(404, &json!({"code": "TaskNotFound"}))]).wait().await.unwrap_err();
    assert!(matches!(&error, TaskWaitError::Call(error) if error.is_not_found()));
    assert!(Error::from(error).is_not_found(), "it is the call's own error again");
}

#[tokio::test]
async fn a_timeout_says_how_the_task_stood_and_leaves_it_alone() {
    let world = World::answering(std::iter::repeat_n(active(), 10));
    let error = world.client.task_wait(TASK).timeout(Duration::from_secs(5)).await.unwrap_err();
    let TaskWaitError::TimedOut { task, waited } = &error else { panic!("{error}") };
    assert_eq!((task.status.as_str(), *waited), ("ACTIVE", Duration::from_secs(5)));
    assert_eq!(world.sleeps(), [0.5, 1.0, 2.0, 1.5]);
    assert!(error.to_string().contains("has not ended after 5s"), "{error}");
}

#[tokio::test]
async fn times_of_nothing_are_a_usage_error_and_nothing_is_asked() {
    let world = World::answering([ended("SUCCEEDED")]);
    let zero = |waiter: TaskWaiter| async { waiter.await.unwrap_err() };
    for waiter in [
        world.client.task_wait(TASK).timeout(Duration::ZERO),
        world.client.task_wait(TASK).polling_interval(Duration::ZERO),
    ] {
        let error = Error::from(zero(waiter).await);
        assert!(error.is_usage(), "{error}");
    }
    assert!(world.playback.sent().is_empty());
}

#[tokio::test]
async fn progress_is_told_after_every_look() {
    let half = json!({
        "status": "ACTIVE", "files": 4, "files_transferred": 2, "subtasks_total": 8, "subtasks_pending": 4,
        "bytes_transferred": 10, "faults": 1, "nice_status": "CONNECT_FAILED"
    });
    let world = World::answering([half, ended("SUCCEEDED")]);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let told = seen.clone();
    let waiter = world.client.task_wait(TASK).on_progress(move |progress| {
        let fault = progress.fault().map(|fault| fault.code);
        told.lock().unwrap().push((progress.files_done(), progress.fraction(), progress.faults(), fault));
    });
    waiter.await.unwrap();
    let fault = Some("CONNECT_FAILED".to_owned());
    assert_eq!(*seen.lock().unwrap(), [(2, Some(0.5), 1, fault), (0, None, 0, None)]);
}

#[tokio::test]
async fn updates_go_on_after_an_error_and_end_with_the_task() {
    let world = World::playing([
        Step::json(200, &active()),
        Step::json(404, &json!({})),
        Step::json(200, &ended("SUCCEEDED")),
    ]);
    let mut updates = world.client.task_wait(TASK).updates();
    assert!(updates.next().await.unwrap().unwrap().is_active());
    assert!(updates.next().await.unwrap().unwrap_err().is_not_found());
    assert_eq!(*updates.next().await.unwrap().unwrap().status(), TaskStatus::Succeeded);
    assert!(updates.next().await.is_none());
}

#[tokio::test]
async fn dropping_a_future_that_waits_for_an_update_loses_nothing() {
    let world = World::answering([active(), ended("SUCCEEDED")]);
    let mut updates: TaskUpdates = world.client.task_wait(TASK).updates();
    updates.next().await.unwrap().unwrap();
    // The manual clock's wait yields once.
    assert!(pin!(updates.next()).now_or_never().is_none());
    assert!(!updates.next().await.unwrap().unwrap().is_active());
    assert_eq!((world.sleeps().len(), world.playback.sent().len()), (1, 2));
}

#[tokio::test]
async fn the_failure_is_found_again_behind_the_sdks_error() {
    async fn program(world: &World) -> globus_sdk::Result<Task> {
        Ok(world.client.task_wait(TASK).await?)
    }
    let mut failed = ended("FAILED");
    failed["fatal_error"] = json!({"code": "CANCELED", "description": "canceled"});
    let error = program(&World::answering([failed])).await.unwrap_err();
    assert!(
        error.to_string().contains("CANCELED") && error.to_string().contains("submit it again"),
        "{error}"
    );
    let cause: &TaskWaitError = error.find_cause().unwrap();
    assert!(cause.failure().unwrap().is_canceled());
}
