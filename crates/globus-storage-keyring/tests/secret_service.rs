//! The contract of storages against a real GNOME Keyring on a bus of its own.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use globus_core::storage::{Capabilities, Storage};
use globus_storage_keyring::KeyringTokenStorage;
use globus_storage_testkit::{Backend, Options, cases};
use libtest_mimic::{Arguments, Trial};
use test_services::secret_service;

/// An application of its own, with its index in a directory of its own.
#[derive(Debug)]
struct Keyring;

impl Backend for Keyring {
    fn capabilities(&self) -> Capabilities {
        Capabilities::minimal().with_atomic_batch().with_cas().with_list().with_shared().with_confidential()
    }

    async fn make_place(&self) -> String {
        tempfile::tempdir().unwrap().keep().display().to_string()
    }

    async fn open(&self, place: &str, options: Options) -> Storage {
        // The name of the directory is a name for the application that no other case has.
        KeyringTokenStorage::new(place)
            .index_file(index(place))
            .lease_time(options.lease_time)
            .lock_wait(options.lock_wait)
            .into()
    }

    async fn remove_place(&self, place: &str) {
        std::fs::remove_dir_all(place).unwrap();
    }

    fn steps(&self) -> &'static [&'static str] {
        &[
            "keyring.read",
            "keyring.announce",
            "file.lock",
            "file.create",
            "file.write",
            "file.sync",
            "file.rename",
            "file.sync_directory",
            "keyring.create",
            "keyring.created",
            "keyring.commit",
            "keyring.delete",
            "keyring.forget",
        ]
    }

    fn files(&self, place: &str) -> Vec<PathBuf> {
        vec![index(place)]
    }

    async fn damage(&self, place: &str, text: &str) -> bool {
        std::fs::write(index(place), text).unwrap();
        true
    }
}

fn index(place: &str) -> PathBuf {
    Path::new(place).join("index.json")
}

const CHILD: &str = "secret_service::contract::child_process";

macro_rules! trials {
    ($($case:ident),* $(,)?) => {
        fn trials() -> Vec<Trial> {
            vec![$(contract(stringify!($case), || cases::run(CHILD, Keyring, cases::$case))),*]
        }
    };
}
globus_storage_testkit::contract_cases!(trials;);

fn contract(name: &str, case: impl FnOnce() + Send + 'static) -> Trial {
    Trial::test(format!("contract::{name}"), move || {
        case();
        Ok(())
    })
}

fn main() -> ExitCode {
    if let Some(ended) = secret_service::run_again_with_keyring() {
        return ended;
    }
    let mut trials = trials();
    trials.push(contract("child_process", || globus_storage_testkit::child_process(&Keyring)));
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
