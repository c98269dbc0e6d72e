//! What an app needs to be allowed.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

use globus_core::scope::ScopeParseError;
use globus_core::{ResourceServer, Scope, Scopes};

/// What an app needs, by resource server. It grows while clients are attached.
#[derive(Debug, Default)]
pub(super) struct Requirements {
    by_server: RwLock<BTreeMap<ResourceServer, Vec<Scope>>>,
    /// Scopes that services asked for; nothing says to which resource server they belong.
    asked_for: RwLock<Vec<Scope>>,
    /// Goes up with every addition.
    version: AtomicU64,
}

impl Requirements {
    /// Adds scopes, and says whether that changed what is needed.
    pub(super) fn add(&self, server: &ResourceServer, scopes: Vec<Scope>) -> bool {
        if scopes.is_empty() {
            // Nothing is needed of it, so nothing may be missed.
            return false;
        }
        let mut all = self.by_server.write().unwrap_or_else(PoisonError::into_inner);
        let known = all.entry(server.clone()).or_default();
        let before = known.len();
        for scope in scopes {
            if !known.contains(&scope) {
                known.push(scope);
            }
        }
        let grown = known.len() > before;
        if grown {
            self.version.fetch_add(1, Ordering::Release);
        }
        grown
    }

    /// What clients need, without what services asked for.
    pub(super) fn copy(&self) -> Self {
        Self {
            by_server: RwLock::new(self.all()),
            asked_for: RwLock::default(),
            version: AtomicU64::default(),
        }
    }

    /// Remembers what a service asked for, so that a later login of this program does not lose it.
    pub(super) fn remember(&self, scopes: Vec<Scope>) {
        let mut all = self.asked_for.write().unwrap_or_else(PoisonError::into_inner);
        for scope in scopes {
            if !all.contains(&scope) {
                all.push(scope);
            }
        }
    }

    /// Forgets what services asked for: it was asked for by somebody who has logged out.
    pub(super) fn forget_asked_for(&self) {
        self.asked_for.write().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Tells apart what is needed by now from what was needed before an addition.
    pub(super) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    pub(super) fn all(&self) -> BTreeMap<ResourceServer, Vec<Scope>> {
        self.by_server.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn of(&self, server: &ResourceServer) -> Vec<Scope> {
        let all = self.by_server.read().unwrap_or_else(PoisonError::into_inner);
        all.get(server).cloned().unwrap_or_default()
    }

    /// What a login asks for: everything that is needed, and these, merged; one text for each scope.
    pub(super) fn to_request(&self, more: &Scopes) -> Result<Vec<Scope>, ScopeParseError> {
        let needed: Vec<Scope> = self.all().into_values().flatten().collect();
        let asked_for = self.asked_for.read().unwrap_or_else(PoisonError::into_inner).clone();
        Scopes::from(needed).merge(asked_for)?.merge(more)?.parse()
    }
}
