//! Consents beyond what was recorded: forests that nobody meant to build, what is missing and why, odd documents.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod playback;

use globus_sdk::auth::consents::{Consent, ConsentError, ConsentForest, MissingReason};
use globus_sdk::{AccessTokenAuthorizer, AuthClient, Error, Scope, Scopes};
use playback::{Playback, Step};
use serde_json::{Value, json};
use uuid::Uuid;

fn document(id: i64, path: &[i64], scope: &str) -> Value {
    json!({
        "id": id, "dependency_path": path, "scope_name": scope, "client": "c", "scope": "s",
        "effective_identity": "i", "created": "2025-02-03T04:05:06.7+00:00", "updated": "2025-02-03T04:05:06Z",
        "last_used": null, "status": "approved", "allows_refresh": false, "auto_approved": false,
        "atomically_revocable": false,
    })
}

fn forest(consents: &[(i64, &[i64], &str)]) -> ConsentForest {
    let consents =
        consents.iter().map(|(id, path, scope)| Consent::from_json(&document(*id, path, scope)).unwrap());
    ConsentForest::from_consents(consents).unwrap()
}

fn scopes(text: &str) -> Vec<Scope> {
    Scopes::from(text).parse().unwrap()
}

fn missing(forest: &ConsentForest, text: &str) -> Vec<String> {
    forest.missing(&scopes(text)).iter().map(ToString::to_string).collect()
}

// Forests

#[test]
fn of_several_with_one_id_the_last_one_counts() {
    let forest = forest(&[(1, &[1], "a"), (2, &[1, 2], "b"), (1, &[1], "z")]);
    assert_eq!(forest.nodes().len(), 3);
    assert_eq!(forest.get_node(1).unwrap().scope_name, "z");
    let roots: Vec<_> = forest.trees().map(|tree| tree.root().scope_name.to_string()).collect();
    assert_eq!(roots, ["z", "z"]);
    assert!(forest.meets(&scopes("z[b]")) && !forest.meets(&scopes("a")));
    assert_eq!(forest.get_node(7), None);
}

#[test]
fn circles_end() {
    // By its second appearance the consent 1 stands below 3, which stands below it.
    let forest = forest(&[(1, &[1], "a"), (2, &[1, 2], "b"), (3, &[1, 2, 3], "c"), (1, &[1, 2, 3, 1], "a")]);
    let tree = forest.trees().next().unwrap();
    assert_eq!(tree.nodes().iter().map(|node| node.id).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(tree.max_depth(), 3);
    // Round and round as the scope asks for: the same name again and again is not to be read, but can be built.
    let again = Scope::constant("a").with_dependency(
        Scope::constant("b").with_dependency(Scope::constant("c").with_dependency(Scope::constant("a"))),
    );
    assert!(forest.meets(&[again]));
    assert_eq!(missing(&forest, "a[b[c[d]]]").len(), 1);
}

#[test]
fn the_longest_way_down_is_the_depth() {
    // Two consents with the id 3, one directly below 1, one below 2.
    let forest = forest(&[(1, &[1], "a"), (2, &[1, 2], "b"), (3, &[1, 3], "c"), (3, &[1, 2, 3], "c")]);
    let other = self::forest(&[(1, &[1], "a"), (3, &[1, 3], "c"), (2, &[1, 3, 2], "b"), (2, &[1, 2], "b")]);
    for forest in [forest, other] {
        assert_eq!(forest.trees().next().unwrap().max_depth(), 3);
    }
}

#[test]
fn very_deep_trees_need_no_stack() {
    let deep = 20_000;
    let consents = (1..=deep).map(|id| {
        let path = if id == 1 { vec![1] } else { vec![id - 1, id] };
        Consent::from_json(&document(id, &path, if id == 1 { "root" } else { "s" })).unwrap()
    });
    let forest = ConsentForest::from_consents(consents).unwrap();
    let trees: Vec<_> = forest.trees().collect();
    assert_eq!((trees.len(), trees[0].nodes().len()), (1, 20_000));
    assert_eq!(trees[0].max_depth(), 20_000);
}

#[test]
fn shared_parts_of_a_scope_are_judged_once() {
    // Each level is needed twice, below two names: as text, the scope would have 2^40 parts.
    let mut scope = Scope::constant("end");
    let mut consents = Vec::new();
    for _ in 0..40 {
        let (left, right) = (Scope::constant("left"), Scope::constant("right"));
        let below = scope;
        scope = Scope::constant("top")
            .with_dependencies([left.with_dependency(below.clone()), right.with_dependency(below)]);
    }
    consents.push(Consent::from_json(&document(1, &[1], "top")).unwrap());
    let forest = ConsentForest::from_consents(consents).unwrap();
    let requirement = [scope];
    assert!(!forest.meets(&requirement));
    assert_eq!(forest.missing(&requirement).len(), 2);
}

#[test]
fn a_consent_below_none_is_an_error_that_has_them_all() {
    let consent = Consent::from_json(&document(2, &[1, 2], "b")).unwrap();
    let error = ConsentForest::from_consents([consent.clone()]).unwrap_err();
    let ConsentError::NoParent { id: 2, parent: 1, consents } = &error else { panic!("{error}") };
    assert_eq!(consents, &[consent]);
    assert!(Error::from(error).is_decode());
}

// What is missing

#[test]
fn nothing_is_missing_where_all_is_met() {
    let forest = forest(&[(1, &[1], "a"), (2, &[1, 2], "b")]);
    assert!(missing(&forest, "").is_empty());
    assert!(missing(&forest, "a[*b] a").is_empty());
}

#[test]
fn it_is_said_what_is_missing_and_why() {
    let forest = forest(&[
        (1, &[1], "transfer"),
        (2, &[1, 2], "da1"),
        (3, &[3], "transfer"),
        (4, &[3, 4], "da2"),
        (5, &[5], "timer"),
        (6, &[5, 6], "transfer"),
    ]);
    for (scope, expected, reason) in [
        ("groups", "missing: groups because there is no consent for it", MissingReason::NotGiven),
        (
            "da1",
            "missing: da1 because the consent for it belongs to another scope, and does not count by itself",
            MissingReason::Elsewhere,
        ),
        (
            "transfer[da1 da9]",
            "missing: transfer > da9 because there is a consent for transfer, but none for da9 below it",
            MissingReason::NotGiven,
        ),
        (
            "transfer[da1 da2]",
            "missing: transfer > da2 because there is a consent for transfer, but none for da2 below it; the one that \
             there is for it belongs to another consent of this kind, and separate consents do not add up",
            MissingReason::InAnotherTree,
        ),
        (
            "timer[transfer[da1]]",
            "missing: timer > transfer > da1 because there is a consent for timer > transfer, but none for da1 below \
             it; the one that there is for it belongs to another consent of this kind, and separate consents do not \
             add up",
            MissingReason::InAnotherTree,
        ),
        (
            "timer[da1]",
            "missing: timer > da1 because there is a consent for timer, but none for da1 below it; the one that there \
             is for it stands elsewhere",
            MissingReason::Elsewhere,
        ),
    ] {
        let required = scopes(scope);
        let found = forest.missing(&required);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].to_string(), expected);
        assert_eq!((found[0].reason(), found[0].requirement()), (reason, &required[0]));
    }
    assert_eq!(missing(&forest, "x[y] transfer[da8 da9]").len(), 3);
}

#[test]
fn the_consent_that_lacks_least_is_the_one_to_complete() {
    let forest = forest(&[(1, &[1], "t"), (2, &[2], "t"), (3, &[2, 3], "x"), (4, &[2, 4], "y")]);
    assert_eq!(
        missing(&forest, "t[x y z]"),
        ["missing: t > z because there is a consent for t, but none for z below it"]
    );
}

#[test]
fn a_name_from_outside_commands_no_terminal() {
    let forest = forest(&[]);
    let scope = Scope::new("a\u{1b}]0;owned\u{7}\nb");
    // A bracket is part of the sequence, and no scope has one.
    assert!(scope.is_err());
    let shown = forest.missing(&[Scope::new("a\u{1b}c\n\u{9b}b").unwrap()])[0].to_string();
    assert!(!shown.contains(char::is_control), "{shown:?}");
}

// Documents

#[test]
fn faults_name_the_member_and_quote_nothing() {
    let good = document(1, &[1], "a");
    for (key, odd) in [
        ("id", json!("1")),
        ("id", json!(1.5)),
        ("client", json!(7)),
        ("scope", json!(["s3cr3t"])),
        ("scope_name", json!({"s3cr3t": 1})),
        ("effective_identity", json!(false)),
        ("dependency_path", json!([1, "s3cr3t"])),
        ("dependency_path", json!({})),
        ("created", json!("s3cr3t")),
        ("updated", json!("2025-02-30T00:00:00Z")),
        ("last_used", json!(17)),
        ("last_used", json!("")),
        ("status", json!(0)),
        ("allows_refresh", json!("true")),
        ("auto_approved", json!(1)),
        ("atomically_revocable", json!([])),
    ] {
        let mut consent = good.clone();
        consent[key] = odd;
        let error = Consent::from_json(&consent).unwrap_err();
        assert!(matches!(error, ConsentError::Odd { .. }), "{error}");
        assert_eq!((error.key(), error.raw()), (Some(key), Some(&consent)));
        assert!(!format!("{error} {error:?}").contains("s3cr3t"));
        if key != "last_used" {
            consent[key] = Value::Null;
            let error = Consent::from_json(&consent).unwrap_err();
            assert!(matches!(error, ConsentError::Missing { .. }) && error.key() == Some(key), "{error}");
        }
    }
    for odd in [json!(null), json!([]), json!("consent")] {
        assert!(Consent::from_json(&odd).is_err());
    }
}

#[test]
fn times_of_many_forms_are_read() {
    for (text, microseconds) in [
        ("2025-02-03T04:05:06.700000+00:00", 1_738_555_506_700_000),
        ("2025-02-03T04:05:06Z", 1_738_555_506_000_000),
        ("2025-02-03 04:05:06Z", 1_738_555_506_000_000),
        ("2025-02-03T04:05:06-05:30", 1_738_575_306_000_000),
        // Without an offset: UTC.
        ("2025-02-03T04:05:06.5", 1_738_555_506_500_000),
        ("2025-02-03 04:05:06", 1_738_555_506_000_000),
    ] {
        let mut consent = document(1, &[1], "a");
        consent["last_used"] = text.into();
        let consent = Consent::from_json(&consent).unwrap();
        assert_eq!(consent.last_used.unwrap().as_microsecond(), microseconds, "{text}");
    }
}

#[tokio::test]
async fn the_list_of_an_identity_becomes_a_forest() {
    let mut never = document(2, &[1, 2], "b");
    never.as_object_mut().unwrap().remove("last_used");
    let odd = json!({"consents": [document(1, &[1], "a"), {"id": 7, "new": 1}]});
    let playback = Playback::new([
        Step::json(200, &json!({"consents": [document(1, &[1], "a"), never]})),
        Step::json(200, &odd),
    ]);
    let client = AuthClient::builder()
        .authorizer(AccessTokenAuthorizer::new("AT"))
        .transport(playback.clone())
        .build()
        .unwrap();
    let forest = client.get_consents(Uuid::nil()).all(true).send().await.unwrap().to_forest().unwrap();
    assert!(forest.meets_scope_requirements("a[b]").unwrap());
    assert_eq!(forest.get_node(2).unwrap().last_used, None);
    assert_eq!(playback.sent()[0].request.url.query(), Some("all=True"));

    // One odd consent makes no forest, but the list can be read.
    let list = client.get_consents(Uuid::nil()).send().await.unwrap();
    assert_eq!((list.consents[0].id, list.consents[1].id), (Some(1), Some(7)));
    assert_eq!(list.to_forest().unwrap_err().key(), Some("client"));
}
