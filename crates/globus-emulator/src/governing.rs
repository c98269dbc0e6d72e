//! Who there is and what is asked of them: the part of [`Emulator`] that concerns logins.

use uuid::Uuid;

use crate::auth::{ConsentMode, Decision};
use crate::emulator::{Emulator, User};
use crate::error::{LoginError, RulesError};
use crate::login::{self, RedirectedLogin};
use crate::person::Person;
use crate::transfer::access::CollectionRules;
use crate::transfer::collection::CollectionRecord;
use crate::world::World;

impl Emulator {
    /// Follows an authorize URL as a person with a browser would, and gives back where that ended.
    ///
    /// The person decides as [`script_consent`](Self::script_consent) says, and else consents as
    /// [`user`](Self::user). The place that the login is redirected to is not opened.
    ///
    /// # Errors
    ///
    /// [`LoginError::Refused`] when consent was denied or the request was wrong, [`LoginError::Page`] when the
    /// person ended on a page, [`LoginError::Elsewhere`] when the address is not this emulator's.
    pub async fn login(&self, authorize_url: impl AsRef<str>) -> Result<RedirectedLogin, LoginError> {
        login::follow(authorize_url.as_ref(), &self.auth_urls()).await
    }

    /// Plays the person of a login by pasting: follows an authorize URL and gives back what the person copies
    /// into the program. That is the code from the page that shows it, or, when the login is redirected
    /// elsewhere, the whole address, as it stands in the browser.
    ///
    /// # Errors
    ///
    /// Those of [`login`](Self::login).
    pub async fn paste_login(&self, authorize_url: impl AsRef<str>) -> Result<String, LoginError> {
        let bases = self.auth_urls();
        let redirected = login::follow(authorize_url.as_ref(), &bases).await?;
        if bases.iter().any(|base| redirected.url.as_str().starts_with(base.as_str())) {
            return login::shown_code(&redirected.url).await;
        }
        Ok(redirected.url.into())
    }

    /// The addresses of Auth, with a slash at the end.
    fn auth_urls(&self) -> [String; 2] {
        let (port, path) = (self.app.port, &self.app.base_path);
        ["127.0.0.1", "localhost"].map(|host| format!("http://{host}:{port}{path}auth/"))
    }

    /// Adds decisions for the next logins, one for each.
    pub fn script_consent(&self, decisions: impl IntoIterator<Item = Decision>) {
        self.app.world.change_anyway(|world| world.script.extend(decisions));
    }

    /// Sets who decides on consent.
    pub fn set_consent_mode(&self, mode: ConsentMode) {
        self.app.world.change_anyway(|world| world.settings.consent_mode = mode);
    }

    /// Withdraws a person's consents to a scope, wherever it stands in a tree, with everything below it and the
    /// tokens that rest on them; answers how many consents are gone. The person is named by username or id.
    ///
    /// Tokens that were asked for with the scope as an optional part go on without it.
    pub fn withdraw_consent(&self, identity: &str, scope: &str) -> usize {
        self.app.world.change_anyway(|world| withdraw(world, identity, scope))
    }

    /// Adds a person until the next [`reset`](Self::reset); answers their identities, their own first.
    pub fn add_person(&self, person: &Person) -> Vec<User> {
        self.app.world.change_anyway(|world| world.add_person(person, true))
    }

    /// The identity with this username or id.
    pub fn find_user(&self, name: &str) -> Option<User> {
        self.app.world.read(|world| {
            let identity = world.find_identity(name)?;
            Some(User { id: identity.id.parse().ok()?, username: identity.username.clone() })
        })
    }

    /// Sets what a collection asks of those who use it, until the next [`reset`](Self::reset).
    ///
    /// # Errors
    ///
    /// [`RulesError`] when there is no such collection, or one of its kind cannot ask for that.
    pub fn set_collection_rules(&self, collection: Uuid, rules: CollectionRules) -> Result<(), RulesError> {
        let id = collection.to_string();
        self.app.world.change_anyway(|world| change_rules(world, &id, |now| *now = rules).map(drop))
    }

    /// Sets whether a collection asks for consent to its `data_access`; its other rules stay.
    ///
    /// # Errors
    ///
    /// Those of [`set_collection_rules`](Self::set_collection_rules).
    pub fn require_data_access(&self, collection: Uuid, required: bool) -> Result<(), RulesError> {
        let id = collection.to_string();
        let change = |rules: &mut CollectionRules| rules.require_data_access = required;
        self.app.world.change_anyway(|world| change_rules(world, &id, change).map(drop))
    }
}

pub(crate) fn withdraw(world: &mut World, identity: &str, scope: &str) -> usize {
    let id = world.find_identity(identity).map(|identity| identity.id.clone());
    id.map_or(0, |id| world.withdraw(&id, scope))
}

/// A collection by id or name.
fn known<'w>(world: &'w World, collection: &str) -> Result<&'w CollectionRecord, RulesError> {
    let named = |id: &str, name: &str| id.eq_ignore_ascii_case(collection) || name == collection;
    let known = world.collections.values().find(|known| named(&known.id, &known.name));
    known.ok_or(RulesError::NoCollection)
}

/// The rules of a collection, which is named by id or name.
pub(crate) fn rules(world: &World, collection: &str) -> Result<CollectionRules, RulesError> {
    known(world, collection).map(|known| known.rules.now.clone())
}

/// Changes the rules of a collection, which is named by id or name, and answers them.
pub(crate) fn change_rules(
    world: &mut World,
    collection: &str,
    change: impl FnOnce(&mut CollectionRules),
) -> Result<CollectionRules, RulesError> {
    let known = known(world, collection)?;
    let (id, mut rules) = (known.id.clone(), known.rules.now.clone());
    change(&mut rules);
    rules.check(&known.entity_type)?;
    if let Some(known) = world.collections.get_mut(&id) {
        known.rules.now = rules.clone();
    }
    Ok(rules)
}
