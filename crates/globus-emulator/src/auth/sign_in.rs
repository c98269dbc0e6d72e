//! What a login must be like, and whether a person can sign in like that.

use jiff::Timestamp;

use super::authorize::Stop;
use super::script::Decision;
use crate::call::Params;
use crate::world::World;
use crate::world::developer::Policy;

/// What an authorize request asks of the session.
pub(super) struct Required {
    /// All of these identities must sign in; usernames are taken too.
    pub(super) identities: Vec<String>,
    /// An identity of one of these domains must sign in.
    pub(super) domains: Vec<String>,
    /// All of these policies must be met.
    pub(super) policies: Vec<String>,
    mfa: bool,
    /// Whether it has to be a new authentication, for one of the above or because `prompt` says so.
    fresh: bool,
}

impl Required {
    pub(super) fn by(query: &Params) -> Self {
        let list = |name: &str| query.list(name).unwrap_or_default();
        let mut required = Self {
            identities: list("session_required_identities"),
            domains: list("session_required_single_domain"),
            policies: list("session_required_policies"),
            mfa: query.boolean("session_required_mfa").unwrap_or(false),
            fresh: false,
        };
        required.fresh = query.get("prompt") == Some("login")
            || required.mfa
            || ![&required.identities, &required.domains, &required.policies]
                .iter()
                .all(|list| list.is_empty());
        required
    }

    /// The policies, if there are all of them.
    pub(super) fn policies<'w>(&self, world: &'w World) -> Result<Vec<&'w Policy>, Stop> {
        let known = |id: &String| {
            let policy = world.policies.get(&id.to_ascii_lowercase());
            policy.ok_or_else(|| Stop::Page(format!("There is no policy {id}.")))
        };
        self.policies.iter().map(known).collect()
    }

    /// Whether a second factor is asked for, by the request or by a policy.
    pub(super) fn mfa(&self, policies: &[&Policy]) -> bool {
        self.mfa || policies.iter().any(|policy| policy.required_mfa)
    }
}

/// How a person signs in.
pub(super) struct SignIn {
    /// Whom the tokens are for.
    pub(super) identity: String,
    /// Who authenticates now; nobody when the browser still knows the person.
    pub(super) authenticated: Vec<String>,
    pub(super) mfa: bool,
}

/// How this person signs in to a client, if they can meet what is required.
pub(super) fn sign_in(
    world: &World,
    now: Timestamp,
    client: &str,
    required: &Required,
    decision: &Decision,
) -> Result<SignIn, Stop> {
    let default = world.settings.user.to_string();
    let wanted = decision.user.as_deref().unwrap_or(&default);
    let person =
        world.find_identity(wanted).ok_or_else(|| Stop::Page(format!("There is no identity {wanted}.")))?;
    let linked = world.linked(&person.id);
    let by_name = |name: &str| {
        linked
            .iter()
            .find(|known| known.id.eq_ignore_ascii_case(name) || known.username.eq_ignore_ascii_case(name))
    };
    let chosen = match &decision.identity {
        None => None,
        Some(name) => Some(
            by_name(name)
                .ok_or_else(|| Stop::Page(format!("The identity {name} is not linked to this person.")))?,
        ),
    };
    // Whoever signs in anyhow is preferred where that is enough.
    let preferred = chosen.map_or(person.id.as_str(), |identity| &identity.id);
    let mut authenticated: Vec<String> = Vec::new();
    for name in &required.identities {
        let identity = by_name(name).ok_or_else(|| {
            Stop::Page(format!("The required identity {name} is not linked to this person."))
        })?;
        authenticated.push(identity.id.clone());
    }
    if !required.domains.is_empty() {
        let fits = |domain: &str| required.domains.iter().any(|known| known.eq_ignore_ascii_case(domain));
        let mut candidates = world.linked(preferred).into_iter();
        let identity = candidates
            .find(|identity| fits(identity.domain()))
            .ok_or_else(|| Stop::Page("This person has no identity of the required domain.".to_owned()))?;
        authenticated.push(identity.id.clone());
    }
    let policies = required.policies(world)?;
    for policy in &policies {
        let identity = world.fitting(policy, preferred).ok_or_else(|| {
            Stop::Page(format!("This person has no identity that meets the policy {}.", policy.display_name))
        })?;
        authenticated.push(identity.id.clone());
    }
    if let Some(chosen) = chosen
        && authenticated.iter().any(|id| *id != chosen.id)
    {
        return Err(Stop::Page(format!(
            "This person signed in as {}, which is not what was required.",
            chosen.username
        )));
    }
    let asked = required.mfa(&policies);
    let mfa = decision.mfa.unwrap_or(asked);
    if asked && !mfa {
        return Err(Stop::Page("A second factor is required, and this person showed none.".to_owned()));
    }
    let remembered = !required.fresh && !mfa && world.is_remembered(client, preferred, now);
    if authenticated.is_empty() && !remembered {
        authenticated.push(preferred.to_owned());
    }
    Ok(SignIn { identity: person.id.clone(), authenticated, mfa })
}
