//! What the parts of one running emulator share.

use globus_core::Clock as _;
use jiff::Timestamp;

use crate::auth::keys::Keys;
use crate::auth::tickets::Tickets;
use crate::clock::EmulatedClock;
use crate::faults::Faults;
use crate::journal::Journal;
use crate::registration::NewProject;
use crate::transfer::runner::Runner;
use crate::world::Shared;
use crate::world::seed;

pub(crate) struct App {
    pub(crate) world: Shared,
    pub(crate) clock: EmulatedClock,
    pub(crate) journal: Journal,
    pub(crate) faults: Faults,
    pub(crate) keys: Keys,
    pub(crate) tickets: Tickets,
    pub(crate) runner: Runner,
    /// The projects that it starts with, and has again after a reset.
    pub(crate) projects: Vec<NewProject>,
    pub(crate) port: u16,
    /// The path that every request must begin with: `/`, or `/<random>/`.
    pub(crate) base_path: String,
}

/// Shows where it listens and nothing that it holds: that is full of secrets.
impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("port", &self.port).finish_non_exhaustive()
    }
}

impl App {
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn base_url(&self) -> String {
        format!("http://127.0.0.1:{}{}", self.port, self.base_path)
    }

    /// Keeps where the clock stands, after it was moved.
    pub(crate) fn keep_clock(&self) {
        let setting = self.clock.setting();
        self.world.change_anyway(|world| world.settings.set_clock(setting));
    }

    /// Back to the seed. Ids, secrets, collections and their files stay.
    pub(crate) fn reset(&self) {
        self.runner.cancel_all(&self.clock);
        self.faults.clear();
        self.journal.clear();
        self.tickets.clear();
        let setting = self.world.change_anyway(|world| {
            world.codes.retain(|_, _| false);
            world.families.retain(|_, _| false);
            world.access_tokens.retain(|_, _| false);
            world.refresh_tokens.retain(|_, _| false);
            world.consents.retain(|_, _| false);
            world.sessions.retain(|_, _| false);
            world.collections.change_each(|_, collection| collection.rules.back_to_seed());
            world.tasks.retain(|_, _| false);
            let projects = &world.projects;
            world.policies.retain(|_, policy| !policy.added && projects.get(&policy.project_id).is_none());
            world.projects.retain(|_, _| false);
            world.scopes.retain(|_, _| false);
            world.clients.retain(|_, client| !client.added && client.project.is_none());
            world.identities.retain(|_, identity| !identity.added);
            world.script.clear();
            world.settings.reset();
            seed::plant(world);
            for project in &self.projects {
                if let Err(error) = world.plant_project(project, false) {
                    tracing::error!(%error, "a project could not be made again");
                }
            }
            world.settings.clock()
        });
        self.clock.restore(setting);
    }
}
