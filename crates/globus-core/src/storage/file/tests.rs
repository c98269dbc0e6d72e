use super::checks::MAX_SIZE;
use super::*;
use crate::blocking_job::run_blocking;
use crate::storage::StorageErrorKind;
use futures_util::FutureExt;
use std::fs::File;
use std::io;

const STEPS: [Step; 6] =
    [Step::Lock, Step::Create, Step::Write, Step::Sync, Step::Rename, Step::SyncDirectory];

fn write(file: &TokenFile, content: &str) -> Result<(), StorageError> {
    file.update(|_| Ok((Change::Replace(content.to_owned().into(), Old::Good), ())))
}

fn content(file: &TokenFile) -> String {
    String::from_utf8(file.read().unwrap().unwrap().to_vec()).unwrap()
}

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn whatever_step_fails_the_file_is_old_or_new_and_nothing_stays_behind() {
    for step in STEPS {
        let directory = tempfile::tempdir().unwrap();
        let mut file = TokenFile::new(directory.path().join("tokens.json"));
        write(&file, "old").unwrap();
        file.fail_at = Some((step, io::ErrorKind::StorageFull));
        let error = write(&file, "new").unwrap_err();
        assert_eq!(*error.kind(), StorageErrorKind::NoSpace, "{step:?}");
        assert_eq!(error.path(), Some(file.path()), "{step:?}");
        assert_eq!(content(&file), if step == Step::SyncDirectory { "new" } else { "old" }, "{step:?}");
        let mut left = names(directory.path());
        left.retain(|name| name != "tokens.json.last-good");
        assert_eq!(left, ["tokens.json", "tokens.json.lock"], "{step:?}");
        file.fail_at = None;
        write(&file, "newer").unwrap();
        assert_eq!(content(&file), "newer");
    }
}

#[test]
fn with_no_wait_for_the_disk_no_sync_is_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let mut file = TokenFile::new(directory.path().join("tokens.json"));
    file.durability = Durability::Rename;
    for step in [Step::Sync, Step::SyncDirectory] {
        file.fail_at = Some((step, io::ErrorKind::Other));
        write(&file, "new").unwrap();
    }
}

#[test]
fn a_refused_change_leaves_everything_as_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let file = TokenFile::new(directory.path().join("tokens.json"));
    write(&file, "old").unwrap();
    let refused = file.update::<()>(|_| Err(StorageError::new(StorageErrorKind::ForeignFile)));
    assert_eq!(*refused.unwrap_err().kind(), StorageErrorKind::ForeignFile);
    assert_eq!(content(&file), "old");
}

/// Takes the lease of a writer over, as another machine does after its time.
fn take_write_lease_over(path: &Path) {
    let lease = beside(path, "", "write");
    std::fs::remove_file(&lease).unwrap();
    std::fs::write(lease, "another's").unwrap();
}

#[test]
fn a_write_that_outlives_its_lock_is_refused() {
    // Who stands still finds the lease taken over; who is merely slow can no longer know.
    let taken: fn(&mut TokenFile, Step) = |file, step| file.meanwhile = Some((step, take_write_lease_over));
    let late: fn(&mut TokenFile, Step) = |file, _| file.set_lease_time(Duration::ZERO);
    for (step, spoil) in
        [(Step::Create, taken), (Step::Sync, taken), (Step::Rename, taken), (Step::Lock, late)]
    {
        let directory = tempfile::tempdir().unwrap();
        let file = TokenFile::new(directory.path().join("tokens.json"));
        write(&file, "old").unwrap();
        let mut slow = file.clone();
        spoil(&mut slow, step);
        let error = write(&slow, "new").unwrap_err();
        assert_eq!(*error.kind(), StorageErrorKind::LockLost, "{step:?}");
        assert!(error.is_locked());
        assert_eq!(content(&file), "old", "{step:?}");
        let lease = std::fs::read_to_string(directory.path().join("tokens.json.write"));
        assert_eq!(lease.ok().as_deref(), (step != Step::Lock).then_some("another's"));
        let new = |name: &String| name.starts_with(".tokens.json.new-");
        assert!(!names(directory.path()).iter().any(new));
    }
}

#[test]
fn a_removal_that_outlives_its_lock_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let mut file = TokenFile::new(directory.path().join("tokens.json"));
    write(&file, "good rs").unwrap();
    write(&file, "good rs and newer").unwrap();
    file.meanwhile = Some((Step::Forget, take_write_lease_over));
    let removals: [&dyn Fn() -> Result<bool, StorageError>; 2] =
        [&|| file.delete(|_| Ok(())), &|| file.update(|_| Ok((Change::Forget("rs".into()), true)))];
    for remove in removals {
        assert_eq!(*remove().unwrap_err().kind(), StorageErrorKind::LockLost);
        assert_eq!(content(&file), "good rs and newer");
        assert!(directory.path().join("tokens.json.last-good").exists());
        std::fs::remove_file(directory.path().join("tokens.json.write")).unwrap();
    }
}

#[test]
fn what_dead_writers_left_is_swept_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tokens.json");
    for name in
        [".tokens.json.new-dead", ".tokens.json.lease-young", ".other.json.new-x", "tokens.json.v1.bak"]
    {
        std::fs::write(directory.path().join(name), "left").unwrap();
    }
    let old = directory.path().join(".tokens.json.lease-old");
    let long_ago = std::time::SystemTime::now() - Duration::from_secs(48 * 60 * 60);
    File::create(&old).unwrap().set_modified(long_ago).unwrap();
    write(&TokenFile::new(&path), "new").unwrap();
    assert_eq!(
        names(directory.path()),
        [
            ".other.json.new-x",
            ".tokens.json.lease-young",
            "tokens.json",
            "tokens.json.lock",
            "tokens.json.v1.bak"
        ]
    );
}

/// Every writer adds one to a number; a lost update shows.
fn count_up(flock: Flock) {
    const WRITERS: usize = 6;
    const EACH: usize = 25;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("number");
    std::thread::scope(|scope| {
        for _ in 0..WRITERS {
            scope.spawn(|| {
                let mut file = TokenFile::new(&path);
                file.flock = flock;
                file.durability = Durability::Rename;
                file.set_lock_wait(Duration::from_secs(600));
                for _ in 0..EACH {
                    let add = |old: Option<&[u8]>| {
                        let old =
                            old.map_or(0, |old| std::str::from_utf8(old).unwrap().parse::<usize>().unwrap());
                        Ok((Change::Replace((old + 1).to_string().into(), Old::Good), ()))
                    };
                    file.update(add).unwrap();
                }
            });
        }
    });
    assert_eq!(content(&TokenFile::new(&path)), (WRITERS * EACH).to_string());
    let mut left = names(directory.path());
    left.retain(|name| name != "number.lock");
    assert_eq!(left, ["number", "number.last-good"]);
}

#[test]
fn no_update_is_lost() {
    count_up(Flock::Use);
}

#[test]
fn no_update_is_lost_where_the_file_system_refuses_locks() {
    count_up(Flock::Refused);
}

#[test]
fn no_update_is_lost_without_locks_of_the_operating_system() {
    count_up(Flock::Never);
}

#[test]
fn a_writer_that_does_not_get_the_lock_says_who_has_it() {
    let directory = tempfile::tempdir().unwrap();
    let mut file = TokenFile::new(directory.path().join("tokens.json"));
    let held = file.lock(file.path()).unwrap();
    for flock in [Flock::Use, Flock::Refused] {
        file.flock = flock;
        file.set_lock_wait(Duration::from_millis(20));
        let error = write(&file, "new").unwrap_err();
        let StorageErrorKind::Locked { holder: Some(holder), waited } = error.kind() else {
            panic!("{error:?}")
        };
        assert!(holder.contains(&format!("process {} ", std::process::id())), "{holder}");
        assert!(*waited >= Duration::from_millis(20) || flock == Flock::Refused);
        assert!(error.is_locked());
    }
    drop(held);
    write(&file, "new").unwrap();
}

#[test]
fn a_file_that_is_too_large_is_not_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tokens.json");
    File::create(&path).unwrap().set_len(MAX_SIZE as u64 + 1).unwrap();
    let error = TokenFile::new(&path).read().unwrap_err();
    assert!(matches!(error.kind(), StorageErrorKind::Io { reason: io::ErrorKind::FileTooLarge, .. }));
}

#[test]
fn a_file_that_another_machine_replaces_meanwhile_is_read_again() {
    let directory = tempfile::tempdir().unwrap();
    let file = TokenFile::new(directory.path().join("tokens.json"));
    write(&file, "content").unwrap();
    os::tests::STALE.set(2);
    assert_eq!(content(&file), "content");
    assert_eq!(os::tests::STALE.get(), 0);
    os::tests::STALE.set(100);
    let error = file.read().unwrap_err();
    assert!(matches!(
        error.kind(),
        StorageErrorKind::Io { reason: io::ErrorKind::StaleNetworkFileHandle, .. }
    ));
}

#[test]
fn what_could_not_be_read_again_is_not_written() {
    let directory = tempfile::tempdir().unwrap();
    let file = TokenFile::new(directory.path().join("tokens.json"));
    write(&file, "old").unwrap();
    let error = write(&file, &"x".repeat(MAX_SIZE + 1)).unwrap_err();
    assert_eq!(*error.kind(), *StorageError::too_large(MAX_SIZE + 1, MAX_SIZE).kind());
    assert_eq!((content(&file).as_str(), names(directory.path()).len()), ("old", 2));
    write(&file, &"x".repeat(MAX_SIZE)).unwrap();
    assert_eq!(content(&file).len(), MAX_SIZE);
}

#[test]
fn a_removal_takes_along_what_writers_left_that_died_since_the_first_write() {
    let directory = tempfile::tempdir().unwrap();
    let file = TokenFile::new(directory.path().join("tokens.json"));
    write(&file, "good").unwrap();
    let left = directory.path().join(".tokens.json.new-dead");
    // Cut off before the name of the resource server.
    let die = || std::fs::write(&left, "{\"access_token\": \"Ag").unwrap();
    die();
    assert!(file.has_copies_with(&"rs".into()).unwrap());
    file.update(|_| Ok((Change::Forget("rs".into()), ()))).unwrap();
    assert!(!left.exists());
    die();
    assert!(file.delete(|_| Ok(())).unwrap());
    assert!(!left.exists());
    die();
    assert!(!file.delete(|_| Ok(())).unwrap());
    assert_eq!(names(directory.path()), ["tokens.json.lock"]);
}

type Judged = Result<(), StorageError>;

/// Takes nothing for good but what begins with `good`.
fn judge(content: &[u8]) -> Judged {
    if content.starts_with(b"good") { Ok(()) } else { Err(StorageError::new(StorageErrorKind::NotAnObject)) }
}

#[test]
fn a_write_that_cannot_keep_the_old_content_is_done_all_the_same() {
    let directory = tempfile::tempdir().unwrap();
    let mut file = TokenFile::new(directory.path().join("tokens.json"));
    write(&file, "old").unwrap();
    file.fail_at = Some((Step::KeepLastGood, io::ErrorKind::StorageFull));
    write(&file, "new").unwrap();
    assert_eq!(content(&file), "new");
    assert_eq!(names(directory.path()), ["tokens.json", "tokens.json.lock"]);
}

#[test]
fn whatever_step_of_going_back_fails_the_damaged_file_is_still_there() {
    for step in [Step::Lock, Step::SetAside, Step::Create, Step::Write, Step::Sync, Step::Rename] {
        let directory = tempfile::tempdir().unwrap();
        let mut file = TokenFile::new(directory.path().join("tokens.json"));
        write(&file, "good").unwrap();
        write(&file, "good and newer").unwrap();
        std::fs::write(file.path(), "torn").unwrap();
        file.fail_at = Some((step, io::ErrorKind::StorageFull));
        let error = file.restore_last_good(&judge).unwrap_err();
        assert_eq!(*error.kind(), StorageErrorKind::NoSpace, "{step:?}");
        assert_eq!(content(&file), "torn", "{step:?}");
        file.fail_at = None;
        let aside = file.restore_last_good(&judge).unwrap().unwrap();
        assert_eq!((content(&file), std::fs::read(aside).unwrap()), ("good".to_owned(), b"torn".to_vec()));
    }
}

#[test]
fn a_removal_that_cannot_delete_the_copies_removes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let mut file = TokenFile::new(directory.path().join("tokens.json"));
    write(&file, "good rs").unwrap();
    write(&file, "good rs and newer").unwrap();
    file.fail_at = Some((Step::Forget, io::ErrorKind::PermissionDenied));
    let remove =
        |_: Option<&[u8]>| Ok((Change::Replace("good".to_owned().into(), Old::With("rs".into())), ()));
    assert_eq!(*file.update(remove).unwrap_err().kind(), StorageErrorKind::Permissions);
    assert_eq!(*file.delete(|_| Ok(())).unwrap_err().kind(), StorageErrorKind::Permissions);
    assert_eq!(content(&file), "good rs and newer");
    file.fail_at = None;
    file.update(remove).unwrap();
    assert_eq!((content(&file).as_str(), names(directory.path()).len()), ("good", 2));
}

#[cfg(unix)]
#[test]
fn where_there_are_no_hard_links_a_private_copy_is_made() {
    use std::os::unix::fs::PermissionsExt;

    let directory = tempfile::tempdir().unwrap();
    let (old, name) = (directory.path().join("old"), directory.path().join("copy"));
    std::fs::write(&old, "old").unwrap();
    for durability in [Durability::Full, Durability::Rename] {
        let copy = || kept::copy(&mut File::open(&old).unwrap(), &name, durability);
        copy().unwrap();
        assert_eq!(std::fs::read(&name).unwrap(), b"old");
        assert_eq!(std::fs::metadata(&name).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(copy().unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        std::fs::remove_file(&name).unwrap();
    }
}

#[tokio::test]
async fn who_stops_waiting_for_the_lease_frees_the_thread_that_waits() {
    let directory = tempfile::tempdir().unwrap();
    let mut file = TokenFile::new(directory.path().join("tokens.json"));
    file.set_lock_wait(Duration::from_secs(3600));
    let lease = file.lock_refresh_while(&|| true).unwrap();
    // Ends with the runtime: its end waits for blocking threads.
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    {
        let _entered = runtime.enter();
        let mut waiting = Box::pin(file.wait_for_refresh());
        assert!((&mut waiting).now_or_never().is_none());
    }
    tokio::task::spawn_blocking(move || drop(runtime)).await.unwrap();
    drop(lease);
}

#[test]
fn those_who_wait_for_the_lease_leave_threads_to_others() {
    let directory = tempfile::tempdir().unwrap();
    let mut file = TokenFile::new(directory.path().join("tokens.json"));
    file.set_lock_wait(Duration::from_secs(3600));
    let lease = file.lock_refresh_while(&|| true).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().max_blocking_threads(2).build().unwrap();
    runtime.block_on(async {
        let waiting: Vec<_> = (0..8).map(|_| tokio::spawn(file.wait_for_refresh())).collect();
        // They all begin to wait, and what comes after them is not behind them.
        tokio::task::yield_now().await;
        let writer = file.clone();
        run_blocking(move || write(&writer, "new")).await.unwrap();
        assert_eq!(content(&file), "new");
        assert!(waiting.iter().all(|waiting| !waiting.is_finished()));
        drop(lease);
        for waiting in waiting {
            waiting.await.unwrap().unwrap().release().await.unwrap();
        }
    });
    assert!(!directory.path().join("tokens.json.refresh").exists());
}

#[tokio::test]
async fn whoever_waits_in_line_is_told_when_its_time_is_over() {
    let directory = tempfile::tempdir().unwrap();
    let mut file = TokenFile::new(directory.path().join("tokens.json"));
    let lease = file.lock_refresh_while(&|| true).unwrap();
    let wait = Duration::from_millis(50);
    file.set_lock_wait(wait);
    let waiting = [file.wait_for_refresh(), file.wait_for_refresh(), file.wait_for_refresh()];
    for refused in futures_util::future::join_all(waiting).await {
        let StorageErrorKind::Locked { waited, .. } = *refused.unwrap_err().kind() else { panic!() };
        // The time in the line counts.
        assert!(waited >= wait);
    }
    drop(lease);
}

#[test]
fn without_a_wait_of_its_own_a_file_waits_for_longer_than_a_lease_lasts() {
    let mut file = TokenFile::new("tokens.json");
    assert_eq!(file.lock_wait(), Duration::from_secs(40));
    file.set_lease_time(Duration::from_secs(300));
    assert_eq!(file.lock_wait(), Duration::from_secs(310));
    file.set_lock_wait(Duration::from_secs(1));
    assert_eq!(file.lock_wait(), Duration::from_secs(1));
}
