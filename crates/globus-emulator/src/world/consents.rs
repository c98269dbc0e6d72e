//! Consents: what an identity allowed a client, as trees that outlive the tokens.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::World;
use super::tokens::Family;
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
    pub(crate) last_used: Timestamp,
    pub(crate) allows_refresh: bool,
    /// It was asked as an optional part, and can be withdrawn without what stands above it.
    pub(crate) atomically_revocable: bool,
}

impl Consent {
    pub(crate) fn document(&self) -> Value {
        json!({
            "id": self.id, "client": self.client, "scope": scope_id(&self.scope), "scope_name": self.scope,
            "dependency_path": self.path, "effective_identity": self.identity,
            "created": clock::text(self.created), "updated": clock::text(self.updated),
            "last_used": clock::text(self.last_used), "status": "approved",
            "allows_refresh": self.allows_refresh, "auto_approved": false,
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

/// Where consents stand side by side: the roots of what an identity allowed a client, or those below one.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    root_client: String,
    identity: String,
    above: Vec<i64>,
}

impl Place {
    pub(crate) fn root(client: &str, identity: &str) -> Self {
        Self { root_client: client.to_owned(), identity: identity.to_owned(), above: Vec::new() }
    }

    pub(crate) fn below(consent: &Consent) -> Self {
        Self {
            root_client: consent.root_client.clone(),
            identity: consent.identity.clone(),
            above: consent.path.clone(),
        }
    }

    fn holds(&self, consent: &Consent) -> bool {
        consent.root_client == self.root_client
            && consent.identity == self.identity
            && consent.path.split_last().is_some_and(|(_, parents)| parents == self.above)
    }
}

/// A scope tree with the consent of its topmost scope.
#[derive(Debug, Clone)]
pub(crate) struct Approved {
    pub(crate) tree: ScopeTree,
    pub(crate) consent: i64,
}

impl World {
    /// The consents at a place, oldest first.
    pub(crate) fn consents_at(&self, place: &Place) -> Vec<&Consent> {
        let mut found: Vec<&Consent> =
            self.consents.values().filter(|consent| place.holds(consent)).collect();
        found.sort_by_key(|consent| consent.id);
        found
    }

    pub(crate) fn consent_at(&self, place: &Place, scope: &str) -> Option<&Consent> {
        self.consents.values().find(|consent| consent.scope == scope && place.holds(consent))
    }

    pub(crate) fn consent_by_id(&self, id: i64) -> Option<&Consent> {
        self.consents.get(&id.to_string())
    }

    /// Records the consents of these trees at a place, adding to those that are there.
    pub(crate) fn consent(&mut self, now: Timestamp, place: &Place, trees: &[ScopeTree], offline: bool) {
        let above = place.above.last().and_then(|id| self.consent_by_id(*id));
        let holder = match above {
            Some(above) => scopes::resource_server(&above.scope).unwrap_or_default(),
            None => place.root_client.clone(),
        };
        for tree in trees {
            let found = self.consent_at(place, &tree.scope).map(|consent| consent.id);
            let id = found.unwrap_or(self.settings.next_consent);
            if let Some(consent) = self.consents.get_mut(&id.to_string()) {
                consent.updated = now;
                consent.allows_refresh |= offline;
                // What is needed once is no optional part any more.
                consent.atomically_revocable &= tree.optional;
            } else {
                self.settings.next_consent += 1;
                let consent = Consent {
                    id,
                    root_client: place.root_client.clone(),
                    client: holder.clone(),
                    identity: place.identity.clone(),
                    scope: tree.scope.clone(),
                    path: place.above.iter().copied().chain([id]).collect(),
                    created: now,
                    updated: now,
                    last_used: now,
                    allows_refresh: offline,
                    atomically_revocable: tree.optional,
                };
                self.consents.insert(id.to_string(), consent);
            }
            let mut below = place.clone();
            below.above.push(id);
            self.consent(now, &below, &tree.dependencies, offline);
        }
    }

    /// What these trees need at a place and was not consented to: each tree as far as it is missing.
    pub(crate) fn unapproved(&self, place: &Place, trees: &[ScopeTree]) -> Vec<ScopeTree> {
        let missing = |tree: &ScopeTree| match self.consent_at(place, &tree.scope) {
            None => (!tree.optional).then(|| tree.clone()),
            Some(consent) => {
                let below = self.unapproved(&Place::below(consent), &tree.dependencies);
                (!below.is_empty()).then(|| ScopeTree { dependencies: below, ..tree.clone() })
            }
        };
        trees.iter().filter_map(missing).collect()
    }

    /// The trees that were consented to at a place, with their consents, which count as used now.
    pub(crate) fn use_consents(
        &mut self,
        now: Timestamp,
        place: &Place,
        trees: &[ScopeTree],
    ) -> Vec<Approved> {
        let found: Vec<Approved> = trees
            .iter()
            .filter_map(|tree| {
                let consent = self.consent_at(place, &tree.scope)?.id;
                Some(Approved { tree: tree.clone(), consent })
            })
            .collect();
        for approved in &found {
            if let Some(consent) = self.consents.get_mut(&approved.consent.to_string()) {
                consent.last_used = now;
            }
        }
        found
    }

    /// Withdraws an identity's consents to a scope, wherever it stands in a tree, with everything below it,
    /// and the tokens that rest on them. Answers how many consents are gone.
    pub(crate) fn withdraw(&mut self, identity: &str, scope: &str) -> usize {
        let hit: Vec<Vec<i64>> = self
            .consents
            .values()
            .filter(|consent| consent.identity == identity && consent.scope == scope)
            .map(|consent| consent.path.clone())
            .collect();
        let withdrawn: BTreeSet<i64> = hit.iter().filter_map(|path| path.last().copied()).collect();
        let resting: Vec<String> = self
            .families
            .iter()
            .filter(|(_, family)| !family.revoked && hit.iter().any(|path| self.rests_on(family, path)))
            .map(|(id, _)| id.to_owned())
            .collect();
        for id in resting {
            self.revoke_family(&id);
        }
        let mut gone = 0;
        self.consents.retain(|_, consent| {
            let below = consent.path.iter().any(|id| withdrawn.contains(id));
            gone += usize::from(below);
            !below
        });
        gone
    }

    /// Whether tokens need the consent at the end of a path: their own consent is at it or below it, or above
    /// it with only required parts between.
    fn rests_on(&self, family: &Family, path: &[i64]) -> bool {
        family.scopes.iter().zip(&family.consents).any(|(tree, id)| {
            if let Some(position) = path.iter().position(|step| step == id) {
                return self.requires(tree, &path[position + 1..]);
            }
            let own = self.consent_by_id(*id);
            own.is_some_and(|own| path.last().is_some_and(|last| own.path.contains(last)))
        })
    }

    /// Whether a tree has these consents below it, none of them as an optional part.
    fn requires(&self, tree: &ScopeTree, path: &[i64]) -> bool {
        let Some((first, rest)) = path.split_first() else { return true };
        let Some(consent) = self.consent_by_id(*first) else { return false };
        let part = tree.dependencies.iter().find(|part| part.scope == consent.scope);
        part.is_some_and(|part| !part.optional && self.requires(part, rest))
    }
}
