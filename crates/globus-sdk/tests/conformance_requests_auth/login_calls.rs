//! What the login clients ask the token endpoint, and the clients that they make.

use globus_sdk::Scopes;
use globus_sdk::auth::TokenRequest;
use serde_json::Value;

use crate::Called;
use crate::arguments::{id, needed, string};
use crate::clients::Client;
use crate::developer::{created_client, kind};
use crate::playback::text_of;
use crate::requests::{only, pairs, text};

/// The same method of each login client.
macro_rules! of_login {
    ($client:expr, $method:ident($($argument:expr),*)) => {
        match $client {
            Client::Login(client) => client.$method($($argument),*),
            Client::Native(client) => client.$method($($argument),*),
            Client::Confidential(client) => client.$method($($argument),*),
            Client::User(_) => return Called::NoSuchMethod,
        }
    };
}

/// Fields that the caller sets by hand.
macro_rules! body_params {
    ($request:ident, $args:expr, $name:literal) => {
        for (name, value) in pairs($args, $name) {
            $request = $request.body_param(name, text_of(value));
        }
    };
}

pub(crate) async fn call(client: &Client, method: &str, args: &Value, answer: Option<&Value>) -> Called {
    Called::Answered(match (method, client) {
        ("oauth2_token", client) => {
            only(args, &["form_data", "body_params"]);
            let form: Vec<_> =
                pairs(args, "form_data").map(|(name, value)| (name.clone(), text_of(value))).collect();
            let mut request: TokenRequest = of_login!(client, oauth2_token(form));
            body_params!(request, args, "body_params");
            request.send().await.map(drop)
        }
        ("oauth2_refresh_token", client) => {
            only(args, &["refresh_token", "body_params"]);
            let mut request = of_login!(client, oauth2_refresh_token(text(args, "refresh_token")));
            body_params!(request, args, "body_params");
            request.send().await.map(drop)
        }
        ("oauth2_revoke_token", client) => {
            only(args, &["token", "body_params"]);
            let mut request = of_login!(client, oauth2_revoke_token(text(args, "token")));
            body_params!(request, args, "body_params");
            request.send().await.map(drop)
        }
        ("oauth2_client_credentials_tokens", Client::Confidential(client)) => {
            only(args, &["requested_scopes"]);
            client.oauth2_client_credentials_tokens(scopes(&args["requested_scopes"])).send().await.map(drop)
        }
        ("oauth2_get_dependent_tokens", Client::Confidential(client)) => {
            only(args, &["token", "refresh_tokens", "scope", "additional_params"]);
            let mut request = client.oauth2_get_dependent_tokens(text(args, "token"));
            if let Some(wanted) = args["refresh_tokens"].as_bool() {
                request = request.refresh_tokens(wanted);
            }
            if !args["scope"].is_null() {
                request = request.scope(scopes(&args["scope"]));
            }
            body_params!(request, args, "additional_params");
            request.send().await.map(drop)
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
            let template: uuid::Uuid = needed!(args, "template_id", id);
            let made = client.create_native_app_instance(template, text(args, "name")).send().await;
            // A recorded answer that is empty has no secret to read.
            match made {
                Err(_) if answer.is_none() => Ok(()),
                other => other.map(drop),
            }
        }
        ("create_child_client", Client::Confidential(client)) => {
            let Some(kind) = kind(args) else { return Called::Unexpressible };
            let request = client.create_child_client(needed!(args, "name", string), kind);
            return created_client(request, args, &[]).await;
        }
        _ => return Called::NoSuchMethod,
    })
}

/// A text, a scope object, or a list of either.
fn scopes(value: &Value) -> Scopes {
    let one = |scope: &Value| text_of(scope.get("$scope").unwrap_or(scope));
    match value {
        Value::Array(scopes) => scopes.iter().map(one).collect::<Vec<_>>().into(),
        scope => one(scope).into(),
    }
}
