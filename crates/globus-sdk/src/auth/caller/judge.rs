//! Whether what is known of a caller meets what is asked.

use globus_core::{IdentityId, Timestamp};
use jiff::SignedDuration;

use super::presented::Facts;
use super::refusal::{Refusal, RefusalKind};
use super::requirements::CallerRequirements;
use crate::auth::{SessionAuthentication, TokenIntrospection};
use crate::{Gare, GlobusAuthorizationParameters};

/// The `acr` of a login with a second factor, by the federations' agreement.
const REFEDS_MFA: &str = "https://refeds.org/profile/mfa";

/// Whether the token is for one of these.
///
/// `aud` also names the client that a token was given to. Where it names another beside it, that client is not who the
/// token is for: otherwise a service that logs people in would take the tokens that it got for other services.
pub(super) fn is_meant_for(token: &TokenIntrospection, audiences: &[String]) -> bool {
    let holder = token.aud.iter().position(|audience| *audience == token.client_id);
    let holder = holder.filter(|_| token.aud.len() > 1);
    token
        .aud
        .iter()
        .enumerate()
        .filter(|(place, _)| Some(*place) != holder)
        .any(|(_, audience)| audiences.iter().any(|ours| ours.eq_ignore_ascii_case(audience)))
}

/// What is not as it is asked.
#[derive(Default)]
struct Unmet<'a> {
    identity: bool,
    scopes: Vec<&'a str>,
    session: Option<RefusalKind>,
    policy: bool,
}

pub(super) fn judge(facts: &Facts, wanted: &CallerRequirements, now: Timestamp) -> Result<(), Refusal> {
    let unmet = Unmet {
        identity: !is_welcome(facts, wanted),
        scopes: wanted.scopes.iter().map(String::as_str).filter(|scope| !carries(facts, scope)).collect(),
        session: session_fault(facts, wanted, facts.service_time(now)),
        policy: wanted.policies.iter().any(|policy| !facts.introspection.meets_policy(policy)),
    };
    let kind = match &unmet {
        Unmet { identity: true, .. } => RefusalKind::WrongIdentity,
        Unmet { scopes, .. } if !scopes.is_empty() => RefusalKind::MissingScopes,
        Unmet { session: Some(kind), .. } => *kind,
        Unmet { policy: true, .. } => RefusalKind::PolicyNotMet,
        _ => return Ok(()),
    };
    Err(Refusal::with_gare(kind, message(kind, &unmet), gare(&unmet, wanted)))
}

fn message(kind: RefusalKind, unmet: &Unmet<'_>) -> String {
    match kind {
        RefusalKind::WrongIdentity => "none of the caller's identities may call this".to_owned(),
        RefusalKind::MissingScopes => format!("the token lacks the scopes {}", unmet.scopes.join(" ")),
        RefusalKind::SessionTooOld => "the caller's login is too old for this".to_owned(),
        RefusalKind::PolicyNotMet => "the caller's login does not meet a policy".to_owned(),
        _ => {
            "this needs another login than the caller's, with the identity, domain or second factor asked for"
                .to_owned()
        }
    }
}

/// A scope without its dependencies, which tokens do not show.
pub(super) fn name_of(scope: &str) -> &str {
    scope.split('[').next().unwrap_or(scope).trim_start_matches('*')
}

fn carries(facts: &Facts, scope: &str) -> bool {
    facts.scopes().any(|granted| granted == name_of(scope))
}

fn is_welcome(facts: &Facts, wanted: &CallerRequirements) -> bool {
    let by_id = wanted.identities.is_empty()
        || wanted.identities.iter().any(|identity| facts.identity_set.contains(identity));
    let by_domain = wanted.domains.is_empty()
        || facts.identity_set.iter().any(|identity| is_of_domain(facts, *identity, &wanted.domains));
    by_id && by_domain
}

fn is_of_domain(facts: &Facts, identity: IdentityId, domains: &[String]) -> bool {
    let domain = facts.username_of(identity).and_then(|name| Some(name.rsplit_once('@')?.1));
    domain.is_some_and(|domain| domains.iter().any(|wanted| wanted.eq_ignore_ascii_case(domain)))
}

/// What is wrong with the session, if something is.
fn session_fault(facts: &Facts, wanted: &CallerRequirements, now: Timestamp) -> Option<RefusalKind> {
    if wanted.session_max_age.is_none()
        && !wanted.session_mfa
        && wanted.session_identities.is_empty()
        && wanted.session_domains.is_empty()
    {
        return None;
    }
    let authentications = facts.introspection.session_info.iter().flat_map(|info| &info.authentications);
    let logins: Vec<(IdentityId, &SessionAuthentication)> =
        authentications.filter_map(|(id, login)| Some((id.parse().ok()?, login))).collect();
    let is_recent = |login: &SessionAuthentication| is_recent(login, wanted, now);
    let has_all = |recent: &dyn Fn(&SessionAuthentication) -> bool| {
        let fits = |(identity, login): &(IdentityId, &SessionAuthentication)| {
            recent(login)
                && (!wanted.session_mfa || is_mfa(login))
                && (wanted.session_domains.is_empty()
                    || is_of_domain(facts, *identity, &wanted.session_domains))
        };
        let logged_in =
            |identity: &IdentityId| logins.iter().any(|(other, login)| other == identity && recent(login));
        logins.iter().any(fits) && wanted.session_identities.iter().all(logged_in)
    };
    match (has_all(&is_recent), has_all(&|_| true)) {
        (true, _) => None,
        (false, true) => Some(RefusalKind::SessionTooOld),
        (false, false) => Some(RefusalKind::SessionRequired),
    }
}

fn is_recent(login: &SessionAuthentication, wanted: &CallerRequirements, now: Timestamp) -> bool {
    let Some(age) = wanted.session_max_age else { return true };
    // A login at a time that nobody knows is not a recent one.
    let Some(at) = login.auth_time.and_then(|second| Timestamp::from_second(second).ok()) else {
        return false;
    };
    SignedDuration::try_from(age).map_or(true, |age| now.duration_since(at) <= age)
}

fn is_mfa(login: &SessionAuthentication) -> bool {
    login.amr.iter().any(|means| *means == "mfa") || login.acr.as_ref().is_some_and(|acr| *acr == REFEDS_MFA)
}

/// One login that mends all that is unmet, where there can be one.
fn gare(unmet: &Unmet<'_>, wanted: &CallerRequirements) -> Option<Gare> {
    let mut parameters = GlobusAuthorizationParameters::default();
    if !unmet.scopes.is_empty() {
        parameters.required_scopes = Some(unmet.scopes.iter().map(|scope| (*scope).to_owned()).collect());
    }
    if unmet.identity {
        // A requirement can name one domain of several, but not one identity of several.
        match (wanted.identities.as_slice(), wanted.domains.is_empty()) {
            ([], false) => parameters = parameters.session_required_single_domain(&wanted.domains),
            ([one], true) => parameters = parameters.session_required_identities([one.to_string()]),
            _ => return None,
        }
    }
    if unmet.session.is_some() || unmet.policy {
        if wanted.session_mfa {
            parameters = parameters.session_required_mfa(true);
        }
        if !wanted.session_domains.is_empty() {
            parameters = parameters.session_required_single_domain(&wanted.session_domains);
        }
        if !wanted.session_identities.is_empty() {
            let identities = wanted.session_identities.iter().map(ToString::to_string);
            parameters = parameters.session_required_identities(identities);
        }
        if !wanted.policies.is_empty() {
            let policies = wanted.policies.iter().map(ToString::to_string);
            parameters.session_required_policies = Some(policies.collect());
        }
        // Without it a session that is still there would do.
        if unmet.session.is_some() && wanted.session_max_age.is_some() {
            parameters = parameters.prompt("login");
        }
    }
    parameters.session_message.clone_from(&wanted.session_message);
    let only_scopes = !unmet.identity && unmet.session.is_none() && !unmet.policy;
    let code = if only_scopes { Gare::CONSENT_REQUIRED } else { Gare::AUTHORIZATION_REQUIRED };
    Some(Gare::new(code, parameters))
}

#[cfg(test)]
mod tests;
