//! Identities that are looked up together.

use std::collections::HashSet;

use globus_sdk::auth::IdentityMap;
use globus_sdk::{AccessTokenAuthorizer, AuthClient};
use serde_json::{Value, json};

use crate::conformance::{Case, Outcome, difference};
use crate::playback::{Playback, Step, text_of};
use crate::requests::{self, expected_requests, only, requests_difference};

pub(crate) async fn identity_map(case: &Case) -> Outcome {
    let (expected, responses) = without_repeated_misses(case);
    let playback = Playback::new(responses.iter().map(|document| Step::json(200, document)));
    let authorizer = AccessTokenAuthorizer::new(requests::ACCESS_TOKEN);
    let client = AuthClient::builder().authorizer(authorizer).transport(playback.clone()).build().unwrap();

    let constructor = &case.whole["constructor"];
    only(constructor, &["identity_ids", "id_batch_size"]);
    let mut map = IdentityMap::new(&client);
    if let Some(size) = constructor["id_batch_size"].as_u64() {
        map = map.with_batch_size(usize::try_from(size).unwrap());
    }
    map.extend(constructor["identity_ids"].as_array().into_iter().flatten().map(text_of));

    let not_found = json!({"$raises": "KeyError"});
    let mut results = Vec::new();
    for step in case.whole["ops"].as_array().unwrap() {
        let key = text_of(&step["arg"]);
        results.push(match step["op"].as_str().unwrap() {
            op @ ("getitem" | "get") => match map.get(&key).await {
                Ok(Some(identity)) => json!(identity),
                Ok(None) if op == "get" => Value::Null,
                Ok(None) => not_found.clone(),
                Err(error) => return Outcome::Failed(format!("{op} {key}: {error:?}")),
            },
            "add" => json!(map.add(&key)),
            "del" if map.remove(&key) => Value::Null,
            "del" => not_found.clone(),
            other => panic!("no such operation: {other}"),
        });
    }
    let recorded = case.whole["results"].as_array().unwrap();
    for (recorded, found) in recorded.iter().zip(&mut results) {
        if let (Some(recorded), Some(found)) = (recorded.as_object(), found.as_object_mut()) {
            // Members that an identity does not have are null or empty here.
            found.retain(|name, value| recorded.contains_key(name) || !(value.is_null() || *value == ""));
        }
    }
    Outcome::of(
        difference(&json!(recorded), &json!(results))
            .or_else(|| requests_difference(case, &expected, &playback)),
    )
}

/// The recorded requests with their answers, without those for keys which an answer before did not have: such a miss is
/// remembered here.
fn without_repeated_misses(case: &Case) -> (Vec<Value>, Vec<Value>) {
    let lower = |value: &Value| text_of(value).to_lowercase();
    let responses = case.whole["responses_json"].as_array().unwrap();
    let mut missed: HashSet<String> = HashSet::new();
    let mut kept = Vec::new();
    for (request, response) in expected_requests(case).into_iter().zip(responses) {
        let pairs = request["query"].as_array().unwrap().iter();
        let keys = pairs.filter(|pair| pair[0] == "ids" || pair[0] == "usernames");
        let asked: HashSet<String> =
            keys.flat_map(|pair| lower(&pair[1]).split(',').map(str::to_owned).collect::<Vec<_>>()).collect();
        if !asked.is_empty() && asked.is_subset(&missed) {
            continue;
        }
        let identities = response["identities"].as_array().into_iter().flatten();
        let found: HashSet<String> =
            identities.flat_map(|identity| [lower(&identity["id"]), lower(&identity["username"])]).collect();
        missed.extend(asked.difference(&found).cloned());
        kept.push((request, response.clone()));
    }
    kept.into_iter().unzip()
}
