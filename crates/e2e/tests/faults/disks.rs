//! Disks that take nothing: full ones, and directories that may only be read.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use globus_sdk::storage::{StorageErrorKind, StoreKind};
use globus_sdk::{JsonTokenStorage, Storage, StorageError};

use crate::{json, storm};

/// Runs an ignored test of this program in a place of its own: as root of a namespace in which it may mount.
///
/// Needs namespaces that any user may make. Where the system is known to forbid them, set `GLOBUS_TEST_NO_NAMESPACES`;
/// without that it fails.
fn inside(test: &str) {
    if std::env::var_os("GLOBUS_TEST_NO_NAMESPACES").is_some() {
        return;
    }
    let test = format!("disks::{test}");
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--mount"]).arg(std::env::current_exe().unwrap());
    let output = command.args(["--exact", &test, "--ignored", "--nocapture"]).output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && stdout.contains("1 passed"), "{stdout}\n{stderr}");
}

fn mount(arguments: &[&str], at: &Path) {
    assert!(Command::new("mount").args(arguments).arg(at).status().unwrap().success());
}

#[test]
fn a_small_file_system_that_is_full() {
    inside("inside_a_small_file_system");
}

#[test]
fn a_file_system_that_may_only_be_read() {
    inside("inside_a_file_system_that_may_only_be_read");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by a_small_file_system_that_is_full"]
async fn inside_a_small_file_system() {
    let world = storm::world(Duration::from_secs(30)).await;
    let disk = world.directory.path().join("disk");
    std::fs::create_dir(&disk).unwrap();
    mount(&["-t", "tmpfs", "-o", "size=64k,mode=0700", "tmpfs"], &disk);
    let path = disk.join("tokens.json");
    let storage = Storage::from(JsonTokenStorage::new(&path));
    storm::store_expired(&world, &storage).await;
    let before = std::fs::read(&path).unwrap();
    let ballast = disk.join("ballast");
    // Fails when there is no space any more, which is what it is for.
    assert!(std::fs::write(&ballast, vec![0; 1024 * 1024]).is_err());

    let refused = |error: StorageError| assert_eq!(*error.kind(), StorageErrorKind::NoSpace, "{error}");
    let tokens = storage.get_all().await.unwrap().tokens;
    refused(storage.store(tokens.into_values().collect(), StoreKind::Login).await.unwrap_err());
    json::one_worker_owes(&world, &path, "no space left").await;
    assert_eq!(std::fs::read(&path).unwrap(), before);

    std::fs::remove_file(ballast).unwrap();
    let spec = format!("json:{}", path.display());
    let reports = storm::run(&world, 4, storm::Kills::None, move |_| crate::workers::Setup::new(&spec)).await;
    storm::check_survivors(&reports);
    storm::assert_family_is_alive(&world, &storage).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by a_file_system_that_may_only_be_read"]
async fn inside_a_file_system_that_may_only_be_read() {
    let world = storm::world(Duration::from_secs(30)).await;
    let disk = world.directory.path().join("disk");
    std::fs::create_dir(&disk).unwrap();
    mount(&["-t", "tmpfs", "-o", "size=1m,mode=0700", "tmpfs"], &disk);
    let path = disk.join("tokens.json");
    let storage = Storage::from(JsonTokenStorage::new(&path));
    storm::store_expired(&world, &storage).await;
    mount(&["-o", "remount,ro"], &disk);
    json::one_worker_owes(&world, &path, "access is denied").await;
    mount(&["-o", "remount,rw"], &disk);
    let spec = format!("json:{}", path.display());
    let reports = storm::run(&world, 4, storm::Kills::None, move |_| crate::workers::Setup::new(&spec)).await;
    storm::check_survivors(&reports);
    storm::assert_family_is_alive(&world, &storage).await;
}
