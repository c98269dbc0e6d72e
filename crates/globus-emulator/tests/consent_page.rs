//! The consent page, and who decides on consent at all.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod support;

use std::time::Duration;

use globus_emulator::{ConsentMode, Decision, LoginError, NewClient, NewPolicy, NewProject, NewScope};
use reqwest::Response;
use serde_json::json;
use support::{REDIRECT, Setup, TIMER, TRANSFER, access_token, json, setup, setup_with, text};
use url::Url;

const DATA: &str = "https://auth.globus.org/scopes/11111111-2222-4333-8444-555555555555/data_access";

async fn interactive() -> Setup {
    setup_with(|builder| builder.consent(ConsentMode::Interactive)).await
}

/// The page for an authorize request.
async fn page(setup: &Setup, scope: &str, replaced: &[(&str, &str)]) -> String {
    let answer = setup.http.get(setup.authorize_url(scope, replaced)).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.text().await.unwrap()
}

/// What stands between two texts.
fn between<'t>(page: &'t str, before: &str, after: &str) -> &'t str {
    let (_, rest) = page.split_once(before).unwrap_or_else(|| panic!("no {before} in {page}"));
    rest.split_once(after).unwrap().0
}

/// The values of the checkboxes with a name.
fn boxes(page: &str, name: &str) -> Vec<String> {
    let marker = format!("<input type=\"checkbox\" name=\"{name}\" value=\"");
    page.split(&marker).skip(1).map(|rest| rest.split_once("\" checked>").unwrap().0.to_owned()).collect()
}

/// Sends the form of a page as a browser does.
async fn send(setup: &Setup, page: &str, fields: &[(&str, &str)]) -> Response {
    let action = between(page, "<form method=\"post\" action=\"", "\"");
    let mut form = vec![("ticket", between(page, "name=\"ticket\" value=\"", "\""))];
    form.extend(fields);
    let origin = Url::parse(action).unwrap().origin().ascii_serialization();
    let request = setup.http.post(action).form(&form).header("origin", origin);
    request.header("sec-fetch-site", "same-origin").send().await.unwrap()
}

/// A parameter of the address that an answer leads to.
fn parameter(answer: &Response, name: &str) -> Option<String> {
    assert_eq!(answer.status(), 303);
    let address = Url::parse(answer.headers()["location"].to_str().unwrap()).unwrap();
    assert!(address.as_str().starts_with(REDIRECT));
    address.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

#[tokio::test]
async fn the_page_says_who_asks_for_what() {
    let setup = interactive().await;
    let fresh = NewPolicy::new("Fresh sign-ins").description("Data of patients.");
    let server = NewClient::confidential("Records").scope(NewScope::new("read").description("Read records"));
    let clinic = NewProject::new("Clinic").policy(fresh).client(server);
    let project = setup.emulator.add_project(&clinic).unwrap();
    let policy = project.policies[0].id.to_string();
    let read = &project.clients[0].scopes[0];
    let laptop = setup.id("laptop");
    let manage = format!("urn:globus:auth:scope:{laptop}:manage_collections");
    let page = page(
        &setup,
        &format!("openid {TIMER}[{TRANSFER}[*{DATA}]] {manage} {read}"),
        &[
            ("prefill_named_grant", "gx on <login1>"),
            ("session_message", "Please <b>sign in</b> & go on"),
            ("session_required_policies", &policy),
            ("session_required_single_domain", "home.example.com"),
            ("session_required_mfa", "true"),
        ],
    )
    .await;
    for said in [
        "Emulator native app asks for access",
        "gx on &lt;login1&gt;",
        "Please &lt;b&gt;sign in&lt;/b&gt; &amp; go on",
        "Know who you are",
        "Run timers for you",
        "Manage data with Globus Transfer",
        "Use your data on the collection 11111111-2222-4333-8444-555555555555",
        "Manage the collections of the endpoint laptop",
        "Read records (Records)",
        "Fresh sign-ins",
        "Data of patients.",
        "home.example.com",
        "mira@home.example.com, linked to mira@lab.example.org",
        "jon@lab.example.org",
    ] {
        assert!(page.contains(said), "{said}: {page}");
    }
    assert_eq!(boxes(&page, "part"), ["1.0.0"]);
    assert_eq!(boxes(&page, "mfa"), ["shown"]);
    assert!(!page.contains("<script") && !page.contains("src="));
}

#[tokio::test]
async fn the_page_may_load_nothing_and_lead_only_to_the_client() {
    let setup = interactive().await;
    for (redirect, allowed) in [
        (REDIRECT, "form-action 'self' http://localhost:1;"),
        ("http://[::1]:1/callback", "form-action 'self' http:;"),
    ] {
        let url = setup.authorize_url("openid", &[("redirect_uri", redirect)]);
        let answer = setup.http.get(url).send().await.unwrap();
        let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
        assert!(policy.contains(allowed) && policy.contains("frame-ancestors 'none'"), "{policy}");
        assert_eq!(answer.headers()["referrer-policy"], "same-origin");
        assert_eq!(answer.headers()["cache-control"], "no-store");
        let page = answer.text().await.unwrap();
        let style = between(&page, "<style>", "</style>");
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, style.as_bytes());
        let hash = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, digest.as_ref());
        assert!(policy.contains(&hash));
    }
}

#[tokio::test]
async fn approving_gives_a_code_for_what_stayed_ticked() {
    let setup = interactive().await;
    let shown = page(&setup, &format!("openid *email *profile {TRANSFER}[*{DATA}]"), &[]).await;
    assert_eq!(boxes(&shown, "part"), ["1", "2", "3.0"]);
    let answer = send(&setup, &shown, &[("part", "2"), ("choice", "approve")]).await;
    assert_eq!(parameter(&answer, "state").as_deref(), Some("some-state"));
    let tokens = json(setup.exchange(&parameter(&answer, "code").unwrap()).await, 200).await;
    assert_eq!(tokens["scope"], "openid profile");
    let consents = json(setup.http.get(setup.control("consents")).send().await.unwrap(), 200).await;
    assert_eq!(consents["consents"].as_array().unwrap().len(), 3);

    // What was allowed is shown as such, and cannot be left out any more.
    let again = page(&setup, &format!("openid *email *profile {TRANSFER}[*{DATA}]"), &[]).await;
    assert_eq!(boxes(&again, "part"), ["1", "3.0"]);
    assert_eq!(again.matches("allowed before").count(), 3);
    let other = page(&setup, "openid", &[("emulator_user", "jon@lab.example.org")]).await;
    assert!(!other.contains("allowed before") && other.contains("You are <strong>Jon Example</strong>"));
    let answer = send(&setup, &other, &[("choice", "approve")]).await;
    let tokens = json(setup.exchange(&parameter(&answer, "code").unwrap()).await, 200).await;
    let info = json(setup.userinfo(&access_token(&tokens, "auth.globus.org")).await, 200).await;
    assert_eq!(info["sub"], setup.emulator.find_user("jon@lab.example.org").unwrap().id.to_string());
}

#[tokio::test]
async fn denying_tells_the_client_and_a_missing_factor_the_person() {
    let setup = interactive().await;
    let shown = page(&setup, "openid", &[]).await;
    let answer = send(&setup, &shown, &[("choice", "deny")]).await;
    assert_eq!(parameter(&answer, "error").as_deref(), Some("access_denied"));
    assert_eq!(parameter(&answer, "state").as_deref(), Some("some-state"));
    assert!(parameter(&answer, "error_description").is_some());

    let shown = page(&setup, "openid", &[("session_required_mfa", "true")]).await;
    let refused = send(&setup, &shown, &[("choice", "approve")]).await;
    assert_eq!(refused.status(), 400);
    assert!(refused.text().await.unwrap().contains("second factor"));
    let shown = page(&setup, "openid", &[("session_required_mfa", "true")]).await;
    let answer = send(&setup, &shown, &[("choice", "approve"), ("mfa", "shown")]).await;
    assert!(parameter(&answer, "code").is_some());
}

#[tokio::test]
async fn a_form_counts_once_in_time_and_from_its_own_page() {
    let setup = interactive().await;
    let shown = page(&setup, "openid", &[]).await;
    let action = between(&shown, "<form method=\"post\" action=\"", "\"").to_owned();
    let ticket = between(&shown, "name=\"ticket\" value=\"", "\"").to_owned();
    let form = [("ticket", ticket.as_str()), ("choice", "approve")];
    for (name, value) in
        [("origin", "https://evil.example"), ("origin", "null"), ("sec-fetch-site", "cross-site")]
    {
        let answer = setup.http.post(&action).form(&form).header(name, value).send().await.unwrap();
        assert_eq!(answer.status(), 403, "{name}");
    }
    let forged = setup.http.post(&action).form(&[("ticket", "guess"), ("choice", "approve")]).send();
    assert_eq!(forged.await.unwrap().status(), 400);
    assert!(parameter(&send(&setup, &shown, &[("choice", "approve")]).await, "code").is_some());
    assert_eq!(send(&setup, &shown, &[("choice", "approve")]).await.status(), 400, "a second time");

    let shown = page(&setup, "openid", &[]).await;
    setup.emulator.advance(Duration::from_secs(601));
    assert_eq!(send(&setup, &shown, &[("choice", "approve")]).await.status(), 400, "too late");
    let shown = page(&setup, "openid", &[]).await;
    assert_eq!(send(&setup, &shown, &[]).await.status(), 400, "nothing chosen");
    // Neither the ticket nor the code is in the journal.
    assert!(!format!("{:?}", setup.emulator.requests()).contains(&ticket));
}

#[tokio::test]
async fn wrong_requests_are_refused_before_anyone_is_asked() {
    let setup = interactive().await;
    let error = setup.emulator.login(setup.authorize_url("openid[", &[])).await.unwrap_err();
    assert!(matches!(error, LoginError::Refused { error, .. } if error == "invalid_scope"));
    let unknown = setup.authorize_url("openid", &[("emulator_user", "who@lab.example.org")]);
    assert_eq!(setup.http.get(unknown).send().await.unwrap().status(), 400);
}

#[tokio::test]
async fn the_mode_decides_who_is_asked() {
    let setup = setup().await;
    let mode = async |mode: &str, status| {
        setup.control_call("PUT", "authorize/mode", json!({"mode": mode}), status).await
    };
    mode("nobody", 400).await;
    mode("scripted", 200).await;
    let error = setup.emulator.login(setup.authorize_url("openid", &[])).await.unwrap_err();
    assert!(matches!(error, LoginError::Page { status: 400, .. }), "{error}");
    let script =
        json!([{"user": "jon@lab.example.org"}, {"deny": true}, {"drop_optional": true, "mfa": true}]);
    setup.control_call("POST", "authorize/script", script, 200).await;
    // A wrong request meets nobody.
    setup.emulator.login(setup.authorize_url("nonsense", &[])).await.unwrap_err();
    let jon = text(&setup.login("openid profile").await["access_token"]);
    let info = json(setup.userinfo(&jon).await, 200).await;
    assert_eq!(info["preferred_username"], "jon@lab.example.org");
    setup.emulator.login(setup.authorize_url("openid", &[])).await.unwrap_err();
    assert_eq!(setup.login("openid *email").await["scope"], "openid");
    setup.emulator.login(setup.authorize_url("openid", &[])).await.unwrap_err();

    mode("interactive", 200).await;
    setup.emulator.script_consent([Decision::approve(), Decision::approve()]);
    setup.login("openid").await;
    let left = setup.http.delete(setup.control("authorize/script")).send().await.unwrap();
    assert_eq!(json(left, 200).await, json!({"waiting": 0}));
    page(&setup, "openid", &[]).await;
    setup.emulator.reset();
    page(&setup, "openid", &[]).await;
    setup.emulator.set_consent_mode(ConsentMode::Auto);
    setup.login("openid").await;
}
