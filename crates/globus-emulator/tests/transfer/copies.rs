//! What transfers copy, and what they leave as it is.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::json;

use crate::caller::{Caller, expect, names, write};
use crate::support::{Setup, json, setup, text};

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
async fn checksums_are_made_only_where_they_are_wanted() {
    let setup = setup().await;
    let caller = Caller::service(&setup).await;
    write(&setup.a.path().join("f"), b"abc");
    let big: Vec<u8> = (0..1_000_000_u32).flat_map(u32::to_be_bytes).collect();
    write(&setup.a.path().join("big"), &big);
    let run = async |verify: bool, sum: Option<&str>| {
        let options = json!({"verify_checksum": verify});
        let mut request = caller.request(&[("/f", "/f"), ("/big", "/big")], &options);
        request["DATA"][0]["external_checksum"] = json!(sum);
        let id = text(&json(caller.post("transfer", &request).await, 202).await["task_id"]);
        let task = caller.finished(&id).await;
        assert_eq!(task["status"], "SUCCEEDED");
        assert_eq!(fs::read(setup.b.path().join("big")).unwrap(), big);
        let moved = caller.moved(&id).await;
        (task["bytes_checksummed"].clone(), moved[0].clone(), moved[1].clone())
    };
    let (md5, sha1) = ("900150983cd24fb0d6963f7d28e17f72", "a9993e364706816aba3e25717850c26c9cd0d89d");
    let none = json!({"checksum_algorithm": null, "checksum": null});
    let (checksummed, small, large) = run(false, None).await;
    assert_eq!(checksummed, 0);
    expect(&small, &none);
    expect(&large, &none);
    // One that is given is compared even where the copy is not read back.
    let (checksummed, small, large) = run(false, Some(md5)).await;
    assert_eq!(checksummed, 0);
    expect(&small, &json!({"checksum_algorithm": "MD5", "checksum": md5}));
    expect(&large, &none);
    let (checksummed, small, large) = run(true, None).await;
    assert_eq!(checksummed, 4_000_003);
    expect(&small, &json!({"checksum_algorithm": "SHA1", "checksum": sha1, "size": 3}));
    assert!(large["checksum"].is_string());
}

#[tokio::test]
async fn extra_files_go_when_everything_else_is_done() {
    let setup = setup().await;
    let caller = Caller::service(&setup).await;
    write(&setup.a.path().join("d/f"), b"f");
    write(&setup.a.path().join("d/sub/g"), b"g");
    write(&setup.b.path().join("d/f/in the way"), b"x");
    write(&setup.b.path().join("d/extra/deep/x"), b"x");
    write(&setup.b.path().join("d/sub/x"), b"x");
    write(&setup.b.path().join("untouched"), b"x");
    let options = json!({"delete_destination_extra": true});
    let task = caller.run(&[("/d", "/d")], &options).await;
    assert_eq!(task["fatal_error"]["code"], "IS_A_DIRECTORY");
    // It failed before it came to that.
    assert_eq!(names(&setup.b.path().join("d")), ["extra", "f", "sub"]);
    fs::remove_dir_all(setup.b.path().join("d/f")).unwrap();
    let task = caller.run(&[("/d", "/d")], &options).await;
    // Two directories and two files, and each directory cleared.
    expect(&task, &json!({"status": "SUCCEEDED", "subtasks_total": 6, "subtasks_succeeded": 6, "files": 2}));
    assert_eq!(names(setup.b.path()), ["d", "untouched"]);
    assert_eq!(names(&setup.b.path().join("d")), ["f", "sub"]);
    assert_eq!(names(&setup.b.path().join("d/sub")), ["g"]);
}

#[tokio::test]
async fn collections_that_lie_in_each_other_do_not_copy_for_ever() {
    let outer = tempfile::tempdir().unwrap();
    let inner = outer.path().join("inner");
    write(&inner.join("f"), b"f");
    let builder = globus_emulator::Emulator::builder();
    let emulator =
        builder.collection("laptop", outer.path()).collection("cluster", &inner).start().await.unwrap();
    let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let setup = Setup { emulator, http: crate::support::http(), a, b };
    let caller = Caller::service(&setup).await;
    let task = caller.run(&[("/", "/copy")], &json!({})).await;
    expect(&task, &json!({"status": "FAILED", "files_transferred": 0}));
    assert_eq!(task["fatal_error"]["code"], "INVALID_PATH_NAME");
}
