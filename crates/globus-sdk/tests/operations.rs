//! What is fixed about the operations agrees with the requests that were recorded, and documents are sent as they
//! were built.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

#[path = "../../globus-core/tests/conformance/mod.rs"]
mod conformance;

use std::collections::HashSet;

use globus_sdk::call::{OperationInfo, Paging};
use globus_sdk::scopes::AuthScopes;
use globus_sdk::transfer::{FilterMethod, TransferData, TransferItem};
use globus_sdk::{DeleteData, auth, transfer};
use serde_json::{Value, json};
use uuid::Uuid;

fn operations() -> impl Iterator<Item = (&'static str, &'static OperationInfo)> {
    let of = |client, operations: &'static [OperationInfo]| operations.iter().map(move |info| (client, info));
    of("TransferClient", transfer::OPERATIONS).chain(of("AuthClient", auth::OPERATIONS))
}

/// Whether a path has the form of an operation's: the same segments, but for its parameters.
fn has_form(path: &str, form: &str) -> bool {
    let (path, form): (Vec<_>, Vec<_>) = (path.split('/').collect(), form.split('/').collect());
    path.len() == form.len() && path.iter().zip(form).all(|(a, b)| b.starts_with('{') || *a == b)
}

#[test]
fn methods_and_paths_are_those_of_the_recorded_requests() {
    for (client, info) in operations() {
        // The login clients have some operations of the AuthClient too.
        let (file, any_client) = if client == "AuthClient" {
            ("requests/auth.json", true)
        } else {
            ("requests/transfer.json", false)
        };
        let mut seen = 0;
        for case in conformance::load(file).unwrap() {
            if case.whole["method"] != info.name || !(any_client || case.whole["client"] == client) {
                continue;
            }
            let request = &case.whole["request"];
            let Some(path) = request["path"].as_str() else { continue };
            if !case.whole["args"]["openid_configuration"].is_null() {
                // The caller says where the keys are.
                continue;
            }
            assert_eq!(request["method"], info.method.as_str(), "{}", case.name);
            assert!(has_form(path, info.path), "{}: {path} and {}", case.name, info.path);
            seen += 1;
        }
        assert!(seen > 0, "no case shows {client}::{}", info.name);
    }
}

#[test]
fn paging_is_that_of_the_recorded_listings() {
    let mut seen = HashSet::new();
    for case in conformance::load("paging.json").unwrap() {
        let method = case.whole["method"].as_str().unwrap();
        let Some((_, info)) =
            operations().find(|(client, info)| case.whole["client"] == *client && info.name == method)
        else {
            continue;
        };
        let list = info.list.unwrap();
        assert_eq!(case.whole["items_key"], list.items, "{method}");
        let settings = &case.whole["paginator_settings"];
        let agrees = match (case.whole["paginator"].as_str().unwrap(), list.paging) {
            ("HasNextPaginator", Paging::HasNext { page_size, cap })
            | ("LimitOffsetTotalPaginator", Paging::LimitOffsetTotal { page_size, cap }) => {
                settings["page_size"] == page_size && settings["max_total_results"] == cap
            }
            ("NullableMarkerPaginator", Paging::NullableMarker { member }) => {
                settings["marker_key"] == member
            }
            ("MarkerPaginator", Paging::Marker)
            | ("NextTokenPaginator", Paging::NextToken)
            | ("LastKeyPaginator", Paging::LastKey)
            | ("JSONAPIPaginator", Paging::Links) => true,
            _ => false,
        };
        assert!(agrees, "{method}: {:?} and {}", list.paging, case.whole["paginator"]);
        seen.insert(info.name);
    }
    for (client, info) in operations() {
        let paged = info.list.is_some_and(|list| list.paging != Paging::None);
        assert_eq!(seen.contains(info.name), paged, "{client}::{}", info.name);
    }
}

/// Which calls may be sent again after a failure that leaves open whether they were processed.
#[test]
fn only_what_can_do_no_harm_twice_is_repeated() {
    let repeated: Vec<&str> = operations()
        .filter(|(_, info)| info.idempotent && info.method == http::Method::POST)
        .map(|(_, info)| info.name)
        .collect();
    assert_eq!(repeated, ["cancel_task", "submit_delete", "submit_transfer"]);
    let once: Vec<&str> =
        operations().filter(|(_, info)| !info.idempotent).map(|(_, info)| info.name).collect();
    let creations =
        ["create_client", "create_client_credential", "create_policy", "create_project", "create_scope"];
    assert_eq!(once, [&["operation_mkdir", "operation_rename"][..], &creations].concat());
}

#[test]
fn scopes_are_told() {
    let scope = |name| operations().find(|(_, info)| info.name == name).unwrap().1.scope;
    assert_eq!(scope("operation_ls"), Some(globus_sdk::TransferClient::ALL_SCOPE));
    assert_eq!(scope("userinfo"), Some("openid"));
    assert_eq!(scope("get_jwk"), None);
    assert_eq!(scope("create_project"), Some(AuthScopes::MANAGE_PROJECTS.name()));
    assert_eq!(scope("create_client_credential"), scope("create_project"));
    assert_eq!(scope("get_consents"), Some(AuthScopes::VIEW_CONSENTS.name()));
    assert_eq!(scope("get_identities"), Some(AuthScopes::VIEW_IDENTITIES.name()));
}

#[test]
fn names_are_unique() {
    let mut names: Vec<_> = operations().map(|(client, info)| (client, info.name)).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}

#[test]
fn a_document_from_elsewhere_is_sent_as_it_is() {
    let document = json!({
        "DATA_TYPE": "transfer", "source_endpoint": "a", "destination_endpoint": 7, "submission_id": "s",
        "DATA": [{"DATA_TYPE": "transfer_item", "source_path": "/x", "more": [null]}, "odd"], "unknown": {"n": null},
    });
    let data = TransferData::from_document(document.as_object().unwrap().clone());
    assert_eq!(json!(data), document);
    assert_eq!(data.item_count(), 2);
    let deletion = json!({"DATA_TYPE": "delete", "endpoint": "e", "DATA": []});
    assert_eq!(json!(DeleteData::from_document(deletion.as_object().unwrap().clone())), deletion);
}

#[test]
fn what_was_set_by_hand_counts() {
    let (a, b) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let item = TransferItem::new("/s", "/d")
        .recursive(true)
        .field("source_path", "/t")
        .field("recursive", Value::Null);
    let data = TransferData::new(a, b).label("one").field("label", "two").item(item);
    let sent = json!(data);
    assert_eq!(sent["label"], "two");
    assert_eq!(
        sent["DATA"],
        json!([{"DATA_TYPE": "transfer_item", "source_path": "/t", "destination_path": "/d", "recursive": null}])
    );
    let odd =
        TransferData::new(a, b).field("filter_rules", 7).add_filter_rule("*.tmp", FilterMethod::Exclude);
    assert_eq!(json!(odd)["filter_rules"].as_array().unwrap().len(), 1);
}

#[test]
fn debug_shows_no_paths() {
    let data = TransferData::new(Uuid::nil(), Uuid::nil()).add_item("/home/ana/secret-plan", "/x");
    assert!(!format!("{data:?}").contains("secret-plan"));
}
