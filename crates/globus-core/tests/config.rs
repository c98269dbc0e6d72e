//! Configuration: what the recorded cases leave open.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::PathBuf;
use std::time::Duration;

use globus_core::config::paths::{Platform, TokenFile, app_slug, default_token_path};
use globus_core::config::url::{gcs_url, is_loopback, request_url};
use globus_core::config::{
    ClientInfo, Environment, HttpTimeout, TlsVerification, Variables, base_url, is_production_host,
    service_url, user_agent,
};
use url::Url;

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

#[test]
fn variables_of_the_process_are_read_and_not_shown() {
    let process = Variables::process();
    assert_eq!(process.get("CARGO_PKG_NAME").as_deref(), Some("globus-core"));
    assert_eq!(process.get("GLOBUS_NO_SUCH_VARIABLE"), None);

    let fixed = Variables::from_iter([("NAME", "value")]);
    assert_eq!(fixed.get("CARGO_PKG_NAME"), None);
    assert_eq!(format!("{fixed:?}"), r#"Variables{"NAME"}"#);
    assert_eq!(Variables::none().get("NAME"), None);
}

#[test]
fn an_environment_of_ones_own_carries_its_urls() {
    let own =
        Environment::custom("lab", "lab.example.org").service_url("flows", url("http://127.0.0.1:1/flows/"));
    let at = |service| service_url(service, Some(&own), &Variables::none()).unwrap().to_string();
    assert_eq!(at("flows"), "http://127.0.0.1:1/flows/");
    assert_eq!(at("auth"), "https://auth.lab.example.org/");
    assert_eq!(at("groups"), "https://groups.api.lab.example.org/");

    let variables = Variables::from_iter([("GLOBUS_SDK_SERVICE_URL_FLOWS", "https://else.example.org/")]);
    assert_eq!(service_url("flows", Some(&own), &variables).unwrap().as_str(), "https://else.example.org/");
}

#[test]
fn only_production_is_production() {
    assert!(Environment::default().is_production());
    assert!(Environment::from_variables(&Variables::none()).is_production());
    assert!(!Environment::preview().is_production());
    assert!(!Environment::custom("production", "example.org").is_production());
    assert!(!Environment::named("Production").is_known());
}

#[test]
fn an_unknown_environment_is_explained() {
    let variables = Variables::from_iter([("GLOBUS_SDK_ENVIRONMENT", "beta")]);
    let error = service_url("auth", None, &variables).unwrap_err();
    assert_eq!(error.setting(), "environment");
    assert_eq!(
        error.to_string(),
        "environment: \"beta\" is not an environment of Globus; write one of production, preview, sandbox, \
         integration, test, staging (as argument or in GLOBUS_SDK_ENVIRONMENT), or use an environment of your own"
    );
}

#[test]
fn base_urls_with_credentials_or_other_schemes_are_refused_unquoted() {
    let refused = [
        "https://user:hunter2@example.org/",
        "https://hunter2@example.org/",
        "ftp://example.org/hunter2",
        "hunter2",
        "",
        "https://example.org/?hunter2",
        "https://example.org/#hunter2",
    ];
    for text in refused {
        let error = base_url(Some(text), "auth", None, &Variables::none()).unwrap_err();
        assert_eq!(error.setting(), "base URL");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
    let variables =
        Variables::from_iter([("GLOBUS_SDK_SERVICE_URL_AUTH", "https://user:hunter2@example.org/")]);
    let error = service_url("auth", None, &variables).unwrap_err();
    assert_eq!(error.setting(), "GLOBUS_SDK_SERVICE_URL_AUTH");
    assert!(!error.to_string().contains("hunter2"), "{error}");
}

#[test]
fn hosts_of_production_are_recognized() {
    for host in ["auth.globus.org", "g-1.2.data.globus.org", "AUTH.GLOBUS.ORG.", "flows.automate.globus.org"]
    {
        assert!(is_production_host(host), "{host}");
    }
    assert!(is_production_host("nexus.api.globusonline.org"));
    let others = [
        "auth.preview.globus.org",
        "preview.flows.automate.globus.org",
        "auth.test.globuscs.info",
        "notglobus.org",
        "globus.org.example.org",
        "127.0.0.1",
    ];
    for host in others {
        assert!(!is_production_host(host), "{host}");
    }
}

#[test]
fn timeouts_that_cannot_be_waited_are_refused() {
    assert!(HttpTimeout::resolve(Some(HttpTimeout::after(Duration::ZERO)), &Variables::none()).is_err());
    for text in ["0", "inf", "-inf", "1e400", "-2", "1e300", "0x10"] {
        let variables = Variables::from_iter([("GLOBUS_SDK_HTTP_TIMEOUT", text)]);
        let error = HttpTimeout::resolve(None, &variables).unwrap_err();
        assert_eq!(error.setting(), "GLOBUS_SDK_HTTP_TIMEOUT", "{text}");
        let given = HttpTimeout::from(Duration::from_millis(1500));
        assert_eq!(HttpTimeout::resolve(Some(given), &variables).unwrap(), given);
    }
}

#[test]
fn a_missing_bundle_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("roots.pem");
    let choice = TlsVerification::Bundle(missing.clone());
    let error = TlsVerification::resolve(Some(choice.clone()), &Variables::none()).unwrap_err();
    assert!(error.to_string().contains("roots.pem"), "{error}");

    std::fs::write(&missing, "").unwrap();
    assert_eq!(TlsVerification::resolve(Some(choice.clone()), &Variables::none()).unwrap(), choice);
}

#[test]
fn the_sdk_introduces_itself_first() {
    let version = env!("CARGO_PKG_VERSION");
    let info = ClientInfo::new()
        .with_item([("product", "cli"), ("version", "4")])
        .unwrap()
        .with_text("a=b")
        .unwrap();
    assert_eq!(
        info.header_value().unwrap(),
        format!("product=rust-sdk,version={version};product=cli,version=4;a=b").as_str()
    );
    assert_eq!(ClientInfo::none().header_value(), None);
    assert_eq!(user_agent(None).unwrap(), format!("globus-sdk-rs-{version}").as_str());
}

#[test]
fn nothing_can_be_smuggled_into_headers() {
    assert!(user_agent(Some("app\r\nX-Evil: 1")).is_err());
    assert!(ClientInfo::new().with_text("a=b\r\nX-Evil: 1").is_err());
    assert!(ClientInfo::new().with_item([("a", "b\n")]).is_err());
    assert!(ClientInfo::new().with_text("a=\u{7f}").is_err());
}

#[test]
fn paths_stay_below_the_base_url() {
    let base = url("https://example.org/base/?old=1#old");
    assert_eq!(request_url(&base, "/v1/x").unwrap().as_str(), "https://example.org/base/v1/x");
    assert_eq!(request_url(&base, "").unwrap().as_str(), "https://example.org/base/");
    for path in ["..", "/v1/../x", "/v1/x/.."] {
        assert_eq!(request_url(&base, path).unwrap_err().setting(), "path", "{path}");
    }
    // What only looks like a way out is encoded.
    assert_eq!(request_url(&base, "/v1/%2e%2e/x").unwrap().path(), "/base/v1/%252e%252e/x");
    assert_eq!(request_url(&base, "/v1/..\\x").unwrap().path(), "/base/v1/..%5Cx");
    assert_eq!(request_url(&base, "//other.example.org/x").unwrap().host_str(), Some("example.org"));
    assert!(request_url(&base, "https://").is_err());
}

#[test]
fn gcs_addresses_over_plain_http_are_for_loopback_only() {
    assert_eq!(gcs_url("http://127.0.0.1:8080/gcs").unwrap().as_str(), "http://127.0.0.1:8080/gcs/api/");
    assert_eq!(gcs_url("http://localhost/").unwrap().as_str(), "http://localhost/api/");
    for address in ["http://gcs.example.org/", "http://localhost.example.org/", "ftp://localhost/", "", "a b"]
    {
        assert!(gcs_url(address).is_err(), "{address}");
    }
    assert!(is_loopback(&url("http://[::1]:80/")));
    assert!(!is_loopback(&url("http://10.0.0.1/")));
}

const CLIENT: &str = "4fb58e00-839d-4e54-8047-10a5a99dcb8e";

fn path_for(client: &str, environment: &Environment, home: &str) -> Result<PathBuf, String> {
    let variables = Variables::from_iter([("HOME", home)]);
    default_token_path(client, "App", environment, TokenFile::Json, &variables, Platform::Unix)
        .map_err(|error| error.setting().to_owned())
}

#[test]
fn token_files_of_environments_do_not_mix() {
    let lab = Environment::custom("lab", "lab.example.org");
    let path = path_for(CLIENT, &lab, "/home/u").unwrap();
    assert_eq!(path, PathBuf::from(format!("/home/u/.globus/app/{CLIENT}/app/lab-tokens.json")));
    // An environment that only calls itself production is another one.
    let pretender = Environment::custom("production", "example.org");
    assert!(path_for(CLIENT, &pretender, "/home/u").unwrap().ends_with("production-tokens.json"));
}

#[test]
fn paths_that_would_lead_elsewhere_are_refused() {
    let production = Environment::production();
    for client in [
        "",
        ".",
        "..",
        "a/b",
        "a\\b",
        "C:",
        "a\0",
        "my-client",
        "urn:uuid:4fb58e00-839d-4e54-8047-10a5a99dcb8e",
    ] {
        assert_eq!(path_for(client, &production, "/home/u").unwrap_err(), "client id", "{client}");
    }
    let away = Environment::custom("../../x", "example.org");
    assert_eq!(path_for(CLIENT, &away, "/home/u").unwrap_err(), "environment");
    assert_eq!(path_for(CLIENT, &production, "").unwrap_err(), "home directory");
}

#[test]
fn the_home_of_the_process_is_found() {
    let path = default_token_path(
        CLIENT,
        "App",
        &Environment::production(),
        TokenFile::Sqlite,
        &Variables::process(),
        Platform::current(),
    );
    assert!(path.unwrap().starts_with(std::env::home_dir().unwrap()));
}

#[test]
fn slugs_keep_what_can_be_seen() {
    assert_eq!(app_slug("E\u{301}tude").unwrap(), "e\u{301}tude");
    assert_eq!(app_slug("\u{301}x").unwrap(), "\u{301}x");
    assert_eq!(app_slug("a'\"\\b").unwrap(), "a'++b");
    assert_eq!(app_slug("a\u{202e}\u{2028}\u{ad}\u{e000}\u{feff}b").unwrap(), "ab");
    for reserved in ["nul", "COM0", "lpt9", "com\u{ff19}", "com\u{1d7ff}"] {
        assert!(app_slug(reserved).is_err(), "{reserved}");
    }
    for free in ["com", "com\u{b9}", "com\u{2460}", "coma", "com:"] {
        assert!(app_slug(free).is_ok(), "{free}");
    }
}

#[test]
fn a_slug_too_long_for_a_directory_is_cut_and_stays_its_own() {
    let part = |name: &str| {
        let path = default_token_path(
            CLIENT,
            name,
            &Environment::production(),
            TokenFile::Json,
            &Variables::from_iter([("HOME", "/home/u")]),
            Platform::Unix,
        );
        path.unwrap().parent().unwrap().file_name().unwrap().to_str().unwrap().to_owned()
    };
    let longest = "x".repeat(255);
    assert_eq!(part(&longest), longest);
    for name in ["x".repeat(256), "é".repeat(200), "☃".repeat(100)] {
        let (one, other) = (part(&name), part(&format!("{name}y")));
        assert!(one.len() <= 255 && other.len() <= 255 && one.len() > 240, "{one}");
        assert_ne!(one, other);
        assert_eq!(one.split_once('-').unwrap().1.len(), 16);
        assert_eq!(part(&name), one);
    }
}
