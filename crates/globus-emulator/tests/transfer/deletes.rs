//! What delete tasks remove, and what they must leave alone.

use std::fs;
use std::path::Path;
use std::time::Duration;

use globus_emulator::TransferLimits;
use serde_json::json;

use crate::caller::{Caller, expect, names, write};
use crate::support::{self, Setup, json, setup, text};

/// `d` with two files, a subdirectory with one, and an empty subdirectory.
fn make_tree(root: &Path) {
    write(&root.join("d/a"), b"a");
    write(&root.join("d/b"), b"b");
    write(&root.join("d/sub/c"), b"c");
    fs::create_dir(root.join("d/empty")).unwrap();
}

#[tokio::test]
async fn files_and_directories_are_deleted_and_counted() {
    let setup = setup().await;
    let caller = Caller::service(&setup).await;
    let root = setup.b.path();
    make_tree(root);
    write(&root.join("file"), b"f");
    write(&root.join("kept"), b"k");
    let request = caller.deletion(&["/d/", "/~/file"], &json!({"recursive": true, "label": "away"}));
    let accepted = json(caller.post("delete", &request).await, 202).await;
    let id = text(&accepted["task_id"]);
    expect(
        &accepted,
        &json!({
            "DATA_TYPE": "delete_result", "code": "Accepted", "resource": "/delete",
            "submission_id": request["submission_id"],
        }),
    );
    assert_eq!(accepted["task_link"]["href"], format!("task/{id}?format=json"));
    assert!(!text(&accepted["request_id"]).is_empty());
    let again = json(caller.post("delete", &request).await, 200).await;
    expect(&again, &json!({"code": "Duplicate", "task_id": id}));

    let task = caller.finished(&id).await;
    expect(
        &task,
        &json!({
            "type": "DELETE", "status": "SUCCEEDED", "label": "away", "source_endpoint_id": setup.id("cluster"),
            "source_endpoint_display_name": "cluster", "destination_endpoint_id": null,
            "destination_endpoint": null, "destination_endpoint_display_name": null, "files": 4, "directories": 3,
            "symlinks": 0, "subtasks_total": 7, "subtasks_succeeded": 7, "faults": 0, "bytes_transferred": 0,
            "files_transferred": 0,
        }),
    );
    assert_eq!(names(root), ["kept"]);
    assert_eq!(caller.events(&id).await, ["SUCCEEDED", "STARTED"]);
    let deletes = json(caller.get("task_list?filter=type:DELETE").await, 200).await;
    assert_eq!((&deletes["total"], &deletes["DATA"][0]["task_id"]), (&json!(1), &json!(id)));
    assert_eq!(json(caller.get("task_list?filter=type:TRANSFER").await, 200).await["total"], 0);
}

#[tokio::test]
async fn what_is_no_good_request_to_delete_is_refused() {
    let setup = setup().await;
    let caller = Caller::service(&setup).await;
    write(&setup.b.path().join("f"), b"f");
    for (paths, options, status, code) in [
        (&["/"][..], json!({"recursive": true}), 400, "ClientError.BadRequest"),
        (&["/f/.."], json!({"recursive": true}), 400, "ClientError.BadRequest"),
        (&["/../f"], json!({}), 403, "EndpointPermissionDenied"),
        (&[], json!({}), 400, "ClientError.BadRequest"),
        (&["/f"], json!({"submission_id": "x"}), 400, "ClientError.BadRequest"),
        (&["/f"], json!({"deadline": "2001-01-01"}), 400, "ClientError.BadRequest"),
        (&["/f"], json!({"endpoint": "00000000-0000-4000-8000-000000000000"}), 404, "EndpointNotFound"),
    ] {
        let refused = json(caller.post("delete", &caller.deletion(paths, &options)).await, status).await;
        assert_eq!(refused["code"], code, "{paths:?} {options}");
    }
    assert_eq!(names(setup.b.path()), ["f"]);
}

#[tokio::test]
async fn directories_need_recursion_and_missing_paths_need_leave() {
    let setup = setup().await;
    let caller = Caller::service(&setup).await;
    let root = setup.b.path();
    make_tree(root);
    let task = caller.delete(&["/d/a", "/d/sub", "/d/b"], &json!({})).await;
    expect(
        &task,
        &json!({"status": "FAILED", "subtasks_total": 3, "subtasks_succeeded": 1, "subtasks_failed": 2, "faults": 1}),
    );
    assert_eq!(task["fatal_error"]["code"], "IS_A_DIRECTORY");
    assert_eq!(names(&root.join("d")), ["b", "empty", "sub"]);

    let task = caller.delete(&["/none", "/d/b"], &json!({})).await;
    expect(&task, &json!({"status": "FAILED", "subtasks_total": 2, "subtasks_failed": 2}));
    assert_eq!(task["fatal_error"]["code"], "FILE_NOT_FOUND");
    assert_eq!(caller.events(&text(&task["task_id"])).await, ["FILE_NOT_FOUND", "STARTED"]);
    let task = caller.delete(&["/none", "/none/x", "/d/b"], &json!({"ignore_missing": true})).await;
    expect(&task, &json!({"status": "SUCCEEDED", "files": 1, "subtasks_total": 1, "subtasks_succeeded": 1}));
    assert_eq!(names(&root.join("d")), ["empty", "sub"]);
}

#[tokio::test]
async fn patterns_are_patterns_only_when_asked_for() {
    let setup = setup().await;
    let caller = Caller::service(&setup).await;
    let root = setup.b.path();
    for name in ["x1", "x2", "y1", ".x3", "*", "sub/x4", "sub/y4", "other/x5"] {
        write(&root.join(name), b"");
    }
    let task = caller.delete(&["/*"], &json!({"recursive": true})).await;
    expect(&task, &json!({"status": "SUCCEEDED", "files": 1, "directories": 0}));
    assert_eq!(names(root), [".x3", "other", "sub", "x1", "x2", "y1"]);

    let globs = json!({"interpret_globs": true, "recursive": true});
    let task = caller.delete(&["/x?", "/*/x[0-4]"], &globs).await;
    expect(&task, &json!({"status": "SUCCEEDED", "files": 3, "subtasks_total": 3}));
    assert_eq!(names(root), [".x3", "other", "sub", "y1"]);
    assert_eq!(names(&root.join("sub")), ["y4"]);
    assert_eq!(names(&root.join("other")), ["x5"]);
    assert_eq!(caller.delete(&["/z*"], &globs).await["fatal_error"]["code"], "FILE_NOT_FOUND");
    assert_eq!(caller.delete(&["/[z"], &globs).await["fatal_error"]["code"], "INVALID_PATH_NAME");
    assert_eq!(caller.delete(&["/*", "/.x*"], &globs).await["status"], "SUCCEEDED");
    assert_eq!(names(root), [""; 0]);

    // Braces stand for themselves.
    for name in ["{a,b}1", "a1", "b1", "{2"] {
        write(&root.join(name), b"");
    }
    assert_eq!(caller.delete(&["/{a,b}*", "/[{x]2"], &globs).await["files"], 2);
    assert_eq!(names(root), ["a1", "b1"]);
}

#[cfg(unix)]
#[tokio::test]
async fn links_are_removed_and_never_what_they_lead_to() {
    use std::os::unix::fs::symlink;
    let setup = setup().await;
    let caller = Caller::service(&setup).await;
    let root = setup.b.path();
    let outside = tempfile::tempdir().unwrap();
    write(&outside.path().join("precious"), b"p");
    write(&root.join("inside/f"), b"f");
    fs::create_dir(root.join("d")).unwrap();
    let links = |directory: &Path| {
        symlink(outside.path(), directory.join("absolute")).unwrap();
        symlink(outside.path().join("precious"), directory.join("file")).unwrap();
        symlink(root.join("inside"), directory.join("within")).unwrap();
        symlink("nowhere", directory.join("dangling")).unwrap();
    };
    links(root);
    links(&root.join("d"));
    let recursive = json!({"recursive": true});
    let task = caller.delete(&["/absolute", "/file", "/within", "/dangling", "/d"], &recursive).await;
    expect(
        &task,
        &json!({"status": "SUCCEEDED", "symlinks": 8, "files": 0, "directories": 1, "subtasks_total": 9}),
    );
    assert_eq!(names(root), ["inside"]);
    assert_eq!(names(&root.join("inside")), ["f"]);

    symlink(outside.path(), root.join("out")).unwrap();
    let task = caller.delete(&["/out/precious"], &recursive).await;
    assert_eq!(task["fatal_error"]["code"], "PERMISSION_DENIED");
    // A pattern finds nothing outside.
    let globs = json!({"recursive": true, "interpret_globs": true, "ignore_missing": true});
    for pattern in ["/out/*", "/*/prec*", "/*/precious"] {
        let task = caller.delete(&[pattern], &globs).await;
        expect(&task, &json!({"status": "SUCCEEDED", "subtasks_total": 0}));
    }
    assert_eq!(names(outside.path()), ["precious"]);
}

#[tokio::test]
async fn a_deletion_is_slowed_cancelled_and_expires() {
    let setup = setup().await;
    let caller = Caller::service(&setup).await;
    let root = setup.b.path();
    setup.emulator.clock().freeze();
    setup.emulator.set_transfer_limits(TransferLimits::none().file_delay(Duration::from_secs(60)));
    make_tree(root);
    let id = caller.submit_delete(&["/d"], &json!({"recursive": true})).await;
    let task = caller.until(&id, |task| task["subtasks_total"] == 5).await;
    expect(&task, &json!({"status": "ACTIVE", "files": 0, "subtasks_succeeded": 0, "subtasks_pending": 5}));
    setup.emulator.advance(Duration::from_secs(60));
    let task = caller.until(&id, |task| task["files"] == 1).await;
    expect(&task, &json!({"status": "ACTIVE", "subtasks_succeeded": 1}));
    assert_eq!(names(&root.join("d")).len(), 3);
    assert_eq!(caller.cancel(&id).await["code"], "Canceled");
    let task = caller.task(&id).await;
    expect(
        &task,
        &json!({"status": "FAILED", "files": 1, "directories": 0, "subtasks_succeeded": 1, "subtasks_canceled": 4}),
    );
    assert_eq!(task["fatal_error"]["code"], "CANCELED");
    assert_eq!(caller.events(&id).await[0], "CANCELED");

    let deadline = (setup.now() + Duration::from_secs(30)).to_string();
    let options = json!({"recursive": true, "deadline": deadline});
    let id = caller.submit_delete(&["/d"], &options).await;
    caller.until(&id, |task| task["subtasks_total"] == 4).await;
    setup.emulator.advance(Duration::from_secs(31));
    let task = caller.finished(&id).await;
    expect(&task, &json!({"status": "FAILED", "files": 0, "subtasks_expired": 4}));
    assert_eq!(task["fatal_error"]["code"], "EXPIRED");
    assert_eq!(names(&root.join("d")).len(), 3);
}

#[tokio::test]
async fn a_deletion_goes_on_after_a_restart() {
    let home = tempfile::tempdir().unwrap();
    let first = support::setup_with(|builder| builder.data_dir(home.path())).await;
    first.emulator.clock().freeze();
    first.emulator.set_transfer_limits(TransferLimits::none().file_delay(Duration::from_secs(60)));
    make_tree(first.b.path());
    write(&first.b.path().join("f"), b"f");
    let (token, id) = {
        let caller = Caller::service(&first).await;
        let id = caller.submit_delete(&["/f", "/d"], &json!({"recursive": true})).await;
        caller.until(&id, |task| task["subtasks_pending"] == 2).await;
        first.emulator.advance(Duration::from_secs(60));
        // The first item is gone, and the second is begun.
        caller.until(&id, |task| task["files"] == 1 && task["subtasks_total"] == 6).await;
        (caller.token, id)
    };
    let Setup { emulator, http, a, b } = first;
    emulator.stop().await;
    let builder = globus_emulator::Emulator::builder().data_dir(home.path());
    let emulator =
        builder.collection("laptop", a.path()).collection("cluster", b.path()).start().await.unwrap();
    emulator.set_transfer_limits(TransferLimits::none());
    let second = Setup { emulator, http, a, b };
    let caller = Caller { setup: &second, token };
    let task = caller.finished(&id).await;
    expect(
        &task,
        &json!({"status": "SUCCEEDED", "files": 4, "directories": 3, "subtasks_total": 7, "subtasks_succeeded": 7}),
    );
    assert_eq!(names(second.b.path()), [""; 0]);
}
