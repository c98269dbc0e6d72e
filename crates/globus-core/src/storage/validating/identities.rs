//! Who has logged in, by namespace, as far as it was seen.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OwnedMutexGuard;

use crate::storage::{Loaded, Namespace, StorageError, StorageErrorKind};
use crate::token::TokenData;

/// Who has logged in, by namespace. What is stored is the truth; this is what was seen of it, for tokens that do not
/// say whose they are.
#[derive(Debug, Default)]
pub(super) struct Identities(Mutex<HashMap<Namespace, Seen>>);

#[derive(Debug, Default)]
struct Seen {
    identity: Identity,
    /// Held from looking at what is stored to storing: one login of this program at a time.
    turn: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Debug, Default)]
enum Identity {
    #[default]
    Unknown,
    One(String),
    /// Different ones were seen, at one time or one after the other.
    Several,
}

impl Identities {
    fn lock(&self) -> MutexGuard<'_, HashMap<Namespace, Seen>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The one identity that was seen.
    pub(super) fn known(&self, namespace: &Namespace) -> Option<String> {
        match &self.lock().get(namespace)?.identity {
            Identity::One(identity) => Some(identity.clone()),
            Identity::Unknown | Identity::Several => None,
        }
    }

    /// A token of this identity was stored, or read.
    pub(super) fn saw(&self, namespace: &Namespace, identity: Option<&str>) {
        let Some(new) = identity else { return };
        let mut namespaces = self.lock();
        let seen = &mut namespaces.entry(namespace.clone()).or_default().identity;
        match seen {
            Identity::One(known) if known == new => {}
            Identity::Unknown => *seen = Identity::One(new.to_owned()),
            Identity::One(_) | Identity::Several => *seen = Identity::Several,
        }
    }

    /// This is all that is stored. Answers whose it is, where tokens are stored that do not say so, who was seen
    /// before.
    pub(super) fn saw_all(
        &self,
        namespace: &Namespace,
        stored: &Loaded,
    ) -> Result<Option<String>, StorageError> {
        if stored.tokens.is_empty() && stored.damaged.is_empty() {
            self.forget(namespace);
            return Ok(None);
        }
        let one = match one_identity(stored.tokens.values()) {
            Ok(None) => return Ok(self.known(namespace)),
            Ok(Some(one)) => Ok(one.to_owned()),
            Err(several) => Err(several),
        };
        let seen = one.as_ref().map_or(Identity::Several, |one| Identity::One(one.clone()));
        self.lock().entry(namespace.clone()).or_default().identity = seen;
        one.map(Some)
    }

    pub(super) fn forget(&self, namespace: &Namespace) {
        if let Entry::Occupied(mut seen) = self.lock().entry(namespace.clone()) {
            seen.get_mut().identity = Identity::Unknown;
            // Nobody else can take the lock's pointer meanwhile: it is only handed out under this one.
            if Arc::strong_count(&seen.get().turn) == 1 {
                seen.remove();
            }
        }
    }

    /// Waits until no other login of this program is being stored.
    pub(super) async fn turn(&self, namespace: &Namespace) -> OwnedMutexGuard<()> {
        let turn = Arc::clone(&self.lock().entry(namespace.clone()).or_default().turn);
        turn.lock_owned().await
    }
}

/// The identity of the tokens that name one.
pub(super) fn one_identity<'a>(
    tokens: impl IntoIterator<Item = &'a TokenData>,
) -> Result<Option<&'a str>, StorageError> {
    let mut identities = tokens.into_iter().filter_map(|token| token.identity_id.as_deref());
    let Some(first) = identities.next() else { return Ok(None) };
    if identities.any(|other| other != first) {
        return Err(StorageError::new(StorageErrorKind::SeveralIdentities));
    }
    Ok(Some(first))
}
