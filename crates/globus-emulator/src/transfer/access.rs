//! Who may use a collection, and what a collection asks of those who do.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, json};
use uuid::Uuid;

use super::collection::{self, CollectionRecord};
use super::{ALL, EntityType};
use crate::auth::scopes;
use crate::error::RulesError;
use crate::failure::Failure;
use crate::world::World;
use crate::world::consents::Place;
use crate::world::developer::Policy;
use crate::world::tokens::Bearer;

/// What a collection asks of those who use it, besides the permission to do so.
///
/// ```
/// use std::time::Duration;
///
/// use globus_emulator::CollectionRules;
///
/// let mapped = CollectionRules::none().require_data_access();
/// let protected = CollectionRules::none().high_assurance(Duration::from_secs(30 * 60));
/// # let _ = (mapped, protected);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct CollectionRules {
    /// Whether a client needs consent to the collection's `data_access`. Only mapped collections that are not
    /// high-assurance can ask for it.
    pub require_data_access: bool,
    /// Whether it is high-assurance. Then it has no `data_access`.
    pub high_assurance: bool,
    /// Minutes for which an authentication is recent enough; any is when absent.
    pub authentication_timeout_mins: Option<u32>,
    /// The policy that logins must meet.
    pub policy: Option<Uuid>,
}

impl CollectionRules {
    /// Asks for nothing.
    pub fn none() -> Self {
        Self::default()
    }

    /// Asks for consent to the collection's `data_access`.
    #[must_use]
    pub fn require_data_access(mut self) -> Self {
        self.require_data_access = true;
        self
    }

    /// Makes it a high-assurance collection: one of the caller's identities must have signed in within this
    /// time, of which only whole minutes count.
    #[must_use]
    pub fn high_assurance(mut self, timeout: Duration) -> Self {
        self.high_assurance = true;
        self.authentication_timeout_mins = Some(u32::try_from(timeout.as_secs() / 60).unwrap_or(u32::MAX));
        self
    }

    /// Attaches a [policy](crate::NewPolicy), by its id.
    #[must_use]
    pub fn policy(mut self, id: Uuid) -> Self {
        self.policy = Some(id);
        self
    }

    /// Refuses what a collection of a kind cannot ask for.
    pub(crate) fn check(&self, entity_type: &str) -> Result<(), RulesError> {
        let mapped = [EntityType::GcpMappedCollection, EntityType::Gcsv5MappedCollection];
        let can = !self.high_assurance && mapped.iter().any(|kind| kind.as_str() == entity_type);
        if self.require_data_access && !can { Err(RulesError::NoDataAccess) } else { Ok(()) }
    }
}

/// The rules of a collection, and those that it began with.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Rules {
    pub(crate) now: CollectionRules,
    seed: CollectionRules,
}

impl Rules {
    pub(crate) fn seed(rules: CollectionRules) -> Self {
        Self { now: rules.clone(), seed: rules }
    }

    /// Answers whether that changed anything.
    pub(crate) fn back_to_seed(&mut self) -> bool {
        let changed = self.now != self.seed;
        self.now.clone_from(&self.seed);
        changed
    }
}

impl CollectionRecord {
    /// Whether there is a `data_access` scope of this collection. Personal ones have it only when they are told
    /// to ask for it, which the service's never do.
    pub(crate) fn has_data_access(&self) -> bool {
        let server = self.entity_type == EntityType::Gcsv5MappedCollection.as_str();
        !self.rules.now.high_assurance && (server || self.rules.now.require_data_access)
    }

    fn policy<'w>(&self, world: &'w World) -> Option<&'w Policy> {
        world.policies.get(&self.rules.now.policy?.to_string())
    }

    /// The members of the endpoint document that say what it asks for.
    pub(super) fn show_rules(&self, world: &World, body: &mut serde_json::Value) {
        let policy = self.policy(world);
        let timeout = policy.and_then(|policy| policy.authentication_assurance_timeout).map(|secs| secs / 60);
        body["high_assurance"] = json!(self.rules.now.high_assurance);
        body["authentication_timeout_mins"] =
            json!(self.rules.now.authentication_timeout_mins.map(i64::from).or(timeout));
        body["authentication_policy_id"] = json!(policy.map(|policy| &policy.id));
        body["mfa_required"] = json!(policy.is_some_and(|policy| policy.required_mfa));
    }
}

/// Whether an identity may use a collection: its owner and the emulator's user may, with what is linked.
pub(super) fn may_use(world: &World, collection: &CollectionRecord, identity: &str) -> bool {
    let user = world.settings.user.to_string();
    world.linked(identity).iter().any(|linked| linked.id == collection.owner || linked.id == user)
}

/// A collection that this caller may use now.
pub(super) fn usable(
    world: &World,
    id: &str,
    bearer: &Bearer,
    now: Timestamp,
) -> Result<CollectionRecord, Failure> {
    let collection = permitted(world, id, bearer)?;
    refuse_unless_met(world, &[collection], bearer, now)?;
    Ok(collection.clone())
}

/// Refuses unless the caller may use all of these collections now. One refusal names everything that is missing.
pub(super) fn check<'i>(
    world: &World,
    ids: impl IntoIterator<Item = &'i str>,
    bearer: &Bearer,
    now: Timestamp,
) -> Result<(), Failure> {
    let mut collections: Vec<&CollectionRecord> = Vec::new();
    for id in ids {
        let collection = permitted(world, id, bearer)?;
        if collections.iter().all(|known| known.id != collection.id) {
            collections.push(collection);
        }
    }
    refuse_unless_met(world, &collections, bearer, now)
}

fn permitted<'w>(world: &'w World, id: &str, bearer: &Bearer) -> Result<&'w CollectionRecord, Failure> {
    let collection = collection::known(world, id)?;
    if may_use(world, collection, bearer.identity()) {
        return Ok(collection);
    }
    Err(Failure::forbidden("EndpointPermissionDenied", "You may not use this collection; ask its owner"))
}

/// Refuses until the login and the consents are what the collections ask for.
fn refuse_unless_met(
    world: &World,
    collections: &[&CollectionRecord],
    bearer: &Bearer,
    now: Timestamp,
) -> Result<(), Failure> {
    let scopes = missing_scopes(world, collections, bearer);
    let mut parameters = unmet_session(world, collections, bearer, now);
    if let Some(message) = parameters.get("session_message").cloned() {
        if !scopes.is_empty() {
            parameters.insert("required_scopes".to_owned(), json!(scopes));
        }
        let message = message.as_str().unwrap_or_default();
        return Err(
            Failure::forbidden("AuthorizationRequired", message).with("authorization_parameters", parameters)
        );
    }
    if scopes.is_empty() {
        return Ok(());
    }
    // The Globus CLI knows by this very message what to advise.
    Err(Failure::forbidden("ConsentRequired", "Missing required data_access consent")
        .with("required_scopes", scopes))
}

/// The scopes with the `data_access` that was not consented to, one for each collection.
fn missing_scopes(world: &World, collections: &[&CollectionRecord], bearer: &Bearer) -> Vec<String> {
    let consents = bearer.family.consents.iter().filter_map(|id| world.consent_by_id(*id));
    let places: Vec<Place> = consents.filter(|consent| consent.scope == ALL).map(Place::below).collect();
    collections
        .iter()
        .filter(|collection| collection.rules.now.require_data_access)
        .map(|collection| scopes::data_access(&collection.id))
        .filter(|scope| !places.iter().any(|place| world.consent_at(place, scope).is_some()))
        .map(|scope| format!("{ALL}[*{scope}]"))
        .collect()
}

/// What the login would have to be like; nothing when it is good enough.
fn unmet_session(
    world: &World,
    collections: &[&CollectionRecord],
    bearer: &Bearer,
    now: Timestamp,
) -> Map<String, serde_json::Value> {
    let login = &bearer.family.login;
    let mut policies: Vec<&Policy> = Vec::new();
    for policy in collections.iter().filter_map(|collection| collection.policy(world)) {
        if !world.meets(policy, login, now) && policies.iter().all(|known| known.id != policy.id) {
            policies.push(policy);
        }
    }
    let recent = |minutes: u32| {
        world.authentications(login).any(|(_, known)| known.is_within(i64::from(minutes) * 60, now))
    };
    let stale = collections.iter().find(|collection| {
        collection.rules.now.authentication_timeout_mins.is_some_and(|limit| !recent(limit))
    });
    let mut parameters = Map::new();
    if let Some(policy) = policies.first() {
        let message = if policy.description.is_empty() { &policy.display_name } else { &policy.description };
        parameters.insert("session_message".to_owned(), json!(message));
        let ids: Vec<&String> = policies.iter().map(|policy| &policy.id).collect();
        parameters.insert("session_required_policies".to_owned(), json!(ids));
        if policies.iter().any(|policy| policy.required_mfa) {
            parameters.insert("session_required_mfa".to_owned(), json!(true));
        }
    } else if let Some(collection) = stale {
        let message = format!("Sign in again to use the collection {}", collection.name);
        parameters.insert("session_message".to_owned(), json!(message));
        parameters.insert("session_required_identities".to_owned(), json!([login.identity]));
    }
    if !parameters.is_empty() {
        parameters.insert("prompt".to_owned(), json!("login"));
    }
    parameters
}
