//! What the recorded cases do not say about requirements.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod gare_oracle;

use std::collections::BTreeMap;

use globus_sdk::gare::{Gare, GlobusAuthorizationParameters, MAX_TEXT, coalesce};
use globus_sdk::{AuthClient, NativeAppAuthClient};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

fn parameters() -> GlobusAuthorizationParameters {
    GlobusAuthorizationParameters::default()
}

#[test]
fn serialized_in_the_order_of_the_fields_with_or_without_the_rest() {
    let gare: Gare = serde_json::from_value(json!({
        "zone": 1,
        "authorization_parameters": {
            "prompt": "login", "required_scopes": ["s"], "session_required_mfa": true,
            "session_required_single_domain": ["d"], "session_required_policies": ["p"],
            "session_required_identities": ["i"], "session_message": "m", "more": 2,
        },
        "code": "C",
    }))
    .unwrap();
    let fields = r#""session_message":"m","session_required_identities":["i"],"session_required_policies":["p"],"session_required_single_domain":["d"],"session_required_mfa":true,"required_scopes":["s"],"prompt":"login""#;
    assert_eq!(
        serde_json::to_string(&gare).unwrap(),
        format!(r#"{{"code":"C","authorization_parameters":{{{fields}}}}}"#)
    );
    assert_eq!(
        serde_json::to_string(&gare.including_extra()).unwrap(),
        format!(r#"{{"code":"C","authorization_parameters":{{{fields},"more":2}},"zone":1}}"#)
    );
}

#[test]
fn a_field_that_is_set_wins_over_an_unknown_member_of_its_name() {
    let mut gare = Gare::new("C", parameters().prompt("login"));
    gare.extra.insert("code".to_owned(), json!("other"));
    gare.authorization_parameters.extra.insert("prompt".to_owned(), json!("none"));
    gare.authorization_parameters
        .extra
        .insert("session_message".to_owned(), json!("kept, as the field is empty"));
    assert_eq!(
        json!(gare.including_extra()),
        json!({"code": "C", "authorization_parameters": {
            "prompt": "login", "session_message": "kept, as the field is empty",
        }})
    );
}

#[test]
fn reading_strictly_names_the_member_at_fault() {
    let fault = |text: &str| {
        let error = Gare::from_json(text).unwrap_err();
        assert!(error.to_string().starts_with(error.member()), "{error}");
        assert!(!error.to_string().contains("s3cr3t"), "{error}");
        error.member().to_owned()
    };
    assert_eq!(fault("s3cr3t"), "the document");
    assert_eq!(fault("[1]"), "the document");
    assert_eq!(fault(&format!("\"{}\"", "x".repeat(MAX_TEXT))), "the document");
    assert_eq!(fault(r#"{"authorization_parameters": {}}"#), "code");
    assert_eq!(fault(r#"{"code": "C"}"#), "authorization_parameters");
    for (member, value) in [
        ("session_message", json!(["s3cr3t"])),
        ("session_required_identities", json!("s3cr3t")),
        ("session_required_policies", json!([1, "s3cr3t"])),
        ("session_required_single_domain", json!({"s3cr3t": 1})),
        ("session_required_mfa", json!("s3cr3t")),
        ("required_scopes", json!("s3cr3t")),
        ("prompt", json!(["s3cr3t"])),
    ] {
        let document = json!({"code": "C", "authorization_parameters": {member: value}});
        assert_eq!(fault(&document.to_string()), member);
        assert!(serde_json::from_value::<Gare>(document).is_err());
    }
}

#[test]
fn hidden_scopes_are_found_where_a_login_is_made() {
    let document =
        json!({"authorization_parameters": {"required_scopes": ["a", "b"], "session_required_mfa": true}});
    let gare = Gare::find(&document).unwrap();
    assert_eq!(gare.authorization_parameters.required_scopes, None);
    assert_eq!(gare.authorization_parameters.scopes_to_request().as_str(), "a b");
    let gare = Gare::find_for_login(&document).unwrap();
    assert_eq!(gare.authorization_parameters.required_scopes, Some(vec!["a".to_owned(), "b".to_owned()]));
    assert!(gare.authorization_parameters.extra.is_empty());

    let odd = json!({"authorization_parameters": {"required_scopes": "a"}});
    assert!(Gare::find_for_login(&odd).unwrap().authorization_parameters.scopes_to_request().is_empty());
}

#[test]
fn lists_of_sources_are_sources() {
    let documents = vec![
        json!(1),
        json!({"code": "ConsentRequired", "required_scope": "s"}),
        json!({}),
        json!({"authorization_parameters": {}}),
    ];
    assert_eq!(Gare::find(&documents).unwrap().code, "ConsentRequired");
    assert_eq!(Gare::find_all(documents.as_slice()).len(), 2);
    assert!(!Gare::is_in(&documents[..1]));
    assert!(Gare::is_in(&documents.iter().collect::<Vec<_>>()));
}

#[test]
fn an_odd_member_of_an_action_provider_is_an_ordinary_one() {
    let document =
        json!({"code": "ConsentRequired", "required_scope": "s", "authorization_parameters": "odd"});
    let gare = Gare::find(&document).unwrap();
    assert_eq!(gare.extra["authorization_parameters"], "odd");
    assert!(gare.authorization_parameters.extra.is_empty());
}

#[test]
fn what_asks_for_nothing_is_empty() {
    for empty in [
        parameters(),
        parameters().session_message("m"),
        parameters().required_scopes([""; 0]).session_required_policies([""; 0]).session_required_mfa(false),
    ] {
        assert!(empty.is_empty(), "{empty:?}");
    }
    for asking in [
        parameters().prompt("login"),
        parameters().required_scopes("s"),
        parameters().session_required_mfa(true),
        parameters().session_required_identities(["i"]),
        parameters().session_required_single_domain(["d"]),
        parameters().session_required_policies(["p"]),
    ] {
        assert!(!asking.is_empty(), "{asking:?}");
    }
}

mod coalescing {
    use super::*;

    fn consent(scopes: &[&str]) -> Gare {
        Gare::new(Gare::CONSENT_REQUIRED, parameters().required_scopes(scopes))
    }

    fn with(parameters: GlobusAuthorizationParameters) -> Gare {
        Gare::new(Gare::AUTHORIZATION_REQUIRED, parameters)
    }

    #[test]
    fn consents_alone_stay_consents() {
        let mut first = consent(&["a", "b"]);
        first.extra.insert("request_id".to_owned(), json!("r"));
        let merged = coalesce([first, consent(&["b", "c"])]).gares();
        assert_eq!(merged, [consent(&["a", "b", "c"])]);
    }

    #[test]
    fn policies_merge_with_them_under_the_other_code() {
        let policies = |names: &[&str]| with(parameters().session_required_policies(names.iter().copied()));
        let merged = coalesce([consent(&["a"]), policies(&["p", "q"]), policies(&["q", "r"])]).gares();
        assert_eq!(
            merged,
            [with(parameters().required_scopes("a").session_required_policies(["p", "q", "r"]))]
        );
    }

    #[test]
    fn what_cannot_merge_follows_in_order() {
        let apart = [
            with(parameters().session_required_single_domain(["x.edu"]).required_scopes("s")),
            with(parameters().session_required_identities(["i"])),
            with(parameters().session_required_mfa(false)),
            with(parameters().session_message("m")),
            with(parameters().prompt("login")),
        ];
        let all = apart.iter().cloned().chain([consent(&["a"]), consent(&["b"])]);
        let merged = coalesce(all).gares();
        assert_eq!(merged[0], consent(&["a", "b"]));
        assert_eq!(merged[1..], apart);
        assert_eq!(coalesce(apart.clone()).gares(), apart);
        assert_eq!(coalesce([]).gares(), []);
    }

    #[test]
    fn a_message_or_prompt_of_the_callers_brings_them_together() {
        let said = with(parameters().required_scopes("a").session_message("mine").prompt("login"));
        let other = with(parameters().required_scopes("b").session_message("yours"));
        let both = [said.clone(), other.clone()];
        let merged = coalesce(both.clone()).session_message("ours").gares();
        assert_eq!(merged, [with(parameters().required_scopes("b").session_message("ours")), said]);
        let merged = coalesce(both).session_message("ours").prompt("login").gares();
        let whole = parameters().required_scopes("a b").session_message("ours").prompt("login");
        assert_eq!(merged, [with(whole)]);
    }

    #[test]
    fn hidden_scopes_are_kept() {
        let hidden = Gare::find(&json!({"code": "ConsentRequired", "authorization_parameters": {
            "session_required_policies": "p", "required_scopes": ["s"],
        }}));
        let merged = coalesce(hidden).gares();
        let whole = parameters().required_scopes("s").session_required_policies(["p"]);
        assert_eq!(merged, [Gare::new("ConsentRequired", whole)]);
    }
}

mod authorize_url {
    use super::*;

    const CLIENT: &str = "11111111-2222-3333-4444-555555555555";

    fn query(parameters: &GlobusAuthorizationParameters) -> globus_sdk::Result<BTreeMap<String, String>> {
        let login = NativeAppAuthClient::new(CLIENT)?;
        let flow = login.oauth2_start_flow("openid transfer[*a]").start()?;
        let url =
            flow.oauth2_get_authorize_url().prompt("none").authorization_parameters(parameters).url()?;
        Ok(url.query_pairs().into_owned().collect())
    }

    #[test]
    fn carries_everything_that_is_required() {
        let query = query(
            &parameters()
                .session_message("please")
                .session_required_identities(["i", "j"])
                .session_required_policies(["p"])
                .session_required_single_domain(["x.edu", "y.edu"])
                .session_required_mfa(true)
                .required_scopes("transfer[*b] groups")
                .prompt("login"),
        )
        .unwrap();
        for (name, value) in [
            ("session_message", "please"),
            ("session_required_identities", "i,j"),
            ("session_required_policies", "p"),
            ("session_required_single_domain", "x.edu,y.edu"),
            ("session_required_mfa", "True"),
            ("prompt", "login"),
            ("scope", "openid transfer[*a *b] groups"),
        ] {
            assert_eq!(query.get(name).map(String::as_str), Some(value), "{name}");
        }
    }

    #[test]
    fn leaves_open_what_is_not_required() {
        let query = query(&parameters()).unwrap();
        assert_eq!(query["scope"], "openid transfer[*a]");
        assert_eq!(query["prompt"], "none");
        assert!(!query.keys().any(|name| name.starts_with("session_")));
    }

    #[test]
    fn asks_for_hidden_scopes_and_refuses_broken_ones() {
        let hidden = Gare::find(&json!({"authorization_parameters": {"required_scopes": ["s"]}})).unwrap();
        assert_eq!(query(&hidden.authorization_parameters).unwrap()["scope"], "openid transfer[*a] s");
        assert!(query(&parameters().required_scopes("s[")).unwrap_err().is_usage());
    }
}

#[test]
fn an_error_that_holds_no_answer_is_no_requirement() {
    let error = AuthClient::builder().base_url("odd").build().unwrap_err();
    assert_eq!(Gare::find(&error), None);
}

/// JSON in which the names and values that matter are frequent.
fn json_value() -> impl Strategy<Value = Value> {
    let names = prop::sample::select(vec![
        "code",
        "error",
        "errors",
        "extra",
        "message",
        "description",
        "authorization_parameters",
        "required_scope",
        "required_scopes",
        "unapproved_scopes",
        "session_message",
        "session_required_mfa",
        "session_required_policies",
        "session_required_identities",
        "session_required_single_domain",
        "prompt",
    ]);
    let name = prop_oneof![4 => names.prop_map(str::to_owned), 1 => any::<String>()];
    let text = prop_oneof![
        Just("ConsentRequired".to_owned()),
        Just("dependent_consent_required".to_owned()),
        Just("login".to_owned()),
        Just("a,b".to_owned()),
        any::<String>(),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        Just(json!(0.0)),
        text.prop_map(Value::from),
        prop::collection::vec("[a-c]{0,3}", 0..3).prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 60, 8, move |inner| {
        let members = prop::collection::vec((name.clone(), inner.clone()), 0..8);
        prop_oneof![
            1 => prop::collection::vec(inner, 0..4).prop_map(Value::from),
            3 => members.prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn any_json_is_read_without_panic_and_what_was_found_reads_back(value in json_value()) {
        gare_oracle::check(&value);
    }
}
