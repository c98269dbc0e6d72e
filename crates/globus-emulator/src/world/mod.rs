//! Everything the emulator knows: who there is, what was granted, what is being moved.
//!
//! One lock guards it. A change is made and kept in one step ([`Shared::change`]) with no await inside, so a
//! call that is cut off in the middle leaves either all of its effect or none.

pub(crate) mod accounts;
pub(crate) mod consents;
pub(crate) mod developer;
mod planting;
mod policies;
pub(crate) mod seed;
pub(crate) mod sessions;
pub(crate) mod settings;
mod table;
pub(crate) mod tokens;

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::auth::Decision;
use crate::store::{Store, StoreError};
use crate::transfer::collection::CollectionRecord;
use crate::transfer::record::TaskRecord;
use accounts::{Client, Identity};
use consents::Consent;
use developer::{Policy, Project, RegisteredScope};
use sessions::Session;
use settings::Settings;
use table::Kept;
pub(crate) use table::Table;
use tokens::{AccessToken, Code, Family, RefreshToken};

pub(crate) struct World {
    store: Store,
    pub(crate) settings: Settings,
    kept_settings: Option<Settings>,
    pub(crate) identities: Table<Identity>,
    pub(crate) clients: Table<Client>,
    pub(crate) codes: Table<Code>,
    pub(crate) families: Table<Family>,
    pub(crate) access_tokens: Table<AccessToken>,
    pub(crate) refresh_tokens: Table<RefreshToken>,
    pub(crate) consents: Table<Consent>,
    pub(crate) sessions: Table<Session>,
    pub(crate) projects: Table<Project>,
    pub(crate) policies: Table<Policy>,
    /// The scopes that clients registered, by id.
    pub(crate) scopes: Table<RegisteredScope>,
    pub(crate) collections: Table<CollectionRecord>,
    pub(crate) tasks: Table<TaskRecord>,
    /// The signing key, as base64 of its PKCS#8 form.
    pub(crate) keys: Table<String>,
    /// Decisions that the next authorize requests will meet, oldest first.
    pub(crate) script: VecDeque<Decision>,
}

impl World {
    pub(crate) fn load(store: Store) -> Result<Self, StoreError> {
        let kept = Table::<Settings>::load("settings", &store)?;
        let kept_settings = kept.get("settings").cloned();
        let mut world = Self {
            settings: kept_settings.clone().unwrap_or_else(Settings::fresh),
            kept_settings,
            identities: Table::load("identity", &store)?,
            clients: Table::load("client", &store)?,
            codes: Table::load("code", &store)?,
            families: Table::load("family", &store)?,
            access_tokens: Table::load("access_token", &store)?,
            refresh_tokens: Table::load("refresh_token", &store)?,
            consents: Table::load("consent", &store)?,
            sessions: Table::load("session", &store)?,
            projects: Table::load("project", &store)?,
            policies: Table::load("policy", &store)?,
            scopes: Table::load("scope", &store)?,
            collections: Table::load("collection", &store)?,
            tasks: Table::load("task", &store)?,
            keys: Table::load("key", &store)?,
            script: VecDeque::new(),
            store,
        };
        seed::plant(&mut world);
        world.keep()?;
        Ok(world)
    }

    fn tables(&mut self) -> [&mut dyn Kept; 14] {
        [
            &mut self.identities,
            &mut self.clients,
            &mut self.codes,
            &mut self.families,
            &mut self.access_tokens,
            &mut self.refresh_tokens,
            &mut self.consents,
            &mut self.sessions,
            &mut self.projects,
            &mut self.policies,
            &mut self.scopes,
            &mut self.collections,
            &mut self.tasks,
            &mut self.keys,
        ]
    }

    /// Writes what changed. What could not be written stays owed.
    fn keep(&mut self) -> Result<(), StoreError> {
        if !self.store.is_in_memory() {
            let mut changes = Vec::new();
            for table in self.tables() {
                table.owed(&mut changes);
            }
            if self.kept_settings.as_ref() != Some(&self.settings) {
                let mut settings = Table::load("settings", &Store::in_memory())?;
                settings.insert("settings", self.settings.clone());
                settings.owed(&mut changes);
            }
            if changes.is_empty() {
                return Ok(());
            }
            self.store.write(&changes)?;
            self.kept_settings = Some(self.settings.clone());
        }
        for table in self.tables() {
            table.settle();
        }
        Ok(())
    }
}

/// The world behind its lock.
pub(crate) struct Shared(Mutex<World>);

impl Shared {
    pub(crate) fn new(world: World) -> Self {
        Self(Mutex::new(world))
    }

    /// Looks, without changing anything that is kept.
    pub(crate) fn read<R>(&self, look: impl FnOnce(&World) -> R) -> R {
        look(&self.lock())
    }

    /// Changes and keeps in one step. What was changed before a refusal is kept too: revoking a family and
    /// then refusing the call is one outcome.
    pub(crate) fn change<R, E: From<StoreError>>(
        &self,
        change: impl FnOnce(&mut World) -> Result<R, E>,
    ) -> Result<R, E> {
        let mut world = self.lock();
        let outcome = change(&mut world);
        world.keep()?;
        outcome
    }

    /// A change by the emulator's owner or its own threads, which have nobody to refuse to: what cannot be
    /// written now is logged and written with the next change.
    pub(crate) fn change_anyway<R>(&self, change: impl FnOnce(&mut World) -> R) -> R {
        let mut world = self.lock();
        let outcome = change(&mut world);
        if let Err(error) = world.keep() {
            tracing::error!(%error, "the emulator could not keep its state; it will try again");
        }
        outcome
    }

    fn lock(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
