//! Links: what must never happen to files outside, however the links stand or change.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use globus_emulator::TransferLimits;
use serde_json::json;

use crate::caller::{Caller, expect, names, write};
use crate::support::{json, setup, text};

#[tokio::test]
async fn nothing_outside_is_read_or_written_through_links() {
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

#[tokio::test]
async fn links_on_the_way_to_the_destination_do_not_lead_out() {
    let setup = setup().await;
    let caller = Caller::service(&setup).await;
    let outside = setup.b.path().parent().unwrap().join(format!("outside-{}", uuid::Uuid::new_v4()));
    fs::create_dir(&outside).unwrap();
    write(&setup.a.path().join("d/f"), b"f");
    let root = setup.b.path();
    fs::create_dir(root.join("deep")).unwrap();
    symlink(&outside, root.join("absolute")).unwrap();
    symlink(format!("../{}", outside.file_name().unwrap().to_str().unwrap()), root.join("relative")).unwrap();
    symlink("../absolute", root.join("deep/through")).unwrap();
    for to in ["/absolute/f", "/absolute/new/f", "/relative/new/f", "/deep/through/new/f"] {
        for item in [("/d/f", to), ("/d", to)] {
            let task = caller.run(&[item], &json!({})).await;
            assert_eq!(task["fatal_error"]["code"], "PERMISSION_DENIED", "{to}");
            expect(&task, &json!({"status": "FAILED", "subtasks_failed": 1, "bytes_transferred": 0}));
        }
    }
    assert_eq!(names(&outside), [""; 0]);
    // A link that is copied must not lead out where it arrives.
    symlink("f", setup.a.path().join("d/good")).unwrap();
    let keep = json!({"recursive_symlinks": "keep"});
    let task = caller.run(&[("/d", "/kept")], &keep).await;
    expect(&task, &json!({"status": "SUCCEEDED", "symlinks": 1, "files": 1}));
    assert_eq!(fs::read_link(root.join("kept/good")).unwrap(), Path::new("f"));
    fs::create_dir(setup.a.path().join("d/sub")).unwrap();
    symlink("../f", setup.a.path().join("d/sub/up")).unwrap();
    let task = caller.run(&[("/d/sub", "/")], &keep).await;
    assert_eq!(task["fatal_error"]["code"], "PERMISSION_DENIED");
    assert!(!root.join("up").is_symlink());
    fs::remove_dir_all(&outside).unwrap();
}

#[tokio::test]
async fn what_is_no_file_and_links_to_nowhere_are_told_by_their_codes() {
    let setup = setup().await;
    let caller = Caller::service(&setup).await;
    write(&setup.a.path().join("d/f"), b"f");
    symlink("nowhere", setup.a.path().join("d/dangling")).unwrap();
    let socket = std::os::unix::net::UnixListener::bind(setup.a.path().join("socket")).unwrap();
    let task = caller.run(&[("/socket", "/socket")], &json!({"skip_source_errors": true})).await;
    expect(&task, &json!({"status": "SUCCEEDED", "subtasks_skipped_errors": 1}));
    drop(socket);

    let options = json!({"recursive_symlinks": "copy", "skip_source_errors": true});
    let task = caller.run(&[("/d", "/d")], &options).await;
    expect(&task, &json!({"status": "SUCCEEDED", "files_transferred": 1, "subtasks_skipped_errors": 1}));
    let skipped = caller.skipped(&text(&task["task_id"])).await;
    expect(
        &skipped[0],
        &json!({"error_code": "INVALID_SYMLINK", "source_path": "/d/dangling", "is_symlink": true}),
    );
    assert_eq!(names(&setup.b.path().join("d")), ["f"]);
}

#[tokio::test]
async fn links_that_lead_round_are_followed_once() {
    let setup = setup().await;
    let caller = Caller::service(&setup).await;
    write(&setup.a.path().join("a/f"), b"f");
    write(&setup.a.path().join("b/g"), b"g");
    symlink("../b", setup.a.path().join("a/x")).unwrap();
    symlink("../a", setup.a.path().join("b/y")).unwrap();
    symlink(".", setup.a.path().join("a/self")).unwrap();
    let task = caller.run(&[("/a", "/copy")], &json!({"recursive_symlinks": "copy"})).await;
    expect(&task, &json!({"status": "SUCCEEDED", "files": 2, "directories": 2, "faults": 0}));
    assert_eq!(names(&setup.b.path().join("copy")), ["f", "x"]);
    assert_eq!(names(&setup.b.path().join("copy/x")), ["g"]);
}

#[tokio::test]
async fn rules_leave_links_to_nowhere_out_too() {
    let setup = setup().await;
    let caller = Caller::service(&setup).await;
    write(&setup.a.path().join("d/f"), b"f");
    symlink("nowhere", setup.a.path().join("d/dangling.tmp")).unwrap();
    let rule = json!({"DATA_TYPE": "filter_rule", "method": "exclude", "name": "*.tmp"});
    let options = json!({"recursive_symlinks": "copy", "filter_rules": [rule]});
    let task = caller.run(&[("/d", "/d")], &options).await;
    expect(&task, &json!({"status": "SUCCEEDED", "files_transferred": 1, "faults": 0}));
    let mut odd = options.clone();
    odd["filter_rules"][0]["type"] = json!("files");
    let request = caller.request(&[("/d", "/d")], &odd);
    assert!(
        text(&json(caller.post("transfer", &request).await, 400).await["message"]).contains("file or dir")
    );
}

#[tokio::test]
async fn directories_that_are_swapped_for_links_meanwhile_do_not_lead_out() {
    let setup = setup().await;
    let caller = Caller::service(&setup).await;
    let (from, to) = (setup.a.path(), setup.b.path());
    let outside = tempfile::tempdir().unwrap();
    write(&outside.path().join("f"), b"secret");
    write(&outside.path().join("sub/g"), b"secret");
    setup.emulator.clock().freeze();
    let slow = TransferLimits::none().file_delay(Duration::from_secs(60));
    let swap = |directory: &Path| {
        fs::rename(directory, directory.with_extension("away")).unwrap();
        symlink(outside.path(), directory).unwrap();
    };

    // Listed before, and read and written after the swap.
    setup.emulator.set_transfer_limits(slow);
    write(&from.join("d/f"), b"mine");
    write(&from.join("d/sub/g"), b"mine");
    let id = caller.submit(&[("/d", "/d")], &json!({})).await;
    caller.until(&id, |task| task["subtasks_total"] == 3).await;
    swap(&from.join("d"));
    swap(&to.join("d"));
    setup.emulator.set_transfer_limits(TransferLimits::none());
    let task = caller.finished(&id).await;
    assert_eq!(task["fatal_error"]["code"], "PERMISSION_DENIED");
    // The file was in the directory that was open; the directory below it had yet to be found.
    expect(&task, &json!({"files_transferred": 1, "subtasks_failed": 1}));
    assert_eq!(fs::read(to.join("d.away/f")).unwrap(), b"mine");

    // Listed before, and deleted after the swap.
    setup.emulator.set_transfer_limits(slow);
    write(&to.join("e/f"), b"mine");
    write(&to.join("e/sub/g"), b"mine");
    let id = caller.submit_delete(&["/e"], &json!({"recursive": true})).await;
    caller.until(&id, |task| task["subtasks_total"] == 3).await;
    swap(&to.join("e"));
    setup.emulator.set_transfer_limits(TransferLimits::none());
    let task = caller.until(&id, |task| task["faults"] == 1).await;
    expect(&task, &json!({"status": "ACTIVE", "is_ok": false}));
    caller.cancel(&id).await;
    assert_eq!(names(outside.path()), ["f", "sub"]);
    assert_eq!(fs::read(outside.path().join("f")).unwrap(), b"secret");
    assert_eq!(fs::read(outside.path().join("sub/g")).unwrap(), b"secret");
}
