use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use super::*;

/// Above what any system numbers its processes with.
const NO_PROCESS: u32 = 0x7fff_fff0;
const LONG: Duration = Duration::from_secs(600);

fn target(directory: &tempfile::TempDir) -> PathBuf {
    directory.path().join("tokens.json")
}

fn put(target: &Path, change: impl FnOnce(&mut Holder)) -> PathBuf {
    let mut holder = Holder::this_process(LONG, 7);
    change(&mut holder);
    let path = beside(target, "", "refresh");
    place(target, &path, &holder).unwrap().unwrap();
    path
}

/// As if what was seen had been seen so much earlier.
fn let_pass(takeover: &mut Takeover, time: Duration) {
    for (_, since) in takeover.seen.values_mut() {
        *since = since.checked_sub(time).unwrap();
    }
}

fn only(directory: &tempfile::TempDir, expected: &[&str]) {
    let mut names: Vec<_> = std::fs::read_dir(directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, expected);
}

#[test]
fn a_process_that_died_unnoticed_by_its_parent_is_gone() {
    let mut child = std::process::Command::new("sleep").arg("600").spawn().unwrap();
    assert!(!os::process_is_gone(child.id()));
    child.kill().unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    // Nobody waits for the child here, so it stays in the list of processes.
    while !os::process_is_gone(child.id()) {
        assert!(Instant::now() < deadline, "the killed process still counts as running");
        std::thread::sleep(Duration::from_millis(1));
    }
    child.wait().unwrap();
}

#[test]
fn a_lease_names_its_holder_and_goes_when_given_back() {
    let directory = tempfile::tempdir().unwrap();
    let target = target(&directory);
    let lease = acquire(&target, "refresh", LONG, LONG).unwrap();
    only(&directory, &["tokens.json.refresh"]);
    assert!(holder(&target, "refresh").unwrap().starts_with(&format!("process {} on", std::process::id())));
    lease.held().give_back().unwrap();
    only(&directory, &[]);
}

#[test]
fn the_lease_of_a_process_that_is_gone_is_taken_over_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let target = target(&directory);
    put(&target, |holder| holder.process.pid = NO_PROCESS);
    // The time of the lease is much longer than what is waited.
    let lease = acquire(&target, "refresh", LONG, LONG / 10).unwrap();
    assert!(lease.fencing() > 7);
    only(&directory, &["tokens.json.refresh"]);
}

#[test]
fn the_number_of_a_process_means_nothing_on_another_machine() {
    let elsewhere: [fn(&mut Holder); 3] = [
        |holder| holder.process.host.push('x'),
        |holder| holder.process.boot = Some("another".into()),
        |holder| holder.process.pid_namespace = Some("another".into()),
    ];
    for change in elsewhere {
        let directory = tempfile::tempdir().unwrap();
        let target = target(&directory);
        put(&target, |holder| {
            holder.process.pid = NO_PROCESS;
            change(holder);
        });
        let error = acquire(&target, "refresh", LONG, Duration::from_millis(20)).unwrap_err();
        assert!(error.is_locked());
        assert!(error.to_string().contains(&NO_PROCESS.to_string()), "{error}");
    }
}

#[test]
fn a_lease_that_stays_the_same_for_its_whole_time_is_taken_over() {
    let directory = tempfile::tempdir().unwrap();
    let target = target(&directory);
    put(&target, |holder| holder.process.host = "elsewhere".into());
    let time = Duration::from_millis(100);
    let start = Instant::now();
    let lease = acquire(&target, "refresh", time, LONG).unwrap();
    assert!(start.elapsed() >= time);
    drop(lease);
    only(&directory, &[]);
}

#[test]
fn what_one_waiter_has_seen_the_next_one_knows() {
    let directory = tempfile::tempdir().unwrap();
    let target = target(&directory);
    put(&target, |holder| holder.process.host = "elsewhere".into());
    let mut takeover = Takeover::new(LONG);
    let gone = Wait::new(LONG, &|| false);
    assert!(acquire_while(&target, "refresh", &mut takeover, &gone).unwrap_err().is_locked());
    let_pass(&mut takeover, LONG);
    let looks = AtomicU32::new(0);
    let twice = || looks.fetch_add(1, Ordering::SeqCst) < 1;
    acquire_while(&target, "refresh", &mut takeover, &Wait::new(LONG, &twice)).unwrap();
    only(&directory, &[]);

    // What is not whole may be another one the next time.
    std::fs::write(beside(&target, "", "refresh"), "").unwrap();
    acquire_while(&target, "refresh", &mut takeover, &gone).unwrap_err();
    assert!(takeover.seen.is_empty());
}

#[test]
fn a_lease_that_another_machine_gives_back_meanwhile_is_looked_for_again() {
    let directory = tempfile::tempdir().unwrap();
    let target = target(&directory);
    let path = put(&target, |_| ());
    os::tests::STALE.set(2);
    assert!(read(&path).unwrap().is_some());
    os::tests::STALE.set(100);
    assert!(read(&path).unwrap().is_none(), "what stays stale is gone");
}

#[test]
fn half_a_lease_is_taken_over_after_its_time_too() {
    let directory = tempfile::tempdir().unwrap();
    let target = target(&directory);
    std::fs::write(beside(&target, "", "refresh"), "{\"ho").unwrap();
    acquire(&target, "refresh", Duration::from_millis(50), LONG).unwrap();
}

#[test]
fn a_change_of_the_content_starts_the_time_anew() {
    let mut takeover = Takeover::new(LONG);
    let path = Path::new("x");
    assert!(!takeover.is_dead(path, b"one"));
    let_pass(&mut takeover, LONG);
    assert!(!takeover.is_dead(path, b"two"));
    let_pass(&mut takeover, LONG);
    assert!(takeover.is_dead(path, b"two"));
}

#[test]
fn only_a_deadline_more_than_a_day_past_is_believed() {
    let directory = tempfile::tempdir().unwrap();
    let target = target(&directory);
    let path = put(&target, |holder| {
        holder.process.host = "elsewhere".into();
        holder.deadline = Timestamp::now().as_second() - 3_600;
    });
    assert!(acquire(&target, "refresh", LONG, Duration::ZERO).unwrap_err().is_locked());
    remove(&path).unwrap();
    put(&target, |holder| {
        holder.process.host = "elsewhere".into();
        holder.deadline = Timestamp::now().as_second() - CLOCK_DIFFERENCE_SECONDS - 60;
    });
    acquire(&target, "refresh", LONG, LONG / 10).unwrap();
}

#[test]
fn giving_back_a_lost_lease_leaves_the_new_holder_alone() {
    let directory = tempfile::tempdir().unwrap();
    let target = target(&directory);
    let lease = acquire(&target, "refresh", LONG, LONG).unwrap();
    remove(&lease.held().path).unwrap();
    put(&target, |holder| holder.process.host = "elsewhere".into());
    drop(lease);
    assert!(holder(&target, "refresh").unwrap().contains("elsewhere"));
}

#[test]
fn a_lease_given_back_late_goes_and_leaves_no_claim() {
    let directory = tempfile::tempdir().unwrap();
    let target = target(&directory);
    let lease = acquire(&target, "refresh", Duration::ZERO, LONG).unwrap();
    drop(lease);
    only(&directory, &[]);
}

fn claim_of(target: &Path, content: &[u8], pid: u32) -> PathBuf {
    let claim = claim_path(target, content, 0);
    let mut holder = Holder::this_process(LONG, 0);
    holder.process.pid = pid;
    place(target, &claim, &holder).unwrap().unwrap();
    claim
}

#[test]
fn while_another_process_removes_a_lease_it_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let target = target(&directory);
    let path = put(&target, |holder| holder.process.pid = NO_PROCESS);
    let content = read(&path).unwrap().unwrap();
    let claim = claim_of(&target, &content, std::process::id());
    Takeover::new(LONG).remove(&target, &path, &content).unwrap();
    assert!(path.exists() && claim.exists());
}

#[test]
fn a_claim_of_a_dead_process_does_not_stand_in_the_way() {
    let directory = tempfile::tempdir().unwrap();
    let target = target(&directory);
    let path = put(&target, |holder| holder.process.pid = NO_PROCESS);
    let content = read(&path).unwrap().unwrap();
    claim_of(&target, &content, NO_PROCESS);
    Takeover::new(LONG).remove(&target, &path, &content).unwrap();
    only(&directory, &[]);
}

#[test]
fn two_never_hold_the_lease_even_if_every_second_holder_dies() {
    let directory = tempfile::tempdir().unwrap();
    let target = target(&directory);
    let is_held = AtomicBool::new(false);
    let turns = AtomicU32::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                // The last turn of each gives the lease back, so in the end nothing is left.
                for turn in 0..26 {
                    let lease = acquire(&target, "refresh", LONG, LONG).unwrap();
                    assert!(!is_held.swap(true, Ordering::SeqCst), "two hold the lease");
                    turns.fetch_add(1, Ordering::SeqCst);
                    std::thread::yield_now();
                    is_held.store(false, Ordering::SeqCst);
                    if turn % 2 == 0 {
                        die(&target, lease);
                    }
                }
            });
        }
    });
    assert_eq!(turns.load(Ordering::SeqCst), 208);
    only(&directory, &[]);
}

/// Leaves the lease as a process leaves it that was killed.
fn die(target: &Path, lease: FileLease) {
    let mut held = lease.held();
    let mut holder: Holder = serde_json::from_slice(&held.content).unwrap();
    holder.process.pid = NO_PROCESS;
    let dead = held.path.with_extension(&holder.process.nonce);
    place(target, &dead, &holder).unwrap().unwrap();
    std::fs::rename(dead, &held.path).unwrap();
    held.is_given_back = true;
    drop(held);
    drop(lease);
}

#[test]
fn an_extended_lease_is_not_taken_over_until_its_holder_stops() {
    let directory = tempfile::tempdir().unwrap();
    let target = target(&directory);
    let lease = acquire(&target, "refresh", LONG, LONG).unwrap();
    let path = lease.held().path.clone();
    // Another machine cannot see whether the holder lives.
    lease.held().holder.process.host = "elsewhere".into();
    let mut waiter = Takeover::new(LONG);
    for _ in 0..3 {
        assert!(lease.held().extend().unwrap());
        let content = read(&path).unwrap().unwrap();
        assert!(!waiter.is_dead(&path, &content));
        let_pass(&mut waiter, LONG);
    }
    let content = read(&path).unwrap().unwrap();
    assert!(waiter.is_dead(&path, &content));
    waiter.remove(&target, &path, &content).unwrap();
    assert!(!lease.held().extend().unwrap(), "the lease is lost, and that is said");
    drop(lease);
    only(&directory, &[]);
}

#[test]
fn a_lease_extended_after_it_was_lost_leaves_the_new_holder_alone() {
    let directory = tempfile::tempdir().unwrap();
    let target = target(&directory);
    let lease = acquire(&target, "refresh", LONG, LONG).unwrap();
    remove(&lease.held().path).unwrap();
    let path = put(&target, |holder| holder.process.host = "elsewhere".into());
    let before = read(&path).unwrap();
    assert!(!lease.held().extend().unwrap());
    drop(lease);
    assert_eq!(read(&path).unwrap(), before);
}

#[test]
fn an_extended_lease_goes_when_given_back() {
    let directory = tempfile::tempdir().unwrap();
    let target = target(&directory);
    let lease = acquire(&target, "refresh", LONG, LONG).unwrap();
    assert!(lease.held().extend().unwrap());
    drop(lease);
    only(&directory, &[]);
}

#[test]
fn what_dead_processes_left_of_their_leases_is_swept() {
    let directory = tempfile::tempdir().unwrap();
    let target = target(&directory);
    // A process may die before it has written a word.
    let on_its_way = |origin: &str, pid: u32| {
        let name = format!(".tokens.json.lease-{origin}-{pid}-x");
        std::fs::write(directory.path().join(&name), "").unwrap();
        name
    };
    let here = this_origin().unwrap();
    let alive = on_its_way(&here, std::process::id());
    on_its_way(&here, NO_PROCESS);
    let elsewhere = on_its_way("f", NO_PROCESS);
    let old = directory.path().join(".tokens.json.lease-elsewhere-and-old");
    std::fs::write(&old, "").unwrap();
    File::options()
        .write(true)
        .open(&old)
        .unwrap()
        .set_modified(std::time::SystemTime::now() - LONGEST_STEP * 2)
        .unwrap();
    // A claim to a lease that is gone, and one to a lease that is there.
    claim_of(&target, b"a lease that is gone", NO_PROCESS);
    let write = beside(&target, "", "write");
    place(&target, &write, &Holder::this_process(LONG, 0)).unwrap().unwrap();
    let claim = claim_of(&target, &read(&write).unwrap().unwrap(), NO_PROCESS);
    let claim = claim.file_name().unwrap().to_str().unwrap().to_owned();

    acquire(&target, "refresh", LONG, LONG).unwrap().sweep();
    let mut expected = [&*claim, &*alive, &*elsewhere, "tokens.json.write"];
    expected.sort_unstable();
    only(&directory, &expected);
}
