//! Redirects: which are followed, and what goes along.

use globus_core::transport::TransportErrorKind::TooManyRedirects;
use globus_core::{AccessTokenAuthorizer, ManualClock};
use http::Method;

use crate::support::{Reply, START, Service, builder, status};

fn to(code: u16, location: &str) -> Reply {
    status(code).header("location", location)
}

async fn call(service: &Service, method: Method) -> globus_core::Result<globus_core::RawResponse> {
    let client = builder(service, &ManualClock::at(START)).authorizer(AccessTokenAuthorizer::new("AT"));
    client.build().unwrap().request(method, "/x").header("cookie", "session=1").send_raw().await
}

#[tokio::test]
async fn get_and_head_follow_redirects_within_the_service() {
    for method in [Method::GET, Method::HEAD] {
        for code in [301, 302, 303, 307, 308] {
            let service = Service::replies([to(code, "../y?z=1")]);
            assert_eq!(call(&service, method.clone()).await.unwrap().status.as_u16(), 200);
            assert_eq!(service.addresses()[1], "https://service.example.org/y?z=1");
            assert_eq!(service.credentials()[1].as_deref(), Some("Bearer AT"));
            assert_eq!(service.requests()[1].method, method);
        }
    }
}

#[tokio::test]
async fn nothing_else_follows_them() {
    for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS] {
        let service = Service::replies([to(307, "/y")]);
        assert_eq!(call(&service, method).await.unwrap().status.as_u16(), 307);
        assert_eq!(service.requests().len(), 1);
    }
}

#[tokio::test]
async fn credentials_stay_behind_for_good_when_a_redirect_leaves_the_service() {
    for elsewhere in
        ["https://elsewhere.example.org/y", "https://service.example.org:8443/y", "//elsewhere.example.org/y"]
    {
        let service = Service::replies([to(302, elsewhere), to(302, "https://service.example.org/z")]);
        call(&service, Method::GET).await.unwrap();
        let credentials = service.credentials();
        assert_eq!(credentials, [Some("Bearer AT".to_owned()), None, None], "{elsewhere}");
        let cookies: Vec<_> =
            service.requests().iter().map(|request| request.headers.contains_key("cookie")).collect();
        assert_eq!(cookies, [true, false, false], "{elsewhere}");
    }
    // Also those that the caller wrote.
    let service = Service::replies([to(302, "https://elsewhere.example.org/y")]);
    let client = builder(&service, &ManualClock::at(START)).build().unwrap();
    client.request(Method::GET, "/x").header("Authorization", "Bearer OWN").send().await.unwrap();
    assert_eq!(service.credentials(), [Some("Bearer OWN".to_owned()), None]);
}

#[tokio::test]
async fn a_redirect_away_from_https_is_not_followed() {
    for location in
        ["http://service.example.org/y", "http://127.0.0.1/y", "ftp://service.example.org/", "https://["]
    {
        let service = Service::replies([to(302, location)]);
        let answer = call(&service, Method::GET).await.unwrap();
        assert_eq!((answer.status.as_u16(), service.requests().len()), (302, 1), "{location}");
    }
    let service = Service::replies([status(304), status(302)]);
    for code in [304, 302] {
        assert_eq!(call(&service, Method::GET).await.unwrap().status.as_u16(), code);
    }
}

#[tokio::test]
async fn a_loop_ends_after_ten_steps() {
    let service = Service::replies((0..50).map(|_| to(302, "/x")));
    let error = call(&service, Method::GET).await.unwrap_err();
    assert_eq!(error.transport(), Some(TooManyRedirects));
    assert_eq!(service.requests().len(), 11);
}

#[tokio::test]
async fn a_call_that_carries_a_secret_is_never_redirected() {
    let service = Service::replies([to(302, "/y")]);
    let client = builder(&service, &ManualClock::at(START)).build().unwrap();
    let answer = client.request(Method::GET, "/x").carries_secret().send().await.unwrap();
    assert_eq!((answer.status().as_u16(), service.requests().len()), (302, 1));
}
