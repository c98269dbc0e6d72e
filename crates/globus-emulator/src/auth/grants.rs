//! The grants: code, refresh, client credentials, dependent tokens.

use jiff::{SignedDuration, Timestamp};

use super::client_auth;
use super::scopes::{self, ScopeTree};
use super::token::Granted;
use crate::call::{Call, Params};
use crate::failure::Failure;
use crate::random;
use crate::world::World;
use crate::world::consents::Place;
use crate::world::tokens::{Issued, REFRESH_PREFIX};

fn invalid_grant(message: &str) -> Failure {
    Failure::oauth("invalid_grant", message)
}

fn required<'f>(form: &'f Params, name: &str) -> Result<&'f str, Failure> {
    form.get(name).ok_or_else(|| Failure::oauth("invalid_request", format!("{name} is missing")))
}

/// Exchanges a code. A second use of it revokes what the first one gave.
pub(super) fn code(call: &Call, form: &Params) -> Result<Granted, Failure> {
    let fingerprint = random::fingerprint(required(form, "code")?);
    let redirect_uri = required(form, "redirect_uri")?;
    let now = call.app.now();
    call.app.world.change(|world| {
        let client = client_auth::client(world, call, form)?;
        let code = world.codes.get(&fingerprint).cloned();
        let code = code
            .filter(|code| code.client == client.id)
            .ok_or_else(|| invalid_grant("The code is unknown, or was given to another client"))?;
        if let Some(families) = &code.used {
            for family in families {
                world.revoke_family(family);
            }
            return Err(invalid_grant("The code was used before; the tokens that it gave are revoked"));
        }
        if now >= code.expires_at {
            return Err(invalid_grant("The code has expired"));
        }
        if code.redirect_uri != redirect_uri {
            return Err(invalid_grant("redirect_uri is not the one that the code was asked for with"));
        }
        if let Some(challenge) = &code.challenge {
            let verifier = form.get("code_verifier").unwrap_or_default();
            if random::pkce_challenge(verifier) != *challenge {
                return Err(invalid_grant("code_verifier does not fit the code_challenge"));
            }
        }
        let place = Place::root(&client.id, &code.login.identity);
        if !world.unapproved(&place, &code.scopes).is_empty() {
            return Err(invalid_grant("The person has withdrawn the consent that the code was given for"));
        }
        let approved = world.use_consents(now, &place, &code.scopes);
        let tokens = world.issue(now, &client.id, &code.login, &approved, code.offline);
        if let Some(code) = world.codes.get_mut(&fingerprint) {
            code.used = Some(tokens.iter().map(|token| token.family.clone()).collect());
        }
        Ok(Granted { client: client.id, login: code.login, tokens, state: code.state, identifies: true })
    })
}

/// Refreshes, with rotation if it is on.
pub(super) fn refresh(call: &Call, form: &Params) -> Result<Granted, Failure> {
    let presented = required(form, "refresh_token")?;
    let now = call.app.now();
    call.app.world.change(|world| {
        let client = client_auth::client(world, call, form)?;
        let fingerprint = random::fingerprint(presented);
        let (token, family) = world
            .live_refresh_token(&fingerprint, now)
            .filter(|(_, family)| family.client == client.id)
            .ok_or_else(|| {
                invalid_grant("The refresh token is unknown, expired, revoked or another client's")
            })?;
        let (family_id, login, rotated_at) = (token.family.clone(), family.login.clone(), token.rotated_at);
        let consents = family.consents.clone();
        let answered = match rotated_at {
            Some(rotated_at) if !within_grace(world, rotated_at, now) => {
                world.revoke_family(&family_id);
                return Err(invalid_grant(
                    "The refresh token was spent before; every token of its family is revoked",
                ));
            }
            Some(_) => current_successor(world, presented),
            None if world.settings.rotation.rotate => {
                let successor = random::successor(&world.settings.rotation_key, REFRESH_PREFIX, presented);
                if let Some(token) = world.refresh_tokens.get_mut(&fingerprint) {
                    token.rotated_at = Some(now);
                }
                world.keep_refresh_token(&successor, &family_id, now);
                successor
            }
            None => presented.to_owned(),
        };
        if let Some(token) = world.refresh_tokens.get_mut(&random::fingerprint(&answered)) {
            token.last_used_at = now;
        }
        for id in consents {
            if let Some(consent) = world.consents.get_mut(&id.to_string()) {
                consent.last_used = now;
            }
        }
        let token = world.issue_access_token(now, &family_id, Some(answered));
        Ok(Granted { client: client.id, login, tokens: vec![token], state: None, identifies: false })
    })
}

fn within_grace(world: &World, rotated_at: Timestamp, now: Timestamp) -> bool {
    let grace = i64::try_from(world.settings.rotation.reuse_grace_seconds).unwrap_or(i64::MAX);
    now.duration_since(rotated_at) <= SignedDuration::from_secs(grace) && grace > 0
}

/// The last token of the chain that begins with a spent one.
fn current_successor(world: &World, spent: &str) -> String {
    let mut current = spent.to_owned();
    while world
        .refresh_tokens
        .get(&random::fingerprint(&current))
        .is_some_and(|token| token.rotated_at.is_some())
    {
        current = random::successor(&world.settings.rotation_key, REFRESH_PREFIX, &current);
    }
    current
}

/// A client acts as itself. What its scopes depend on counts as consented to.
pub(super) fn client_credentials(call: &Call, form: &Params) -> Result<Granted, Failure> {
    let now = call.app.now();
    call.app.world.change(|world| {
        let client = client_auth::confidential(world, call, form)?;
        let trees = world.complete_scopes(scopes::parse(required(form, "scope")?)?)?;
        let login = world.sign_in(now, &client.id, &client.id, std::slice::from_ref(&client.id), false);
        let place = Place::root(&client.id, &client.id);
        world.consent(now, &place, &trees, false);
        let approved = world.use_consents(now, &place, &trees);
        let tokens = world.issue(now, &client.id, &login, &approved, false);
        Ok(Granted { client: client.id, login, tokens, state: None, identifies: true })
    })
}

/// A service that was called with a token calls further services for the same person.
pub(super) fn dependent(call: &Call, form: &Params) -> Result<Vec<Issued>, Failure> {
    let fingerprint = random::fingerprint(required(form, "token")?);
    let now = call.app.now();
    call.app.world.change(|world| {
        let client = client_auth::confidential(world, call, form)?;
        let bearer = world
            .bearer(&fingerprint, now)
            .filter(|bearer| bearer.family.resource_server == client.id)
            .ok_or_else(|| {
                invalid_grant("The token is unknown, expired, revoked or not meant for this client")
            })?;
        let own = bearer.family.consents.iter().filter_map(|id| world.consent_by_id(*id));
        let places: Vec<Place> = own.map(Place::below).collect();
        let asked = match form.get("scope") {
            Some(text) => scopes::parse(text)?,
            None => everything_at(world, &places),
        };
        let (mut approved, mut missing) = (Vec::new(), Vec::new());
        for tree in &asked {
            let tree = std::slice::from_ref(tree);
            match places.iter().find(|place| world.consent_at(place, &tree[0].scope).is_some()) {
                Some(place) => {
                    missing.extend(world.unapproved(place, tree));
                    approved.extend(world.use_consents(now, place, tree));
                }
                None if tree[0].optional => {}
                None => missing.extend_from_slice(tree),
            }
        }
        if !missing.is_empty() {
            return Err(consent_required(&missing));
        }
        let offline = form.get("access_type") == Some("offline");
        Ok(world.issue(now, &client.id, &bearer.family.login, &approved, offline))
    })
}

/// Everything that was consented to below the scopes of a token, each scope once.
fn everything_at(world: &World, places: &[Place]) -> Vec<ScopeTree> {
    let mut trees: Vec<ScopeTree> = Vec::new();
    for consent in places.iter().flat_map(|place| world.consents_at(place)) {
        if trees.iter().all(|tree| tree.scope != consent.scope) {
            trees.push(ScopeTree { scope: consent.scope.clone(), optional: false, dependencies: Vec::new() });
        }
    }
    trees
}

fn consent_required(missing: &[ScopeTree]) -> Failure {
    let mut failure = Failure::oauth(
        "dependent_consent_required",
        "The person has not consented to what this service needs",
    );
    failure.status = http::StatusCode::FORBIDDEN;
    let unapproved: Vec<String> = missing.iter().map(ScopeTree::to_string).collect();
    failure.with("unapproved_scopes", unapproved)
}
