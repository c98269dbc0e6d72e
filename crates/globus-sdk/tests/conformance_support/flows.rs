//! Logins from recorded arguments, and how their authorize URLs compare.

// Each test file that includes this module uses a part of it.
#![allow(dead_code, reason = "each test file uses its part")]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use globus_sdk::auth::AuthorizationFlow;
use globus_sdk::{ConfidentialAppAuthClient, Environment, NativeAppAuthClient, Result, Scopes};
use serde_json::{Value, json};
use url::Url;

use crate::compare::{comma_lists, same_pairs};
use crate::playback::{Playback, text_of};

/// A token response.
pub(crate) fn tokens() -> Value {
    json!({
        "access_token": "AT", "scope": "openid", "expires_in": 100, "token_type": "Bearer",
        "resource_server": "auth.globus.org", "other_tokens": [],
    })
}

/// A login client of either kind.
pub(crate) enum Login {
    Native(NativeAppAuthClient),
    Confidential(ConfidentialAppAuthClient),
}

impl Login {
    pub(crate) fn new(kind: &Value, client_args: &Value, playback: &Playback) -> Self {
        macro_rules! built {
            ($builder:expr) => {{
                let mut builder = $builder.transport(playback.clone());
                if let Some(url) = client_args["base_url"].as_str() {
                    builder = builder.base_url(url);
                }
                if let Some(name) = client_args["environment"].as_str() {
                    builder = builder.environment(Environment::named(name));
                }
                builder.build().unwrap()
            }};
        }
        let client_id = client_args["client_id"].as_str().unwrap();
        match kind.as_str().unwrap() {
            "native" | "NativeAppAuthClient" => Self::Native(built!(NativeAppAuthClient::builder(client_id))),
            "confidential" | "ConfidentialAppAuthClient" => {
                let secret = client_args["client_secret"].as_str().unwrap();
                Self::Confidential(built!(ConfidentialAppAuthClient::builder(client_id, secret)))
            }
            other => panic!("no login client: {other}"),
        }
    }

    /// `oauth2_start_flow` with recorded arguments.
    pub(crate) fn start(&self, args: &Value) -> Result<AuthorizationFlow> {
        let scopes: Scopes = match &args["requested_scopes"] {
            Value::Array(scopes) => scopes.iter().map(scope_text).collect::<Vec<_>>().into(),
            one => scope_text(one).into(),
        };
        let redirect_uri = args["redirect_uri"].as_str();
        let mut flow = match self {
            Self::Native(client) => {
                let flow = client.oauth2_start_flow(scopes);
                match redirect_uri {
                    Some(uri) => flow.redirect_uri(uri),
                    None => flow,
                }
            }
            Self::Confidential(client) => client.oauth2_start_flow(redirect_uri.unwrap_or_default(), scopes),
        };
        for (name, value) in args.as_object().unwrap() {
            flow = match (name.as_str(), value) {
                ("requested_scopes" | "redirect_uri", _) | (_, Value::Null) => flow,
                ("state", value) => flow.state(text_of(value)),
                ("refresh_tokens", value) => flow.refresh_tokens(value.as_bool().unwrap()),
                ("verifier", value) => flow.verifier(text_of(value)),
                ("prefill_named_grant", value) => flow.prefill_named_grant(text_of(value)),
                (other, _) => panic!("no such argument of a flow: {other}"),
            };
        }
        flow.start()
    }
}

/// A scope as text, or tagged as an object.
fn scope_text(scope: &Value) -> String {
    text_of(scope.get("$scope").unwrap_or(scope))
}

/// The authorize URL with recorded arguments; `None` where a value is none of the types here.
pub(crate) fn authorize_url(flow: &AuthorizationFlow, args: &Value) -> Option<Result<Url>> {
    let mut url = flow.oauth2_get_authorize_url();
    let none = serde_json::Map::new();
    let args = args.as_object().unwrap_or(&none);
    // What the caller names in `query_params` wins over everything else, so it comes last.
    let own = args.get("query_params").and_then(Value::as_object);
    for (name, value) in
        args.iter().filter(|(name, _)| *name != "query_params").chain(own.into_iter().flatten())
    {
        url = match (name.as_str(), value) {
            ("session_required_identities", value) => url.session_required_identities(comma_lists(value)),
            ("session_required_single_domain", value) => {
                url.session_required_single_domain(comma_lists(value))
            }
            ("session_required_policies", value) => url.session_required_policies(comma_lists(value)),
            ("session_required_mfa", Value::Bool(required)) => url.session_required_mfa(*required),
            ("session_message", Value::String(message)) => url.session_message(message),
            ("prompt", Value::String(prompt)) => url.prompt(prompt),
            (_, Value::Null | Value::Array(_) | Value::Object(_)) => return None,
            (name, value) => url.query_param(name, text_of(value)),
        };
    }
    Some(url.url())
}

/// Where the parameters of an authorize URL differ from those recorded. `again` is a second login that was
/// started alike.
pub(crate) fn authorize_difference(
    mut expected: Vec<(String, String)>,
    flow_args: &Value,
    flow: &AuthorizationFlow,
    again: &AuthorizationFlow,
    url: &Url,
) -> Option<String> {
    let found: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let recorded_default = expected.iter_mut().find(|(name, value)| name == "state" && value == "_default");
    if let (Some(state), true) = (recorded_default, flow_args["state"].is_null()) {
        // A constant state protects from nothing: here it is random, and each login has its own.
        let enough = URL_SAFE_NO_PAD.decode(flow.state()).is_ok_and(|bits| bits.len() >= 16);
        if !enough || flow.state() == again.state() {
            return Some("the state is not a fresh random one of at least 128 bits".to_owned());
        }
        flow.state().clone_into(&mut state.1);
    }
    same_pairs("parameters", expected, found, &[])
}
