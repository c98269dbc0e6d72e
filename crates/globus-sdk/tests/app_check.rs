//! Checks of credentials, against services that answer as told.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::needless_pass_by_value, missing_docs)]

mod playback;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use globus_sdk::app::{Answer, Lapse, LapseReason, Verdict};
use globus_sdk::scopes::TransferScopes;
use globus_sdk::storage::StoreKind;
use globus_sdk::transport::{Body, Request, Response, Transport, TransportError, TransportErrorKind};
use globus_sdk::{
    ClientApp, ManualClock, MemoryTokenStorage, RetryPolicy, Storage, Timestamp, TokenData, UserApp,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

const CLIENT: &str = "61338d24-54d5-408f-a10d-66c06b59f6d2";
const ME: &str = "11111111-1111-1111-1111-111111111111";
const POLICY: &str = "22222222-2222-2222-2222-222222222222";
const AUTH: &str = "auth.globus.org";
const TRANSFER: &str = "transfer.api.globus.org";
const ALL: &str = "urn:globus:auth:scope:transfer.api.globus.org:all";
const PLAIN: Uuid = Uuid::from_u128(0xa);
const MAPPED: Uuid = Uuid::from_u128(0xb);
const START: i64 = 1_700_000_000;
const HOUR: i64 = 3600;

/// Answers by path; whatever is not told is out of reach.
#[derive(Debug, Clone, Default)]
struct Services(Arc<Mutex<Told>>);

#[derive(Debug, Default)]
struct Told {
    answers: HashMap<String, (u16, Value)>,
    asked: Vec<(String, String)>,
}

impl Services {
    fn tell(&self, path: impl Into<String>, status: u16, answer: Value) {
        self.0.lock().unwrap().answers.insert(path.into(), (status, answer));
    }

    /// How often this was asked.
    fn asked(&self, path: &str) -> usize {
        self.0.lock().unwrap().asked.iter().filter(|(asked, _)| asked == path).count()
    }

    fn bodies(&self, path: &str) -> Vec<String> {
        let asked = &self.0.lock().unwrap().asked;
        asked.iter().filter(|(asked, _)| asked == path).map(|(_, body)| body.clone()).collect()
    }

    fn collection(&self, id: Uuid, document: Value) {
        let mut whole = json!({"id": id, "entity_type": "GCSv5_guest_collection", "high_assurance": false});
        whole.as_object_mut().unwrap().extend(document.as_object().unwrap().clone());
        self.tell(format!("/v0.10/endpoint/{id}"), 200, whole);
    }
}

impl Transport for Services {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let mut told = self.0.lock().unwrap();
        let path = request.url.path().to_owned();
        told.asked.push((path.clone(), String::from_utf8_lossy(&request.body).into_owned()));
        let Some((status, answer)) = told.answers.get(&path) else {
            return Err(TransportError::new(TransportErrorKind::Connect));
        };
        let json = HeaderValue::from_static("application/json");
        let headers = HeaderMap::from_iter([(http::header::CONTENT_TYPE, json)]);
        let status = StatusCode::from_u16(*status).unwrap();
        Ok(Response::new(status, headers, Body::full(answer.to_string())))
    }
}

const TOKEN: &str = "/v2/oauth2/token";
const INTROSPECT: &str = "/v2/oauth2/token/introspect";
const USERINFO: &str = "/v2/oauth2/userinfo";

fn consents() -> String {
    format!("/v2/api/identities/{ME}/consents")
}

struct Setup {
    services: Services,
    clock: ManualClock,
    storage: Storage,
}

/// Somebody has logged in an hour ago; Globus Auth renews, and Transfer knows a collection that asks for nothing.
async fn setup() -> Setup {
    let services = Services::default();
    services.collection(PLAIN, json!({}));
    services.tell(USERINFO, 200, json!({"sub": ME, "last_authentication": START - HOUR}));
    services.tell(
        TOKEN,
        200,
        json!({
            "access_token": "AgRenewed", "refresh_token": "AgRotated", "expires_in": 48 * HOUR, "scope": ALL,
            "resource_server": TRANSFER, "token_type": "Bearer",
        }),
    );
    let storage = Storage::from(MemoryTokenStorage::new());
    let token = |server: &str, scope: &str| {
        TokenData::new(server, scope, format!("AgAccess-{server}"), START + 47 * HOUR)
            .with_refresh_token("AgRefresh")
            .with_identity_id(ME)
    };
    storage.store(vec![token(AUTH, "openid profile"), token(TRANSFER, ALL)], StoreKind::Login).await.unwrap();
    Setup { services, clock: ManualClock::at(START), storage }
}

impl Setup {
    fn app_with(&self, refresh_tokens: bool, secret: Option<&str>) -> UserApp {
        let mut builder = UserApp::builder("check-test")
            .client_id(CLIENT)
            .token_storage(&self.storage)
            .transport(self.services.clone())
            .clock(self.clock.clone())
            .retry(RetryPolicy::never())
            .request_refresh_tokens(refresh_tokens)
            .scope_requirements(TRANSFER, ALL)
            .never_prompt();
        if let Some(secret) = secret {
            builder = builder.client_secret(secret).redirect_uri("https://portal.example.org/");
        }
        builder.build().unwrap()
    }

    fn app(&self) -> UserApp {
        self.app_with(true, None)
    }

    async fn transfer(&self, hours: u64, collections: &[Uuid]) -> Verdict {
        checked(
            self.app().check().for_duration(hours_of(hours)).transfer(collections.to_vec()).await.unwrap(),
        )
    }

    async fn change(&self, server: &str, change: impl FnOnce(&mut TokenData)) {
        let mut token = self.storage.get(server).await.unwrap().unwrap();
        change(&mut token);
        self.storage.store(vec![token], StoreKind::Login).await.unwrap();
    }

    fn protect(&self, more: Value) {
        let mut document = json!({
            "entity_type": "GCSv5_mapped_collection", "high_assurance": true,
            "authentication_timeout_mins": 72 * 60, "authentication_policy_id": POLICY,
        });
        document.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.services.collection(MAPPED, document);
        self.services.tell(ls(MAPPED), 200, json!({"DATA": []}));
    }
}

fn ls(collection: Uuid) -> String {
    format!("/v0.10/operation/endpoint/{collection}/ls")
}

fn hours_of(hours: u64) -> Duration {
    Duration::from_secs(hours * 3600)
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// A verdict, after a look whether it shows a token.
fn checked(verdict: Verdict) -> Verdict {
    let shown = format!("{verdict}\n{verdict:?}\n{}", serde_json::to_string(&verdict).unwrap());
    for secret in ["AgAccess", "AgRefresh", "AgRenewed", "AgRotated", "secret of"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    verdict
}

fn reasons(verdict: &Verdict) -> Vec<LapseReason> {
    verdict.lapses.iter().map(|lapse| lapse.reason).collect()
}

fn only(verdict: &Verdict) -> &Lapse {
    assert_eq!(verdict.lapses.len(), 1, "{verdict:?}");
    assert_eq!(verdict.answer, Answer::No);
    verdict.first_lapse().unwrap()
}

#[tokio::test]
async fn a_login_that_renews_itself_outlasts_its_access_tokens() {
    let setup = setup().await;
    let verdict = setup.transfer(96, &[PLAIN]).await;
    assert!(verdict.is_positive(), "{verdict}");
    assert_eq!(verdict.asked_until, at(START + 96 * HOUR));
    assert!(verdict.to_string().starts_with("yes, until 2023-11-18T22:13:20Z"), "{verdict}");
    // It was proved by a renewal, which was kept.
    assert_eq!(setup.services.asked(TOKEN), 1);
    let kept = setup.storage.get(TRANSFER).await.unwrap().unwrap();
    assert_eq!(kept.access_token.expose(), "AgRenewed");
    assert_eq!(kept.refresh_token.unwrap().expose(), "AgRotated");
    assert_eq!(kept.identity_id.as_deref(), Some(ME));
    assert_eq!(setup.services.asked(USERINFO), 0, "nothing about the session is needed");
}

#[tokio::test]
async fn without_renewing_it_stays_open_whether_the_login_can_be() {
    let setup = setup().await;
    let app = setup.app();
    let verdict = app.check().without_renewal().for_duration(hours_of(96)).transfer([PLAIN]).await.unwrap();
    assert_eq!(checked(verdict.clone()).answer, Answer::Unknown);
    assert!(verdict.unknown[0].what.contains("can still be renewed"), "{verdict}");
    assert!(verdict.to_string().contains("not found out"), "{verdict}");
    let verdict = app.check().without_renewal().for_duration(hours_of(40)).transfer([PLAIN]).await.unwrap();
    assert!(verdict.is_positive(), "the access token lasts that long, and Transfer took it: {verdict}");
    assert_eq!(setup.services.asked(TOKEN), 0);
}

#[tokio::test]
async fn a_dead_refresh_token_lapses_when_the_access_token_does() {
    let setup = setup().await;
    setup.services.tell(TOKEN, 400, json!({"error": "invalid_grant"}));
    let verdict = setup.transfer(96, &[PLAIN]).await;
    let lapse = only(&verdict);
    assert_eq!((lapse.reason, lapse.at), (LapseReason::RefreshTokenDead, at(START + 47 * HOUR)));
    assert!(verdict.to_string().starts_with("no, only until"), "{verdict}");
    assert!(setup.transfer(40, &[PLAIN]).await.is_positive());

    setup.change(TRANSFER, |token| token.expires_at_seconds = START - 1).await;
    let verdict = setup.transfer(1, &[PLAIN]).await;
    assert_eq!(only(&verdict).at, at(START));
    assert!(verdict.to_string().starts_with("no, already now"), "{verdict}");
}

#[tokio::test]
async fn what_no_service_answers_is_unknown_and_never_a_yes() {
    let setup = setup().await;
    setup.services.0.lock().unwrap().answers.clear();
    let verdict = setup.transfer(96, &[PLAIN]).await;
    assert_eq!(verdict.answer, Answer::Unknown);
    let what: Vec<&str> = verdict.unknown.iter().map(|unknown| unknown.what.as_str()).collect();
    assert_eq!(what.len(), 3, "{what:?}");
    assert!(
        what[0].contains("renewed")
            && what[1].contains(&PLAIN.to_string())
            && what[2].contains("access token")
    );
}

#[tokio::test]
async fn an_access_token_alone_ends() {
    let setup = setup().await;
    let app = setup.app_with(false, None);
    let verdict = checked(app.check().for_duration(hours_of(48)).transfer([PLAIN]).await.unwrap());
    let lapse = only(&verdict);
    assert_eq!((lapse.reason, lapse.at), (LapseReason::AccessTokenEnds, at(START + 47 * HOUR)));
    assert!(app.check().for_duration(hours_of(46)).transfer([PLAIN]).await.unwrap().is_positive());
    assert_eq!(setup.services.asked(TOKEN), 0);

    setup.services.tell(format!("/v0.10/endpoint/{PLAIN}"), 401, json!({"code": "AuthenticationFailed"}));
    let verdict = app.check().transfer([PLAIN]).await.unwrap();
    assert_eq!(only(&verdict).reason, LapseReason::TokenRefused);
    assert!(verdict.unknown.is_empty(), "{verdict}");
}

#[tokio::test]
async fn the_first_of_several_things_is_named_first() {
    let setup = setup().await;
    setup.change(TRANSFER, |token| token.expires_at_seconds = START + 20 * HOUR).await;
    setup.services.collection(
        MAPPED,
        json!({"entity_type": "GCSv5_mapped_collection", "high_assurance": true, "authentication_timeout_mins": 600}),
    );
    setup.services.tell(ls(MAPPED), 200, json!({"DATA": []}));
    let app = setup.app_with(false, None);
    let verdict = app.check().for_duration(hours_of(48)).transfer([MAPPED]).await.unwrap();
    assert_eq!(reasons(&verdict), [LapseReason::SessionTooOld, LapseReason::AccessTokenEnds]);
    let session = verdict.first_lapse().unwrap();
    assert_eq!(session.at, at(START + 9 * HOUR));
    let login = session.login.as_ref().unwrap();
    assert_eq!(login.session_required_identities.as_deref(), Some(&[ME.to_owned()][..]));
    assert_eq!(login.prompt.as_deref(), Some("login"));
}

#[tokio::test]
async fn nobody_has_logged_in_or_not_for_this() {
    let setup = setup().await;
    let app = setup.app();
    let verdict = app.check().scopes("groups", "view manage").await.unwrap();
    let lapse = only(&verdict);
    assert_eq!((lapse.reason, lapse.concerns.as_str()), (LapseReason::NoToken, "groups"));
    assert_eq!(lapse.login.as_ref().unwrap().scopes_to_request().as_str(), "view manage");
    let verdict = app.check().scopes(TRANSFER, format!("{ALL} *refused {ALL}_but_more")).await.unwrap();
    assert_eq!(only(&verdict).reason, LapseReason::MissingScopes);
    assert!(only(&verdict).next_step.contains("_but_more"), "{verdict}");

    setup.change(TRANSFER, |token| token.refresh_token = None).await;
    assert_eq!(only(&setup.transfer(1, &[PLAIN]).await).reason, LapseReason::NoRefreshToken);
    setup.change(AUTH, |token| token.identity_id = Some("somebody else".to_owned())).await;
    assert_eq!(only(&setup.transfer(1, &[PLAIN]).await).reason, LapseReason::SeveralIdentities);
}

#[tokio::test]
async fn missing_consents_are_found_where_the_collection_needs_them() {
    let setup = setup().await;
    setup.services.collection(MAPPED, json!({"entity_type": "GCSv5_mapped_collection"}));
    let consent = |id: i64, path: &[i64], scope: &str| {
        let time = "2025-02-03T04:05:06Z";
        json!({
            "id": id, "dependency_path": path, "scope_name": scope, "client": CLIENT, "scope": ME,
            "effective_identity": ME, "created": time, "updated": time, "last_used": null, "status": "approved",
            "allows_refresh": true, "auto_approved": false, "atomically_revocable": false,
        })
    };
    setup.services.tell(consents(), 200, json!({"consents": [consent(1, &[1], ALL)]}));
    let verdict = setup.transfer(1, &[PLAIN, MAPPED]).await;
    let lapse = only(&verdict);
    assert_eq!((lapse.reason, lapse.at), (LapseReason::ConsentMissing, at(START)));
    let scope = TransferScopes::with_data_access([MAPPED]);
    assert_eq!(lapse.login.as_ref().unwrap().scopes_to_request().as_str(), scope.to_string());

    let data_access = scope.dependencies()[0].name().to_owned();
    let both = json!({"consents": [consent(1, &[1], ALL), consent(2, &[1, 2], &data_access)]});
    setup.services.tell(consents(), 200, both);
    assert!(setup.transfer(1, &[PLAIN, MAPPED]).await.is_positive());
    setup.services.tell(consents(), 403, json!({"errors": [{"code": "FORBIDDEN", "detail": "no"}]}));
    let verdict = setup.transfer(1, &[MAPPED]).await;
    assert_eq!(verdict.answer, Answer::Unknown);
    assert!(verdict.unknown[0].what.contains("consents"), "{verdict}");
}

#[tokio::test]
async fn the_age_of_the_session_counts_for_protected_collections() {
    let setup = setup().await;
    setup.protect(json!({}));
    let verdict = setup.transfer(96, &[PLAIN, MAPPED]).await;
    let lapse = only(&verdict);
    assert_eq!((lapse.reason, lapse.at), (LapseReason::SessionTooOld, at(START + 71 * HOUR)));
    assert_eq!(lapse.concerns, MAPPED.to_string());
    let login = lapse.login.as_ref().unwrap();
    assert_eq!(login.session_required_policies.as_deref(), Some(&[POLICY.to_owned()][..]));
    assert!(setup.transfer(48, &[PLAIN, MAPPED]).await.is_positive());
    assert_eq!(setup.services.asked(&ls(MAPPED)), 2, "whether the policy is met is tried");
    assert_eq!(setup.services.asked(&ls(PLAIN)), 0);

    setup.clock.advance(hours_of(80));
    let verdict = setup.transfer(1, &[MAPPED]).await;
    assert_eq!(only(&verdict).at, at(START + 71 * HOUR));
    assert!(verdict.to_string().starts_with("no, already now"), "{verdict}");
}

#[tokio::test]
async fn a_session_of_which_nothing_is_told_is_unknown_unless_the_login_is_remembered() {
    let setup = setup().await;
    setup.protect(json!({}));
    setup.services.tell(USERINFO, 200, json!({"sub": ME}));
    let verdict = setup.transfer(48, &[MAPPED]).await;
    assert_eq!(verdict.answer, Answer::Unknown);
    assert!(verdict.to_string().contains("`profile`"), "{verdict}");
    let remembered = json!({"at": START, "authenticated_at": START - 2 * HOUR});
    setup.change(AUTH, |token| drop(token.extra.insert("globus_sdk_rs_login".to_owned(), remembered))).await;
    assert!(setup.transfer(48, &[MAPPED]).await.is_positive());
    assert_eq!(only(&setup.transfer(96, &[MAPPED]).await).at, at(START + 70 * HOUR));
}

#[tokio::test]
async fn what_a_collection_requires_when_it_is_tried_is_the_answer() {
    let setup = setup().await;
    setup.protect(json!({}));
    let refusal = |parameters: Value| json!({"code": "AuthorizationRequired", "message": "m", "authorization_parameters": parameters});
    let policy = json!({"session_required_policies": [POLICY], "session_message": "be of \u{1b}[31mthe lab"});
    setup.services.tell(ls(MAPPED), 403, refusal(policy));
    let verdict = setup.transfer(48, &[MAPPED]).await;
    assert_eq!(only(&verdict).reason, LapseReason::PolicyNotMet);
    assert!(only(&verdict).next_step.contains("be of"), "{verdict}");
    assert!(!verdict.to_string().contains('\u{1b}'));
    setup.services.tell(ls(MAPPED), 502, refusal(json!({"session_required_mfa": true})));
    assert_eq!(only(&setup.transfer(48, &[MAPPED]).await).reason, LapseReason::SecondFactorMissing);
    setup.services.tell(ls(MAPPED), 403, json!({"code": "PermissionDenied", "message": "no"}));
    let verdict = setup.transfer(48, &[MAPPED]).await;
    assert_eq!(verdict.answer, Answer::Unknown);
    assert!(verdict.unknown[0].what.contains("lets this login in"), "{verdict}");
}

#[tokio::test]
async fn a_client_with_a_secret_asks_about_the_session_itself() {
    let setup = setup().await;
    setup.protect(json!({"mfa_required": true}));
    let app = setup.app_with(true, Some("secret of the portal"));
    let session = |amr: &[&str], met: bool| {
        json!({
            "active": true, "sub": ME,
            "session_info": {"session_id": "s", "authentications": {ME: {"auth_time": START - 5 * HOUR, "amr": amr}}},
            "policy_evaluations": {POLICY: {"evaluation": met}},
        })
    };
    let check = async |hours: u64| {
        checked(app.check().for_duration(hours_of(hours)).transfer([MAPPED]).await.unwrap())
    };
    setup.services.tell(INTROSPECT, 200, session(&["pwd", "mfa"], true));
    assert!(check(48).await.is_positive());
    assert_eq!(only(&check(72).await).at, at(START + 67 * HOUR));
    let asked = &setup.services.bodies(INTROSPECT)[0];
    assert!(asked.contains("token=AgRenewed") && asked.contains("include=session_info"), "{asked}");
    assert!(asked.contains(&format!("authentication_policies={POLICY}")), "{asked}");
    assert_eq!(setup.services.asked(&ls(MAPPED)), 0, "nothing needs to be tried");
    assert_eq!(setup.services.asked(USERINFO), 0);
    setup.services.tell(INTROSPECT, 200, session(&["pwd", "mfa"], false));
    assert_eq!(only(&check(48).await).reason, LapseReason::PolicyNotMet);
    setup.services.tell(INTROSPECT, 200, session(&["pwd"], true));
    let verdict = check(48).await;
    assert_eq!(only(&verdict).reason, LapseReason::SecondFactorMissing);
    assert_eq!(only(&verdict).login.as_ref().unwrap().session_required_mfa, Some(true));
}

#[tokio::test]
async fn by_default_it_is_about_what_the_app_needs() {
    let setup = setup().await;
    let app = setup.app_with(false, None);
    let verdict = app.check().for_duration(hours_of(40)).await.unwrap();
    assert_eq!(verdict.answer, Answer::Unknown, "only use tells whether Transfer takes the token");
    assert_eq!(verdict.unknown.len(), 1, "{verdict}");
    assert!(verdict.unknown[0].what.contains(TRANSFER));
    setup.services.tell(USERINFO, 401, json!({"errors": [{"code": "UNAUTHORIZED"}]}));
    let verdict = app.check().await.unwrap();
    assert_eq!((only(&verdict).reason, only(&verdict).concerns.as_str()), (LapseReason::TokenRefused, AUTH));
    assert!(app.check().scopes(TRANSFER, "not[readable").await.is_err());
}

#[tokio::test]
async fn a_client_app_asks_for_tokens_and_has_no_session() {
    let setup = setup().await;
    setup.protect(json!({}));
    let app = ClientApp::builder("check-test")
        .client(CLIENT, "secret of the client")
        .token_storage(MemoryTokenStorage::new())
        .transport(setup.services.clone())
        .clock(setup.clock.clone())
        .retry(RetryPolicy::never())
        .scope_requirements(TRANSFER, ALL)
        .build()
        .unwrap();
    let verdict = checked(app.check().for_duration(hours_of(1000)).transfer([PLAIN, MAPPED]).await.unwrap());
    assert!(verdict.is_positive(), "{verdict}");
    assert!(app.token_storage().get_all().await.unwrap().tokens.is_empty(), "nothing is kept");

    let gare = json!({
        "code": "AuthorizationRequired", "authorization_parameters": {"session_required_policies": [POLICY]},
    });
    setup.services.tell(ls(MAPPED), 403, gare);
    let verdict = app.check().transfer([MAPPED]).await.unwrap();
    assert_eq!(only(&verdict).reason, LapseReason::PolicyNotMet);
    assert!(only(&verdict).login.is_none() && only(&verdict).next_step.contains("service account"));

    setup.services.collection(MAPPED, json!({"entity_type": "GCSv5_mapped_collection"}));
    let verdict = app.check().transfer([MAPPED]).await.unwrap();
    assert_eq!(only(&verdict).reason, LapseReason::MissingScopes);
    app.add_scope_requirements(TRANSFER, TransferScopes::with_data_access([MAPPED])).unwrap();
    assert!(app.check().transfer([MAPPED]).await.unwrap().is_positive());

    setup.services.tell(TOKEN, 401, json!({"error": "invalid_client"}));
    let verdict = checked(app.check().transfer([PLAIN]).await.unwrap());
    assert_eq!(only(&verdict).reason, LapseReason::ClientRefused);
    setup.services.tell(TOKEN, 503, json!({}));
    assert_eq!(app.check().transfer([PLAIN]).await.unwrap().answer, Answer::Unknown);
}
