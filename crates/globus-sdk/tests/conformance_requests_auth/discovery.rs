//! What the service says about itself, and its keys.

use globus_sdk::auth::OpenIdConfiguration;
use serde_json::Value;
use url::Url;

use crate::clients::Client;
use crate::conformance::{Case, Outcome};
use crate::requests::{self, expected_requests, only, requests_difference};

pub(crate) async fn discovery(case: &Case) -> Outcome {
    let playback = requests::playback(case);
    let client = Client::of(case, &playback);
    let args = &case.whole["args"];
    // Whether Python then makes an RSA key of the document does not change what is sent.
    only(args, &["openid_configuration", "as_pem"]);
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
pub(crate) fn unauthenticated(case: &Case) -> Vec<Value> {
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
