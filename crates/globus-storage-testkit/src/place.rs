//! A place for tokens during one case.

use std::sync::Arc;
use std::time::Duration;

use globus_core::TokenData;
use globus_core::storage::{Capabilities, Storage};

use crate::child::Child;
use crate::{Backend, Options};

/// A place for tokens during one case, and the ways into it.
#[derive(Debug)]
pub struct Place<B> {
    backend: Arc<B>,
    text: String,
    child_test: &'static str,
}

impl<B: Backend> Place<B> {
    pub(crate) async fn make(backend: B, child_test: &'static str) -> Self {
        let text = backend.make_place().await;
        assert!(!text.contains(['\n', '\0']), "a place is described in one line: {text:?}");
        Self { backend: Arc::new(backend), text, child_test }
    }

    pub(crate) async fn remove(self) {
        self.backend.remove_place(&self.text).await;
    }

    /// The storage under test.
    pub fn backend(&self) -> &B {
        &self.backend
    }

    /// The place as the backend describes it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What the storage declares.
    pub fn capabilities(&self) -> Capabilities {
        self.backend.capabilities()
    }

    /// A token as it comes back from this storage.
    pub(crate) fn kept(&self, mut token: TokenData) -> TokenData {
        if !self.backend.keeps_identity() {
            token.identity_id = None;
        }
        token
    }

    /// Opens the place as another program would.
    pub async fn open(&self) -> Storage {
        self.open_with(Options::default()).await
    }

    /// Opens it with leases that last this long and waits of twelve times that.
    pub async fn open_with_leases_of(&self, lease_time: Duration) -> Storage {
        self.open_with(Options { lease_time, lock_wait: lease_time * 12 }).await
    }

    /// Opens it with these options.
    pub async fn open_with(&self, options: Options) -> Storage {
        self.backend.open(&self.text, options).await
    }

    /// Starts another process that opens the place and runs the errand; see the module `child`.
    pub(crate) fn start(&self, errand: &[&str]) -> Child {
        self.start_with_failpoint(errand, "")
    }

    /// The same, with `step=what happens` at a step of its writes.
    pub(crate) fn start_with_failpoint(&self, errand: &[&str], failpoint: &str) -> Child {
        Child::start(self.child_test, &self.text, errand, failpoint)
    }
}
