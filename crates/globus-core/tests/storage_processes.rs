//! Storages in files, shared by processes that die, and in hostile surroundings.
//!
//! The tests start this very program again; [`child`] is what it does then. `GLOBUS_TEST_KILLS` says how
//! often a process is killed while it stores.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, missing_docs)]

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use globus_core::TokenData;
use globus_core::storage::{
    FileAdapter, JsonTokenStorage, SimpleJsonFileAdapter, Storage, StorageAdapter, StoreKind,
};
use globus_core::token::{Grant, TokenResponse};

const PROCESSES: usize = 8;

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn numbered(server: &str, number: usize) -> TokenData {
    TokenData::new(server, "s", format!("AgExample-{number}"), 1)
        .with_refresh_token(format!("AgRefresh-{number}"))
}

fn number_of(token: &TokenData) -> usize {
    let number = token.access_token.expose().strip_prefix("AgExample-").unwrap();
    // The two tokens of a record come from the same write.
    assert_eq!(token.refresh_token.as_ref().unwrap().expose(), format!("AgRefresh-{number}"));
    number.parse().unwrap()
}

fn flat_response(number: usize) -> TokenResponse {
    let body = serde_json::json!({
        "access_token": format!("AgExample-{number}"), "refresh_token": format!("AgRefresh-{number}"),
        "scope": "s", "expires_in": 10, "resource_server": "rs",
    });
    TokenResponse::parse(Grant::RefreshToken, body.to_string().as_bytes(), globus_core::Timestamp::now())
        .unwrap()
}

fn storage(path: &Path, flock: bool) -> Storage {
    // Longer than any machine makes the others of this test take.
    JsonTokenStorage::new(path).flock(flock).lock_wait(Duration::from_secs(600)).into()
}

fn command(role: &str, path: &Path, number: usize) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["child", "--exact", "--nocapture"]);
    told(&mut command, role, path, number);
    command
}

fn told(command: &mut Command, role: &str, path: &Path, number: usize) {
    command
        .env("GLOBUS_TEST_ROLE", role)
        .env("GLOBUS_TEST_PATH", path)
        .env("GLOBUS_TEST_NUMBER", number.to_string());
    command.stdout(Stdio::piped());
}

/// This program again, after some words of the shell.
fn in_shell(setup: &str, role: &str, path: &Path) -> std::process::Output {
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("{setup}; exec \"$0\" child --exact --nocapture"));
    command.arg(std::env::current_exe().unwrap());
    told(&mut command, role, path, 0);
    command.output().unwrap()
}

fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\nchild: {text}").unwrap();
    out.flush().unwrap();
}

/// What the children say, without the lines of the test program.
fn said(out: impl std::io::Read) -> impl Iterator<Item = String> {
    BufReader::new(out)
        .lines()
        .map_while(Result::ok)
        .filter_map(|line| Some(line.strip_prefix("child: ")?.to_owned()))
}

#[test]
fn child() {
    let Ok(role) = std::env::var("GLOBUS_TEST_ROLE") else { return };
    let path = std::env::var_os("GLOBUS_TEST_PATH").unwrap();
    let path = Path::new(&path);
    let number: usize = std::env::var("GLOBUS_TEST_NUMBER").unwrap().parse().unwrap();
    match role.as_str() {
        "store for ever" => {
            let storage = storage(path, number % 4 < 2);
            for number in number.. {
                wait(storage.store(vec![numbered("rs", number), numbered("rs2", number)], StoreKind::Login))
                    .unwrap();
                say(&number.to_string());
            }
        }
        "store flat for ever" => {
            let adapter = SimpleJsonFileAdapter::for_resource_server(path, "rs").flock(number % 4 < 2);
            for number in number.. {
                adapter.store(&flat_response(number)).unwrap();
                say(&number.to_string());
            }
        }
        "store many" | "store many by lease" => {
            let (flock, stores) = many(&role);
            let storage = storage(path, flock);
            for store in 0..stores {
                // Unknown members stay when their record is replaced; so a store that was lost is missing for
                // good.
                let mut token = numbered("rs", store);
                token.extra.insert(format!("{number}-{store}"), 1.into());
                wait(storage.store(vec![token], StoreKind::Login)).unwrap();
            }
            say("done");
        }
        "hold the lease" => {
            let _lease =
                SimpleJsonFileAdapter::for_resource_server(path, "rs").lock_refresh().unwrap().unwrap();
            say("held");
            loop {
                std::thread::park();
            }
        }
        "store something large" => {
            let storage = storage(path, true);
            let large = TokenData::new("rs", "s", "A".repeat(100_000), 1);
            say(&format!("{:?}", wait(storage.store(vec![large], StoreKind::Login)).unwrap_err().kind()));
        }
        "store" => {
            wait(storage(path, true).store(vec![numbered("rs", 1)], StoreKind::Login)).unwrap();
            say("done");
        }
        other => panic!("an unknown role {other}"),
    }
}

fn names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Kills the process after it has said at least one number, and answers the last one that it said.
fn kill_after(mut child: Child, delay: Duration) -> usize {
    let mut numbers = said(child.stdout.take().unwrap());
    let first = numbers.next().expect("the child stores");
    std::thread::sleep(delay);
    child.kill().unwrap();
    child.wait().unwrap();
    // A number may be cut off in the middle of the line; the one before it is whole.
    numbers.fold(first.parse().unwrap(), |last, line| {
        line.parse().ok().filter(|number| *number > last).unwrap_or(last)
    })
}

#[test]
fn a_killed_writer_leaves_the_old_or_the_new_content_and_blocks_nobody() {
    let kills: usize = std::env::var("GLOBUS_TEST_KILLS").map_or(40, |text| text.parse().unwrap());
    let directory = tempfile::tempdir().unwrap();
    let json = directory.path().join("tokens.json");
    let flat = directory.path().join("flat.json");
    wait(storage(&json, true).store(vec![numbered("untouched", 5)], StoreKind::Login)).unwrap();
    let mut next = [0, 0];
    for kill in 0..kills {
        // Numbers go on from where the last process was, and a few more so that a half-said one is not said
        // again.
        let which = kill % 2;
        let (role, path) = [("store for ever", &json), ("store flat for ever", &flat)][which];
        let start = next[which] + 4 + kill % 4;
        let child = command(role, path, start).spawn().unwrap();
        let delay = Duration::from_micros(u64::from(getrandom::u32().unwrap() % 20_000));
        let last = kill_after(child, delay);
        assert!(last >= start);
        let stored = if which == 0 {
            let loaded = wait(storage(&json, true).get_all()).unwrap();
            assert_eq!((loaded.tokens.len(), loaded.damaged.len()), (3, 0));
            assert_eq!(number_of(&loaded.tokens["untouched"]), 5);
            assert_eq!(number_of(&loaded.tokens["rs"]), number_of(&loaded.tokens["rs2"]));
            number_of(&loaded.tokens["rs"])
        } else {
            number_of(&SimpleJsonFileAdapter::for_resource_server(&flat, "rs").read().unwrap())
        };
        // What it said that it stored is stored; it may have stored one more, and said so or not.
        assert!(stored >= last, "{stored} is older than {last}, which was acknowledged");
        next[which] = stored;
    }
    println!("{kills} processes killed while they stored: 0 unreadable files, 0 acknowledged stores lost");
    // Whoever comes next sweeps what the killed ones left.
    wait(storage(&json, true).store(vec![numbered("rs", 0)], StoreKind::Login)).unwrap();
    SimpleJsonFileAdapter::for_resource_server(&flat, "rs").store(&flat_response(0)).unwrap();
    let left = names(directory.path());
    let expected = [
        "flat.json",
        "flat.json.last-good",
        "flat.json.lock",
        "tokens.json",
        "tokens.json.last-good",
        "tokens.json.lock",
    ];
    assert_eq!(left, expected);
    for name in names(directory.path()) {
        let content = std::fs::read_to_string(directory.path().join(&name)).unwrap();
        let holds_tokens = ["flat.json", "tokens.json"].contains(&name.trim_end_matches(".last-good"));
        assert_eq!(content.contains("Ag"), holds_tokens, "{name}");
        assert_eq!(
            std::fs::metadata(directory.path().join(&name)).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
}

/// Whether locks of the operating system are used, and how many stores a process makes.
fn many(role: &str) -> (bool, usize) {
    if role == "store many" { (true, 200) } else { (false, 50) }
}

fn many_processes(role: &str) {
    let (flock, stores) = many(role);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tokens.json");
    let children: Vec<Child> =
        (0..PROCESSES).map(|number| command(role, &path, number).spawn().unwrap()).collect();
    for mut child in children {
        assert_eq!(said(child.stdout.take().unwrap()).collect::<Vec<_>>(), ["done"]);
        assert!(child.wait().unwrap().success());
    }
    let loaded = wait(storage(&path, true).get_all()).unwrap();
    let kept = loaded.tokens["rs"].extra.len();
    println!("{PROCESSES} processes, {stores} stores each: {} lost", PROCESSES * stores - kept);
    assert_eq!(kept, PROCESSES * stores);
    assert_eq!(names(directory.path()).len(), if flock { 3 } else { 2 });
}

#[test]
fn eight_processes_lose_no_store() {
    many_processes("store many");
}

#[test]
fn eight_processes_lose_no_store_without_locks_of_the_operating_system() {
    many_processes("store many by lease");
}

#[test]
fn the_lease_of_a_killed_process_is_taken_over_long_before_it_ends() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("token.json");
    let mut child = command("hold the lease", &path, 0).spawn().unwrap();
    assert_eq!(said(child.stdout.take().unwrap()).next().unwrap(), "held");
    let adapter =
        SimpleJsonFileAdapter::for_resource_server(&path, "rs").lock_wait(Duration::from_millis(50));
    let error = adapter.lock_refresh().unwrap_err();
    assert!(error.to_string().contains(&format!("process {} ", child.id())), "{error}");
    child.kill().unwrap();
    child.wait().unwrap();
    // Left alone, the lease would last for 30 seconds.
    let lease = adapter.lock_wait(Duration::from_secs(25)).lock_refresh().unwrap().unwrap();
    wait(lease.release()).unwrap();
    assert!(names(directory.path()).is_empty());
}

#[test]
fn a_full_disk_leaves_the_old_content() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tokens.json");
    wait(storage(&path, true).store(vec![numbered("rs", 1)], StoreKind::Login)).unwrap();
    let before = std::fs::read(&path).unwrap();
    // A file may not grow beyond a few kilobytes, and that is an error, not a signal.
    let output = in_shell("trap '' XFSZ; ulimit -f 8", "store something large", &path);
    assert_eq!(said(&output.stdout[..]).collect::<Vec<_>>(), ["NoSpace"], "{output:?}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert_eq!(names(directory.path()), ["tokens.json", "tokens.json.lock"]);
}

#[test]
fn no_umask_makes_a_file_more_open_or_unusable() {
    for umask in ["0", "277"] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tokens.json");
        for _ in 0..2 {
            let output = in_shell(&format!("umask {umask}"), "store", &path);
            assert_eq!(said(&output.stdout[..]).collect::<Vec<_>>(), ["done"], "{output:?}");
        }
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let lock = std::fs::metadata(directory.path().join("tokens.json.lock")).unwrap();
        assert_eq!(lock.permissions().mode() & 0o077, 0);
    }
    for umask in ["0", "277", "777"] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a/b/tokens.json");
        assert!(in_shell(&format!("umask {umask}"), "store", &path).status.success());
        for made in [directory.path().join("a"), directory.path().join("a/b")] {
            assert_eq!(std::fs::metadata(made).unwrap().permissions().mode() & 0o777, 0o700);
        }
    }
}

#[test]
fn a_bare_file_name_is_one_in_the_working_directory() {
    let directory = tempfile::tempdir().unwrap();
    let status = command("store", Path::new("tokens.json"), 0).current_dir(&directory).status().unwrap();
    assert!(status.success());
    assert_eq!(names(directory.path()), ["tokens.json", "tokens.json.lock"]);
}
