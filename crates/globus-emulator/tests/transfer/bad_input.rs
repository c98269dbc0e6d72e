//! What goes wrong with a transfer, and how that is told.

use std::fs;
use std::time::Duration;

use globus_emulator::TransferLimits;
use serde_json::{Value, json};

use crate::caller::{Caller, expect, names, write};
use crate::support::{json, setup, text};

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

#[tokio::test]
async fn clashing_names_end_the_task_and_leave_what_is_there() {
    let setup = setup().await;
    let caller = Caller::service(&setup).await;
    write(&setup.a.path().join("d/f"), b"new");
    write(&setup.a.path().join("f"), b"new");
    write(&setup.b.path().join("d"), b"old");
    write(&setup.b.path().join("f/x"), b"old");
    for (items, code, at) in [
        // A directory onto a file, and below one.
        (&[("/d", "/d")][..], "NOT_A_DIRECTORY", "/d/"),
        (&[("/f", "/d/f")], "NOT_A_DIRECTORY", "/d/f"),
        // A file onto a directory.
        (&[("/f", "/f")], "IS_A_DIRECTORY", "/f"),
        // Two files to one place, written differently.
        (&[("/f", "/same"), ("/d/f", "/x/../same")], "AMBIGUOUS_PATH", "/f"),
    ] {
        let task = caller.run(items, &json!({})).await;
        let count = items.len();
        expect(
            &task,
            &json!({
                "status": "FAILED", "faults": 1, "files_transferred": 0, "bytes_transferred": 0,
                "subtasks_total": count, "subtasks_failed": count,
            }),
        );
        assert_eq!(task["fatal_error"]["code"], code);
        let words = text(&task["fatal_error"]["description"]);
        assert!(words.ends_with(at), "{words}");
        assert_eq!(caller.events(&text(&task["task_id"])).await, [code, "STARTED"]);
    }
    assert_eq!(names(setup.b.path()), ["d", "f"]);
    assert_eq!(fs::read(setup.b.path().join("d")).unwrap(), b"old");
    assert_eq!(names(&setup.b.path().join("f")), ["x"]);
    // Two directories may go to one place: they are merged.
    let task = caller.run(&[("/d", "/merged"), ("/", "/merged")], &json!({})).await;
    expect(&task, &json!({"status": "SUCCEEDED", "files": 3}));
    assert_eq!(names(&setup.b.path().join("merged")), ["d", "f"]);
}

#[cfg(unix)]
#[tokio::test]
async fn strange_names_are_listed_copied_told_and_deleted() {
    use std::os::unix::ffi::OsStrExt as _;
    let setup = setup().await;
    let caller = Caller::service(&setup).await;
    let strange = ["new\nline", "quote\"'", "back\\slash", " blank ", "uml\u{e4}ut", "~", "*"];
    for name in strange {
        write(&setup.a.path().join("d").join(name), name.as_bytes());
    }
    let mut listed = caller.names("path=/d").await;
    listed.sort();
    let mut expected = strange.map(str::to_owned);
    expected.sort();
    assert_eq!(listed, expected);
    let items: Vec<(String, String)> =
        strange.iter().map(|name| (format!("/d/{name}"), format!("/one by one/{name}"))).collect();
    let items: Vec<(&str, &str)> = items.iter().map(|(from, to)| (from.as_str(), to.as_str())).collect();
    let task = caller.run(&items, &json!({})).await;
    expect(&task, &json!({"status": "SUCCEEDED", "files_transferred": strange.len()}));
    let moved = caller.moved(&text(&task["task_id"])).await;
    for ((from, to), moved) in items.iter().zip(&moved) {
        expect(moved, &json!({"source_path": from, "destination_path": to}));
    }
    for name in strange {
        let copy = setup.b.path().join("one by one").join(name);
        assert_eq!(fs::read(copy).unwrap(), name.as_bytes());
        let stat = [("path", format!("/d/{name}"))];
        let url = url::Url::parse_with_params(&setup.transfer(&caller.operation("laptop", "stat")), stat);
        let stat = setup.http.get(url.unwrap()).bearer_auth(&caller.token).send().await.unwrap();
        assert_eq!(json(stat, 200).await["name"], name);
    }
    let paths: Vec<String> = strange.iter().map(|name| format!("/one by one/{name}")).collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    assert_eq!(caller.delete(&paths, &json!({})).await["status"], "SUCCEEDED");
    assert_eq!(names(&setup.b.path().join("one by one")), [""; 0]);

    let odd = std::ffi::OsStr::from_bytes(b"odd-\xff\xfe");
    fs::create_dir(setup.a.path().join("bytes")).unwrap();
    if fs::write(setup.a.path().join("bytes").join(odd), b"odd").is_err() {
        // This file system takes only UTF-8: there is nothing more to see.
        return;
    }
    assert_eq!(caller.names("path=/bytes").await, ["odd-\u{fffd}\u{fffd}"]);
    let task = caller.run(&[("/bytes", "/bytes")], &json!({})).await;
    expect(&task, &json!({"status": "SUCCEEDED", "files_transferred": 1}));
    assert_eq!(fs::read(setup.b.path().join("bytes").join(odd)).unwrap(), b"odd");
    let moved = caller.moved(&text(&task["task_id"])).await;
    assert_eq!(moved[0]["source_path"], "/bytes/odd-\u{fffd}\u{fffd}");
    let task = caller.delete(&["/bytes"], &json!({"recursive": true})).await;
    expect(&task, &json!({"status": "SUCCEEDED", "files": 1, "directories": 1}));
    assert!(!setup.b.path().join("bytes").exists());
}

#[tokio::test]
async fn a_task_cancelled_in_the_middle_of_a_file_keeps_what_was_done() {
    let setup = setup().await;
    let caller = Caller::service(&setup).await;
    setup.emulator.clock().freeze();
    setup.emulator.set_transfer_limits(TransferLimits::none().bytes_per_second(1_000_000));
    write(&setup.a.path().join("d/1"), &[1; 1000]);
    write(&setup.a.path().join("d/2-big"), &vec![2; 3_000_000]);
    write(&setup.a.path().join("d/3"), &[3; 1000]);
    // Large files go another way if nobody wants a checksum.
    for (verify, bytes_checksummed) in [(false, 0), (true, 1000)] {
        let id = caller.submit(&[("/d", "/d")], &json!({"verify_checksum": verify})).await;
        caller.until(&id, |task| task["bytes_transferred"] == 1000).await;
        setup.emulator.advance(Duration::from_millis(1500));
        let task = caller.until(&id, |task| task["bytes_transferred"].as_u64() > Some(1_400_000)).await;
        expect(&task, &json!({"status": "ACTIVE", "subtasks_succeeded": 2, "subtasks_pending": 2}));
        assert_eq!(caller.cancel(&id).await["code"], "Canceled");
        // Until its thread has seen it the unfinished file is there.
        while names(&setup.b.path().join("d")) != ["1"] {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        // What it had moved of that file is not there either.
        let task = caller.until(&id, |task| task["bytes_transferred"] == 1000).await;
        expect(
            &task,
            &json!({
                "status": "FAILED", "files": 3, "files_transferred": 1, "subtasks_total": 4,
                "subtasks_succeeded": 2, "subtasks_canceled": 2, "bytes_checksummed": bytes_checksummed,
            }),
        );
        assert_eq!(task["fatal_error"]["code"], "CANCELED");
        assert_eq!(caller.moved(&id).await.len(), 1);
        assert_eq!(caller.events(&id).await, ["CANCELED", "STARTED"]);
        fs::remove_dir_all(setup.b.path().join("d")).unwrap();
    }
}

#[tokio::test]
async fn a_full_disk_is_tried_again_until_there_is_room_or_the_deadline() {
    let setup = setup().await;
    let caller = Caller::service(&setup).await;
    setup.emulator.clock().freeze();
    write(&setup.a.path().join("d/1"), &[1; 1000]);
    write(&setup.a.path().join("d/2-big"), &vec![2; 500_000]);
    for verify in [false, true] {
        setup.emulator.set_transfer_limits(TransferLimits::none().free_bytes(300_000));
        let id = caller.submit(&[("/d", "/d")], &json!({"verify_checksum": verify})).await;
        let task = caller.until(&id, |task| task["faults"] == 1).await;
        expect(
            &task,
            &json!({
                "status": "ACTIVE", "nice_status": "NO_SPACE_LEFT", "is_ok": false, "subtasks_retrying": 1,
                "subtasks_succeeded": 2, "bytes_transferred": 1000,
            }),
        );
        assert_eq!(names(&setup.b.path().join("d")), ["1"]);
        setup.emulator.advance(Duration::from_secs(10));
        caller.until(&id, |task| task["faults"] == 2).await;
        setup.emulator.set_transfer_limits(TransferLimits::none().free_bytes(500_000));
        setup.emulator.advance(Duration::from_secs(10));
        let task = caller.finished(&id).await;
        expect(&task, &json!({"status": "SUCCEEDED", "bytes_transferred": 501_000, "faults": 2}));
        let events = ["SUCCEEDED", "NO_SPACE_LEFT", "NO_SPACE_LEFT", "STARTED"];
        let seen = caller.events(&id).await;
        assert_eq!(seen.iter().filter(|code| *code != "PROGRESS").collect::<Vec<_>>(), events);
        // Every byte is used up now.
        let task = caller.run(&[("/d/1", "/more")], &json!({"fail_on_quota_errors": true})).await;
        expect(
            &task,
            &json!({"status": "FAILED", "faults": 1, "subtasks_failed": 1, "bytes_transferred": 0}),
        );
        assert_eq!(task["fatal_error"]["code"], "NO_SPACE_LEFT");
        let deadline = (setup.now() + Duration::from_secs(3600)).to_string();
        let id = caller.submit(&[("/d/1", "/more")], &json!({"deadline": deadline})).await;
        caller.until(&id, |task| task["faults"] == 1).await;
        setup.emulator.advance(Duration::from_secs(3600));
        let task = caller.finished(&id).await;
        expect(&task, &json!({"status": "FAILED", "subtasks_expired": 1}));
        assert_eq!(task["fatal_error"]["code"], "EXPIRED");
        assert_eq!(names(setup.b.path()), ["d"]);
        fs::remove_dir_all(setup.b.path().join("d")).unwrap();
    }
}

#[tokio::test]
async fn a_source_that_changes_while_it_is_copied_is_copied_again() {
    let setup = setup().await;
    let caller = Caller::service(&setup).await;
    setup.emulator.clock().freeze();
    let slow = TransferLimits::none().bytes_per_second(1000);
    let file = setup.a.path().join("f");
    // Longer, shorter, and rewritten with the same length.
    for changed in [&b"x".repeat(6000), &b"x".repeat(1000), &b"x".repeat(5000)] {
        for verify in [false, true] {
            setup.emulator.set_transfer_limits(slow);
            write(&file, &b"o".repeat(5000));
            fs::File::options()
                .append(true)
                .open(&file)
                .unwrap()
                .set_modified(std::time::UNIX_EPOCH)
                .unwrap();
            let id = caller.submit(&[("/f", "/f")], &json!({"verify_checksum": verify})).await;
            caller.until(&id, |task| task["bytes_transferred"] == 100).await;
            write(&file, changed);
            setup.emulator.advance(Duration::from_secs(60));
            let task = caller.until(&id, |task| task["faults"] == 1).await;
            expect(&task, &json!({"nice_status": "FILE_SIZE_CHANGED", "bytes_transferred": 0}));
            assert!(!setup.b.path().join("f").exists());
            setup.emulator.set_transfer_limits(TransferLimits::none());
            setup.emulator.advance(Duration::from_secs(10));
            let task = caller.finished(&id).await;
            expect(&task, &json!({"status": "SUCCEEDED", "bytes_transferred": changed.len(), "faults": 1}));
            assert_eq!(&fs::read(setup.b.path().join("f")).unwrap(), changed);
            fs::remove_file(setup.b.path().join("f")).unwrap();
        }
    }
}

#[tokio::test]
async fn a_source_that_vanishes_is_missed_before_its_copy_begins_and_not_after() {
    let setup = setup().await;
    let caller = Caller::service(&setup).await;
    setup.emulator.clock().freeze();
    setup.emulator.set_transfer_limits(TransferLimits::none().file_delay(Duration::from_secs(60)));
    write(&setup.a.path().join("d/1"), b"1");
    write(&setup.a.path().join("d/2"), b"2");
    write(&setup.a.path().join("d/sub/3"), b"3");
    write(&setup.b.path().join("d/extra"), b"x");
    let options = json!({"skip_source_errors": true, "delete_destination_extra": true});
    let id = caller.submit(&[("/d", "/d")], &options).await;
    caller.until(&id, |task| task["subtasks_total"] == 4).await;
    fs::remove_file(setup.a.path().join("d/2")).unwrap();
    fs::remove_dir_all(setup.a.path().join("d/sub")).unwrap();
    let gone_at = setup.now();
    setup.emulator.set_transfer_limits(TransferLimits::none());
    let task = caller.finished(&id).await;
    expect(
        &task,
        &json!({
            "status": "SUCCEEDED", "files_transferred": 1, "directories": 1, "subtasks_total": 4,
            "subtasks_succeeded": 2, "subtasks_skipped_errors": 2, "faults": 0,
        }),
    );
    let skipped = caller.skipped(&id).await;
    let time = gone_at.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string();
    expect(
        &skipped[0],
        &json!({
            "DATA_TYPE": "skipped_error", "source_path": "/d/2", "destination_path": "/d/2",
            "error_code": "FILE_NOT_FOUND", "error_details": "no such file or directory", "error_time": time,
            "is_directory": false, "is_symlink": false, "is_delete_destination_extra": false,
            "external_checksum": null, "checksum_algorithm": null,
        }),
    );
    expect(&skipped[1], &json!({"source_path": "/d/sub/", "is_directory": true}));
    // What is too much at the destination may be what could not be read at the source.
    assert_eq!(names(&setup.b.path().join("d")), ["1", "extra"]);
    let events = ["SUCCEEDED", "SKIPPED_ERRORS", "DELETE_DESTINATION_EXTRA_SKIPPED", "STARTED"];
    assert_eq!(caller.events(&id).await, events);

    // Once it is open its content is there until the copy is done.
    setup.emulator.set_transfer_limits(TransferLimits::none().bytes_per_second(1000));
    write(&setup.a.path().join("f"), &[7; 5000]);
    let id = caller.submit(&[("/f", "/f")], &json!({})).await;
    caller.until(&id, |task| task["bytes_transferred"] == 100).await;
    fs::remove_file(setup.a.path().join("f")).unwrap();
    setup.emulator.set_transfer_limits(TransferLimits::none());
    expect(&caller.finished(&id).await, &json!({"status": "SUCCEEDED", "bytes_transferred": 5000}));
    assert_eq!(fs::read(setup.b.path().join("f")).unwrap(), [7; 5000]);
}

#[tokio::test]
async fn a_copy_that_is_not_what_was_read_is_made_again() {
    let setup = setup().await;
    let caller = Caller::service(&setup).await;
    setup.emulator.clock().freeze();
    setup.emulator.set_transfer_limits(TransferLimits::none().bytes_per_second(1000));
    write(&setup.a.path().join("f"), &[7; 5000]);
    let id = caller.submit(&[("/f", "/f")], &json!({})).await;
    caller.until(&id, |task| task["bytes_transferred"] == 100).await;
    let unfinished = format!(".globus-{id}");
    assert_eq!(names(setup.b.path()), [unfinished.as_str()]);
    // What a bad disk would do.
    let mut file = fs::File::options().write(true).open(setup.b.path().join(&unfinished)).unwrap();
    std::io::Write::write_all(&mut file, b"bad").unwrap();
    setup.emulator.set_transfer_limits(TransferLimits::none());
    let task = caller.until(&id, |task| task["faults"] == 1).await;
    expect(&task, &json!({"nice_status": "VERIFY_CHECKSUM", "bytes_transferred": 0, "bytes_checksummed": 0}));
    assert_eq!(names(setup.b.path()), [""; 0]);
    setup.emulator.advance(Duration::from_secs(10));
    let task = caller.finished(&id).await;
    expect(&task, &json!({"status": "SUCCEEDED", "faults": 1, "bytes_checksummed": 5000}));
    assert_eq!(fs::read(setup.b.path().join("f")).unwrap(), [7; 5000]);
}

#[tokio::test]
async fn what_a_killed_emulator_left_of_a_file_is_replaced() {
    let setup = setup().await;
    let caller = Caller::service(&setup).await;
    setup.emulator.clock().freeze();
    setup.emulator.set_transfer_limits(TransferLimits::none().file_delay(Duration::from_secs(60)));
    write(&setup.a.path().join("f"), b"whole");
    let id = caller.submit(&[("/f", "/f")], &json!({})).await;
    caller.until(&id, |task| task["files"] == 1).await;
    write(&setup.b.path().join(format!(".globus-{id}")), b"the first half and more");
    setup.emulator.set_transfer_limits(TransferLimits::none());
    assert_eq!(caller.finished(&id).await["status"], "SUCCEEDED");
    assert_eq!(names(setup.b.path()), ["f"]);
    assert_eq!(fs::read(setup.b.path().join("f")).unwrap(), b"whole");
}
