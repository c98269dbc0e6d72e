//! The contract in memory.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex};

use globus_core::MemoryTokenStorage;
use globus_core::storage::{Capabilities, Storage};
use globus_storage_testkit::{Backend, Options};

static PLACES: LazyLock<Mutex<BTreeMap<String, MemoryTokenStorage>>> = LazyLock::new(Mutex::default);

#[derive(Debug)]
struct Memory;

impl Backend for Memory {
    fn capabilities(&self) -> Capabilities {
        Capabilities::minimal().with_atomic_batch().with_cas().with_list().with_confidential()
    }

    async fn make_place(&self) -> String {
        let mut places = PLACES.lock().unwrap();
        let place = places.len().to_string();
        places.insert(place.clone(), MemoryTokenStorage::new());
        place
    }

    async fn open(&self, place: &str, options: Options) -> Storage {
        PLACES.lock().unwrap()[place].clone().lock_wait(options.lock_wait).into()
    }
}

globus_storage_testkit::storage_contract!(Memory);
