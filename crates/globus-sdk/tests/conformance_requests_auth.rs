//! The requests of Globus Auth's operations, as recorded from the Python SDK.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

#[path = "conformance_support/compare.rs"]
mod compare;
#[path = "../../globus-core/tests/conformance/mod.rs"]
mod conformance;
#[path = "conformance_support/flows.rs"]
mod flows;
mod playback;
#[path = "conformance_support/requests.rs"]
mod requests;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use compare::comma_lists;
use conformance::{Case, Outcome, difference};
use globus_sdk::auth::{IdTokenDecoder, IdTokenError, OpenIdConfiguration, RevokeToken, TokenRequest};
use globus_sdk::{
    AccessTokenAuthorizer, AuthClient, AuthLoginClient, ConfidentialAppAuthClient, NativeAppAuthClient,
    Result, Scopes,
};
use playback::{Playback, clock_at, text_of, wait};
use requests::{expected_requests, judge, only, pairs, requests_difference, text};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use url::Url;

/// The recorded id tokens were judged between 2023, when they were issued, and 2100, when they expire.
const NOW: f64 = 1_760_000_000.0;

#[test]
fn conformance_of_requests_to_auth() {
    conformance::run("requests/auth.json", |case| match case.whole["client"].as_str().unwrap() {
        "IDTokenDecoder" => wait(id_token(case)),
        "AuthClient" | "AuthLoginClient" | "NativeAppAuthClient" | "ConfidentialAppAuthClient" => {
            match case.whole["method"].as_str().unwrap() {
                "oauth2_start_flow" | "oauth2_get_authorize_url" => wait(authorize_url(case)),
                "oauth2_exchange_code_for_tokens" => wait(exchange(case)),
                "get_openid_configuration" | "get_jwk" => wait(discovery(case)),
                _ => wait(call(case)),
            }
        }
        _ => Outcome::Pending,
    });
}

// The clients

/// Any of the four clients of Globus Auth.
enum Client {
    User(AuthClient),
    Login(AuthLoginClient),
    Native(NativeAppAuthClient),
    Confidential(ConfidentialAppAuthClient),
}

impl Client {
    fn of(case: &Case, playback: &Playback) -> Self {
        let args = &case.whole["client_args"];
        let client_id = args["client_id"].as_str();
        macro_rules! built {
            ($builder:expr) => {{
                let builder = $builder.transport(playback.clone()).clock(clock_at(NOW));
                match args["base_url"].as_str() {
                    Some(url) => builder.base_url(url),
                    None => builder,
                }
                .build()
                .unwrap()
            }};
        }
        match case.whole["client"].as_str().unwrap() {
            "AuthClient" => {
                let authorizer = AccessTokenAuthorizer::new(requests::ACCESS_TOKEN);
                Self::User(built!(AuthClient::builder().authorizer(authorizer)))
            }
            "AuthLoginClient" => {
                let client = built!(AuthLoginClient::builder());
                Self::Login(match client_id {
                    Some(id) => client.with_client_id(id),
                    None => client,
                })
            }
            "NativeAppAuthClient" => Self::Native(built!(NativeAppAuthClient::builder(client_id.unwrap()))),
            "ConfidentialAppAuthClient" => {
                let secret = text(args, "client_secret");
                let builder = ConfidentialAppAuthClient::builder(client_id.unwrap(), secret);
                Self::Confidential(built!(builder))
            }
            other => panic!("no such client: {other}"),
        }
    }
}

/// The same method of each login client.
macro_rules! of_login {
    ($client:expr, $method:ident($($argument:expr),*)) => {
        match $client {
            Client::Login(client) => client.$method($($argument),*),
            Client::Native(client) => client.$method($($argument),*),
            Client::Confidential(client) => client.$method($($argument),*),
            Client::User(_) => return Outcome::Pending,
        }
    };
}

// Plain calls

async fn call(case: &Case) -> Outcome {
    let playback = requests::playback(case);
    let client = Client::of(case, &playback);
    let args = &case.whole["args"];
    let method = case.whole["method"].as_str().unwrap();
    let result: Result<()> = match (method, &client) {
        ("userinfo", Client::User(client)) => {
            only(args, &[]);
            client.userinfo().send().await.map(drop)
        }
        ("get_identities", Client::User(client)) => {
            only(args, &["usernames", "ids", "provision", "query_params"]);
            let mut request = client.get_identities();
            if !args["usernames"].is_null() {
                request = request.usernames(comma_lists(&args["usernames"]));
            }
            if !args["ids"].is_null() {
                request = request.ids(comma_lists(&args["ids"]));
            }
            if let Some(provision) = args["provision"].as_bool() {
                request = request.provision(provision);
            }
            for (name, value) in pairs(args, "query_params") {
                request = request.with_query(name, text_of(value));
            }
            request.send().await.map(drop)
        }
        ("oauth2_token", client) => {
            only(args, &["form_data", "body_params"]);
            let form: Vec<_> =
                pairs(args, "form_data").map(|(name, value)| (name.clone(), text_of(value))).collect();
            with_body(of_login!(client, oauth2_token(form)), args, "body_params").send().await.map(drop)
        }
        ("oauth2_refresh_token", client) => {
            only(args, &["refresh_token", "body_params"]);
            let request = of_login!(client, oauth2_refresh_token(text(args, "refresh_token")));
            with_body(request, args, "body_params").send().await.map(drop)
        }
        ("oauth2_revoke_token", client) => {
            only(args, &["token", "body_params"]);
            let mut request: RevokeToken = of_login!(client, oauth2_revoke_token(text(args, "token")));
            for (name, value) in pairs(args, "body_params") {
                request = request.body_param(name, text_of(value));
            }
            request.send().await.map(drop)
        }
        ("oauth2_client_credentials_tokens", Client::Confidential(client)) => {
            only(args, &["requested_scopes"]);
            client.oauth2_client_credentials_tokens(scopes(&args["requested_scopes"])).send().await.map(drop)
        }
        ("oauth2_get_dependent_tokens", Client::Confidential(client)) => {
            only(args, &["token", "refresh_tokens", "scope", "additional_params"]);
            let mut request = client.oauth2_get_dependent_tokens(text(args, "token"));
            if args["refresh_tokens"] == true {
                request = request.body_param("access_type", "offline");
            }
            if !args["scope"].is_null() {
                request = request.body_param("scope", scopes(&args["scope"]));
            }
            with_body(request, args, "additional_params").send().await.map(drop)
        }
        ("oauth2_token_introspect", Client::Confidential(client)) => {
            only(args, &["token", "include", "query_params"]);
            let mut request = client.oauth2_token_introspect(text(args, "token"));
            if let Some(include) = args["include"].as_str() {
                request = request.include(include.split(','));
            }
            for (name, value) in pairs(args, "query_params") {
                request = request.with_query(name, text_of(value));
            }
            request.send().await.map(drop)
        }
        ("create_native_app_instance", Client::Native(client)) => {
            only(args, &["template_id", "name"]);
            let template = text(args, "template_id").parse().unwrap();
            let answer = client.create_native_app_instance(template, text(args, "name")).send().await;
            // The recorded answer is empty, and has no secret to read.
            match answer {
                Err(_) if case.whole.get("response_json").is_none() => Ok(()),
                other => other.map(drop),
            }
        }
        _ => return Outcome::Pending,
    };
    judge(case, &playback, result)
}

fn with_body(mut request: TokenRequest, args: &Value, name: &str) -> TokenRequest {
    for (name, value) in pairs(args, name) {
        request = request.body_param(name, text_of(value));
    }
    request
}

/// A text, a scope object, or a list of either.
fn scopes(value: &Value) -> Scopes {
    let one = |scope: &Value| text_of(scope.get("$scope").unwrap_or(scope));
    match value {
        Value::Array(scopes) => scopes.iter().map(one).collect::<Vec<_>>().into(),
        scope => one(scope).into(),
    }
}

// Discovery

async fn discovery(case: &Case) -> Outcome {
    let playback = requests::playback(case);
    let client = Client::of(case, &playback);
    let args = &case.whole["args"];
    only(args, &["openid_configuration"]);
    let result = if case.whole["method"] == "get_jwk" {
        let request = match &client {
            Client::User(client) => client.get_jwk(),
            Client::Login(client) => client.get_jwk(),
            Client::Native(client) => client.get_jwk(),
            Client::Confidential(client) => client.get_jwk(),
        };
        let given = args["openid_configuration"].is_object();
        let configuration = given.then(|| configuration(&args["openid_configuration"]));
        match configuration {
            Some(configuration) => request.openid_configuration(configuration),
            None => request,
        }
        .send()
        .await
        .map(drop)
    } else {
        let request = match &client {
            Client::User(client) => client.get_openid_configuration(),
            Client::Login(client) => client.get_openid_configuration(),
            Client::Native(client) => client.get_openid_configuration(),
            Client::Confidential(client) => client.get_openid_configuration(),
        };
        request.send().await.map(drop)
    };
    match result {
        Ok(()) => Outcome::of(requests_difference(case, &unauthenticated(case), &playback)),
        Err(error) => Outcome::Failed(format!("{error:?}")),
    }
}

fn configuration(document: &Value) -> OpenIdConfiguration {
    globus_sdk::decode::from_slice(document.to_string().as_bytes()).unwrap()
}

/// The expected requests, those for the OpenID configuration and for its keys without authorization: nobody
/// has to prove anything to read what everybody may read, and the keys may lie on another host.
fn unauthenticated(case: &Case) -> Vec<Value> {
    let mut named = vec![&case.whole["args"]["openid_configuration"]["jwks_uri"]];
    let preceding = case.whole["preceding"].as_array().into_iter().flatten();
    named.extend(preceding.map(|exchange| &exchange["response_json"]["jwks_uri"]));
    let responses = case.whole["responses"].as_array().into_iter().flatten();
    named.extend(responses.map(|response| &response["json"]["jwks_uri"]));
    let keys: Vec<Url> = named.iter().filter_map(|uri| Url::parse(uri.as_str()?).ok()).collect();
    let mut requests = expected_requests(case);
    for request in &mut requests {
        let path = request["path"].as_str().unwrap();
        if path == "/.well-known/openid-configuration" || keys.iter().any(|keys| keys.path() == path) {
            request["auth"] = false.into();
            request["auth_scheme"] = Value::Null;
        }
    }
    requests
}

// Logins

async fn authorize_url(case: &Case) -> Outcome {
    let playback = Playback::new([playback::Step::json(200, &flows::tokens())]);
    let login = flows::Login::new(&case.whole["client"], &case.whole["client_args"], &playback);
    let starts = case.whole["method"] == "oauth2_start_flow";
    let (flow_args, url_args) =
        if starts { (&case.whole["args"], &json!({})) } else { (setup(case), &case.whole["args"]) };
    let (flow, again) = (login.start(flow_args).unwrap(), login.start(flow_args).unwrap());
    let Some(url) = flows::authorize_url(&flow, url_args) else { return Outcome::Pending };
    let url = url.unwrap();
    let expected = &case.whole["request"];
    let place = json!([compare::host(&url), compare::segments(url.path())]);
    let expected_place = json!([expected["host"], compare::segments(expected["path"].as_str().unwrap())]);
    let parameters = compare::recorded_pairs(&expected["query"]);
    let made_up = parameters.iter().any(|(_, value)| value == "$GENERATED_CHALLENGE");
    let differs = difference(&expected_place, &place)
        .or_else(|| flows::authorize_difference(parameters, flow_args, &flow, &again, &url));
    if differs.is_some() || !made_up {
        return Outcome::of(differs);
    }
    // The challenge belongs to the verifier of this login, and only the exchange shows that.
    flow.oauth2_exchange_code_for_tokens("CODE").await.unwrap();
    let verifier = playback.sent()[0].form_field("code_verifier").unwrap();
    let challenge = |url: &Url| {
        let mut pairs = url.query_pairs().into_owned();
        pairs.find(|(name, _)| name == "code_challenge").unwrap().1
    };
    let (own, other) = (challenge(&url), challenge(&again.authorize_url().unwrap()));
    let belongs = own == URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
    Outcome::of((!belongs || own == other).then(|| "the challenge is not this login's own".to_owned()))
}

/// The arguments of the login that was started first.
fn setup(case: &Case) -> &Value {
    let calls = case.whole["setup"].as_array().unwrap();
    &calls.iter().find(|call| call["method"] == "oauth2_start_flow").unwrap()["args"]
}

async fn exchange(case: &Case) -> Outcome {
    let playback = requests::playback(case);
    let login = flows::Login::new(&case.whole["client"], &case.whole["client_args"], &playback);
    let flow = login.start(setup(case)).unwrap();
    only(&case.whole["args"], &["auth_code"]);
    let result = flow.oauth2_exchange_code_for_tokens(text(&case.whole["args"], "auth_code")).await;
    judge(case, &playback, result)
}

// Id tokens

async fn id_token(case: &Case) -> Outcome {
    if case.whole["method"] != "decode" {
        return Outcome::Pending;
    }
    let playback = requests::playback(case);
    let args = &case.whole["client_args"];
    let client = AuthLoginClient::builder().transport(playback.clone()).clock(clock_at(NOW)).build().unwrap();
    let client = match args["client_id"].as_str() {
        Some(id) => client.with_client_id(id),
        None => client,
    };
    only(&case.whole["args"], &["id_token"]);
    let token = text(&case.whole["args"], "id_token");
    let found = IdTokenDecoder::new(&client).decode(&token.into()).await;

    if !is_signed_token(token) && playback.sent().is_empty() {
        // What is no token at all may be refused without fetching anything.
        return refused_as(found.as_ref().err(), &case.whole["raises"]);
    }
    if let Some(difference) = requests_difference(case, &unauthenticated(case), &playback) {
        return Outcome::Failed(difference);
    }
    if case.whole.get("raises").is_some() {
        return refused_as(found.as_ref().err(), &case.whole["raises"]);
    }
    let claims = &case.whole["returns"];
    let issuer =
        case.whole["responses"].as_array().unwrap().iter().find_map(|step| step["json"].get("issuer"));
    if claims.get("exp").is_none() || issuer.is_some_and(|issuer| *issuer != claims["iss"]) {
        // A token that never expires, or that somebody else issued, is refused here.
        return match found {
            Err(IdTokenError::Claim("exp") | IdTokenError::Issuer) => Outcome::Passed,
            other => Outcome::Failed(format!("expected a refusal, found {other:?}")),
        };
    }
    match found {
        Ok(found) => {
            let mut found = serde_json::to_value(&found).unwrap();
            // Claims that the token does not have are null or empty here.
            found.as_object_mut().unwrap().retain(|name, value| {
                claims.get(name).is_some() || !(value.is_null() || *value == json!([]) || *value == json!({}))
            });
            Outcome::of(difference(claims, &found))
        }
        Err(error) => Outcome::Failed(format!("{error:?}")),
    }
}

fn is_signed_token(text: &str) -> bool {
    let parts: Vec<_> = text.split('.').collect();
    let document = |part: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
        serde_json::from_slice::<serde_json::Map<String, Value>>(&bytes).ok()
    };
    parts.len() == 3 && document(parts[0]).is_some() && document(parts[1]).is_some()
}

fn refused_as(error: Option<&IdTokenError>, recorded: &Value) -> Outcome {
    let name = match error {
        Some(IdTokenError::Audience) => "InvalidAudienceError",
        Some(IdTokenError::Expired) => "ExpiredSignatureError",
        Some(IdTokenError::NotYetValid) => "ImmatureSignatureError",
        Some(IdTokenError::Signature) => "InvalidSignatureError",
        Some(IdTokenError::Algorithm) => "InvalidAlgorithmError",
        Some(IdTokenError::NotAToken) => "DecodeError",
        _ => "another",
    };
    Outcome::of((name != *recorded).then(|| format!("expected {recorded}, found {error:?}")))
}
