//! What takes another machine than the one at hand: a disk that is really full, a user who may not do everything.
//!
//! Each test runs this very program again in such a place, where it runs the test of the same story that is
//! ignored elsewhere.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use globus_emulator::Emulator;
use serde_json::json;

use crate::caller::{Caller, expect, names, write};
use crate::support::{Setup, http, json, text};

/// Where the inner test finds its place.
const PLACE: &str = "GLOBUS_TEST_PLACE";

fn place() -> PathBuf {
    std::env::var_os(PLACE).expect("this test is run by another one, in a place made for it").into()
}

/// Runs an ignored test of this program by way of another command.
fn run_inside(mut command: Command, test: &str, place: &Path) {
    let test = format!("machine::{test}");
    command.args(["--exact", &test, "--ignored", "--nocapture"]).env(PLACE, place);
    let output = command.output().expect("the command is there");
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && stdout.contains("1 passed"), "{stdout}\n{stderr}");
}

async fn setup_in(place: &Path) -> Setup {
    let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir_in(place).unwrap());
    let builder = Emulator::builder().collection("laptop", a.path()).collection("cluster", b.path());
    Setup { emulator: builder.start().await.unwrap(), http: http(), a, b }
}

/// Needs namespaces that any user may make. Where the system is known to forbid them, set
/// `GLOBUS_TEST_NO_NAMESPACES`; without that it fails.
#[cfg(target_os = "linux")]
#[test]
fn a_really_full_disk() {
    if std::env::var_os("GLOBUS_TEST_NO_NAMESPACES").is_some() {
        return;
    }
    let disk = tempfile::tempdir().unwrap();
    let mut command = Command::new("unshare");
    let script = format!(r#"mount -t tmpfs -o size=1m tmpfs "${PLACE}" && exec "$0" "$@""#);
    command
        .args(["--map-root-user", "--mount", "sh", "-c"])
        .arg(script)
        .arg(std::env::current_exe().unwrap());
    run_inside(command, "inside_a_full_disk", disk.path());
}

#[cfg(target_os = "linux")]
#[tokio::test]
#[ignore = "run by a_really_full_disk"]
async fn inside_a_full_disk() {
    let setup = setup_in(&place()).await;
    let caller = Caller::service(&setup).await;
    setup.emulator.clock().freeze();
    write(&setup.a.path().join("d/1"), &vec![1; 100_000]);
    write(&setup.a.path().join("d/2-big"), &vec![2; 2_000_000]);
    for verify in [false, true] {
        let id = caller.submit(&[("/d", "/d")], &json!({"verify_checksum": verify})).await;
        let task = caller.until(&id, |task| task["faults"] == 1).await;
        expect(
            &task,
            &json!({"status": "ACTIVE", "nice_status": "NO_SPACE_LEFT", "bytes_transferred": 100_000}),
        );
        assert_eq!(names(&setup.b.path().join("d")), ["1"]);
        // Room comes of itself.
        fs::File::options()
            .write(true)
            .open(setup.a.path().join("d/2-big"))
            .unwrap()
            .set_len(500_000)
            .unwrap();
        setup.emulator.advance(Duration::from_secs(10));
        let task = caller.finished(&id).await;
        expect(&task, &json!({"status": "SUCCEEDED", "bytes_transferred": 600_000, "faults": 1}));

        let options = json!({"verify_checksum": verify, "fail_on_quota_errors": true});
        fs::write(setup.a.path().join("d/2-big"), vec![2; 2_000_000]).unwrap();
        let task = caller.run(&[("/d/2-big", "/big")], &options).await;
        expect(&task, &json!({"status": "FAILED", "faults": 1, "subtasks_failed": 1}));
        assert_eq!(task["fatal_error"]["code"], "NO_SPACE_LEFT");
        assert_eq!(names(setup.b.path()), ["d"]);
        fs::remove_dir_all(setup.b.path().join("d")).unwrap();
    }
}

/// Root may do everything: as root it runs the inner test as nobody.
#[test]
fn a_user_who_may_not_do_everything() {
    let place = tempfile::tempdir().unwrap();
    let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    mode(place.path(), 0o777);
    // Nobody may not look into the directory that this program was built in.
    let program = place.path().join("program");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    mode(&program, 0o755);
    let command = if rustix::process::geteuid().is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    run_inside(command, "inside_an_ordinary_user", place.path());
}

#[tokio::test]
#[ignore = "run by a_user_who_may_not_do_everything"]
async fn inside_an_ordinary_user() {
    assert!(!rustix::process::geteuid().is_root());
    let setup = setup_in(&place()).await;
    let caller = Caller::service(&setup).await;
    let (from, to) = (setup.a.path(), setup.b.path());
    let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    write(&from.join("d/closed"), b"c");
    write(&from.join("d/open"), b"o");
    write(&from.join("d/sealed/x"), b"x");
    mode(&from.join("d/closed"), 0o000);
    mode(&from.join("d/sealed"), 0o000);
    setup.emulator.clock().freeze();

    // A file that may not be read is tried again until it may be.
    let id = caller.submit(&[("/d/closed", "/closed")], &json!({})).await;
    let task = caller.until(&id, |task| task["faults"] == 1).await;
    expect(&task, &json!({"status": "ACTIVE", "nice_status": "PERMISSION_DENIED", "subtasks_retrying": 1}));
    assert_eq!(caller.events(&id).await, ["PERMISSION_DENIED", "STARTED"]);
    mode(&from.join("d/closed"), 0o600);
    setup.emulator.advance(Duration::from_secs(10));
    expect(&caller.finished(&id).await, &json!({"status": "SUCCEEDED", "faults": 1}));

    mode(&from.join("d/closed"), 0o000);
    let task = caller.run(&[("/d", "/d")], &json!({"skip_source_errors": true})).await;
    expect(
        &task,
        &json!({"status": "SUCCEEDED", "subtasks_total": 4, "subtasks_skipped_errors": 2, "files_transferred": 1}),
    );
    let skipped = caller.skipped(&text(&task["task_id"])).await;
    let denied = |path: &str, is_directory: bool| json!({"error_code": "PERMISSION_DENIED", "source_path": path, "is_directory": is_directory});
    expect(&skipped[0], &denied("/d/closed", false));
    expect(&skipped[1], &denied("/d/sealed/", true));
    assert_eq!(names(&to.join("d")), ["open"]);

    // Nor may everything be written, removed or listed.
    mode(&to.join("d"), 0o500);
    let id = caller.submit(&[("/d/open", "/d/new")], &json!({})).await;
    let task = caller.until(&id, |task| task["faults"] == 1).await;
    assert_eq!(task["nice_status"], "PERMISSION_DENIED");
    caller.cancel(&id).await;
    let id = caller.submit_delete(&["/d"], &json!({"recursive": true})).await;
    let task = caller.until(&id, |task| task["faults"] == 1).await;
    expect(
        &task,
        &json!({"status": "ACTIVE", "nice_status": "PERMISSION_DENIED", "subtasks_total": 2, "files": 0}),
    );
    mode(&to.join("d"), 0o700);
    setup.emulator.advance(Duration::from_secs(10));
    expect(&caller.finished(&id).await, &json!({"status": "SUCCEEDED", "files": 1, "directories": 1}));
    assert_eq!(json(caller.ls("path=/d/sealed").await, 403).await["code"], "EndpointPermissionDenied");
    let mkdir = caller.operation("laptop", "mkdir");
    let denied = json(caller.post(&mkdir, &json!({"path": "/d/sealed/new"})).await, 403).await;
    assert_eq!(denied["code"], "EndpointPermissionDenied");
    mode(&from.join("d/sealed"), 0o700);
}
