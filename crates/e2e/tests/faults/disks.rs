//! Disks that take nothing: full ones, and directories that may only be read.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use globus_sdk::storage::{StorageErrorKind, StoreKind};
use globus_sdk::{JsonTokenStorage, Storage, StorageError};

use crate::{json, storm};

/// A file system that ends with this.
struct Mounted(PathBuf);

impl Mounted {
    fn new(arguments: &[&str], at: &Path) -> Self {
        let status = Command::new("mount").args(arguments).arg(at).status().unwrap();
        assert!(status.success(), "root may mount");
        Self(at.to_owned())
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(&self.0).status());
    }
}

/// Only root may mount; for others the same faults are injected elsewhere.
fn is_root() -> bool {
    let is_root = Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout == b"0\n");
    if !is_root {
        println!("only root may mount file systems: not checked here");
    }
    is_root
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_small_file_system_that_is_full() {
    if !is_root() {
        return;
    }
    let world = storm::world(Duration::from_secs(30)).await;
    let disk = world.directory.path().join("disk");
    std::fs::create_dir(&disk).unwrap();
    let _mounted = Mounted::new(&["-t", "tmpfs", "-o", "size=64k,mode=0700", "tmpfs"], &disk);
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
async fn a_file_system_that_may_only_be_read() {
    if !is_root() {
        return;
    }
    let world = storm::world(Duration::from_secs(30)).await;
    let disk = world.directory.path().join("disk");
    std::fs::create_dir(&disk).unwrap();
    let _mounted = Mounted::new(&["-t", "tmpfs", "-o", "size=1m,mode=0700", "tmpfs"], &disk);
    let path = disk.join("tokens.json");
    let storage = Storage::from(JsonTokenStorage::new(&path));
    storm::store_expired(&world, &storage).await;
    let remount = |how: &str| {
        let status = Command::new("mount").args(["-o", how]).arg(&disk).status().unwrap();
        assert!(status.success(), "root may mount");
    };
    remount("remount,ro");
    json::one_worker_owes(&world, &path, "access is denied").await;
    remount("remount,rw");
    let spec = format!("json:{}", path.display());
    let reports = storm::run(&world, 4, storm::Kills::None, move |_| crate::workers::Setup::new(&spec)).await;
    storm::check_survivors(&reports);
    storm::assert_family_is_alive(&world, &storage).await;
}
