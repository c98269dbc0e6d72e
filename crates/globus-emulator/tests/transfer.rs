//! Transfers of real files, and what must never happen to files outside.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod support;

use std::fs;
use std::path::Path;
use std::time::Duration;

use globus_emulator::{Decision, TransferLimits};
use reqwest::Response;
use serde_json::{Value, json};
use support::{Setup, TRANSFER, json, setup, text};
use uuid::Uuid;

struct Caller<'s> {
    setup: &'s Setup,
    token: String,
}

impl<'s> Caller<'s> {
    async fn service(setup: &'s Setup) -> Self {
        Self { setup, token: setup.service_token().await }
    }

    async fn get(&self, path: &str) -> Response {
        self.setup.http.get(self.setup.transfer(path)).bearer_auth(&self.token).send().await.unwrap()
    }

    async fn post(&self, path: &str, body: &Value) -> Response {
        let request = self.setup.http.post(self.setup.transfer(path)).bearer_auth(&self.token);
        request.json(body).send().await.unwrap()
    }

    async fn ls(&self, query: &str) -> Response {
        self.get(&format!("operation/endpoint/{}/ls?{query}", self.setup.id("laptop"))).await
    }

    async fn names(&self, query: &str) -> Vec<String> {
        let listing = json(self.ls(query).await, 200).await;
        listing["DATA"].as_array().unwrap().iter().map(|file| text(&file["name"])).collect()
    }

    /// A request for a transfer from laptop to cluster.
    fn request(&self, items: &[(&str, &str)], options: &Value) -> Value {
        let data: Vec<Value> = items
            .iter()
            .map(|(from, to)| json!({"DATA_TYPE": "transfer_item", "source_path": from, "destination_path": to}))
            .collect();
        let mut body = json!({
            "DATA_TYPE": "transfer", "submission_id": Uuid::new_v4(), "source_endpoint": self.setup.id("laptop"),
            "destination_endpoint": self.setup.id("cluster"), "DATA": data,
        });
        for (name, value) in options.as_object().unwrap() {
            body[name] = value.clone();
        }
        body
    }

    async fn submit(&self, items: &[(&str, &str)], options: &Value) -> String {
        let accepted = json(self.post("transfer", &self.request(items, options)).await, 202).await;
        assert_eq!(accepted["code"], "Accepted");
        text(&accepted["task_id"])
    }

    async fn task(&self, id: &str) -> Value {
        json(self.get(&format!("task/{id}")).await, 200).await
    }

    /// The task once `ready` accepts it.
    async fn until(&self, id: &str, ready: impl Fn(&Value) -> bool) -> Value {
        loop {
            let task = self.task(id).await;
            if ready(&task) {
                return task;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn finished(&self, id: &str) -> Value {
        self.until(id, |task| task["status"] != "ACTIVE").await
    }

    async fn run(&self, items: &[(&str, &str)], options: &Value) -> Value {
        let id = self.submit(items, options).await;
        self.finished(&id).await
    }

    async fn events(&self, id: &str) -> Vec<String> {
        let events = json(self.get(&format!("task/{id}/event_list?limit=100")).await, 200).await;
        events["DATA"].as_array().unwrap().iter().map(|event| text(&event["code"])).collect()
    }
}

fn write(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// Names of everything in a directory, to show that no temporary file is left.
fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn directories_are_copied_byte_for_byte_and_counted() {
    let setup = setup().await;
    let caller = Caller::service(&setup).await;
    let big: Vec<u8> = (0..3_000_000_u32).flat_map(u32::to_le_bytes).collect();
    write(&setup.a.path().join("data/big"), &big);
    write(&setup.a.path().join("data/deep/er/small"), b"small");
    write(&setup.a.path().join("data/empty"), b"");
    fs::create_dir(setup.a.path().join("data/nothing")).unwrap();
    write(&setup.a.path().join("single"), b"one");

    let task = caller
        .run(&[("/data/", "/copy/of/data/"), ("/~/single", "/copy/single")], &json!({"label": "x"}))
        .await;
    assert_eq!(task["status"], "SUCCEEDED");
    let to = setup.b.path().join("copy");
    assert_eq!(fs::read(to.join("of/data/big")).unwrap(), big);
    assert_eq!(fs::read(to.join("of/data/deep/er/small")).unwrap(), b"small");
    assert_eq!(fs::read(to.join("of/data/empty")).unwrap(), b"");
    assert_eq!(fs::read(to.join("single")).unwrap(), b"one");
    assert!(to.join("of/data/nothing").is_dir());
    assert_eq!(names(&to.join("of/data")), ["big", "deep", "empty", "nothing"]);

    for (member, expected) in [
        ("files", 4),
        ("directories", 4),
        ("files_transferred", 4),
        ("files_skipped", 0),
        ("faults", 0),
        ("bytes_transferred", 12_000_008),
        ("bytes_checksummed", 12_000_008),
        ("subtasks_total", 8),
        ("subtasks_succeeded", 8),
        ("subtasks_pending", 0),
    ] {
        assert_eq!(task[member], expected, "{member}");
    }
    assert_eq!(task["label"], "x");
    assert!(task["completion_time"].is_string() && task["fatal_error"].is_null());
    let id = text(&task["task_id"]);
    let moved = json(caller.get(&format!("task/{id}/successful_transfers")).await, 200).await;
    assert_eq!(moved["DATA"].as_array().unwrap().len(), 4);
    assert_eq!(moved["DATA"][0]["source_path"], "/data/big");
    assert_eq!(moved["DATA"][0]["destination_path"], "/copy/of/data/big");
    assert_eq!(
        (&moved["DATA"][0]["size"], &moved["DATA"][0]["checksum_algorithm"]),
        (&json!(12_000_000), &json!("SHA1"))
    );
    assert_eq!(moved["DATA"][1]["checksum"], "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    assert!(moved["next_marker"].is_null());
    assert_eq!(json(caller.get(&format!("task/{id}/pause_info")).await, 200).await["pause_rules"], json!([]));
    assert_eq!(caller.events(&id).await, ["SUCCEEDED", "STARTED"]);
}

#[tokio::test]
async fn the_same_submission_id_makes_one_task() {
    let setup = setup().await;
    let caller = Caller::service(&setup).await;
    write(&setup.a.path().join("f"), b"f");
    let id = json(caller.get("submission_id").await, 200).await;
    let request = caller.request(&[("/f", "/f")], &json!({"submission_id": id["value"]}));
    let first = json(caller.post("transfer", &request).await, 202).await;
    let second = json(caller.post("transfer", &request).await, 200).await;
    assert_eq!(second["code"], "Duplicate");
    assert_eq!(first["task_id"], second["task_id"]);
    let list = json(caller.get("task_list").await, 200).await;
    assert_eq!(list["total"], 1);
    assert_eq!(list["DATA"][0]["task_id"], first["task_id"]);
}

#[tokio::test]
async fn wrong_requests_are_refused_before_anything_moves() {
    let setup = setup().await;
    let caller = Caller::service(&setup).await;
    let refused = async |items: &[(&str, &str)], options: Value, status: u16, code: &str| {
        let body = json(caller.post("transfer", &caller.request(items, &options)).await, status).await;
        assert_eq!(body["code"], code, "{body}");
        assert!(body["request_id"].is_string() && body["resource"] == "/v0.10/transfer");
    };
    let item = [("/f", "/f")];
    let nobody = "00000000-0000-4000-8000-000000000000";
    refused(&[], json!({}), 400, "ClientError.BadRequest").await;
    refused(&item, json!({"submission_id": null}), 400, "ClientError.BadRequest").await;
    refused(&item, json!({"sync_level": 4}), 400, "ClientError.BadRequest").await;
    refused(&item, json!({"deadline": "yesterday"}), 400, "ClientError.BadRequest").await;
    refused(&item, json!({"deadline": "2001-01-01"}), 400, "ClientError.BadRequest").await;
    refused(&item, json!({"source_endpoint": nobody}), 404, "EndpointNotFound").await;
    refused(&[("/../f", "/f")], json!({}), 403, "EndpointPermissionDenied").await;
    refused(&[("/f", "/a/../../f")], json!({}), 403, "EndpointPermissionDenied").await;
    setup.emulator.set_transfer_limits(TransferLimits::none().max_items(1));
    refused(&[("/f", "/f"), ("/g", "/g")], json!({}), 400, "ClientError.BadRequest").await;
}

#[tokio::test]
async fn progress_grows_with_emulated_time_and_a_task_can_be_cancelled() {
    let setup = setup().await;
    let caller = Caller::service(&setup).await;
    setup.emulator.clock().freeze();
    setup.emulator.set_transfer_limits(TransferLimits::none().bytes_per_second(1000));
    write(&setup.a.path().join("f"), &[7; 5000]);
    let id = caller.submit(&[("/f", "/f")], &json!({})).await;
    let bytes = |task: &Value| task["bytes_transferred"].as_u64().unwrap();
    // The clock stands still, so after the first piece nothing moves.
    let first = caller.until(&id, |task| bytes(task) > 0).await;
    assert_eq!(bytes(&first), 100);
    assert_eq!(first["status"], "ACTIVE");
    assert!(first["completion_time"].is_null());
    setup.emulator.advance(Duration::from_secs(2));
    let second = caller.until(&id, |task| bytes(task) >= 2000).await;
    assert!(bytes(&second) <= 2100, "{}", bytes(&second));
    assert_eq!(second["subtasks_pending"], 1);

    let canceled = json(caller.post(&format!("task/{id}/cancel"), &json!({})).await, 200).await;
    assert_eq!(canceled["code"], "Canceled");
    let task = caller.task(&id).await;
    assert_eq!(task["status"], "FAILED");
    assert_eq!(task["fatal_error"]["code"], "CANCELED");
    assert_eq!(task["subtasks_canceled"], 1);
    let again = json(caller.post(&format!("task/{id}/cancel"), &json!({})).await, 200).await;
    assert_eq!(again["code"], "TaskComplete");
    setup.emulator.stop().await;
    // Every thread has ended: the unfinished file is gone.
    assert!(names(setup.b.path()).is_empty());
}

#[tokio::test]
async fn a_missing_source_is_retried_until_it_appears_or_the_deadline_passes() {
    let setup = setup().await;
    let caller = Caller::service(&setup).await;
    setup.emulator.clock().freeze();
    let late = caller.submit(&[("/late", "/late")], &json!({})).await;
    let never = caller.submit(&[("/never", "/never")], &json!({})).await;
    for id in [&late, &never] {
        let task = caller.until(id, |task| task["faults"] == 1).await;
        assert_eq!(task["status"], "ACTIVE");
        assert_eq!(task["nice_status"], "FILE_NOT_FOUND");
        assert_eq!(task["is_ok"], false);
        assert_eq!(task["subtasks_retrying"], 1);
    }
    write(&setup.a.path().join("late"), b"here");
    setup.emulator.advance(Duration::from_secs(11));
    assert_eq!(caller.finished(&late).await["status"], "SUCCEEDED");
    caller.until(&never, |task| task["faults"] == 2).await;
    setup.emulator.advance(Duration::from_secs(86_400));
    let task = caller.finished(&never).await;
    assert_eq!(task["status"], "FAILED");
    assert_eq!(task["fatal_error"]["code"], "EXPIRED");
    assert_eq!(task["subtasks_expired"], 1);
    assert_eq!(caller.events(&never).await, ["EXPIRED", "FILE_NOT_FOUND", "FILE_NOT_FOUND", "STARTED"]);
    let errors = json(caller.get(&format!("task/{never}/event_list?filter=is_error:1")).await, 200).await;
    assert_eq!(errors["total"], 3);
    assert!(serde_json::from_str::<Value>(&text(&errors["DATA"][1]["details"])).unwrap().is_object());
}

#[tokio::test]
async fn source_errors_can_be_skipped_or_fail_at_once() {
    let setup = setup().await;
    let caller = Caller::service(&setup).await;
    write(&setup.a.path().join("f"), b"f");
    let items = [("/missing", "/missing"), ("/f", "/f")];
    let task = caller.run(&items, &json!({"skip_source_errors": true})).await;
    assert_eq!((&task["status"], &task["subtasks_skipped_errors"]), (&json!("SUCCEEDED"), &json!(1)));
    let id = text(&task["task_id"]);
    let skipped = json(caller.get(&format!("task/{id}/skipped_errors")).await, 200).await;
    assert_eq!(skipped["DATA"][0]["error_code"], "FILE_NOT_FOUND");

    setup.emulator.set_transfer_limits(TransferLimits::none().fail_fast());
    let task = caller.run(&items, &json!({})).await;
    assert_eq!((&task["status"], &task["fatal_error"]["code"]), (&json!("FAILED"), &json!("FILE_NOT_FOUND")));
}

#[tokio::test]
async fn sync_levels_skip_what_is_there() {
    let setup = setup().await;
    let caller = Caller::service(&setup).await;
    let (from, to) = (setup.a.path().join("f"), setup.b.path().join("f"));
    let set_time = |path: &Path, seconds: u64| {
        let time = std::time::UNIX_EPOCH + Duration::from_secs(seconds);
        fs::File::options().append(true).open(path).unwrap().set_modified(time).unwrap();
    };
    // What is at the destination, its time relative to the source, and which levels copy over it.
    for (there, time, copied) in [
        (b"same".as_slice(), 1000, [false, false, false, false]),
        (b"else", 1000, [false, false, false, true]),
        (b"else", 900, [false, false, true, true]),
        (b"longer", 1000, [false, true, true, true]),
    ] {
        for (level, copied) in copied.into_iter().enumerate() {
            write(&from, b"same");
            set_time(&from, 1000);
            write(&to, there);
            set_time(&to, time);
            let task =
                caller.run(&[("/f", "/f")], &json!({"sync_level": level, "preserve_timestamp": true})).await;
            assert_eq!(task["status"], "SUCCEEDED");
            let expected = u64::from(copied);
            assert_eq!(task["files_transferred"], expected, "level {level} over {there:?}");
            assert_eq!(task["files_skipped"], 1 - expected);
            assert_eq!(fs::read(&to).unwrap(), if copied { b"same" } else { there });
            let modified =
                to.metadata().unwrap().modified().unwrap().duration_since(std::time::UNIX_EPOCH).unwrap();
            assert_eq!(modified.as_secs(), if copied { 1000 } else { time });
        }
    }
}

#[tokio::test]
async fn filters_checksums_and_extra_files_are_obeyed() {
    let setup = setup().await;
    let caller = Caller::service(&setup).await;
    for name in ["d/a.txt", "d/b.bin", "d/skip/c.txt"] {
        write(&setup.a.path().join(name), b"abc");
    }
    write(&setup.b.path().join("d/extra"), b"x");
    write(&setup.b.path().join("d/old/file"), b"x");
    let rules = json!([
        {"DATA_TYPE": "filter_rule", "method": "exclude", "name": "skip", "type": "dir"},
        {"DATA_TYPE": "filter_rule", "method": "include", "name": "*.txt", "type": "file"},
        {"DATA_TYPE": "filter_rule", "method": "exclude", "name": "*", "type": "file"},
    ]);
    let options = json!({"filter_rules": rules, "delete_destination_extra": true});
    assert_eq!(caller.run(&[("/d", "/d")], &options).await["status"], "SUCCEEDED");
    assert_eq!(names(&setup.b.path().join("d")), ["a.txt"]);

    let with_checksum = async |checksum: &str| {
        let mut request = caller.request(&[("/d/a.txt", "/sum")], &json!({}));
        request["DATA"][0]["external_checksum"] = json!(checksum);
        request["DATA"][0]["checksum_algorithm"] = json!("SHA1");
        let id = text(&json(caller.post("transfer", &request).await, 202).await["task_id"]);
        caller.finished(&id).await
    };
    let task = with_checksum("0000000000000000000000000000000000000000").await;
    assert_eq!(task["fatal_error"]["code"], "EXTERNAL_CHECKSUM_MISMATCH");
    assert!(!setup.b.path().join("sum").exists());
    assert_eq!(with_checksum("A9993E364706816ABA3E25717850C26C9CD0D89D").await["status"], "SUCCEEDED");
}

#[tokio::test]
async fn a_file_does_not_replace_a_directory_and_a_directory_is_not_copied_into_itself() {
    let setup = setup().await;
    let caller = Caller::service(&setup).await;
    write(&setup.a.path().join("f"), b"f");
    fs::create_dir(setup.b.path().join("d")).unwrap();
    let task = caller.run(&[("/f", "/d")], &json!({})).await;
    assert_eq!(task["fatal_error"]["code"], "IS_A_DIRECTORY");
    assert_eq!(caller.run(&[("/f", "/")], &json!({})).await["status"], "FAILED");

    let options = json!({"destination_endpoint": setup.id("laptop")});
    let task = caller.run(&[("/", "/inner")], &options).await;
    assert_eq!(task["fatal_error"]["code"], "INVALID_PATH_NAME");
}

#[cfg(unix)]
#[tokio::test]
async fn nothing_outside_is_read_or_written_through_links() {
    use std::os::unix::fs::symlink;
    let setup = setup().await;
    let caller = Caller::service(&setup).await;
    let outside = tempfile::tempdir().unwrap();
    write(&outside.path().join("secret"), b"secret");
    write(&setup.a.path().join("f"), b"new");
    symlink(outside.path(), setup.a.path().join("out")).unwrap();
    symlink(outside.path().join("secret"), setup.a.path().join("file-out")).unwrap();
    symlink(outside.path(), setup.b.path().join("out")).unwrap();
    symlink(outside.path().join("secret"), setup.b.path().join("file-out")).unwrap();

    // Reading.
    for path in ["/out/secret", "/file-out", "/out"] {
        let task = caller.run(&[(path, "/stolen")], &json!({})).await;
        assert_eq!(task["fatal_error"]["code"], "PERMISSION_DENIED", "{path}");
    }
    for symlinks in ["copy", "keep"] {
        write(&setup.a.path().join("d/f"), b"f");
        drop(fs::remove_file(setup.a.path().join("d/link")));
        symlink(outside.path(), setup.a.path().join("d/link")).unwrap();
        let task = caller.run(&[("/d", "/d")], &json!({"recursive_symlinks": symlinks})).await;
        assert_eq!(task["fatal_error"]["code"], "PERMISSION_DENIED", "{symlinks}");
    }
    let task = caller.run(&[("/d", "/ignored")], &json!({})).await;
    assert_eq!(task["status"], "SUCCEEDED");
    assert_eq!(names(&setup.b.path().join("ignored")), ["f"]);
    assert_eq!(caller.ls("path=/out").await.status(), 403);
    assert_eq!(caller.ls("path=/../").await.status(), 403);
    let stat = format!("operation/endpoint/{}/stat?path=/file-out", setup.id("laptop"));
    assert_eq!(json(caller.get(&stat).await, 403).await["code"], "EndpointPermissionDenied");

    // Writing.
    let task = caller.run(&[("/f", "/out/f")], &json!({})).await;
    assert_eq!(task["fatal_error"]["code"], "PERMISSION_DENIED");
    let mkdir = format!("operation/endpoint/{}/mkdir", setup.id("cluster"));
    assert_eq!(caller.post(&mkdir, &json!({"path": "/out/new"})).await.status(), 403);
    // A link at the very place is replaced; what it leads to is left alone.
    assert_eq!(caller.run(&[("/f", "/file-out")], &json!({})).await["status"], "SUCCEEDED");
    assert_eq!(fs::read(setup.b.path().join("file-out")).unwrap(), b"new");
    assert!(!setup.b.path().join("file-out").is_symlink());
    let options = json!({"delete_destination_extra": true});
    assert_eq!(caller.run(&[("/d", "/")], &options).await["status"], "SUCCEEDED");
    assert_eq!(names(outside.path()), ["secret"]);
    assert_eq!(fs::read(outside.path().join("secret")).unwrap(), b"secret");
}

#[cfg(unix)]
#[tokio::test]
async fn names_that_are_not_utf8_are_listed_and_copied() {
    use std::os::unix::ffi::OsStrExt as _;
    let setup = setup().await;
    let caller = Caller::service(&setup).await;
    let name = std::ffi::OsStr::from_bytes(b"odd-\xff\n");
    fs::create_dir(setup.a.path().join("d")).unwrap();
    if fs::write(setup.a.path().join("d").join(name), b"odd").is_err() {
        // This file system takes only UTF-8: there is nothing to see.
        return;
    }
    assert_eq!(caller.names("path=/d").await, ["odd-\u{fffd}\n"]);
    assert_eq!(caller.run(&[("/d", "/d")], &json!({})).await["status"], "SUCCEEDED");
    assert_eq!(fs::read(setup.b.path().join("d").join(name)).unwrap(), b"odd");
}

#[tokio::test]
async fn listings_are_filtered_ordered_and_paged() {
    let setup = setup().await;
    let caller = Caller::service(&setup).await;
    for (name, size) in [("a.bin", 10), ("b.txt", 30), (".hidden", 20)] {
        write(&setup.a.path().join(name), &vec![0; size]);
    }
    fs::create_dir(setup.a.path().join("d")).unwrap();
    assert_eq!(caller.names("").await, [".hidden", "a.bin", "b.txt", "d"]);
    assert_eq!(caller.names("show_hidden=0").await, ["a.bin", "b.txt", "d"]);
    assert_eq!(caller.names("filter=type:file&orderby=size%20DESC").await, ["b.txt", ".hidden", "a.bin"]);
    assert_eq!(caller.names("limit=1&offset=2").await, ["b.txt"]);

    let listing = json(caller.ls("path=/~/").await, 200).await;
    assert_eq!(listing["path"], "/");
    let file = &listing["DATA"][1];
    assert_eq!(
        (&file["type"], &file["size"], &file["DATA_TYPE"]),
        (&json!("file"), &json!(10), &json!("file"))
    );
    for member in ["permissions", "user", "group", "last_modified"] {
        assert!(file[member].is_string(), "{member}");
    }
    assert_eq!(json(caller.ls("path=/none").await, 404).await["code"], "ClientError.NotFound");
    assert_eq!(
        json(caller.ls("path=/a.bin").await, 502).await["code"],
        "ExternalError.DirListingFailed.NotDirectory"
    );

    let operation = format!("operation/endpoint/{}", setup.id("laptop"));
    let stat = json(caller.get(&format!("{operation}/stat?path=/a.bin")).await, 200).await;
    assert_eq!((&stat["name"], &stat["size"]), (&json!("a.bin"), &json!(10)));
    assert_eq!(
        json(caller.get(&format!("{operation}/stat?path=/none")).await, 404).await["code"],
        "NotFound"
    );
    let mkdir = format!("{operation}/mkdir");
    assert_eq!(
        json(caller.post(&mkdir, &json!({"path": "/new"})).await, 202).await["code"],
        "DirectoryCreated"
    );
    let exists = json(caller.post(&mkdir, &json!({"path": "/new"})).await, 502).await;
    assert_eq!(exists["code"], "ExternalError.MkdirFailed.Exists");
    assert_eq!(caller.post(&mkdir, &json!({"path": "/no/such/parent"})).await.status(), 404);
}

#[tokio::test]
async fn collections_are_shown_to_those_who_may_use_them() {
    let setup = setup().await;
    let caller = Caller::service(&setup).await;
    let id = setup.id("laptop");
    let endpoint = json(caller.get(&format!("endpoint/{id}")).await, 200).await;
    assert_eq!(endpoint["display_name"], "laptop");
    assert_eq!(endpoint["entity_type"], "GCP_mapped_collection");
    assert_eq!(endpoint["owner_id"], setup.emulator.confidential_client().id().to_string());
    let found = json(caller.get("endpoint_search?filter_fulltext=lap").await, 200).await;
    assert_eq!((&found["DATA"][0]["id"], &found["has_next_page"]), (&json!(id), &json!(false)));

    // The user may use them, a stranger may not, and tasks are their owner's.
    let user = text(&setup.login(TRANSFER).await["access_token"]);
    setup.emulator.script_consent([Decision::approve().as_user("jon@lab.example.org")]);
    let stranger = text(&setup.login(TRANSFER).await["access_token"]);
    write(&setup.a.path().join("f"), b"f");
    let task = caller.submit(&[("/f", "/f")], &json!({})).await;
    let (user, stranger) = (Caller { setup: &setup, token: user }, Caller { setup: &setup, token: stranger });
    assert_eq!(user.ls("").await.status(), 200);
    assert_eq!(json(stranger.ls("").await, 403).await["code"], "EndpointPermissionDenied");
    assert_eq!(json(user.get(&format!("task/{task}")).await, 404).await["code"], "TaskNotFound");
    let nobody = Caller { setup: &setup, token: "Agnobody".to_owned() };
    assert_eq!(json(nobody.ls("").await, 401).await["code"], "ClientError.AuthenticationFailed");
}

#[tokio::test]
async fn an_unfinished_task_goes_on_after_a_restart() {
    let home = tempfile::tempdir().unwrap();
    let first = support::setup_with(|builder| builder.data_dir(home.path())).await;
    let token = {
        let caller = Caller::service(&first).await;
        let id = caller.submit(&[("/late", "/late")], &json!({})).await;
        caller.until(&id, |task| task["faults"] == 1).await;
        (caller.token, id)
    };
    let Setup { emulator, http, a, b } = first;
    emulator.stop().await;
    write(&a.path().join("late"), b"here");
    let builder = globus_emulator::Emulator::builder().data_dir(home.path());
    let emulator =
        builder.collection("laptop", a.path()).collection("cluster", b.path()).start().await.unwrap();
    let second = Setup { emulator, http, a, b };
    let caller = Caller { setup: &second, token: token.0 };
    assert_eq!(caller.finished(&token.1).await["status"], "SUCCEEDED");
    assert_eq!(fs::read(second.b.path().join("late")).unwrap(), b"here");
}

#[tokio::test]
async fn tasks_wait_for_their_turn_and_before_each_file() {
    let setup = setup().await;
    let caller = Caller::service(&setup).await;
    setup.emulator.clock().freeze();
    setup
        .emulator
        .set_transfer_limits(TransferLimits::none().concurrency(1).file_delay(Duration::from_secs(60)));
    write(&setup.a.path().join("f"), b"f");
    let first = caller.submit(&[("/f", "/first")], &json!({})).await;
    caller.until(&first, |task| task["files"] == 1).await;
    let second = caller.submit(&[("/f", "/second")], &json!({})).await;
    // The first waits before its file, and the second for the first.
    assert_eq!(caller.task(&first).await["files_transferred"], 0);
    setup.emulator.advance(Duration::from_secs(60));
    assert_eq!(caller.finished(&first).await["status"], "SUCCEEDED");
    let waiting = caller.until(&second, |task| task["files"] == 1).await;
    assert_eq!(waiting["files_transferred"], 0);
    // Lifting the limits lets a waiting task go on at once.
    setup.emulator.set_transfer_limits(TransferLimits::none());
    assert_eq!(caller.finished(&second).await["status"], "SUCCEEDED");
}

#[tokio::test]
async fn what_was_submitted_is_listed_and_filtered() {
    let setup = setup().await;
    let caller = Caller::service(&setup).await;
    write(&setup.a.path().join("f"), b"f");
    for label in ["one", "two", "three"] {
        caller.run(&[("/f", "/f")], &json!({"label": label})).await;
    }
    let list = async |query: &str| json(caller.get(&format!("task_list?{query}")).await, 200).await;
    let page = list("limit=2&offset=2").await;
    assert_eq!((&page["total"], &page["length"]), (&json!(3), &json!(1)));
    assert_eq!(list("filter=label:~t*").await["total"], 2);
    assert_eq!(list("filter=status:ACTIVE,INACTIVE").await["total"], 0);
    assert_eq!(list("filter=type:TRANSFER,DELETE/status:SUCCEEDED").await["total"], 3);
    assert_eq!(list("orderby=label%20ASC").await["DATA"][0]["label"], "one");
}
