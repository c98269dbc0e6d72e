//! Consents: what an identity allowed a client, as trees that outlive the tokens.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::World;
use crate::auth::scopes::{self, ScopeTree};
use crate::clock;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Consent {
    pub(crate) id: i64,
    /// The client at the root of the tree.
    pub(crate) root_client: String,
    /// Who holds this consent: the root client, or the service of the scope above.
    pub(crate) client: String,
    pub(crate) identity: String,
    pub(crate) scope: String,
    /// The ids from the root to this consent, which is last.
    pub(crate) path: Vec<i64>,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
    pub(crate) allows_refresh: bool,
    pub(crate) atomically_revocable: bool,
}

impl Consent {
    pub(crate) fn document(&self) -> Value {
        let updated = clock::text(self.updated);
        json!({
            "id": self.id, "client": self.client, "scope": scope_id(&self.scope), "scope_name": self.scope,
            "dependency_path": self.path, "effective_identity": self.identity,
            "created": clock::text(self.created), "updated": updated, "last_used": updated,
            "status": "approved", "allows_refresh": self.allows_refresh, "auto_approved": false,
            "atomically_revocable": self.atomically_revocable,
        })
    }
}

/// The id of a scope, the same in every emulator and after every restart.
pub(crate) fn scope_id(scope: &str) -> Uuid {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, scope.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.as_ref()[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

impl World {
    /// Records the consents of these trees, adding to those that are there.
    pub(crate) fn consent(
        &mut self,
        now: Timestamp,
        client: &str,
        identity: &str,
        trees: &[ScopeTree],
        offline: bool,
    ) {
        for tree in trees {
            self.consent_below(now, client, client, identity, tree, &[], offline);
        }
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "one recursive step; the arguments are the tree's position"
    )]
    fn consent_below(
        &mut self,
        now: Timestamp,
        root_client: &str,
        client: &str,
        identity: &str,
        tree: &ScopeTree,
        above: &[i64],
        offline: bool,
    ) {
        let found = self.consents.values().find(|consent| {
            consent.root_client == root_client
                && consent.identity == identity
                && consent.scope == tree.scope
                && consent.path.split_last().is_some_and(|(_, parents)| parents == above)
        });
        let id = found.map_or(self.settings.next_consent, |consent| consent.id);
        if let Some(consent) = self.consents.get_mut(&id.to_string()) {
            consent.updated = now;
            consent.allows_refresh |= offline;
        } else {
            self.settings.next_consent += 1;
            let consent = Consent {
                id,
                root_client: root_client.to_owned(),
                client: client.to_owned(),
                identity: identity.to_owned(),
                scope: tree.scope.clone(),
                path: above.iter().copied().chain([id]).collect(),
                created: now,
                updated: now,
                allows_refresh: offline,
                atomically_revocable: tree.optional,
            };
            self.consents.insert(id.to_string(), consent);
        }
        let holder = scopes::resource_server(&tree.scope).unwrap_or_default();
        let path: Vec<i64> = above.iter().copied().chain([id]).collect();
        for dependency in &tree.dependencies {
            self.consent_below(now, root_client, &holder, identity, dependency, &path, offline);
        }
    }

    /// The scopes directly below `scope` that an identity consented to for a client.
    pub(crate) fn consented_below(&self, client: &str, identity: &str, scope: &str) -> Vec<String> {
        let own = |consent: &&Consent| consent.root_client == client && consent.identity == identity;
        let Some(root) = self.consents.values().filter(own).find(|c| c.scope == scope && c.path.len() == 1)
        else {
            return Vec::new();
        };
        self.consents
            .values()
            .filter(own)
            .filter(|consent| consent.path.len() == 2 && consent.path[0] == root.id)
            .map(|consent| consent.scope.clone())
            .collect()
    }

    /// Withdraws an identity's consents to a scope, wherever it stands in a tree, with everything below it,
    /// and the tokens that rest on them. Answers how many consents are gone.
    pub(crate) fn withdraw(&mut self, identity: &str, scope: &str) -> usize {
        let hit: Vec<Consent> = self
            .consents
            .values()
            .filter(|consent| consent.identity == identity && consent.scope == scope)
            .cloned()
            .collect();
        let mut gone = 0;
        self.consents.retain(|_, consent| {
            let below = hit.iter().any(|withdrawn| consent.path.contains(&withdrawn.id));
            gone += usize::from(below);
            !below
        });
        self.families.change_each(|_, family| {
            let rests = hit.iter().any(|withdrawn| {
                family.client == withdrawn.root_client
                    && family.login.identity == identity
                    && family.scopes.iter().any(|tree| tree.contains(scope))
            });
            let newly = rests && !family.revoked;
            family.revoked |= rests;
            newly
        });
        gone
    }
}
