//! `GET /v2/oauth2/authorize`: the person decides, here by script or automatically.

use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, StatusCode, header};
use url::{Host, Url};

use super::pages;
use super::scopes;
use super::script::Decision;
use crate::call::{Call, Params};
use crate::failure::Failure;
use crate::random;
use crate::service::Service;
use crate::world::World;
use crate::world::accounts::Client;
use crate::world::tokens::{Code, Login, after};

/// Seconds for which a code can be exchanged.
const CODE_LIFETIME: u64 = 600;

pub(super) async fn authorize(call: Call) -> Response {
    let query = &call.query;
    let client =
        call.app.world.read(|world| world.clients.get(query.get("client_id").unwrap_or_default()).cloned());
    // Until both are known to be right there is nobody to redirect to.
    let Some(client) = client else {
        return pages::error("The client is unknown: check client_id.");
    };
    let Some(redirect) = redirect_uri(&call, &client) else {
        return pages::error(
            "The redirect URI is not one of this client's, not on this machine and not the emulator's own page.",
        );
    };
    let outcome = call.app.world.change(|world| {
        let decision = decision(world, &call);
        decide(world, &call, &client, decision)
    });
    let state = query.get("state");
    match outcome {
        Ok(code) => redirect_with(redirect, &[("code", Some(&code)), ("state", state)]),
        Err(Stop::Page(message)) => pages::error(&message),
        Err(Stop::Refused(failure)) => {
            let error = failure.oauth.unwrap_or("server_error");
            let error = failure.extra.get("word").and_then(|word| word.as_str()).unwrap_or(error);
            let description = Some(failure.message.as_str());
            redirect_with(
                redirect,
                &[("error", Some(error)), ("error_description", description), ("state", state)],
            )
        }
    }
}

/// Why no code is given.
enum Stop {
    /// The client is told, by redirect.
    Refused(Failure),
    /// The person is told, on a page.
    Page(String),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Refused(failure)
    }
}

impl From<crate::store::StoreError> for Stop {
    fn from(error: crate::store::StoreError) -> Self {
        Self::Refused(error.into())
    }
}

/// What the person does: as this request says, else as the script says, else approve as the default user.
fn decision(world: &mut World, call: &Call) -> Decision {
    let named = call.header("x-emulator-user").or_else(|| call.query.get("emulator_user"));
    match named {
        Some(user) => Decision::approve().as_user(user),
        None => world.script.pop_front().unwrap_or_default(),
    }
}

fn decide(world: &mut World, call: &Call, client: &Client, decision: Decision) -> Result<String, Stop> {
    let query = &call.query;
    check_request(query, client)?;
    let trees = world.complete_scopes(scopes::parse(query.get("scope").unwrap_or_default())?)?;
    if decision.deny {
        let refused = Failure::oauth("access_denied", "The person did not consent");
        return Err(match decision.error {
            Some(error) => refused.with("word", error).into(),
            None => refused.into(),
        });
    }
    let identity = person(world, query, decision.user.as_deref())?;
    let trees = scopes::without(trees, &decision.drop);
    if trees.is_empty() {
        return Err(Failure::oauth("access_denied", "The person consented to no scope").into());
    }
    if let Some(objection) = world.objection(client, &identity, &trees) {
        return Err(Stop::Page(objection));
    }
    let now = call.app.now();
    let offline = query.get("access_type") == Some("offline");
    world.consent(now, &client.id, &identity, &trees, offline);
    let code = random::secret("");
    let row = Code {
        client: client.id.clone(),
        redirect_uri: query.get("redirect_uri").unwrap_or_default().to_owned(),
        challenge: query.get("code_challenge").map(str::to_owned),
        login: Login { identity, session: uuid::Uuid::new_v4().to_string(), auth_time: now },
        scopes: trees,
        offline,
        state: query.get("state").map(str::to_owned),
        expires_at: after(now, CODE_LIFETIME),
        used: None,
    };
    world.codes.insert(random::fingerprint(&code), row);
    Ok(code)
}

fn check_request(query: &Params, client: &Client) -> Result<(), Failure> {
    if query.get("response_type") != Some("code") {
        return Err(Failure::oauth("unsupported_response_type", "response_type must be code"));
    }
    let challenge = query.get("code_challenge");
    match (challenge, query.get("code_challenge_method")) {
        (None, _) if client.public => {
            Err(Failure::oauth("invalid_request", "A public client must use PKCE: code_challenge is missing"))
        }
        (None, _) => Ok(()),
        (Some(challenge), Some("S256")) if challenge.len() == 43 => Ok(()),
        (Some(_), Some("S256")) => {
            Err(Failure::oauth("invalid_request", "code_challenge is not a SHA-256 in unpadded base64url"))
        }
        (Some(_), _) => Err(Failure::oauth("invalid_request", "code_challenge_method must be S256")),
    }
}

/// The identity that logs in: the named person, or one linked to them that the session asks for.
fn person(world: &World, query: &Params, named: Option<&str>) -> Result<String, Stop> {
    let default = world.settings.user.to_string();
    let wanted = named.unwrap_or(&default);
    let identity =
        world.find_identity(wanted).ok_or_else(|| Stop::Page(format!("There is no identity {wanted}.")))?;
    let linked = world.linked(&identity.id);
    if let Some(ids) = query.list("session_required_identities") {
        let found =
            linked.iter().find(|linked| ids.iter().any(|id| *id == linked.id || *id == linked.username));
        return found.map(|linked| linked.id.clone()).ok_or_else(|| {
            Stop::Page("None of the required identities is linked to this person.".to_owned())
        });
    }
    if let Some(domains) = query.list("session_required_single_domain") {
        let found = linked.iter().find(|linked| domains.iter().any(|domain| domain == linked.domain()));
        return found
            .map(|linked| linked.id.clone())
            .ok_or_else(|| Stop::Page("This person has no identity of the required domain.".to_owned()));
    }
    Ok(identity.id.clone())
}

/// The redirect URI, if the client may be answered there.
fn redirect_uri(call: &Call, client: &Client) -> Option<Url> {
    let text = call.query.get("redirect_uri")?;
    let uri = Url::parse(text).ok()?;
    if uri.fragment().is_some() {
        return None;
    }
    // A program that listens on this machine chooses its port anew each time.
    let loopback = match uri.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    };
    // The emulator itself also is on this machine: there only its own page is a place for codes.
    let own_page = {
        let auth = call.service_url(Service::Auth);
        let without_slash = auth.trim_end_matches('/');
        text == format!("{auth}v2/web/auth-code") || text == format!("{without_slash}v2/web/auth-code")
    };
    let elsewhere = loopback && uri.port_or_known_default() != Some(call.app.port);
    let registered = client.redirect_uris.iter().any(|known| known == text);
    let allowed = registered || own_page || (elsewhere && matches!(uri.scheme(), "http" | "https"));
    allowed.then_some(uri)
}

fn redirect_with(mut uri: Url, parameters: &[(&str, Option<&str>)]) -> Response {
    for (name, value) in parameters {
        if let Some(value) = value {
            uri.query_pairs_mut().append_pair(name, value);
        }
    }
    // A parsed URL is ASCII without control characters.
    let Ok(location) = HeaderValue::try_from(uri.as_str()) else {
        return pages::error("The redirect URI cannot be used.");
    };
    let mut response = StatusCode::FOUND.into_response();
    response.headers_mut().insert(header::LOCATION, location);
    response
}
