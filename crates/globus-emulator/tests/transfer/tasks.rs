//! How tasks are submitted, run, changed and shown.

use std::fs;
use std::time::Duration;

use globus_emulator::TransferLimits;
use serde_json::{Value, json};

use crate::caller::{Caller, expect, names, write};
use crate::support::{self, Setup, json, setup, text};

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

#[tokio::test]
async fn label_and_deadline_of_an_active_task_can_be_changed() {
    let setup = setup().await;
    let caller = Caller::service(&setup).await;
    setup.emulator.clock().freeze();
    let id = caller.submit(&[("/late", "/late")], &json!({"label": "first"})).await;
    let before = caller.until(&id, |task| task["faults"] == 1).await;
    let path = format!("task/{id}");
    let updated = json(caller.put(&path, &json!({"label": "second"})).await, 200).await;
    expect(&updated, &json!({"DATA_TYPE": "result", "code": "Updated", "resource": format!("/{path}")}));
    expect(&caller.task(&id).await, &json!({"label": "second", "deadline": before["deadline"]}));
    caller.put(&path, &json!({"label": null})).await;
    assert!(caller.task(&id).await["label"].is_null());

    for wrong in [json!({"deadline": "2001-01-01"}), json!({"deadline": "soon"}), json!({"label": 7})] {
        assert_eq!(json(caller.put(&path, &wrong).await, 400).await["code"], "ClientError.BadRequest");
    }
    // The task waits for its next try, and sees at once that it has less time than that.
    let deadline = setup.now() + Duration::from_secs(5);
    caller.put(&path, &json!({"deadline": deadline.to_string()})).await;
    let shown = deadline.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string();
    expect(&caller.task(&id).await, &json!({"status": "ACTIVE", "deadline": shown, "label": null}));
    setup.emulator.advance(Duration::from_secs(5));
    let task = caller.finished(&id).await;
    expect(&task, &json!({"status": "FAILED", "subtasks_expired": 1, "faults": 1}));
    assert_eq!(task["fatal_error"]["code"], "EXPIRED");
    let late = json(caller.put(&path, &json!({"label": "x"})).await, 409).await;
    assert_eq!(late["code"], "Conflict");
    let nobody = "task/00000000-0000-4000-8000-000000000000";
    assert_eq!(json(caller.put(nobody, &json!({"label": "x"})).await, 404).await["code"], "TaskNotFound");
}

#[tokio::test]
async fn a_task_that_waits_for_its_turn_expires_all_the_same() {
    let setup = setup().await;
    let caller = Caller::service(&setup).await;
    setup.emulator.clock().freeze();
    setup
        .emulator
        .set_transfer_limits(TransferLimits::none().concurrency(1).file_delay(Duration::from_secs(7200)));
    write(&setup.a.path().join("f"), b"f");
    let first = caller.submit(&[("/f", "/first")], &json!({})).await;
    caller.until(&first, |task| task["files"] == 1).await;
    let deadline = (setup.now() + Duration::from_secs(3600)).to_string();
    let second = caller.submit(&[("/f", "/second")], &json!({"deadline": deadline})).await;
    setup.emulator.advance(Duration::from_secs(3600));
    let task = caller.finished(&second).await;
    expect(&task, &json!({"status": "FAILED", "subtasks_total": 1, "subtasks_expired": 1}));
    assert_eq!(caller.task(&first).await["status"], "ACTIVE");
}

#[tokio::test]
async fn progress_is_told_while_a_task_runs() {
    let setup = setup().await;
    let caller = Caller::service(&setup).await;
    setup.emulator.clock().freeze();
    setup.emulator.set_transfer_limits(TransferLimits::none().bytes_per_second(1000));
    write(&setup.a.path().join("f"), &vec![7; 50_000]);
    let id = caller.submit(&[("/f", "/f")], &json!({})).await;
    caller.until(&id, |task| task["bytes_transferred"] == 100).await;
    setup.emulator.advance(Duration::from_secs(20));
    caller.until(&id, |task| task["bytes_transferred"].as_u64() >= Some(20_000)).await;
    assert_eq!(caller.events(&id).await, ["PROGRESS", "STARTED"]);
    let events = json(caller.get(&format!("task/{id}/event_list")).await, 200).await;
    let details: Value = serde_json::from_str(&text(&events["DATA"][0]["details"])).unwrap();
    assert!(details["bytes_transferred"].as_u64() >= Some(100), "{details}");
    setup.emulator.set_transfer_limits(TransferLimits::none());
    assert_eq!(caller.finished(&id).await["status"], "SUCCEEDED");
}

#[tokio::test]
async fn answers_name_their_request_as_the_headers_do() {
    let setup = setup().await;
    let caller = Caller::service(&setup).await;
    write(&setup.a.path().join("f"), b"f");
    let mkdir = caller.operation("laptop", "mkdir");
    let rename = caller.operation("laptop", "rename");
    let id = caller.submit(&[("/none", "/none")], &json!({})).await;
    for (path, body, data_type) in [
        (mkdir, json!({"path": "/new"}), "mkdir_result"),
        (rename, json!({"old_path": "/new", "new_path": "/newer"}), "rename_result"),
        ("transfer".to_owned(), caller.request(&[("/f", "/f")], &json!({})), "transfer_result"),
        ("delete".to_owned(), caller.deletion(&["/f"], &json!({"ignore_missing": true})), "delete_result"),
        (format!("task/{id}/cancel"), json!({}), "result"),
    ] {
        let answer = caller.post(&path, &body).await;
        let header = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
        let status = answer.status().as_u16();
        let body = json(answer, status).await;
        let resource = format!("/{path}");
        expect(&body, &json!({"DATA_TYPE": data_type, "request_id": header, "resource": resource}));
        assert!(body["code"].is_string() && body["message"].is_string(), "{body}");
    }
}

#[tokio::test]
async fn lists_take_filters_orders_pages_and_fields() {
    let setup = setup().await;
    let caller = Caller::service(&setup).await;
    setup.emulator.clock().freeze();
    write(&setup.a.path().join("f"), b"f");
    let first = caller.run(&[("/f", "/f")], &json!({"label": "alpha"})).await;
    setup.emulator.advance(Duration::from_secs(3600));
    let second = caller.run(&[("/f", "/f")], &json!({"label": "beta"})).await;
    setup.emulator.advance(Duration::from_secs(3600));
    let third = caller.delete(&["/f"], &json!({"label": "alpha"})).await;
    let list = async |query: String| {
        let list = json(caller.get(&format!("task_list?{query}")).await, 200).await;
        list["DATA"].as_array().unwrap().iter().map(|task| task["task_id"].clone()).collect::<Vec<_>>()
    };
    let ids = |tasks: &[&Value]| tasks.iter().map(|task| task["task_id"].clone()).collect::<Vec<_>>();
    let time = |task: &Value| text(&task["request_time"]).trim_end_matches("+00:00").to_owned();
    let (early, late) = (time(&first), time(&second));
    for (query, expected) in [
        (String::new(), ids(&[&third, &second, &first])),
        ("orderby=request_time%20ASC".to_owned(), ids(&[&first, &second, &third])),
        ("orderby=label%20DESC,request_time%20ASC".to_owned(), ids(&[&second, &first, &third])),
        (format!("filter=request_time:{early},{late}"), ids(&[&second, &first])),
        (format!("filter=request_time:{late},"), ids(&[&third, &second])),
        ("filter=type:DELETE".to_owned(), ids(&[&third])),
        ("filter=type:TRANSFER/label:~alph*".to_owned(), ids(&[&first])),
        ("filter=label:beta&filter=type:DELETE".to_owned(), ids(&[&third, &second])),
        (format!("filter=task_id:{}", text(&second["task_id"])), ids(&[&second])),
        ("filter=status:SUCCEEDED&limit=1&offset=1".to_owned(), ids(&[&second])),
        ("filter=status:ACTIVE,INACTIVE".to_owned(), ids(&[])),
        ("filter=".to_owned(), ids(&[&third, &second, &first])),
    ] {
        assert_eq!(list(query.clone()).await, expected, "{query}");
    }
    let fields = json(caller.get("task_list?fields=task_id,label&limit=1").await, 200).await;
    assert_eq!(
        fields["DATA"][0],
        json!({"DATA_TYPE": "task", "task_id": third["task_id"], "label": "alpha"})
    );
    expect(&fields, &json!({"DATA_TYPE": "task_list", "limit": 1, "offset": 0, "length": 1, "total": 3}));
    assert_eq!(caller.get("task_list?filter=nonsense").await.status(), 400);

    let id = text(&caller.submit(&[("/none", "/none")], &json!({})).await.into());
    caller.until(&id, |task| task["faults"] == 1).await;
    caller.cancel(&id).await;
    let events = async |query: &str| {
        let list = json(caller.get(&format!("task/{id}/event_list?{query}")).await, 200).await;
        let codes: Vec<String> =
            list["DATA"].as_array().unwrap().iter().map(|event| text(&event["code"])).collect();
        (list["total"].clone(), codes)
    };
    assert_eq!(events("limit=1&offset=1").await, (json!(3), vec!["FILE_NOT_FOUND".to_owned()]));
    assert_eq!(events("filter=is_error:1&limit=1").await, (json!(2), vec!["CANCELED".to_owned()]));
    assert_eq!(events("filter=is_error:0").await, (json!(1), vec!["STARTED".to_owned()]));
    assert_eq!(events("offset=9").await, (json!(3), vec![]));
}

#[tokio::test]
async fn long_lists_of_files_are_read_by_markers() {
    let setup = setup().await;
    let caller = Caller::service(&setup).await;
    for name in 0..250 {
        write(&setup.a.path().join(format!("d/{name:03}")), b"");
    }
    let task = caller.run(&[("/d", "/d")], &json!({"verify_checksum": false})).await;
    let path = format!("task/{}/successful_transfers", text(&task["task_id"]));
    let (mut marker, mut sources) = (Value::Null, Vec::new());
    let mut pages = 0;
    loop {
        let query = if marker.is_null() { path.clone() } else { format!("{path}?marker={marker}") };
        let page = json(caller.get(&query).await, 200).await;
        for moved in page["DATA"].as_array().unwrap() {
            // Nobody asked for a checksum, so nobody made one.
            expect(moved, &json!({"checksum": null, "checksum_algorithm": null, "size": 0}));
            sources.push(text(&moved["source_path"]));
        }
        pages += 1;
        marker = page["next_marker"].clone();
        if marker.is_null() {
            break;
        }
    }
    assert_eq!((pages, sources.len()), (3, 250));
    assert_eq!(sources[249], "/d/249");
    assert_eq!(task["bytes_checksummed"], 0);
}
