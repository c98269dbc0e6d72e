//! Scopes from intended actions and kinds of collections: the pure part, and the asking.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod playback;

use std::time::Duration;

use globus_sdk::transfer::{CollectionFacts, Endpoint, IntendedActions, ScopePlan, ScopePlanner};
use globus_sdk::{
    AccessTokenAuthorizer, EndpointId, ManualClock, MemoryTokenStorage, RetryPolicy, TransferClient, UserApp,
};
use playback::{Playback, Step};
use serde_json::{Value, json};
use uuid::Uuid;

const MAPPED: Uuid = Uuid::from_u128(0xa);
const PROTECTED: Uuid = Uuid::from_u128(0xb);
const GUEST: Uuid = Uuid::from_u128(0xc);
const LAPTOP: Uuid = Uuid::from_u128(0xd);
const SERVER: Uuid = Uuid::from_u128(0xe);
const FLOW: Uuid = Uuid::from_u128(0xf);
const ALL: &str = "urn:globus:auth:scope:transfer.api.globus.org:all";
const TIMER: &str = "https://auth.globus.org/scopes/524230d7-ea86-4a52-8312-86065a9e0417/timer";

fn document(id: Uuid) -> Value {
    let (kind, high_assurance) = match id {
        MAPPED => ("GCSv5_mapped_collection", json!(false)),
        PROTECTED => ("GCSv5_mapped_collection", json!(true)),
        GUEST => ("GCSv5_guest_collection", json!(false)),
        LAPTOP => ("GCP_mapped_collection", json!(false)),
        _ => ("GCSv5_mapped_collection", Value::Null),
    };
    json!({"id": id, "entity_type": kind, "high_assurance": high_assurance, "owner_id": SERVER})
}

fn facts(id: Uuid) -> CollectionFacts {
    CollectionFacts::from(&serde_json::from_value::<Endpoint>(document(id)).unwrap())
}

fn plan(actions: &IntendedActions) -> ScopePlan {
    actions.plan_with([MAPPED, PROTECTED, GUEST, LAPTOP].map(facts)).unwrap()
}

fn texts(plan: &ScopePlan) -> Vec<(String, Vec<String>)> {
    let texts = |scopes: &Vec<globus_sdk::Scope>| scopes.iter().map(ToString::to_string).collect();
    plan.requirements().iter().map(|(server, scopes)| (server.to_string(), texts(scopes))).collect()
}

fn data_access(id: Uuid) -> String {
    format!("https://auth.globus.org/scopes/{id}/data_access")
}

#[test]
fn only_mapped_collections_without_high_assurance_need_data_access() {
    let unsaid = Uuid::from_u128(0x99);
    let need: Vec<bool> =
        [MAPPED, PROTECTED, GUEST, LAPTOP, unsaid].map(|id| facts(id).needs_data_access()).into();
    assert_eq!(need, [true, false, false, false, false]);
}

#[test]
fn the_scopes_of_several_actions_are_one_tree_with_nothing_twice() {
    let actions = IntendedActions::new()
        .transfer([MAPPED, GUEST])
        .transfer([LAPTOP, PROTECTED, MAPPED])
        .timer_transfer([MAPPED, GUEST])
        .timer_flow(FLOW);
    let da = data_access(MAPPED);
    let flow = "https://auth.globus.org/scopes/00000000-0000-0000-0000-00000000000f/flow_00000000_0000_0000_0000_00000000000f_user";
    assert_eq!(
        texts(&plan(&actions)),
        [
            (
                "524230d7-ea86-4a52-8312-86065a9e0417".to_owned(),
                vec![format!("{TIMER}[{ALL}[*{da}] {flow}]")]
            ),
            ("transfer.api.globus.org".to_owned(), vec![format!("{ALL}[*{da}]")]),
        ]
    );
    assert_eq!(texts(&plan(&IntendedActions::new().transfer([GUEST])))[0].1, [ALL]);
    assert!(texts(&plan(&IntendedActions::new())).is_empty());
}

#[test]
fn https_flows_and_guest_collections_have_resource_servers_of_their_own() {
    let https = |id: Uuid| format!("https://auth.globus.org/scopes/{id}/https");
    let plan_of = |actions: IntendedActions| texts(&plan(&actions)).remove(0);
    assert_eq!(
        plan_of(IntendedActions::new().https(MAPPED)),
        (MAPPED.to_string(), vec![https(MAPPED), data_access(MAPPED)])
    );
    assert_eq!(
        plan_of(IntendedActions::new().https(PROTECTED)),
        (PROTECTED.to_string(), vec![https(PROTECTED)])
    );
    let (server, scopes) = plan_of(IntendedActions::new().create_guest_collection(MAPPED));
    assert_eq!(server, SERVER.to_string());
    assert_eq!(
        scopes,
        [format!("urn:globus:auth:scope:{SERVER}:manage_collections[*{}]", data_access(MAPPED))]
    );
    let (_, scopes) = plan_of(IntendedActions::new().create_guest_collection(PROTECTED));
    assert_eq!(scopes, [format!("urn:globus:auth:scope:{SERVER}:manage_collections")]);
    let (server, scopes) = plan_of(IntendedActions::new().run_flow_that_transfers(FLOW, [MAPPED, GUEST]));
    assert_eq!(server, FLOW.to_string());
    assert!(scopes[0].ends_with(&format!("_user[*{ALL}[*{}]]", data_access(MAPPED))), "{scopes:?}");
    let (_, scopes) = plan_of(IntendedActions::new().run_flow(FLOW));
    assert!(scopes[0].ends_with("_user"), "{scopes:?}");
}

#[test]
fn what_cannot_be_planned_is_said() {
    let unknown = IntendedActions::new().transfer([Uuid::from_u128(7)]).plan_with([]).unwrap_err();
    assert!(unknown.is_usage() && unknown.to_string().contains("ScopePlanner"), "{unknown}");
    let actions = IntendedActions::new().create_guest_collection(GUEST);
    assert!(actions.plan_with([facts(GUEST)]).unwrap_err().is_usage());
}

fn client(playback: &Playback, clock: &ManualClock) -> TransferClient {
    TransferClient::builder()
        .authorizer(AccessTokenAuthorizer::new("AT"))
        .transport(playback.clone())
        .retry(RetryPolicy::never())
        .clock(clock.clone())
        .build()
        .unwrap()
}

#[tokio::test]
async fn each_collection_is_asked_about_once_in_ten_minutes() {
    let playback = Playback::new(
        [MAPPED, GUEST, LAPTOP, GUEST, LAPTOP, MAPPED].map(|id| Step::json(200, &document(id))),
    );
    let clock = ManualClock::at(1_700_000_000);
    let planner = ScopePlanner::new(&client(&playback, &clock));
    let actions = IntendedActions::new().transfer([MAPPED, GUEST]).https(MAPPED);
    let first = planner.plan(&actions).await.unwrap();
    assert_eq!(first, planner.plan(&actions).await.unwrap());
    assert_eq!(playback.sent().len(), 2);
    planner.clone().plan(&IntendedActions::new().transfer([LAPTOP, MAPPED])).await.unwrap();
    assert_eq!(playback.sent().len(), 3, "a clone knows what is known");
    clock.advance(Duration::from_secs(600));
    planner.plan(&IntendedActions::new().transfer([GUEST, LAPTOP])).await.unwrap();
    assert_eq!(playback.sent().len(), 5);
    assert_eq!(playback.sent()[0].path(), format!("/v0.10/endpoint/{MAPPED}"));
    assert_eq!(first.collections().count(), 2);
}

#[tokio::test]
async fn a_collection_that_is_not_there_is_an_error_and_not_kept() {
    let missing = json!({"code": "EndpointNotFound", "message": "no such collection"});
    let playback = Playback::new([Step::json(404, &missing), Step::json(200, &document(MAPPED))]);
    let planner = ScopePlanner::new(&client(&playback, &ManualClock::at(1_700_000_000)));
    let actions = IntendedActions::new().transfer([EndpointId::from(MAPPED)]);
    assert!(planner.plan(&actions).await.unwrap_err().is_not_found());
    assert!(planner.plan(&actions).await.is_ok());
}

#[test]
fn a_plan_is_added_to_an_app_in_one_call_and_all_or_nothing() {
    let app = UserApp::builder("planning")
        .client_id("61338d24-54d5-408f-a10d-66c06b59f6d2")
        .token_storage(MemoryTokenStorage::new())
        .build()
        .unwrap();
    let plan = plan(&IntendedActions::new().transfer([MAPPED]).https(PROTECTED));
    app.add_scope_requirements_of(plan.requirements().clone()).unwrap();
    let needed = app.scope_requirements();
    assert_eq!(needed.len(), 3, "{needed:?}");
    assert_eq!(needed["transfer.api.globus.org"], plan.requirements()["transfer.api.globus.org"]);
    assert!(app.add_scope_requirements_of([("one", "fine"), ("other", "not[fine")]).is_err());
    assert_eq!(app.scope_requirements(), needed);
    assert_eq!(plan.scopes().iter().count(), 2);
}
