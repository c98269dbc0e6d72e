use std::time::Duration;

use globus_core::PolicyId;
use globus_core::decode::from_slice;
use serde_json::{Value, json};

use super::*;

const ANA: &str = "00000000-0000-4000-8000-00000000000a";
const ANA_AT_HOME: &str = "00000000-0000-4000-8000-00000000000b";
const OTHER: &str = "00000000-0000-4000-8000-00000000000c";
const POLICY: &str = "00000000-0000-4000-8000-0000000000f0";
const NOW: i64 = 100_000;

fn id(text: &str) -> IdentityId {
    text.parse().unwrap()
}

/// Ana, of two identities, whose session has the logins given here.
fn facts(authentications: &Value, policies: &Value) -> Facts {
    let document = json!({
        "active": true, "scope": "portal other", "sub": ANA, "username": "ana@example.edu",
        "identity_set": [ANA, ANA_AT_HOME],
        "identity_set_detail": [
            {"sub": ANA, "username": "ana@example.edu"},
            {"sub": ANA_AT_HOME, "username": "example.edu@Home.Example.ORG"},
        ],
        "session_info": {"session_id": "s", "authentications": authentications},
        "policy_evaluations": policies,
    });
    Facts {
        introspection: from_slice(document.to_string().as_bytes()).unwrap(),
        identity: id(ANA),
        identity_set: vec![id(ANA), id(ANA_AT_HOME)],
        offset: SignedDuration::ZERO,
        asked_at: now(),
    }
}

fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

fn wanted() -> CallerRequirements {
    CallerRequirements::new()
}

#[track_caller]
fn refused(facts: &Facts, wanted: &CallerRequirements) -> (RefusalKind, Value) {
    let refusal = judge(facts, wanted, now()).unwrap_err();
    (refusal.kind(), refusal.gare().map_or(Value::Null, |gare| serde_json::to_value(gare).unwrap()))
}

#[track_caller]
fn accepted(facts: &Facts, wanted: &CallerRequirements) {
    judge(facts, wanted, now()).unwrap();
}

fn without_session() -> Facts {
    facts(&json!({}), &json!({}))
}

#[test]
fn all_scopes_must_be_there_and_what_lacks_is_named_as_it_was_written() {
    accepted(&without_session(), &wanted().scopes("portal other"));
    accepted(&without_session(), &wanted().scopes("portal[transfer[*data]]"));
    let (kind, gare) = refused(&without_session(), &wanted().scopes("portal admin[transfer x] port"));
    assert_eq!(kind, RefusalKind::MissingScopes);
    assert_eq!(
        gare,
        json!({
            "code": "ConsentRequired",
            "authorization_parameters": {"required_scopes": ["admin[transfer x]", "port"]},
        })
    );
}

#[test]
fn any_of_the_linked_identities_will_do() {
    accepted(&without_session(), &wanted().identities([id(OTHER), id(ANA_AT_HOME)]));
    accepted(&without_session(), &wanted().domains(["home.example.org"]));
    let (kind, gare) = refused(&without_session(), &wanted().identities([id(OTHER)]));
    assert_eq!(kind, RefusalKind::WrongIdentity);
    assert_eq!(gare["authorization_parameters"], json!({"session_required_identities": [OTHER]}));
    // Of several nobody can say in a requirement that one will do.
    let (_, gare) = refused(&without_session(), &wanted().identities([id(OTHER), IdentityId::default()]));
    assert_eq!(gare, Value::Null);
    // A subdomain, the end of a domain, and what stands before the `@` are no match.
    let (_, gare) =
        refused(&without_session(), &wanted().domains(["edu", "sub.example.edu", "ana", "example.org"]));
    assert_eq!(
        gare["authorization_parameters"]["session_required_single_domain"].as_array().unwrap().len(),
        4
    );
    // Both are asked for where both are set.
    refused(&without_session(), &wanted().identities([id(ANA)]).domains(["example.org"]));
}

#[test]
fn a_session_must_be_fresh_enough_to_the_second() {
    let login = |auth_time: i64| facts(&json!({ANA: {"auth_time": auth_time, "amr": null}}), &json!({}));
    let hour = wanted().session_max_age(Duration::from_secs(3600)).session_message("Again, please.");
    accepted(&login(NOW - 3600), &hour);
    accepted(&login(NOW + 10), &hour);
    let (kind, gare) = refused(&login(NOW - 3601), &hour);
    assert_eq!(kind, RefusalKind::SessionTooOld);
    assert_eq!(
        gare,
        json!({
            "code": "AuthorizationRequired",
            "authorization_parameters": {"session_message": "Again, please.", "prompt": "login"},
        })
    );
    // A token without a session is not fresh, whenever it was given out, nor is a login at no known time.
    assert_eq!(refused(&without_session(), &hour).0, RefusalKind::SessionRequired);
    assert_eq!(refused(&facts(&json!({ANA: {}}), &json!({})), &hour).0, RefusalKind::SessionTooOld);
}

#[test]
fn the_age_is_told_by_the_services_clock() {
    let mut facts = facts(&json!({ANA: {"auth_time": NOW}}), &json!({}));
    facts.offset = SignedDuration::from_secs(3600);
    let wanted = wanted().session_max_age(Duration::from_secs(60));
    assert_eq!(refused(&facts, &wanted).0, RefusalKind::SessionTooOld);
}

#[test]
fn one_login_must_be_all_that_is_asked() {
    let strict = wanted()
        .session_max_age(Duration::from_secs(60))
        .session_mfa(true)
        .session_domains(["home.example.org"]);
    let mfa = json!(["pwd", "mfa"]);
    let split = json!({
        ANA: {"auth_time": NOW, "amr": mfa},
        ANA_AT_HOME: {"auth_time": NOW, "amr": ["pwd"]},
    });
    let (kind, gare) = refused(&facts(&split, &json!({})), &strict);
    assert_eq!(kind, RefusalKind::SessionRequired);
    // The one login asked for is all of it.
    assert_eq!(
        gare["authorization_parameters"],
        json!({
            "session_required_single_domain": ["home.example.org"], "session_required_mfa": true, "prompt": "login",
        })
    );
    let old = json!({ANA_AT_HOME: {"auth_time": NOW - 61, "amr": mfa}});
    assert_eq!(refused(&facts(&old, &json!({})), &strict).0, RefusalKind::SessionTooOld);
    let whole = json!({ANA_AT_HOME: {"auth_time": NOW, "acr": "https://refeds.org/profile/mfa"}});
    accepted(&facts(&whole, &json!({})), &strict);
}

#[test]
fn all_identities_asked_for_must_have_logged_in() {
    let wanted = wanted().session_identities([id(ANA), id(ANA_AT_HOME)]);
    let one = facts(&json!({ANA: {"auth_time": NOW}}), &json!({}));
    let (kind, gare) = refused(&one, &wanted);
    assert_eq!(kind, RefusalKind::SessionRequired);
    assert_eq!(gare["authorization_parameters"]["session_required_identities"], json!([ANA, ANA_AT_HOME]));
    accepted(&facts(&json!({ANA: {}, ANA_AT_HOME: {}}), &json!({})), &wanted);
}

#[test]
fn a_policy_counts_as_met_only_where_the_answer_says_so() {
    let policy: PolicyId = POLICY.parse().unwrap();
    let wanted = wanted().session_policies([policy]);
    accepted(&facts(&json!({}), &json!({POLICY: {"evaluation": true}})), &wanted);
    for evaluations in [json!({POLICY: {"evaluation": false}}), json!({POLICY: {}}), json!({})] {
        let (kind, gare) = refused(&facts(&json!({}), &evaluations), &wanted);
        assert_eq!(kind, RefusalKind::PolicyNotMet);
        assert_eq!(gare["authorization_parameters"], json!({"session_required_policies": [POLICY]}));
    }
}

#[test]
fn one_requirement_names_all_that_lacks() {
    let wanted = wanted().scopes("admin").session_mfa(true).session_policies([PolicyId::default()]);
    let (kind, gare) = refused(&without_session(), &wanted);
    assert_eq!(kind, RefusalKind::MissingScopes);
    assert_eq!(gare["code"], "AuthorizationRequired");
    let parameters = &gare["authorization_parameters"];
    assert_eq!(parameters["required_scopes"], json!(["admin"]));
    assert_eq!(parameters["session_required_mfa"], true);
    assert_eq!(parameters["session_required_policies"].as_array().unwrap().len(), 1);
}

#[test]
fn the_client_that_a_token_was_given_to_is_not_its_audience() {
    let is_for = |aud: Value, ours: &[&str]| {
        let document = json!({"active": true, "client_id": "portal", "aud": aud});
        let ours: Vec<String> = ours.iter().map(|name| (*name).to_owned()).collect();
        is_meant_for(&from_slice(document.to_string().as_bytes()).unwrap(), &ours)
    };
    assert!(is_for(json!(["service", "portal"]), &["service"]));
    assert!(is_for(json!(["SERVICE"]), &["name", "service"]));
    // The portal's own token for another service.
    assert!(!is_for(json!(["transfer.api.globus.org", "portal"]), &["portal"]));
    // The portal's token for itself, however the audience is written.
    assert!(is_for(json!(["portal", "portal"]), &["portal"]));
    assert!(is_for(json!(["portal"]), &["portal"]));
    assert!(!is_for(json!([]), &["portal"]));
    assert!(!is_for(json!(["port"]), &["portal"]));
}
