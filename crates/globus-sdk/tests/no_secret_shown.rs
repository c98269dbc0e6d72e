//! Nothing that the SDK makes shows a secret in `Debug`, pretty or not, nor any error in its texts.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod playback;

use std::error::Error as StdError;
use std::fmt::{self, Debug};

use globus_sdk::auth::IdTokenDecoder;
use globus_sdk::{
    AccessTokenAuthorizer, AuthClient, AuthLoginClient, Authorizer, BasicAuthorizer,
    ClientCredentialsAuthorizer, ConfidentialAppAuthClient, Error, LoginError, NativeAppAuthClient,
    RefreshTokenAuthorizer, RetryPolicy, TransferClient, TransferData,
};
use playback::{Playback, Step};
use serde_json::json;
use uuid::Uuid;

/// Every secret here begins with this. In base64, as the header of a confidential client has it, it is looked
/// for too.
const MARK: &str = "AgSecret";
const VERIFIER: &str = "AgSecretVerifier-0123456789-0123456789-0123456789";

#[track_caller]
fn check(shown: &dyn Debug) {
    let text = format!("{shown:?} {shown:#?}");
    assert!(!text.contains(MARK), "{text}");
    // "cid:AgSecret" and what it becomes inside longer texts.
    for encoded in ["Y2lkOkFnU2VjcmV0", "BZ1NlY3JldA", "QWdTZWNyZX"] {
        assert!(!text.contains(encoded), "{text}");
    }
}

/// The whole chain of an error.
#[track_caller]
fn check_error(error: &(dyn StdError + 'static)) {
    let mut next = Some(error);
    while let Some(error) = next {
        check(&format_args!("{error} {error:?} {error:#?}"));
        next = error.source();
    }
}

fn native(playback: &Playback) -> NativeAppAuthClient {
    NativeAppAuthClient::builder("cid")
        .transport(playback.clone())
        .retry(RetryPolicy::never())
        .build()
        .unwrap()
}

fn confidential(playback: &Playback) -> ConfidentialAppAuthClient {
    ConfidentialAppAuthClient::builder("cid", "AgSecretOfClient")
        .transport(playback.clone())
        .retry(RetryPolicy::never())
        .build()
        .unwrap()
}

#[test]
fn clients_and_their_builders() {
    let playback = Playback::default();
    check(&native(&playback));
    check(&NativeAppAuthClient::builder("cid"));
    check(&confidential(&playback));
    check(&ConfidentialAppAuthClient::builder("cid", "AgSecretOfClient"));
    check(&AuthLoginClient::builder().authorizer(BasicAuthorizer::new("cid", "AgSecret")).build().unwrap());
    check(&IdTokenDecoder::new(&confidential(&playback)));
    let authorizer = AccessTokenAuthorizer::new("AgSecretAccess");
    check(&AuthClient::builder().authorizer(authorizer.clone()));
    check(&AuthClient::builder().authorizer(authorizer.clone()).build().unwrap());
    check(&TransferClient::builder().authorizer(authorizer.clone()));
    check(&TransferClient::builder().authorizer(authorizer.clone()).build().unwrap());
    check(&Authorizer::from(authorizer));
}

#[test]
fn authorizers() {
    let login_client = confidential(&Playback::default());
    let refresh = RefreshTokenAuthorizer::builder("AgSecretRefresh", &login_client)
        .access_token("AgSecretAccess", 4_102_444_800);
    check(&refresh);
    let refresh = refresh.build().unwrap();
    check(&refresh);
    check(&refresh.held());
    let credentials = ClientCredentialsAuthorizer::builder(&login_client, "openid")
        .access_token("AgSecretAccess", 4_102_444_800);
    check(&credentials);
    check(&credentials.build().unwrap());
    check(&BasicAuthorizer::new("cid", "AgSecret"));
}

#[test]
fn logins() {
    let (native, confidential) = (native(&Playback::default()), confidential(&Playback::default()));
    let start = native.oauth2_start_flow("openid").verifier(VERIFIER).state("AgSecretState");
    check(&start);
    let flow = start.start().unwrap();
    check(&flow);
    check(&flow.oauth2_get_authorize_url().session_message("AgSecretMessage"));
    check(&flow.code_from("http://localhost/?state=AgSecretState&code=AgSecretCode").unwrap());
    let start = confidential.oauth2_start_flow("https://app.example.org/", "openid").state("AgSecretState");
    check(&start);
    check(&start.start().unwrap());
    for verifier in [format!("{VERIFIER}%"), MARK.to_owned()] {
        check_error(&native.oauth2_start_flow("openid").verifier(verifier).start().unwrap_err());
    }
}

#[tokio::test]
async fn a_credential_that_was_made() {
    let made = json!({"credential": {
        "id": Uuid::nil(), "client": Uuid::nil(), "name": "n", "created": null, "secret": "AgSecretMade",
    }});
    let playback = Playback::new([
        Step::json(200, &made),
        Step::json(200, &json!({"credentials": [made["credential"]]})),
    ]);
    let client = AuthClient::builder()
        .authorizer(AccessTokenAuthorizer::new("AgSecretAccess"))
        .transport(playback)
        .build()
        .unwrap();
    let request = client.create_client_credential(Uuid::nil(), "n").field("secret", "AgSecretWished");
    check(&request);
    let credential = request.send().await.unwrap();
    check(&credential);
    assert_eq!(credential.secret.expose(), "AgSecretMade");
    // What can be written out, to a file or a log, is without the secret.
    assert!(!json!(credential.credential).to_string().contains(MARK));
    // A list has none; if the service told one all the same, it would not show.
    let list = client.get_client_credentials(Uuid::nil()).send().await.unwrap();
    check(&list);
    check(&list.into_inner());
}

#[test]
fn requests_with_secrets_in_them() {
    let (native, confidential) = (native(&Playback::default()), confidential(&Playback::default()));
    check(&native.oauth2_refresh_token("AgSecretRefresh").body_param("x", "AgSecretX"));
    check(&native.oauth2_revoke_token("AgSecretAccess").body_param("x", "AgSecretX"));
    check(&native.oauth2_token([("refresh_token", "AgSecretRefresh")]));
    check(&native.create_native_app_instance(Uuid::nil(), "AgSecretName"));
    check(&confidential.oauth2_get_dependent_tokens("AgSecretAccess"));
    check(&confidential.oauth2_token_introspect("AgSecretAccess").include(["AgSecretInclude"]));
    check(&confidential.oauth2_client_credentials_tokens("openid"));

    let authorizer = AccessTokenAuthorizer::new("AgSecretAccess");
    let transfer = TransferClient::builder().authorizer(authorizer).build().unwrap();
    let call = transfer.request(http::Method::POST, "/x").query("token", "AgSecretQuery");
    check(&call.header("Authorization", "Bearer AgSecretHeader").json(&json!({"token": "AgSecretBody"})));
    check(&transfer.get_task(Uuid::nil()).with_query("token", "AgSecretQuery"));
    check(&transfer.operation_ls(Uuid::nil()).with_header("Authorization", "Bearer AgSecretHeader"));
    check(&transfer.submit_transfer(TransferData::new(Uuid::nil(), Uuid::nil()).submission_id("s")));
}

#[tokio::test]
async fn answers() {
    let tokens = json!({
        "access_token": "AgSecretAccess", "refresh_token": "AgSecretRefresh", "id_token": "AgSecretId",
        "scope": "openid", "expires_in": 100, "token_type": "Bearer", "resource_server": "rs",
        "other_tokens": [{
            "access_token": "AgSecretOther", "scope": "s", "resource_server": "rs2", "expires_in": 1,
            "unknown": "AgSecretUnknown",
        }],
    });
    let instance = json!({
        "client": {"id": "c"}, "included": {"client_credential": {"secret": "AgSecretOfInstance"}},
    });
    let playback = Playback::new([Step::json(200, &tokens), Step::json(200, &instance)]);
    let client = native(&playback);
    let response = client.oauth2_refresh_token("AgSecretRefresh").send().await.unwrap();
    check(&response);
    check(&response.by_resource_server()["rs"]);
    check(&response.by_resource_server().require("AgNone").unwrap_err());
    check(&response.id_token());
    check(&client.create_native_app_instance(Uuid::nil(), "n").send().await.unwrap());
    check(&playback.sent()[0].request);
}

#[tokio::test]
async fn errors() {
    let echo = json!({"error": "invalid_grant", "refresh_token": "AgSecretRefresh", "code": "AgSecretCode"});
    let echo = Step::json(400, &json!({"error": "invalid_grant", "detail": echo}));
    let short = Step::json(200, &json!({"access_token": "AgSecretAccess", "scope": 7}));
    let cut =
        Step::Answer { status: 200, headers: Vec::new(), body: "{\"access_token\": \"AgSecretAcc".into() };
    let silence = Step::recorded(&json!({"exception": "ReadTimeout"}));
    for step in [echo, short, cut, silence] {
        let playback = Playback::new(vec![step; 7]);
        let (native, confidential) = (native(&playback), confidential(&playback));
        check_error(&native.oauth2_refresh_token("AgSecretRefresh").send().await.unwrap_err());
        check_error(&confidential.oauth2_refresh_token("AgSecretRefresh").send().await.unwrap_err());
        check_error(&confidential.oauth2_get_dependent_tokens("AgSecretAccess").send().await.unwrap_err());
        let flow =
            native.oauth2_start_flow("openid").verifier(VERIFIER).state("AgSecretState").start().unwrap();
        let redirected = "http://localhost/?state=AgSecretState&code=AgSecretCode";
        check_error(&flow.finish(redirected).await.unwrap_err());
        check_error(
            &flow.finish("http://localhost/?state=AgSecretOther&code=AgSecretCode").await.unwrap_err(),
        );
        let authorizer = RefreshTokenAuthorizer::new("AgSecretRefresh", &confidential);
        check_error(&authorizer.ensure_valid_token().await.unwrap_err());
    }
}

#[tokio::test]
async fn a_token_that_cannot_be_sent() {
    let playback = Playback::default();
    let transfer = TransferClient::builder()
        .authorizer(AccessTokenAuthorizer::new("AgSecretAccess\n"))
        .transport(playback.clone())
        .build()
        .unwrap();
    let error: Error = transfer.get_task(Uuid::nil()).send().await.unwrap_err();
    assert!(error.is_usage() && playback.sent().is_empty());
    check_error(&error);
}

/// The check itself: it finds what is there to be found.
#[test]
fn the_check_finds_secrets() {
    struct Careless;

    impl Debug for Careless {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Basic Y2lkOkFnU2VjcmV0T2ZDbGllbnQ=")
        }
    }

    assert!(std::panic::catch_unwind(|| check(&MARK)).is_err());
    assert!(std::panic::catch_unwind(|| check(&Careless)).is_err());
    let error = LoginError::Refused { error: "AgSecretCode".to_owned(), description: None };
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check_error(&error))).is_err());
}
