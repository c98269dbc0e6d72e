//! Scopes, as recorded from the Python SDK.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::panic)]

#[path = "../../globus-core/tests/conformance/mod.rs"]
mod conformance;

use conformance::{Case, Outcome, difference};
use globus_sdk::scope::{ScopeErrorKind, ScopeParseError};
use globus_sdk::scopes::{
    AuthScopes, ComputeScopes, FlowsScopes, GcsCollectionScopes, GcsEndpointScopes, GroupsScopes,
    NexusScopes, SearchScopes, SpecificFlowScopes, TimersScopes, TransferScopes,
};
use globus_sdk::{EndpointId, Scope, Scopes};
use serde_json::{Value, json};

#[test]
fn conformance_of_scopes() {
    conformance::run("scopes.json", judge);
}

fn judge(case: &Case) -> Outcome {
    let input = &case.input;
    let text = |name: &str| input[name].as_str().unwrap();
    // Rule `star-in-name`: what Python reads as two scopes is refused.
    if case.op().starts_with("parse") && has_star_in_name(text("scope")) {
        let refused = Scopes::from(text("scope")).parse().unwrap_err();
        return Outcome::of((refused.kind() != ScopeErrorKind::Syntax).then(|| refused.to_string()));
    }
    let found: Result<Value, ScopeParseError> = match case.op() {
        "parse" => Scopes::from(text("scope")).parse().map(|scopes| canonical(&scopes)),
        "parse_one" => Scope::parse(text("scope")).map(|scope| canonical_tree(&scope)),
        "new" => Scope::new(text("scope"))
            .map(|scope| json!(scope.with_optional(input["optional"] == true).to_string())),
        "to_string" => Ok(json!(tree(&input["tree"]).to_string())),
        "with_dependencies" => {
            let added = input["add"].as_array().unwrap().iter().map(tree);
            Ok(json!(tree(&input["tree"]).with_dependencies(added).to_string()))
        }
        "with_optional" => {
            Ok(json!(tree(&input["tree"]).with_optional(input["optional"] == true).to_string()))
        }
        "serialize" => return serialized(case),
        "merge" => list(&input["a"])
            .merge(list(&input["b"]))
            .and_then(|both| both.parse())
            .map(|all| canonical(&all)),
        "equal" => Ok(json!(tree(&input["a"]) == tree(&input["b"]))),
        "collection" => Ok(collection(text("name"))),
        "dynamic_collection" => Ok(dynamic_collection(text("name"), text("id"))),
        "client_defaults" => Ok(client_defaults(text("client"))),
        "data_access_helper" => match with_data_access(input) {
            Some(added) => Ok(added),
            // A text that is no id is no `EndpointId`.
            None => return case.expect(&json!({"error": "ValidationError"})),
        },
        _ => return Outcome::Pending,
    };
    case.expect_by(|expected| match (expected.get("error").and_then(Value::as_str), &found) {
        (Some(kind), Err(error)) if is_kind(kind, error) => None,
        (Some(kind), found) => Some(format!("expected {kind}, found {found:?}")),
        (None, Ok(found)) => difference(expected, found),
        (None, Err(error)) => Some(error.to_string()),
    })
}

fn is_kind(kind: &str, error: &ScopeParseError) -> bool {
    match kind {
        "ScopeParseError" => matches!(error.kind(), ScopeErrorKind::Syntax | ScopeErrorKind::TooLarge),
        "ScopeCycleError" => error.is_cycle(),
        "ValueError" => matches!(error.kind(), ScopeErrorKind::InvalidName | ScopeErrorKind::NotOneScope),
        _ => false,
    }
}

fn has_star_in_name(text: &str) -> bool {
    text.as_bytes().windows(2).any(|pair| pair[1] == b'*' && !b" [*]".contains(&pair[0]))
}

fn tree(value: &Value) -> Scope {
    Scope::new(value["scope"].as_str().unwrap())
        .unwrap()
        .with_dependencies(value["dependencies"].as_array().into_iter().flatten().map(tree))
        .with_optional(value["optional"] == true)
}

/// A text, a tree, or a list of both.
fn list(value: &Value) -> Scopes {
    match value {
        Value::String(text) => Scopes::from(text),
        Value::Array(list) => list.iter().map(self::list).collect::<Vec<_>>().into(),
        value => tree(value).into(),
    }
}

fn serialized(case: &Case) -> Outcome {
    let scopes = list(&case.input["scopes"]);
    // Whatever needs scopes refuses none: here the start of a login.
    let may_be_empty = case.input["reject_empty"] == false;
    if scopes.as_str().is_empty() && !may_be_empty {
        let client = globus_sdk::NativeAppAuthClient::new("c0ffee").unwrap();
        let refused = client.oauth2_start_flow(&scopes).start().unwrap_err();
        assert!(refused.is_usage());
        return case.expect(&json!({"error": "GlobusSDKUsageError"}));
    }
    case.expect(&json!(scopes.as_str()))
}

fn canonical_tree(scope: &Scope) -> Value {
    json!({
        "scope": scope.name(),
        "optional": scope.is_optional(),
        "dependencies": canonical(scope.dependencies()),
    })
}

fn canonical(scopes: &[Scope]) -> Value {
    let mut sorted: Vec<&Scope> = scopes.iter().collect();
    sorted.sort_by_key(|scope| (scope.name().as_bytes(), scope.is_optional()));
    sorted.into_iter().map(canonical_tree).collect()
}

fn shown(resource_server: &str, scopes: &[(&'static str, Scope)]) -> Value {
    let scopes: serde_json::Map<_, _> =
        scopes.iter().map(|(name, scope)| ((*name).to_owned(), json!(scope.to_string()))).collect();
    json!({"resource_server": resource_server, "scopes": scopes})
}

macro_rules! of_services {
    ($name:expr, |$collection:ident| $answer:expr; $($label:literal $(| $more:literal)* => $type:ident),* $(,)?) => {
        match $name {
            $($label $(| $more)* => { type $collection = $type; $answer })*
            other => panic!("no collection {other}"),
        }
    };
}

fn collection(name: &str) -> Value {
    of_services!(name, |Collection| shown(Collection::RESOURCE_SERVER, Collection::ALL_SCOPES);
        "Auth" => AuthScopes, "Transfer" => TransferScopes, "Groups" => GroupsScopes, "Nexus" => NexusScopes,
        "Search" => SearchScopes, "Flows" => FlowsScopes, "Timers" => TimersScopes, "Compute" => ComputeScopes,
    )
}

fn client_defaults(name: &str) -> Value {
    let defaults = |server: &str, scopes: &[Scope]| {
        let scopes: Vec<String> = scopes.iter().map(ToString::to_string).collect();
        json!({"resource_server": server, "default_scopes": scopes})
    };
    of_services!(name, |Collection| defaults(Collection::RESOURCE_SERVER, Collection::DEFAULTS);
        "auth" => AuthScopes, "transfer" | "transfer_v2" => TransferScopes, "groups" => GroupsScopes,
        "search" => SearchScopes, "flows" => FlowsScopes, "timers" => TimersScopes,
        "compute" | "compute_v2" | "compute_v3" => ComputeScopes,
    )
}

fn dynamic_collection(name: &str, id: &str) -> Value {
    match name {
        "GCSEndpoint" => shown(id, &GcsEndpointScopes::new(id).all_scopes()),
        "GCSCollection" => shown(id, &GcsCollectionScopes::new(id).all_scopes()),
        "SpecificFlow" => shown(id, &SpecificFlowScopes::new(id).all_scopes()),
        other => panic!("no collection {other}"),
    }
}

fn with_data_access(input: &Value) -> Option<Value> {
    let ids = match &input["ids"] {
        Value::Array(ids) => ids.clone(),
        one => vec![one.clone()],
    };
    let ids: Vec<EndpointId> =
        ids.iter().map(|id| id.as_str().unwrap().parse().ok()).collect::<Option<_>>()?;
    let flow = SpecificFlowScopes::new(input["flow_id"].as_str().unwrap_or_default());
    let (server, added) = match input["client"].as_str().unwrap() {
        "transfer" => (TransferScopes::RESOURCE_SERVER, TransferScopes::with_data_access(ids)),
        "timers" => (TimersScopes::RESOURCE_SERVER, TimersScopes::with_transfer_data_access(ids)),
        "timers_flow" => (TimersScopes::RESOURCE_SERVER, TimersScopes::with_flow_user(ids)),
        "specific_flow" => (flow.resource_server(), flow.with_transfer_data_access(ids)),
        other => panic!("no client {other}"),
    };
    Some(json!({"resource_server": server, "added": added.to_string()}))
}
