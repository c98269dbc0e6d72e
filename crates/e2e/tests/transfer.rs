//! Every operation of the Transfer client against the emulator, with real files, and what a bad network does to them.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use globus_emulator::{Clock as _, Fault, Service, TransferLimits};
use globus_sdk::transfer::{
    EntityType, EntryType, Filter, OPERATIONS, Task, TaskStatus, TaskType, TaskWaitError, TransferItem,
};
use globus_sdk::{DeleteData, RetryPolicy, TaskId, Timestamp, TransferClient, TransferData};
use support::World;
use uuid::Uuid;

/// A world with a client of its user's.
async fn start() -> (World, TransferClient) {
    let world = World::start().await;
    let client = world.logged_in_transfer().await;
    (world, client)
}

impl World {
    fn write(&self, collection: &str, path: &str, content: impl AsRef<[u8]>) {
        let path = self.dir(collection).join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    fn transfer_data(&self) -> TransferData {
        TransferData::new(self.id("laptop"), self.id("cluster"))
    }
}

/// Waits with short looks, as a test does.
async fn wait(client: &TransferClient, task_id: TaskId) -> Result<Task, TaskWaitError> {
    client.task_wait(task_id).polling_interval(Duration::from_millis(5)).await
}

#[tokio::test]
async fn directories_are_made_listed_described_and_renamed() {
    let (world, client) = start().await;
    let laptop = world.id("laptop");
    let made = client.operation_mkdir(laptop, "/new").send().await.unwrap();
    assert_eq!((made.data_type.as_str(), made.code.as_str()), ("mkdir_result", "DirectoryCreated"));
    assert!(made.request_id.as_deref().is_some_and(|id| !id.is_empty()));

    world.write("laptop", "new/b.txt", "four");
    world.write("laptop", "new/a.bin", "eleven byte");
    world.write("laptop", "new/.hidden", "");
    let listing = client
        .operation_ls(laptop)
        .path("/new/")
        .show_hidden(false)
        .orderby(["size DESC", "name"])
        .send()
        .await
        .unwrap();
    let names: Vec<_> = listing.data.iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(names, ["a.bin", "b.txt"]);
    let filtered =
        client.operation_ls(laptop).path("/new").filter(Filter::new().field("name", "~*.txt")).send();
    assert_eq!(filtered.await.unwrap().data.len(), 1);

    let renamed = client.operation_rename(laptop, "/new/b.txt", "/new/c.txt").send().await.unwrap();
    assert_eq!(renamed.data_type, "rename_result");
    let entry = client.operation_stat(laptop).path("/new/c.txt").send().await.unwrap();
    assert_eq!((entry.name.as_str(), entry.size, &entry.entry_type), ("c.txt", 4, &EntryType::File));
    let gone = client.operation_stat(laptop).path("/new/b.txt").send().await.unwrap_err();
    assert!(gone.is_not_found(), "{gone}");
    let exists = client.operation_mkdir(laptop, "/new").send().await.unwrap_err();
    assert_eq!((exists.status().unwrap().as_u16(), exists.attempts()), (502, 1), "{exists}");
}

#[tokio::test]
async fn collections_are_found_and_described() {
    let (world, client) = start().await;
    let endpoint = client.get_endpoint(world.id("laptop")).send().await.unwrap();
    assert_eq!(endpoint.display_name.as_deref(), Some("laptop"));
    assert_eq!(endpoint.entity_type, EntityType::GcpMappedCollection);
    // Nothing is without a field but a secret, which `Debug` must not show.
    let unknown: Vec<_> = endpoint.extra.keys().collect();
    assert_eq!(unknown, ["globus_connect_setup_key"]);

    let found = client.endpoint_search().filter_fulltext("CLUS").items().try_collect().await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].id, world.id("cluster"));
    let none = client.endpoint_search().filter_fulltext("x").filter_entity_type(EntityType::Gcsv5Endpoint);
    assert!(none.send().await.unwrap().data.is_empty());
    let unknown = client.get_endpoint(Uuid::from_u128(1)).send().await.unwrap_err();
    assert_eq!(unknown.code(), Some("EndpointNotFound"));
}

#[tokio::test]
async fn a_transfer_is_waited_for_and_tells_what_it_did() {
    let (world, client) = start().await;
    world.write("laptop", "data/a", "abc");
    world.write("laptop", "data/deep/b", vec![7; 100_000]);
    let data = world
        .transfer_data()
        .label("all of it")
        .preserve_timestamp(true)
        .item(TransferItem::new("/data/", "/copy/").recursive(true));
    let submitted = client.submit_transfer(data).send().await.unwrap();
    let task = wait(&client, submitted.task_id).await.unwrap();
    assert_eq!((task.status, task.task_type), (TaskStatus::Succeeded, TaskType::Transfer));
    assert_eq!((task.files, task.files_transferred, task.bytes_transferred), (2, Some(2), 100_003));
    assert_eq!((task.label.as_deref(), task.preserve_timestamp), (Some("all of it"), true));
    assert!(task.extra.is_empty(), "members without a field: {:?}", task.extra);
    assert_eq!(std::fs::read(world.dir("cluster").join("copy/deep/b")).unwrap(), vec![7; 100_000]);

    let mut events = client.task_event_list(submitted.task_id).items();
    let newest = events.next().await.unwrap().unwrap();
    assert_eq!((newest.code.as_str(), newest.is_error), ("SUCCEEDED", false));
    let copied = client.task_successful_transfers(submitted.task_id).items().try_collect().await.unwrap();
    let mut paths: Vec<_> = copied.iter().filter_map(|file| file.source_path.as_deref()).collect();
    paths.sort_unstable();
    assert_eq!(paths, ["/data/a", "/data/deep/b"]);
    assert!(copied.iter().all(|file| file.extra.is_empty()));
}

#[tokio::test]
async fn what_cannot_be_read_is_skipped_or_named() {
    let (world, client) = start().await;
    world.write("laptop", "there", "x");
    let data = || world.transfer_data().add_item("/there", "/there").add_item("/missing", "/missing");
    let skipping = client.submit_transfer(data().skip_source_errors(true)).send().await.unwrap();
    let task = wait(&client, skipping.task_id).await.unwrap();
    assert_eq!((task.subtasks_succeeded, task.subtasks_skipped_errors), (1, 1));
    let skipped = client.task_skipped_errors(skipping.task_id).items().try_collect().await.unwrap();
    assert_eq!(skipped.len(), 1);
    assert_eq!(skipped[0].error_code, "FILE_NOT_FOUND");
    assert_eq!(skipped[0].source_path.as_deref(), Some("/missing"));
    assert!(skipped[0].error_time.is_some() && skipped[0].extra.is_empty());

    world.emulator.set_transfer_limits(TransferLimits::none().fail_fast());
    let failing = client.submit_transfer(data()).send().await.unwrap();
    let error = wait(&client, failing.task_id).await.unwrap_err();
    assert_eq!(error.failure().unwrap().fault.code, "FILE_NOT_FOUND");
    assert!(
        error.to_string().contains("/missing") && error.to_string().contains("check the paths"),
        "{error}"
    );
}

#[tokio::test]
async fn deletions_are_tasks_too() {
    let (world, client) = start().await;
    for name in ["old/a", "old/b", "run-1.tmp", "run-2.tmp", "kept"] {
        world.write("laptop", name, name);
    }
    let data = DeleteData::new(world.id("laptop"))
        .recursive(true)
        .ignore_missing(true)
        .interpret_globs(true)
        .add_item("/old/")
        .add_item("/run-*.tmp")
        .add_item("/never-there");
    let submitted = client.submit_delete(data).send().await.unwrap();
    let task = wait(&client, submitted.task_id).await.unwrap();
    assert_eq!(task.task_type, TaskType::Delete);
    assert_eq!(task.source_endpoint_id, Some(world.id("laptop").into()));
    assert!(task.destination_endpoint_id.is_none() && task.extra.is_empty());
    let left: Vec<_> =
        std::fs::read_dir(world.dir("laptop")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["kept"]);

    world.emulator.set_transfer_limits(TransferLimits::none().fail_fast());
    let missing = DeleteData::new(world.id("laptop")).add_item("/never-there");
    let submitted = client.submit_delete(missing).send().await.unwrap();
    let error = wait(&client, submitted.task_id).await.unwrap_err();
    assert_eq!(error.failure().unwrap().fault.code, "FILE_NOT_FOUND");
}

#[tokio::test]
async fn a_running_task_is_changed_and_canceled() {
    let (world, client) = start().await;
    world.emulator.clock().freeze();
    world.emulator.set_transfer_limits(TransferLimits::none().bytes_per_second(1000));
    world.write("laptop", "big", vec![1; 50_000]);
    let submitted =
        client.submit_transfer(world.transfer_data().add_item("/big", "/big")).send().await.unwrap();
    let id = submitted.task_id;

    let deadline = Timestamp::from_second(world.emulator.clock().now().as_second() + 3600).unwrap();
    client.update_task(id).label("renamed").deadline(deadline).send().await.unwrap();
    let task = client.get_task(id).send().await.unwrap();
    assert_eq!(task.label.as_deref(), Some("renamed"));
    assert_eq!(task.deadline.as_ref().and_then(globus_sdk::decode::Time::timestamp), Some(deadline));

    let canceled = client.cancel_task(id).send().await.unwrap();
    assert_eq!(canceled.code, "Canceled");
    let error = wait(&client, id).await.unwrap_err();
    assert!(error.failure().unwrap().is_canceled(), "{error}");
    assert_eq!(client.cancel_task(id).send().await.unwrap().code, "TaskComplete");
    assert!(!world.dir("cluster").join("big").exists());
}

#[tokio::test]
async fn a_submission_whose_answer_is_lost_is_made_again_and_done_once() {
    let (world, client) = start().await;
    world.write("laptop", "a", "a");
    world
        .emulator
        .faults()
        .add(Fault::cut_after().service(Service::Transfer).path("/v0.10/transfer").times(2));
    let submitted = client.submit_transfer(world.transfer_data().add_item("/a", "/a")).send().await.unwrap();
    assert_eq!(submitted.code, "Duplicate");
    wait(&client, submitted.task_id).await.unwrap();
    assert_eq!(client.task_list().send().await.unwrap().total, Some(1));
    assert_eq!(world.emulator.requests().path("/v0.10/transfer").len(), 3);
}

#[tokio::test]
async fn a_directory_whose_making_may_have_been_done_is_not_made_again() {
    let (world, client) = start().await;
    let path = format!("/v0.10/operation/endpoint/{}/mkdir", world.id("laptop"));
    world.emulator.faults().add(Fault::cut_after().service(Service::Transfer).path(&path).times(1));
    let error = client.operation_mkdir(world.id("laptop"), "/new").send().await.unwrap_err();
    assert!(error.status().is_none() && error.attempts() == 1, "{error}");
    assert!(world.dir("laptop").join("new").is_dir(), "it had been done");
    assert_eq!(world.emulator.requests().path(&path).len(), 1);
}

#[tokio::test]
async fn lists_of_tasks_come_in_pages_and_are_taken_up_after_an_error() {
    let (world, client) = start().await;
    world.write("laptop", "a", "a");
    for number in 0..7 {
        let data = world.transfer_data().label(format!("copy {number}")).add_item("/a", format!("/{number}"));
        let submitted = client.submit_transfer(data).send().await.unwrap();
        wait(&client, submitted.task_id).await.unwrap();
    }
    let labels =
        |tasks: Vec<Task>| tasks.iter().map(|task| task.label.as_deref().unwrap().to_owned()).collect();
    let listing = || client.task_list().filter("type:TRANSFER").orderby("label").limit(3);
    let all: Vec<String> = labels(listing().items().try_collect().await.unwrap());
    assert_eq!(all, (0..7).map(|number| format!("copy {number}")).collect::<Vec<_>>());

    world
        .emulator
        .faults()
        .add(Fault::status(404).service(Service::Transfer).path("/v0.10/task_list").after(1));
    let mut items = listing().items();
    let mut seen = Vec::new();
    let error = loop {
        match items.next().await.unwrap() {
            Ok(task) => seen.push(task),
            Err(error) => break error,
        }
    };
    assert!(error.is_not_found());
    world.emulator.faults().clear();
    let continuation = items.continuation().unwrap();
    seen.extend(listing().items().resume(continuation).try_collect().await.unwrap());
    let both: Vec<String> = labels(seen);
    assert_eq!(both, all, "every task once");
}

/// The emulator knows every operation that the SDK has for Transfer.
#[tokio::test]
async fn the_emulator_serves_every_operation() {
    let (world, client) = start().await;
    let id = world.id("laptop").to_string();
    for info in OPERATIONS {
        let path =
            info.path.replace("{endpoint_id}", &id).replace("{task_id}", &Uuid::from_u128(1).to_string());
        assert!(!path.contains('{'), "{path}");
        let request = client.request(info.method.clone(), path).with_retry(RetryPolicy::never());
        if let Err(error) = request.send().await {
            assert!(!error.to_string().contains("service has no"), "{}: {error}", info.name);
        }
    }
}
