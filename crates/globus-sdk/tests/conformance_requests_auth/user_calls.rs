//! What a person's client asks about identities.

use globus_sdk::{AuthClient, IdentityId};
use serde_json::Value;

use crate::Called;
use crate::arguments::{flag, id, needed};
use crate::compare::comma_lists;
use crate::playback::text_of;
use crate::requests::{only, pairs};

/// The setters of parameters of the query that take one value or several.
macro_rules! lists {
    ($request:ident, $args:expr, $($name:ident),*) => {$(
        if !$args[stringify!($name)].is_null() {
            $request = $request.$name(comma_lists(&$args[stringify!($name)]));
        }
    )*};
}
pub(crate) use lists;

/// Parameters of the query that the caller sets by hand.
macro_rules! query_params {
    ($request:ident, $args:expr) => {
        for (name, value) in pairs($args, "query_params") {
            $request = $request.with_query(name, text_of(value));
        }
    };
}
pub(crate) use query_params;

pub(crate) async fn call(client: &AuthClient, method: &str, args: &Value) -> Called {
    Called::Answered(match method {
        "userinfo" => {
            only(args, &["query_params"]);
            let mut request = client.userinfo();
            query_params!(request, args);
            request.send().await.map(drop)
        }
        "get_identities" => {
            only(args, &["usernames", "ids", "provision", "query_params"]);
            let mut request = client.get_identities();
            lists!(request, args, usernames, ids);
            if let Some(provision) = args["provision"].as_bool() {
                request = request.provision(provision);
            }
            query_params!(request, args);
            request.send().await.map(drop)
        }
        "get_identity_providers" => {
            only(args, &["domains", "ids", "query_params"]);
            let mut request = client.get_identity_providers();
            lists!(request, args, domains, ids);
            query_params!(request, args);
            request.send().await.map(drop)
        }
        "get_consents" => {
            only(args, &["identity_id", "all", "query_params"]);
            let mut request = client.get_consents(needed!(args, "identity_id", id::<IdentityId>));
            if !args["all"].is_null() {
                request = request.all(needed!(args, "all", flag));
            }
            query_params!(request, args);
            request.send().await.map(drop)
        }
        _ => return Called::NoSuchMethod,
    })
}
