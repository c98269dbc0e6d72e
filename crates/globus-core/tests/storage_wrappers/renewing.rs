//! Renewing authorizers over a validating storage.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use globus_core::api_error::{ErrorContext, Service};
use globus_core::storage::{
    CachedTokenStorage, MemoryTokenStorage, NotExpired, StoreKind, UnchangingIdentity, ValidatingTokenStorage,
};
use globus_core::token::Grant;
use globus_core::{
    ApiError, Authorizer, Clock, ManualClock, RefreshToken, RefreshTokenAuthorizer, Result, Storage,
    TokenData, TokenGrants, TokenResponse,
};

use crate::support::soon;

const NOW: i64 = 1_700_000_000;

/// A token endpoint that takes one refresh token.
#[derive(Clone, Debug)]
struct Endpoint {
    takes: &'static str,
    asked: Arc<Mutex<Vec<String>>>,
    clock: ManualClock,
}

impl TokenGrants for Endpoint {
    async fn refresh(&self, refresh_token: &RefreshToken) -> Result<TokenResponse> {
        self.asked.lock().unwrap().push(refresh_token.expose().to_owned());
        if refresh_token.expose() != self.takes {
            return Err(invalid_grant());
        }
        let body =
            br#"{"access_token": "NEW", "refresh_token": "RT-NEW", "scope": "all", "resource_server": "rs",
            "expires_in": 3600, "token_type": "Bearer"}"#;
        Ok(TokenResponse::parse(Grant::RefreshToken, body, self.clock.now())?)
    }

    async fn client_credentials(&self, _: &globus_core::Scopes) -> Result<TokenResponse> {
        unreachable!("nobody asks for it")
    }
}

fn invalid_grant() -> globus_core::Error {
    let context = ErrorContext {
        service: Service::Auth,
        method: http::Method::POST,
        url: "https://auth.globus.org/v2/oauth2/token".parse().unwrap(),
        authorization_scheme: None,
    };
    let headers = http::HeaderMap::from_iter([(
        http::header::CONTENT_TYPE,
        http::HeaderValue::from_static("application/json"),
    )]);
    let body = r#"{"error": "invalid_grant", "error_description": "it is spent"}"#;
    ApiError::from_response(context, http::StatusCode::BAD_REQUEST, headers, body.into()).into()
}

/// A token whose time is over is what there is to renew, and so it is found and replaced whatever the validators.
#[tokio::test]
async fn an_expired_token_is_renewed_through_a_storage_that_gives_out_none() {
    for (takes, asked) in [("RT0", vec!["RT0"]), ("RT-ROTATED", vec!["RT0", "RT-ROTATED"])] {
        for through_a_cache in [false, true] {
            let clock = ManualClock::at(NOW);
            let memory = MemoryTokenStorage::new();
            let validating = ValidatingTokenStorage::new(memory.clone())
                .validator(NotExpired::new().clock(clock.clone()))
                .validator(UnchangingIdentity);
            // Another process has rotated the refresh token, and that access token is over too.
            let stored =
                TokenData::new("rs", "all", "OLD", NOW - 1).with_identity_id("A").with_refresh_token(takes);
            let raw = Storage::from(memory);
            raw.store(vec![stored], StoreKind::Login).await.unwrap();

            let endpoint = Endpoint { takes, asked: Arc::default(), clock: clock.clone() };
            let mut builder = RefreshTokenAuthorizer::builder("RT0", &endpoint)
                .access_token("OLD", NOW - 1)
                .resource_server("rs")
                .clock(clock.clone());
            builder = if through_a_cache {
                builder.on_refresh(CachedTokenStorage::new(validating.clone()))
            } else {
                builder.on_refresh(validating.clone())
            };
            let authorizer = Authorizer::from(builder.build().unwrap());
            let header = soon(authorizer.authorization()).await.unwrap();
            assert_eq!(header.header().unwrap().to_str().unwrap(), "Bearer NEW");
            soon(authorizer.settle()).await.unwrap();
            assert_eq!(*endpoint.asked.lock().unwrap(), asked);

            let kept = Storage::from(validating.clone()).get("rs").await.unwrap().unwrap();
            assert_eq!(kept.access_token.expose(), "NEW");
            assert_eq!(kept.identity_id.as_deref(), Some("A"));
        }
    }
}

/// A logout elsewhere during the renewal stays: what is stored there is the record that was read, or nothing is.
#[tokio::test]
async fn a_renewal_is_of_the_expired_record_and_of_no_other() {
    let clock = ManualClock::at(NOW);
    let validating = ValidatingTokenStorage::new(MemoryTokenStorage::new())
        .validator(NotExpired::new().clock(clock.clone()));
    let storage = Storage::from(validating.clone());
    let expired = TokenData::new("rs", "all", "OLD", NOW - 1).with_refresh_token("RT0");
    storage.store(vec![expired.clone()], StoreKind::Login).await.unwrap();
    clock.advance(Duration::from_secs(1));
    assert!(storage.get_fresh("rs").await.unwrap_err().is_validation());
    let read = storage.get_for_refresh("rs").await.unwrap().unwrap();
    assert_eq!(read, expired);
    storage.remove("rs").await.unwrap();
    let answer = TokenData::new("rs", "all", "NEW", NOW + 3600).with_refresh_token("RT1");
    let error = storage.store(vec![answer], StoreKind::RefreshOf(read.generation())).await.unwrap_err();
    assert!(error.is_conflict());
    assert!(storage.get_for_refresh("rs").await.unwrap().is_none());
}
