//! A marker stands for every secret. It must not show in any form of any public type, nor in the log.

#![cfg(feature = "reqwest")]
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod log_lines;

use std::error::Error as StdError;
use std::fmt::{self, Debug};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use globus_core::api_error::{ErrorContext, Service};
use globus_core::config::Variables;
use globus_core::secret::{AuthorizationCode, ClientSecret, CodeVerifier, IdToken};
use globus_core::storage::StorageErrorKind;
use globus_core::token::{Grant, MalformedTokenResponse};
use globus_core::transport::{Body, Request, Response, TransportError, TransportErrorKind};
use globus_core::{
    AccessToken, AccessTokenAuthorizer, ApiError, Authorization, Authorizer, BaseClient, BasicAuthorizer,
    ClientCredentialsAuthorizer, ConfidentialGrants, Environment, Error, OnRefresh, RefreshToken,
    RefreshTokenAuthorizer, RetryPolicy, Scopes, StorageError, Timestamp, TokenData, TokenGrants,
    TokenResponse,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::log_lines::Lines;

/// The secret. Also looked for in parts, so that a text that is cut short does not hide it, and in base64.
const MARKER: &str = "AgMarkerOfTheSecret";
const PART: &str = "Marker";
const ENCODED: &str = "TWFya2Vy";

fn check(what: &str, shown: &str) {
    assert!(!shown.contains(PART) && !shown.contains(ENCODED), "{what} shows a secret: {shown}");
}

fn quiet(value: &impl Debug) {
    let shown = format!("{value:?} {value:#?}");
    assert!(!shown.trim().is_empty());
    check(std::any::type_name_of_val(value), &shown);
}

fn quiet_error(error: &(impl StdError + 'static)) {
    quiet(error);
    let all = std::iter::successors(Some(error as &(dyn StdError + 'static)), |cause| (*cause).source());
    for cause in all {
        check("a cause", &format!("{cause} {cause:?} {cause:#?}"));
    }
}

/// A login client whose answers are scripted by number.
#[derive(Clone)]
struct Login(Arc<dyn Fn(usize) -> Result<TokenResponse, Error> + Send + Sync>, Arc<AtomicUsize>);

impl Login {
    fn new(script: impl Fn(usize) -> Result<TokenResponse, Error> + Send + Sync + 'static) -> Self {
        Self(Arc::new(script), Arc::default())
    }

    fn next(&self) -> Result<TokenResponse, Error> {
        (self.0)(self.1.fetch_add(1, Ordering::SeqCst))
    }
}

impl Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login")
    }
}

impl TokenGrants for Login {
    async fn refresh(&self, _: &RefreshToken) -> Result<TokenResponse, Error> {
        self.next()
    }

    async fn client_credentials(&self, _: &Scopes) -> Result<TokenResponse, Error> {
        self.next()
    }
}

impl ConfidentialGrants for Login {}

/// A token endpoint's answer, every token of it marked.
fn body(expires_in: i64, number: usize) -> String {
    format!(
        r#"{{"access_token": "{MARKER}-{number}", "refresh_token": "{MARKER}R{number}", "id_token": "{MARKER}I",
        "scope": "all", "resource_server": "rs", "expires_in": {expires_in}, "token_type": "Bearer"}}"#
    )
}

fn response(expires_in: i64, number: usize) -> TokenResponse {
    TokenResponse::parse(Grant::RefreshToken, body(expires_in, number).as_bytes(), Timestamp::now()).unwrap()
}

fn marked_headers() -> HeaderMap {
    HeaderMap::from_iter([
        (http::header::AUTHORIZATION, HeaderValue::from_static("Bearer AgMarker")),
        (http::header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (http::header::SET_COOKIE, HeaderValue::from_static("session=AgMarker")),
    ])
}

fn api_error(body: &str) -> ApiError {
    let context = ErrorContext {
        service: Service::Auth,
        method: Method::POST,
        url: format!("https://user:{MARKER}@auth.example.org/token?code={MARKER}#{MARKER}").parse().unwrap(),
        authorization_scheme: Some("Basic"),
    };
    ApiError::from_response(context, StatusCode::BAD_REQUEST, marked_headers(), body.to_owned().into())
}

fn invalid_grant() -> ApiError {
    api_error(&format!(r#"{{"error": "invalid_grant", "refresh_token": "{MARKER}", "x": ["{MARKER}"]}}"#))
}

#[test]
fn secrets_and_tokens() {
    quiet(&AccessToken::new(MARKER));
    quiet(&RefreshToken::new(MARKER));
    quiet(&ClientSecret::new(MARKER));
    quiet(&IdToken::new(MARKER));
    quiet(&AuthorizationCode::new(MARKER));
    quiet(&CodeVerifier::new(MARKER));

    let response = response(3600, 1);
    quiet(&response);
    quiet(response.by_resource_server());
    quiet(&response.by_scopes());
    let mut token = response.by_resource_server()["rs"].clone();
    token.extra.insert("other".into(), MARKER.into());
    quiet(&token);
    quiet(&token.generation());
    quiet_error(&response.by_scopes().get("absent").unwrap_err());

    for damage in [
        body(1, 1).replace(r#""scope": "all","#, ""),
        body(1, 1).replace(r#""expires_in": 1"#, &format!(r#""expires_in": "{MARKER}""#)),
        format!("[{}]", body(1, 1)),
        format!("{MARKER} {}", body(1, 1)),
        format!(r#"{{"access_token": "{MARKER}"#),
    ] {
        let now = Timestamp::now();
        let error: MalformedTokenResponse =
            TokenResponse::parse(Grant::RefreshToken, damage.as_bytes(), now).unwrap_err();
        quiet_error(&error);
        quiet_error(&Error::from(error));
        let error = TokenData::from_record(damage.as_bytes()).unwrap_err();
        quiet_error(&error);
        quiet_error(&StorageError::from(error));
    }
}

#[test]
fn errors() {
    let api = invalid_grant();
    quiet_error(&api);
    quiet_error(&Error::from(api));
    quiet_error(&Error::login_required(Some("rs".into()), invalid_grant().into()));
    let html = api_error(&format!("<html>{MARKER}</html>"));
    quiet(&html.info());
    quiet_error(&Error::from(html));
    quiet_error(&Error::from(TransportError::new(TransportErrorKind::Connect).with_detail("detail")));
    quiet_error(&StorageError::new(StorageErrorKind::NoSuchToken));
    for wrong in [format!("{MARKER}\n"), format!("{MARKER}\u{e9}")] {
        quiet_error(&Authorization::bearer(&AccessToken::new(wrong)).unwrap_err());
    }
}

#[test]
fn authorizers_and_their_builders() {
    let login = Login::new(|number| Ok(response(3600, number)));
    quiet(&Authorization::bearer(&AccessToken::new(MARKER)).unwrap());
    quiet(&AccessTokenAuthorizer::new(MARKER));
    quiet(&AccessTokenAuthorizer::new(format!("{MARKER}\n")));
    // Encoded with the marker at the start of a group of three bytes.
    quiet(&BasicAuthorizer::new("user", "..Marker"));
    quiet(&Authorizer::from(BasicAuthorizer::new("user", "..Marker")));

    let ok = |_: &TokenResponse| Ok::<_, std::io::Error>(());
    quiet(&OnRefresh::function(ok));
    let builder = RefreshTokenAuthorizer::builder(MARKER, &login).access_token(MARKER, i64::MAX);
    quiet(&builder);
    let authorizer = builder.on_refresh_fn(ok).build().unwrap();
    quiet(&authorizer);
    quiet(&Authorizer::from(&authorizer));
    let held = authorizer.held();
    assert_eq!(held.access_token.as_ref().unwrap().expose(), MARKER);
    quiet(&held);
    let builder = ClientCredentialsAuthorizer::builder(&login, "all").access_token(MARKER, i64::MAX);
    quiet(&builder);
    quiet(&builder.build().unwrap());

    let token = TokenData::new("rs", "all", MARKER, 1);
    quiet_error(&RefreshTokenAuthorizer::from_tokens(&token, &login).unwrap_err());
    let wrong = RefreshTokenAuthorizer::builder("RT", &login).access_token(format!("{MARKER}\n"), 1);
    quiet_error(&wrong.build().unwrap_err());
}

#[test]
fn clients_calls_and_messages() {
    let variables = Variables::from_iter([("GLOBUS_SDK_SERVICE_URL_TRANSFER", MARKER), ("OTHER", MARKER)]);
    quiet(&variables);
    let builder = BaseClient::builder()
        .base_url("https://service.example.org/")
        .variables(variables)
        .authorizer(AccessTokenAuthorizer::new(MARKER));
    quiet(&builder);
    let client = builder.build().unwrap();
    quiet(&client);
    let call = client
        .request(Method::POST, "/x")
        .query("code", MARKER)
        .header("x-own", MARKER)
        .form([("client_secret", MARKER)])
        .carries_secret();
    quiet(&call);
    quiet(&client.request(Method::GET, format!("https://u:{MARKER}@service.example.org/?t={MARKER}")));
    for wrong in [format!("https://u:{MARKER}@x/"), format!("https://x/?t={MARKER}"), format!("x{MARKER}")] {
        let builder = BaseClient::builder().base_url(wrong).environment(Environment::production());
        quiet_error(&builder.build().unwrap_err());
    }

    let url = format!("https://u:{MARKER}@service.example.org/?t={MARKER}").parse().unwrap();
    let mut request = Request::new(Method::POST, url);
    request.headers = marked_headers();
    request.body = MARKER.into();
    quiet(&request);
    quiet(&Response::new(StatusCode::OK, marked_headers(), Body::full(MARKER)));
    quiet(&Body::full(MARKER));
}

/// A service that answers with these, one after the other, whatever it is asked.
async fn service(answers: Vec<String>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        for answer in answers {
            let (mut connection, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(connection.read_u8().await.unwrap());
            }
            connection.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    address
}

fn answer(status: &str, more: &str) -> String {
    let body = format!(r#"{{"access_token": "{MARKER}", "message": 7}}"#);
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\
         Set-Cookie: s={MARKER}\r\n{more}\r\n{body}",
        body.len()
    )
}

#[tokio::test]
async fn the_log() {
    let lines = Lines::default();
    // For the whole process: other threads take part.
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_ansi(false);
    tracing::subscriber::set_global_default(subscriber.with_writer(lines.clone()).finish()).unwrap();

    // Renewals that succeed, fail in every way, are refused and cannot be stored.
    let login = Login::new(|number| match number {
        0 => Err(TransportError::new(TransportErrorKind::Connect).into()),
        1 => Err(api_error(&format!(r#"{{"error": "server_error", "token": "{MARKER}"}}"#)).into()),
        2 => Ok(response(0, number)),
        3 => Err(invalid_grant().into()),
        _ => Ok(response(3600, number)),
    });
    let full = |_: &TokenResponse| Err(std::io::Error::from(std::io::ErrorKind::StorageFull));
    let builder = RefreshTokenAuthorizer::builder(MARKER, &login).access_token(MARKER, 1);
    let renewing = builder.on_refresh_fn(full).build().unwrap();
    for _ in 0..8 {
        match Authorizer::from(&renewing).authorization().await {
            Ok(header) => drop(Authorizer::from(&renewing).rejected(&header)),
            Err(error) => quiet_error(&error),
        }
        if let Err(error) = renewing.settle().await {
            quiet_error(&error);
        }
    }
    quiet(&renewing.pending_persist().unwrap());

    // Calls through the real transport: answered, refused, repeated, redirected, broken.
    let address = service(vec![
        answer("200 OK", "Date: Tue, 14 Nov 2023 22:13:20 GMT\r\n"),
        answer("401 Unauthorized", ""),
        answer("503 Service Unavailable", ""),
        answer("302 Found", &format!("Location: /y?t={MARKER}\r\n")),
        answer("200 OK", ""),
        answer("400 Bad Request", ""),
        answer("500 Internal Server Error", ""),
    ])
    .await;
    let policy = RetryPolicy::default().constant_backoff(Duration::ZERO).max_retries(2);
    let client = BaseClient::builder().base_url(address).variables(Variables::none()).authorizer(&renewing);
    let client = client.retry(policy).build().unwrap();
    let call = || client.request(Method::GET, "/x").query("t", MARKER).header("x-own", MARKER);
    let first = call().send().await.unwrap();
    quiet(&first);
    quiet(&call().send_raw().await.unwrap());
    quiet_error(&call().send().await.unwrap_err());
    quiet_error(&call().idempotent(false).send_as::<Vec<u8>>().await.unwrap_err());
    // Nobody answers any more.
    quiet_error(&call().json(&[MARKER]).with_timeout(Duration::from_secs(60)).send().await.unwrap_err());

    let log = lines.text();
    check("the log", &log);
    for line in ["renewing a token failed", "could not be stored", "refused the access token", "trying again"]
    {
        assert!(log.contains(line), "the log lacks {line:?}: {log}");
    }
}
