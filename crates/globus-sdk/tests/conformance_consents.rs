//! Consents and what they are good for, as recorded from the Python SDK.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

#[path = "../../globus-core/tests/conformance/mod.rs"]
mod conformance;

use conformance::{Case, Outcome, difference};
use globus_sdk::auth::consents::{Consent, ConsentError, ConsentForest};
use globus_sdk::scope::ScopeParseError;
use globus_sdk::{Scope, Scopes, Timestamp};
use serde_json::{Value, json};

#[test]
fn conformance_of_consents() {
    conformance::run("consents.json", |case| match case.op() {
        "load" => loaded(case),
        "forest" => {
            case.expect(&forest(&case.input["consents"]).map_or_else(|error| failed(&error), |f| shown(&f)))
        }
        "meets" => case.expect(&meets(case)),
        _ => Outcome::Pending,
    });
}

/// Unreadable dates and wrong types are what Python stumbles over; here they are consents that cannot be read.
fn loaded(case: &Case) -> Outcome {
    let consent = &case.input["consent"];
    let found = Consent::from_json(consent);
    let last_used_is_null = consent.get("last_used").is_some_and(Value::is_null);
    case.expect_by(|accepted| match (accepted["error"].as_str(), &found) {
        (
            Some("ConsentParseError" | "ValueError" | "TypeError"),
            Err(ConsentError::Missing { raw, .. } | ConsentError::Odd { raw, .. }),
        ) => difference(consent, raw),
        // Null means that it was never used.
        (Some("TypeError"), Ok(found)) if last_used_is_null && found.last_used.is_none() => None,
        (None, Ok(found)) => difference(accepted, &fields(found)),
        (_, found) => Some(format!("expected {accepted}, found {found:?}")),
    })
}

fn fields(consent: &Consent) -> Value {
    json!({
        "id": consent.id,
        "scope_name": consent.scope_name,
        "dependency_path": consent.dependency_path,
        "client": consent.client,
        "scope": consent.scope,
        "effective_identity": consent.effective_identity,
        "created_us": consent.created.as_microsecond(),
        "updated_us": consent.updated.as_microsecond(),
        "last_used_us": consent.last_used.map(Timestamp::as_microsecond),
        "status": consent.status,
        "allows_refresh": consent.allows_refresh,
        "auto_approved": consent.auto_approved,
        "atomically_revocable": consent.atomically_revocable,
        "display": consent.to_string(),
    })
}

fn forest(consents: &Value) -> Result<ConsentForest, ConsentError> {
    let consents = consents.as_array().unwrap().iter().map(Consent::from_json);
    ConsentForest::from_consents(consents.collect::<Result<Vec<_>, _>>()?)
}

fn failed(error: &ConsentError) -> Value {
    json!({"error": match error {
        ConsentError::NoParent { .. } => "ConsentTreeConstructionError",
        _ => "ConsentParseError",
    }})
}

fn shown(forest: &ConsentForest) -> Value {
    let trees = forest.trees().map(|tree| {
        let mut ids: Vec<i64> = tree.nodes().iter().map(|node| node.id).collect();
        ids.sort_unstable();
        json!({"root": tree.root().id, "node_ids": ids, "max_depth": tree.max_depth()})
    });
    let trees: Vec<Value> = trees.collect();
    let nodes: Vec<i64> = forest.nodes().iter().map(|node| node.id).collect();
    json!({"node_ids": nodes, "edges": forest.edges(), "trees": trees})
}

fn meets(case: &Case) -> Value {
    let forest = match forest(&case.input["consents"]) {
        Ok(forest) => forest,
        Err(error) => return failed(&error),
    };
    let requirement = &case.input["requirement"];
    let scopes = match scopes(requirement) {
        Ok(scopes) => scopes,
        Err(error) if error.is_cycle() => return json!({"error": "ScopeCycleError"}),
        Err(_) => return json!({"error": "ScopeParseError"}),
    };
    let met = forest.meets(&scopes);
    assert_eq!(forest.missing(&scopes).is_empty(), met, "{:?}", forest.missing(&scopes));
    let by_trees = scopes.iter().all(|scope| forest.trees().any(|tree| tree.meets(scope)));
    assert_eq!(by_trees, met);
    if let Some(text) = requirement.as_str() {
        assert_eq!(forest.meets_scope_requirements(text).unwrap(), met);
    }
    met.into()
}

/// A text, a tree, or a list of either, each of which counts by itself.
fn scopes(requirement: &Value) -> Result<Vec<Scope>, ScopeParseError> {
    match requirement {
        Value::String(text) => Scopes::from(text).parse(),
        Value::Array(parts) => Ok(parts.iter().map(scopes).collect::<Result<Vec<_>, _>>()?.concat()),
        tree => Ok(vec![built(tree)?]),
    }
}

fn built(tree: &Value) -> Result<Scope, ScopeParseError> {
    let dependencies = tree["dependencies"].as_array().into_iter().flatten().map(built);
    let dependencies = dependencies.collect::<Result<Vec<_>, _>>()?;
    let scope = Scope::new(tree["scope"].as_str().unwrap())?.with_dependencies(dependencies);
    Ok(scope.with_optional(tree["optional"] == true))
}
