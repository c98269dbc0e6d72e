//! `GET /v2/oauth2/authorize`: the person decides, on a page, by script or automatically.

use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, StatusCode, header};
use jiff::Timestamp;
use url::{Host, Url};

use super::consent_page;
use super::pages;
use super::scopes::{self, ScopeTree};
use super::script::{ConsentMode, Decision};
use super::sign_in::{self, Required};
use crate::call::{Call, Params};
use crate::failure::Failure;
use crate::random;
use crate::service::Service;
use crate::store::StoreError;
use crate::world::World;
use crate::world::accounts::Client;
use crate::world::consents::Place;
use crate::world::tokens::{Code, after};

/// Seconds for which a code can be exchanged.
const CODE_LIFETIME: u64 = 600;

/// A request whose client is known, and so is where to send the person back.
#[derive(Clone)]
pub(super) struct Request {
    pub(super) client: Client,
    pub(super) query: Params,
    pub(super) redirect: Url,
}

/// Why no code is given.
pub(super) enum Stop {
    /// The client is told, by redirect.
    Refused(Failure),
    /// The person is told, on a page.
    Page(String),
    /// Nobody is told anything.
    Left,
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Refused(failure)
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Refused(error.into())
    }
}

/// What an authorize request leads to.
enum Next {
    Code(String),
    /// A person is asked for consent to these scopes.
    Ask(Vec<ScopeTree>),
}

pub(super) async fn authorize(call: Call) -> Response {
    let request = match read(&call) {
        Ok(request) => request,
        Err(message) => return pages::error(message),
    };
    let outcome = call.app.world.change(|world| {
        check_request(&request.query, &request.client)?;
        let trees = world.complete_scopes(scopes::parse(request.query.get("scope").unwrap_or_default())?)?;
        match decision(world, &call)? {
            Some(decision) => decide(world, call.app.now(), &request, trees, &decision).map(Next::Code),
            None => Ok(Next::Ask(trees)),
        }
    });
    match outcome {
        Ok(Next::Ask(trees)) => consent_page::show(&call, request, trees),
        Ok(Next::Code(code)) => request.answer(Ok(code), StatusCode::FOUND),
        Err(stop) => request.answer(Err(stop), StatusCode::FOUND),
    }
}

fn read(call: &Call) -> Result<Request, &'static str> {
    let query = &call.query;
    let client =
        call.app.world.read(|world| world.clients.get(query.get("client_id").unwrap_or_default()).cloned());
    // Until both are known to be right there is nobody to redirect to.
    let client = client.ok_or("The client is unknown: check client_id.")?;
    let redirect = redirect_uri(call, &client).ok_or(
        "The redirect URI is not one of this client's, not on this machine and not the emulator's own page.",
    )?;
    Ok(Request { client, query: query.clone(), redirect })
}

impl Request {
    /// Sends the person back to the client, or shows them a page.
    pub(super) fn answer(&self, outcome: Result<String, Stop>, status: StatusCode) -> Response {
        let state = self.query.get("state");
        match outcome {
            Ok(code) => self.redirect_with(status, &[("code", Some(&code)), ("state", state)]),
            Err(Stop::Page(message)) => pages::error(&message),
            Err(Stop::Left) => pages::left(),
            Err(Stop::Refused(failure)) => {
                let error = failure.oauth.unwrap_or("server_error");
                let error = failure.extra.get("word").and_then(|word| word.as_str()).unwrap_or(error);
                let description = Some(failure.message.as_str());
                self.redirect_with(
                    status,
                    &[("error", Some(error)), ("error_description", description), ("state", state)],
                )
            }
        }
    }

    fn redirect_with(&self, status: StatusCode, parameters: &[(&str, Option<&str>)]) -> Response {
        let mut uri = self.redirect.clone();
        for (name, value) in parameters {
            if let Some(value) = value {
                uri.query_pairs_mut().append_pair(name, value);
            }
        }
        // A parsed URL is ASCII without control characters.
        let Ok(location) = HeaderValue::try_from(uri.as_str()) else {
            return pages::error("The redirect URI cannot be used.");
        };
        let mut response = status.into_response();
        response.headers_mut().insert(header::LOCATION, location);
        response
    }
}

/// Whom a request names as the person.
pub(super) fn named(call: &Call) -> Option<&str> {
    call.header("x-emulator-user").or_else(|| call.query.get("emulator_user"))
}

/// What the person does; nothing yet when they are to be asked on a page.
fn decision(world: &mut World, call: &Call) -> Result<Option<Decision>, Stop> {
    let mode = world.settings.consent_mode;
    if mode != ConsentMode::Interactive
        && let Some(user) = named(call)
    {
        return Ok(Some(Decision::approve().as_user(user)));
    }
    match (world.script.pop_front(), mode) {
        (Some(decision), _) => Ok(Some(decision)),
        (None, ConsentMode::Auto) => Ok(Some(Decision::approve())),
        (None, ConsentMode::Interactive) => Ok(None),
        (None, ConsentMode::Scripted) => {
            Err(Stop::Page("No decision is scripted for this login.".to_owned()))
        }
    }
}

/// Does what the person decided; answers the code that the client gets.
pub(super) fn decide(
    world: &mut World,
    now: Timestamp,
    request: &Request,
    trees: Vec<ScopeTree>,
    decision: &Decision,
) -> Result<String, Stop> {
    if decision.never_returns {
        return Err(Stop::Left);
    }
    if decision.deny {
        let refused = Failure::oauth("access_denied", "The person did not consent");
        return Err(match &decision.error {
            Some(error) => refused.with("word", error.as_str()).into(),
            None => refused.into(),
        });
    }
    let (client, query) = (&request.client.id, &request.query);
    let signed_in = sign_in::sign_in(world, now, client, &Required::by(query), decision)?;
    let trees = scopes::pruned(trees, &|_, tree| {
        !(decision.drop.contains(&tree.scope) || (decision.drop_optional && tree.optional))
    });
    if trees.is_empty() {
        return Err(Failure::oauth("access_denied", "The person consented to no scope").into());
    }
    if let Some(objection) = world.objection(&request.client, &signed_in.identity, &trees) {
        return Err(Stop::Page(objection));
    }
    let login = world.sign_in(now, client, &signed_in.identity, &signed_in.authenticated, signed_in.mfa);
    let offline = query.get("access_type") == Some("offline");
    world.consent(now, &Place::root(client, &login.identity), &trees, offline);
    let code = random::secret("");
    let row = Code {
        client: client.clone(),
        redirect_uri: query.get("redirect_uri").unwrap_or_default().to_owned(),
        challenge: query.get("code_challenge").map(str::to_owned),
        login,
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
