//! From intended actions and kinds of collections to scopes. Nothing is asked here.

use std::collections::{BTreeMap, BTreeSet};

use globus_core::{EndpointId, Error, ResourceServer, Result, Scope, Scopes};
use uuid::Uuid;

use super::CollectionFacts;
use crate::scopes::{
    GcsCollectionScopes, GcsEndpointScopes, SpecificFlowScopes, TimersScopes, TransferScopes,
};
use crate::transfer::EntityType;

/// What a program is about to do, to be [planned](super::ScopePlanner::plan).
#[derive(Debug, Clone, Default)]
pub struct IntendedActions(Vec<Action>);

#[derive(Debug, Clone)]
enum Action {
    Transfer(Vec<EndpointId>),
    Https(EndpointId),
    TimerTransfer(Vec<EndpointId>),
    TimerFlow(Uuid),
    RunFlow(Uuid, Vec<EndpointId>),
    CreateGuest(EndpointId),
}

impl IntendedActions {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    fn and(mut self, action: Action) -> Self {
        self.0.push(action);
        self
    }

    /// Lists directories of these collections, or transfers between them.
    #[must_use]
    pub fn transfer<I: Into<EndpointId>>(self, collections: impl IntoIterator<Item = I>) -> Self {
        self.and(Action::Transfer(ids(collections)))
    }

    /// Reads or writes files of this collection by HTTPS.
    #[must_use]
    pub fn https(self, collection: impl Into<EndpointId>) -> Self {
        self.and(Action::Https(collection.into()))
    }

    /// Sets timers that transfer between these collections.
    #[must_use]
    pub fn timer_transfer<I: Into<EndpointId>>(self, collections: impl IntoIterator<Item = I>) -> Self {
        self.and(Action::TimerTransfer(ids(collections)))
    }

    /// Sets timers that run this flow.
    #[must_use]
    pub fn timer_flow(self, flow: Uuid) -> Self {
        self.and(Action::TimerFlow(flow))
    }

    /// Runs this flow.
    #[must_use]
    pub fn run_flow(self, flow: Uuid) -> Self {
        self.and(Action::RunFlow(flow, Vec::new()))
    }

    /// Runs this flow, which transfers between these collections.
    #[must_use]
    pub fn run_flow_that_transfers<I: Into<EndpointId>>(
        self,
        flow: Uuid,
        collections: impl IntoIterator<Item = I>,
    ) -> Self {
        self.and(Action::RunFlow(flow, ids(collections)))
    }

    /// Makes guest collections on this mapped collection of Globus Connect Server.
    #[must_use]
    pub fn create_guest_collection(self, mapped_collection: impl Into<EndpointId>) -> Self {
        self.and(Action::CreateGuest(mapped_collection.into()))
    }

    /// The collections of which the kind decides.
    pub fn collections(&self) -> BTreeSet<EndpointId> {
        let mut all = BTreeSet::new();
        for action in &self.0 {
            match action {
                Action::Transfer(collections)
                | Action::TimerTransfer(collections)
                | Action::RunFlow(_, collections) => all.extend(collections),
                Action::Https(collection) | Action::CreateGuest(collection) => {
                    all.insert(*collection);
                }
                Action::TimerFlow(_) => {}
            }
        }
        all
    }

    /// The scopes, from what is known of the [collections](Self::collections). Nothing is asked.
    ///
    /// # Errors
    ///
    /// A usage error when a collection is not among the facts, or a guest collection is to be made on something that is no
    /// mapped collection of Globus Connect Server.
    pub fn plan_with(&self, facts: impl IntoIterator<Item = CollectionFacts>) -> Result<ScopePlan> {
        let facts: BTreeMap<_, _> = facts.into_iter().map(|facts| (facts.id, facts)).collect();
        let mut by_server: BTreeMap<ResourceServer, Scopes> = BTreeMap::new();
        for action in &self.0 {
            for (server, scope) in scopes_of(action, &facts)? {
                let known = by_server.entry(server).or_insert_with(|| Scopes::from(""));
                *known = known.merge(scope)?;
            }
        }
        let requirements = by_server
            .into_iter()
            .map(|(server, scopes)| Ok((server, scopes.parse()?)))
            .collect::<Result<_>>()?;
        Ok(ScopePlan { requirements, collections: facts })
    }
}

fn ids<I: Into<EndpointId>>(collections: impl IntoIterator<Item = I>) -> Vec<EndpointId> {
    collections.into_iter().map(Into::into).collect()
}

type Facts = BTreeMap<EndpointId, CollectionFacts>;

fn known(facts: &Facts, collection: EndpointId) -> Result<&CollectionFacts> {
    facts.get(&collection).ok_or_else(|| {
        Error::usage(format!("nothing is known of the collection {collection}; ask with a ScopePlanner"))
    })
}

/// Of these collections those whose `data_access` is needed, each once and in order.
fn with_data_access(facts: &Facts, collections: &[EndpointId]) -> Result<Vec<EndpointId>> {
    let mut needed = Vec::new();
    for collection in collections {
        if known(facts, *collection)?.needs_data_access() && !needed.contains(collection) {
            needed.push(*collection);
        }
    }
    Ok(needed)
}

fn scopes_of(action: &Action, facts: &Facts) -> Result<Vec<(ResourceServer, Scope)>> {
    let one = |server: &str, scope: Scope| vec![(ResourceServer::from(server), scope)];
    Ok(match action {
        Action::Transfer(collections) => one(
            TransferScopes::RESOURCE_SERVER,
            TransferScopes::with_data_access(with_data_access(facts, collections)?),
        ),
        Action::TimerTransfer(collections) => one(
            TimersScopes::RESOURCE_SERVER,
            TimersScopes::with_transfer_data_access(with_data_access(facts, collections)?),
        ),
        Action::TimerFlow(flow) => one(TimersScopes::RESOURCE_SERVER, TimersScopes::with_flow_user([flow])),
        Action::RunFlow(flow, collections) => {
            let scopes = SpecificFlowScopes::new(flow);
            let scope = if collections.is_empty() {
                scopes.user()
            } else {
                scopes.with_transfer_data_access(with_data_access(facts, collections)?)
            };
            one(scopes.resource_server(), scope)
        }
        // Beside each other: here the collection itself is the resource server.
        Action::Https(collection) => {
            let scopes = GcsCollectionScopes::new(collection);
            let mut all = one(scopes.resource_server(), scopes.https());
            if known(facts, *collection)?.needs_data_access() {
                all.extend(one(scopes.resource_server(), scopes.data_access()));
            }
            all
        }
        Action::CreateGuest(collection) => {
            let known = known(facts, *collection)?;
            let (EntityType::Gcsv5MappedCollection, Some(endpoint)) = (&known.entity_type, known.owner_id)
            else {
                return Err(Error::usage(format!(
                    "guest collections are made on mapped collections of Globus Connect Server, and {collection} is \
                     none"
                )));
            };
            let endpoint = GcsEndpointScopes::new(endpoint);
            let mut scope = endpoint.manage_collections();
            if known.needs_data_access() {
                let data_access = GcsCollectionScopes::new(collection).data_access();
                scope = scope.with_dependency(data_access.optional());
            }
            one(endpoint.resource_server(), scope)
        }
    })
}

/// The scopes of intended actions: as few as are enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopePlan {
    requirements: BTreeMap<ResourceServer, Vec<Scope>>,
    collections: Facts,
}

impl ScopePlan {
    /// The scopes by resource server, for
    /// [`GlobusApp::add_scope_requirements_of`](crate::GlobusApp::add_scope_requirements_of).
    pub fn requirements(&self) -> &BTreeMap<ResourceServer, Vec<Scope>> {
        &self.requirements
    }

    /// All scopes, for a login without an app.
    pub fn scopes(&self) -> Scopes {
        Scopes::from(self.requirements.values().flatten().cloned().collect::<Vec<_>>())
    }

    /// What the plan was made from.
    pub fn collections(&self) -> impl Iterator<Item = &CollectionFacts> {
        self.collections.values()
    }
}
