//! Who may ask: programs on this machine that know the address.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod support;

use std::time::{Duration, Instant};

use globus_emulator::{Emulator, StartError, TransferLimits};
use reqwest::{Method, RequestBuilder};
use support::{json, setup, setup_with, text};

async fn status(request: RequestBuilder) -> u16 {
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn the_base_is_random_unless_it_is_opened() {
    let (one, other) = (setup().await, setup().await);
    let base = one.emulator.base_url();
    let random = base.trim_end_matches('/').rsplit('/').next().unwrap();
    assert!(random.len() == 32 && random.bytes().all(|byte| byte.is_ascii_hexdigit()));
    assert!(!other.emulator.base_url().ends_with(&format!("{random}/")));
    let root = base.replace(&format!("{random}/"), "");
    for path in ["auth/jwk.json", "_emulator/v1/health", "", &format!("{random}x/auth/jwk.json")] {
        let answer = one.http.get(format!("{root}{path}")).send().await.unwrap();
        assert_eq!(answer.status(), 404, "{path}");
        assert!(!answer.text().await.unwrap().contains(random));
    }
    assert!(one.emulator.requests().is_empty());

    let open = setup_with(|builder| builder.open(true)).await;
    assert_eq!(open.emulator.base_url().matches('/').count(), 3);
    assert_eq!(status(open.http.get(open.auth("jwk.json"))).await, 200);
}

#[tokio::test]
async fn an_emulator_can_be_shared_and_shown_without_its_secrets() {
    fn shareable<T: Send + Sync + 'static>(value: T) -> T {
        value
    }
    let setup = setup().await;
    let secret = setup.emulator.confidential_client().secret().to_owned();
    let base = setup.emulator.base_url().trim_end_matches('/').rsplit('/').next().unwrap().to_owned();
    let emulator = shareable(setup.emulator);
    let shown = format!("{emulator:?} {emulator:#?}");
    assert!(shown.contains("laptop") && !shown.contains(&secret) && !shown.contains(&base));
}

#[tokio::test]
async fn other_host_names_are_misdirected() {
    let setup = setup().await;
    let url = setup.auth(".well-known/openid-configuration");
    let port = url::Url::parse(&url).unwrap().port().unwrap();
    for host in ["evil.example".to_owned(), format!("evil.example:{port}"), "127.0.0.1".to_owned()] {
        assert_eq!(status(setup.http.get(&url).header("host", &host)).await, 421, "{host}");
    }
    // The issuer is the address that was used, if that is one of the emulator's.
    let by_name = url.replace("127.0.0.1", "localhost");
    let configuration =
        setup.http.get(&url).header("host", format!("localhost:{port}")).send().await.unwrap();
    let issuer = text(&json(configuration, 200).await["issuer"]);
    assert!(by_name.starts_with(&issuer), "{issuer}");
}

#[tokio::test]
async fn web_pages_of_other_origins_are_refused_everywhere() {
    let setup = setup().await;
    for url in [setup.auth("jwk.json"), setup.transfer("task_list"), setup.control("health")] {
        for (name, value) in
            [("origin", "http://evil.example"), ("origin", "null"), ("sec-fetch-site", "cross-site")]
        {
            let answer = setup.http.get(&url).header(name, value).send().await.unwrap();
            assert_eq!(answer.status(), 403, "{url} {name}");
            assert!(!answer.headers().keys().any(|header| header.as_str().starts_with("access-control")));
        }
    }
    let preflight = setup.http.request(Method::OPTIONS, setup.control("reset"));
    let preflight = preflight.header("origin", "http://evil.example");
    assert_eq!(status(preflight.header("access-control-request-method", "POST")).await, 403);
}

#[tokio::test]
async fn control_takes_json_only() {
    let setup = setup().await;
    let url = setup.control("reset");
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "text/json"] {
        assert_eq!(
            status(setup.http.post(&url).header("content-type", kind).body("{}")).await,
            415,
            "{kind}"
        );
    }
    assert_eq!(status(setup.http.post(&url)).await, 415);
    assert_eq!(
        status(setup.http.post(&url).header("content-type", "application/json; charset=utf-8")).await,
        200
    );
}

#[tokio::test]
async fn what_does_not_exist_is_told_in_json() {
    let setup = setup().await;
    let groups = json(setup.http.get(setup.emulator.service_url("groups")).send().await.unwrap(), 404).await;
    assert_eq!(groups["code"], "NOT_FOUND");
    let transfer = json(setup.http.get(setup.transfer("nothing")).send().await.unwrap(), 404).await;
    assert_eq!(transfer["code"], "ClientError.NotFound");
    let method = json(setup.http.delete(setup.transfer("task_list")).send().await.unwrap(), 404).await;
    assert_eq!(method["code"], "ClientError.NotFound");
    let service =
        json(setup.http.get(setup.emulator.service_url("nothing")).send().await.unwrap(), 404).await;
    assert_eq!(service["code"], "NO_SUCH_SERVICE");
    let doubled = setup.auth("/.well-known/openid-configuration");
    assert_eq!(status(setup.http.get(doubled)).await, 200);
}

#[tokio::test]
async fn starting_tells_what_is_wrong() {
    let missing = Emulator::builder().collection("gone", "/nonexistent/directory").start().await.unwrap_err();
    assert!(matches!(missing, StartError::Collection { .. }), "{missing}");
    let here = tempfile::tempdir().unwrap();
    let twice = Emulator::builder().collection("a", here.path()).collection("a", here.path()).start().await;
    assert!(matches!(twice.unwrap_err(), StartError::SameName { name } if name == "a"));
    let setup = setup().await;
    let port = url::Url::parse(setup.emulator.base_url()).unwrap().port().unwrap();
    let taken = Emulator::builder().port(port).start().await.unwrap_err();
    assert!(matches!(taken, StartError::Listen { .. }), "{taken}");
    let file = setup.a.path().join("file");
    std::fs::write(&file, "x").unwrap();
    let no_directory = Emulator::builder().data_dir(&file).start().await.unwrap_err();
    assert!(matches!(no_directory, StartError::Store(_)), "{no_directory}");
}

#[tokio::test]
async fn stopping_ends_connections_tasks_and_waits() {
    let setup = setup().await;
    setup.emulator.set_transfer_limits(TransferLimits::none().bytes_per_second(1));
    std::fs::write(setup.a.path().join("f"), [0; 1000]).unwrap();
    let token = setup.service_token().await;
    let body = serde_json::json!({
        "submission_id": uuid::Uuid::new_v4(), "source_endpoint": setup.id("laptop"),
        "destination_endpoint": setup.id("cluster"), "DATA": [{"source_path": "/f", "destination_path": "/f"}],
    });
    let submitted = setup.http.post(setup.transfer("transfer")).bearer_auth(&token).json(&body);
    assert_eq!(status(submitted).await, 202);
    let url = setup.auth("jwk.json");
    let clock = setup.emulator.clock();
    let begun = Instant::now();
    // Real seconds would be a thousand; the bound is far from both.
    tokio::time::timeout(Duration::from_secs(60), setup.emulator.stop()).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(60));
    assert!(setup.http.get(&url).send().await.is_err());
    drop(clock);
}

#[tokio::test]
async fn dropping_stops_too() {
    let setup = setup().await;
    let url = setup.auth("jwk.json");
    drop(setup.emulator);
    // The listener ends as soon as its task runs.
    while setup.http.get(&url).send().await.is_ok() {
        tokio::task::yield_now().await;
    }
}
