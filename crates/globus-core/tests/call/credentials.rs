//! Which header is sent, and where it is not.

use globus_core::{AccessTokenAuthorizer, BasicAuthorizer, ManualClock, NullAuthorizer};
use http::Method;

use crate::support::{START, Service, builder};

#[tokio::test]
async fn credentials_are_refused_to_other_origins_and_unencrypted() {
    for path in [
        "https://elsewhere.example.org/x?secret=1",
        "https://service.example.org:8443/x",
        "http://service.example.org/x",
        "https://service.example.org.elsewhere.example.org/x",
    ] {
        let service = Service::default();
        let client = builder(&service, &ManualClock::at(START)).authorizer(AccessTokenAuthorizer::new("AT"));
        let client = client.build().unwrap();
        let error = client.request(Method::GET, path).send().await.unwrap_err();
        assert!(error.is_refused() && !error.to_string().contains("secret"), "{error}");
        assert_eq!(service.requests().len(), 0);
        // Without credentials it is the caller's choice.
        client.request(Method::GET, path).without_authorization().send().await.unwrap();
        assert_eq!(service.credentials(), [None]);
    }
}

#[tokio::test]
async fn plain_http_carries_credentials_on_this_machine_only() {
    for (base, allowed) in [
        ("http://127.0.0.1:8080/", true),
        ("http://[::1]/", true),
        ("http://localhost:1/", true),
        ("http://service.example.org/", false),
        ("http://10.0.0.1/", false),
    ] {
        let service = Service::default();
        let basic = builder(&service, &ManualClock::at(START)).base_url(base);
        let client = basic.clone().authorizer(BasicAuthorizer::new("user", "password")).build().unwrap();
        assert_eq!(client.request(Method::GET, "/x").send().await.is_ok(), allowed, "{base}");
        // A secret in the body, and a header that the caller wrote, are no different.
        let client = basic.build().unwrap();
        let secret = client.request(Method::POST, "/x").form([("code", "1")]).carries_secret();
        assert_eq!(secret.send().await.is_ok(), allowed, "{base}");
        let own = client.request(Method::GET, "/x").header("authorization", "Bearer OWN");
        assert_eq!(own.send().await.is_ok(), allowed, "{base}");
        assert_eq!(service.requests().len(), if allowed { 3 } else { 0 });
    }
}

#[tokio::test]
async fn the_authorizer_decides_over_the_callers_own_header() {
    let own = "Bearer OWN";
    let sent = async |authorizer: Option<globus_core::Authorizer>, with: bool| {
        let service = Service::default();
        let mut client = builder(&service, &ManualClock::at(START));
        if let Some(authorizer) = authorizer {
            client = client.authorizer(authorizer);
        }
        let mut call = client.build().unwrap().request(Method::GET, "/x").header("Authorization", own);
        if !with {
            call = call.without_authorization();
        }
        call.send().await.unwrap();
        service.credentials().remove(0)
    };
    let token = || Some(AccessTokenAuthorizer::new("AT").into());
    assert_eq!(sent(None, true).await.as_deref(), Some(own));
    assert_eq!(sent(token(), true).await.as_deref(), Some("Bearer AT"));
    assert_eq!(sent(token(), false).await.as_deref(), Some(own));
    assert_eq!(sent(Some(NullAuthorizer.into()), true).await, None);
    assert_eq!(sent(Some(NullAuthorizer.into()), false).await.as_deref(), Some(own));
}

#[tokio::test]
async fn a_token_that_cannot_be_sent_is_told_before_anything_is() {
    let service = Service::default();
    let client = builder(&service, &ManualClock::at(START));
    let client = client.authorizer(AccessTokenAuthorizer::new("AgSecret\n")).build().unwrap();
    let error = client.request(Method::GET, "/x").send().await.unwrap_err();
    assert!(error.is_usage());
    assert!(!format!("{error} {error:?}").contains("AgSecret"));
    assert_eq!(service.requests().len(), 0);
}

#[tokio::test]
async fn every_request_says_who_sends_it() {
    let service = Service::default();
    let client = builder(&service, &ManualClock::at(START)).app_name("My App/1.0").build().unwrap();
    client.request(Method::GET, "/x").send().await.unwrap();
    client.request(Method::GET, "/x").header("accept", "text/plain").send().await.unwrap();
    let [first, second] = service.requests().try_into().unwrap();
    assert_eq!(first.headers["accept"], "application/json");
    assert_eq!(second.headers["accept"], "text/plain");
    let agent = first.headers["user-agent"].to_str().unwrap();
    assert!(agent.starts_with("globus-sdk-rs-") && agent.ends_with("/My App/1.0"), "{agent}");
    assert!(first.headers["x-globus-client-info"].to_str().unwrap().starts_with("product=rust-sdk,"));
}
