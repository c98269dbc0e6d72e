use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use globus_sdk::auth::caller::{DependentAuthorizer, DependentTokens, Refusal, RefusalKind, TokenChecker};
use globus_sdk::{AccessToken, Authorizer, ManualClock, RetryPolicy, TransferClient};
use http::StatusCode;
use serde_json::{Value, json};

use super::playback::{Playback, Step};
use super::{NOW, SCOPE, TOKEN, client, clock, introspection, introspections, trades};

pub(crate) const TRANSFER: &str = "transfer.api.globus.org";
const GROUPS: &str = "groups.api.globus.org";

/// Tokens of these resource servers, good for an hour; the scope is `<resource server>:all`.
pub(crate) fn granted(tokens: &[(&str, &str)]) -> Step {
    lasting(tokens, 3600)
}

fn lasting(tokens: &[(&str, &str)], expires_in: u32) -> Step {
    let document = |(server, token): &(&str, &str)| {
        json!({
            "access_token": token, "scope": format!("{server}:all"), "expires_in": expires_in,
            "token_type": "Bearer", "resource_server": server,
        })
    };
    Step::json(200, &tokens.iter().map(document).collect::<Value>())
}

fn consent_required() -> Step {
    Step::json(
        403,
        &json!({
            "error": "dependent_consent_required", "error_description": "Consent is needed",
            "errors": [{"unapproved_scopes": ["transfer:all"]}, {"unapproved_scopes": ["groups:all"]}],
        }),
    )
}

fn ok() -> Step {
    Step::json(200, &json!({"value": "id"}))
}

fn unauthorized() -> Step {
    Step::json(401, &json!({"code": "AuthenticationFailed", "message": "no"}))
}

fn tokens(playback: &Playback, clock: &ManualClock) -> DependentTokens {
    DependentTokens::new(&client(playback, clock))
}

fn transfer(playback: &Playback, clock: &ManualClock, authorizer: &DependentAuthorizer) -> TransferClient {
    TransferClient::builder()
        .authorizer(authorizer)
        .transport(playback.clone())
        .clock(clock.clone())
        .build()
        .unwrap()
}

async fn header(authorizer: &DependentAuthorizer) -> String {
    let header = Authorizer::from(authorizer).authorization().await.unwrap();
    header.header().unwrap().to_str().unwrap().to_owned()
}

#[tokio::test]
async fn one_trade_gives_tokens_for_all_services() {
    let playback = Playback::new([granted(&[(TRANSFER, "AgT"), (GROUPS, "AgG")]), ok()]);
    let clock = clock();
    let tokens = tokens(&playback, &clock);
    let for_transfer = tokens.authorizer(TOKEN, TRANSFER).await.unwrap();
    let for_groups = tokens.authorizer_for_scopes(TOKEN, "groups.api.globus.org:all[*x]").await.unwrap();
    assert_eq!(header(&for_transfer).await, "Bearer AgT");
    assert_eq!(header(&for_groups).await, "Bearer AgG");
    transfer(&playback, &clock, &for_transfer).get_submission_id().send().await.unwrap();

    let sent = playback.sent();
    assert_eq!((sent.len(), trades(&playback)), (2, 1));
    assert_eq!(sent[0].form_field("token").as_deref(), Some(TOKEN));
    assert!(sent[0].form_field("scope").is_none() && sent[0].form_field("access_type").is_none());
    assert_eq!(sent[1].authorization(), Some("Bearer AgT"));
}

#[tokio::test]
async fn some_of_the_scopes_are_asked_for_where_they_are_named() {
    let playback = Playback::new([granted(&[(TRANSFER, "AgT")])]);
    let tokens = DependentTokens::builder(&client(&playback, &clock())).scopes(["a", "b"]).build();
    tokens.authorizer(TOKEN, TRANSFER).await.unwrap();
    assert_eq!(playback.sent()[0].form_field("scope").as_deref(), Some("a b"));
}

#[tokio::test]
async fn one_question_and_one_trade_for_300_calls() {
    let playback = Playback::new([introspection(&json!({})), granted(&[(TRANSFER, "AgT")])]);
    let client = client(&playback, &clock());
    let (checker, tokens) = (TokenChecker::new(&client).unwrap(), DependentTokens::new(&client));
    let handle = || async {
        let caller = checker.check(TOKEN).await?;
        let authorizer = tokens.authorizer(&caller, TRANSFER).await?;
        Ok::<_, Refusal>(Authorizer::from(authorizer).authorization().await?)
    };
    assert!(join_all((0..300).map(|_| handle())).await.iter().all(Result::is_ok));
    assert!(join_all((0..300).map(|_| handle())).await.iter().all(Result::is_ok));
    assert_eq!((introspections(&playback), trades(&playback), playback.unscripted()), (1, 1, 0));
}

#[tokio::test]
async fn a_trade_goes_on_when_its_caller_goes_away() {
    let playback = Playback::new([granted(&[(TRANSFER, "AgT")])]);
    let tokens = tokens(&playback, &clock());
    assert!(tokens.authorizer(TOKEN, TRANSFER).now_or_never().is_none());
    tokens.authorizer(TOKEN, TRANSFER).await.unwrap();
    assert_eq!((trades(&playback), playback.unscripted()), (1, 0));
}

#[tokio::test]
async fn each_caller_has_tokens_of_their_own() {
    let playback = Playback::new([granted(&[(TRANSFER, "AgOfAna")]), granted(&[(TRANSFER, "AgOfBen")])]);
    let tokens = tokens(&playback, &clock());
    let ana = tokens.authorizer("ana", TRANSFER).await.unwrap();
    let ben = tokens.authorizer("ben", TRANSFER).await.unwrap();
    assert_eq!((header(&ana).await, header(&ben).await), ("Bearer AgOfAna".into(), "Bearer AgOfBen".into()));
}

#[tokio::test]
async fn tokens_are_replaced_shortly_before_their_end() {
    let playback = Playback::new([lasting(&[(TRANSFER, "AgOld")], 3600), granted(&[(TRANSFER, "AgNew")])]);
    let clock = clock();
    let tokens = tokens(&playback, &clock);
    let authorizer = tokens.authorizer(TOKEN, TRANSFER).await.unwrap();
    clock.advance(Duration::from_secs(3600 - 61));
    assert_eq!(header(&authorizer).await, "Bearer AgOld");
    clock.advance(Duration::from_secs(1));
    let headers = join_all((0..50).map(|_| header(&authorizer))).await;
    assert!(headers.iter().all(|header| header == "Bearer AgNew"));
    assert_eq!(trades(&playback), 2);
}

#[tokio::test]
async fn a_token_that_is_still_good_is_better_than_an_error() {
    let away = || Step::recorded(&json!({"exception": "ConnectionError"}));
    let playback = Playback::new([granted(&[(TRANSFER, "AgOld")]), away(), away()]);
    let clock = clock();
    let authorizer = tokens(&playback, &clock).authorizer(TOKEN, TRANSFER).await.unwrap();
    clock.advance(Duration::from_secs(3599));
    assert_eq!(header(&authorizer).await, "Bearer AgOld");
    clock.advance(Duration::from_secs(1));
    let error = Authorizer::from(&authorizer).authorization().await.unwrap_err();
    assert!(error.is_retryable());
    assert_eq!(Refusal::from(error).status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(trades(&playback), 3);
}

#[tokio::test]
async fn a_token_that_is_refused_is_replaced_once() {
    let playback = Playback::new([
        granted(&[(TRANSFER, "AgOne")]),
        unauthorized(),
        granted(&[(TRANSFER, "AgTwo")]),
        ok(),
        // The second one is refused as well: no further trade, however often it is tried.
        unauthorized(),
        unauthorized(),
        // After a minute, one more.
        unauthorized(),
        granted(&[(TRANSFER, "AgThree")]),
        ok(),
    ]);
    let clock = clock();
    let authorizer = tokens(&playback, &clock).authorizer(TOKEN, TRANSFER).await.unwrap();
    let transfer = transfer(&playback, &clock, &authorizer);
    transfer.get_submission_id().send().await.unwrap();
    assert_eq!(trades(&playback), 2);
    for _ in 0..2 {
        assert!(transfer.get_submission_id().send().await.unwrap_err().is_unauthorized());
    }
    assert_eq!(trades(&playback), 2);
    clock.advance(Duration::from_secs(60));
    transfer.get_submission_id().send().await.unwrap();
    assert_eq!((trades(&playback), playback.left(), playback.unscripted()), (3, 0, 0));
}

#[tokio::test]
async fn a_refusal_that_many_hear_costs_one_trade() {
    let playback = Playback::new([granted(&[(TRANSFER, "AgOne")]), granted(&[(TRANSFER, "AgTwo")])]);
    let tokens = tokens(&playback, &clock());
    let mut calls = Vec::new();
    for _ in 0..300 {
        let authorizer = Authorizer::from(tokens.authorizer(TOKEN, TRANSFER).await.unwrap());
        let used = authorizer.authorization().await.unwrap();
        calls.push((authorizer, used));
    }
    let again = calls.into_iter().map(|(authorizer, used)| async move {
        assert!(authorizer.rejected(&used));
        authorizer.authorization().await.unwrap()
    });
    let headers = join_all(again).await;
    assert!(headers.iter().all(|header| header.header().unwrap() == "Bearer AgTwo"));
    assert_eq!(trades(&playback), 2);
}

#[tokio::test]
async fn a_missing_consent_is_handed_on_below_the_services_own_scope() {
    let playback =
        Playback::new([introspection(&json!({})), consent_required(), granted(&[(TRANSFER, "AgT")])]);
    let client = client(&playback, &clock());
    let caller = TokenChecker::new(&client).unwrap().check(TOKEN).await.unwrap();
    let tokens = DependentTokens::new(&client);
    let refusal = tokens.authorizer(&caller, TRANSFER).await.unwrap_err();
    assert_eq!((refusal.kind(), refusal.status()), (RefusalKind::ConsentRequired, StatusCode::FORBIDDEN));
    assert_eq!(
        refusal.body(),
        json!({
            "code": "ConsentRequired",
            "authorization_parameters": {"required_scopes": [format!("{SCOPE}[transfer:all groups:all]")]},
        })
    );
    // The caller has consented meanwhile.
    tokens.authorizer(&caller, TRANSFER).await.unwrap();
}

#[tokio::test]
async fn what_else_globus_auth_requires_is_no_consent() {
    let session = Step::json(
        403,
        &json!({"code": "AuthorizationRequired", "authorization_parameters": {"session_required_mfa": true}}),
    );
    // Of which it is not said.
    let consent = Step::json(403, &json!({"error": "dependent_consent_required", "errors": [{}]}));
    let playback = Playback::new([session, consent]);
    let tokens = DependentTokens::builder(&client(&playback, &clock())).consent_below("own").build();

    let refusal = tokens.authorizer(TOKEN, TRANSFER).await.unwrap_err();
    assert_eq!(refusal.kind(), RefusalKind::AuthorizationRequired);
    let parameters = &refusal.gare().unwrap().authorization_parameters;
    assert_eq!((parameters.session_required_mfa, &parameters.required_scopes), (Some(true), &None));

    let refusal = tokens.authorizer(TOKEN, TRANSFER).await.unwrap_err();
    assert_eq!(refusal.kind(), RefusalKind::ConsentRequired);
    assert_eq!(refusal.gare().unwrap().authorization_parameters.required_scopes.as_deref(), Some(&[][..]));
}

#[tokio::test]
async fn where_the_own_scope_is_not_known_the_scopes_stand_alone() {
    let playback = Playback::new(vec![consent_required(); 2]);
    let client = client(&playback, &clock());
    let required =
        |refusal: Refusal| refusal.gare().unwrap().authorization_parameters.required_scopes.clone().unwrap();
    let refusal = DependentTokens::new(&client).authorizer(TOKEN, TRANSFER).await.unwrap_err();
    assert_eq!(required(refusal), ["transfer:all", "groups:all"]);
    let tokens = DependentTokens::builder(&client).consent_below("own").build();
    let refusal = tokens.authorizer(TOKEN, TRANSFER).await.unwrap_err();
    assert_eq!(required(refusal), ["own[transfer:all groups:all]"]);
}

#[tokio::test]
async fn a_consent_that_went_away_is_found_in_the_error_of_a_call() {
    let playback = Playback::new([granted(&[(TRANSFER, "AgT")]), unauthorized(), consent_required()]);
    let clock = clock();
    let tokens = DependentTokens::builder(&client(&playback, &clock)).consent_below("own").build();
    let authorizer = tokens.authorizer(TOKEN, TRANSFER).await.unwrap();
    let error = transfer(&playback, &clock, &authorizer).get_submission_id().send().await.unwrap_err();
    let refusal = Refusal::from(error);
    assert_eq!(refusal.kind(), RefusalKind::ConsentRequired);
    let scopes = &refusal.gare().unwrap().authorization_parameters.required_scopes;
    assert_eq!(scopes.as_deref().unwrap(), ["own[transfer:all groups:all]"]);
}

#[tokio::test]
async fn a_callers_token_that_died_is_no_longer_traded() {
    let dead = Step::json(400, &json!({"error": "invalid_grant"}));
    let playback = Playback::new([granted(&[(TRANSFER, "AgT")]), dead.clone(), dead]);
    let clock = clock();
    let tokens = tokens(&playback, &clock);
    let authorizer = tokens.authorizer(TOKEN, TRANSFER).await.unwrap();
    clock.advance(Duration::from_secs(3600));
    let error = Authorizer::from(authorizer).authorization().await.unwrap_err();
    let refusal = Refusal::from(error);
    assert_eq!((refusal.kind(), refusal.status()), (RefusalKind::Inactive, StatusCode::UNAUTHORIZED));
    assert_eq!(tokens.authorizer(TOKEN, TRANSFER).await.unwrap_err().kind(), RefusalKind::Inactive);
}

#[tokio::test]
async fn who_acts_for_a_caller_ends_with_the_callers_token() {
    // The token of the caller has two minutes left, those got for it an hour.
    let playback =
        Playback::new([introspection(&json!({"exp": NOW + 120})), granted(&[(TRANSFER, "AgT")]), ok()]);
    let clock = clock();
    let client = client(&playback, &clock);
    let caller = TokenChecker::new(&client).unwrap().check(TOKEN).await.unwrap();
    let tokens = DependentTokens::new(&client);
    let of_caller = tokens.authorizer(&caller, TRANSFER).await.unwrap();
    let of_bare_token = tokens.authorizer(TOKEN, TRANSFER).await.unwrap();
    clock.advance(Duration::from_secs(119));
    assert_eq!(header(&of_caller).await, "Bearer AgT");
    clock.advance(Duration::from_secs(1));
    let error = transfer(&playback, &clock, &of_caller).get_submission_id().send().await.unwrap_err();
    assert_eq!(Refusal::from(error).kind(), RefusalKind::Inactive);
    assert_eq!(tokens.authorizer(&caller, TRANSFER).await.unwrap_err().kind(), RefusalKind::Inactive);
    assert_eq!(header(&of_bare_token).await, "Bearer AgT");
    assert_eq!((playback.sent().len(), playback.left()), (2, 1));
}

#[tokio::test]
async fn a_service_that_is_no_dependency_is_a_mistake_and_costs_one_trade() {
    let playback = Playback::new([granted(&[(TRANSFER, "AgT")]), Step::json(200, &json!([]))]);
    let clock = clock();
    let tokens = tokens(&playback, &clock);
    for _ in 0..3 {
        let refusal = tokens.authorizer(TOKEN, GROUPS).await.unwrap_err();
        assert_eq!(refusal.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert!(refusal.to_string().contains(GROUPS) && refusal.error().unwrap().is_usage());
        let refusal = tokens.authorizer_for_scopes(TOKEN, "groups:all").await.unwrap_err();
        assert_eq!(refusal.kind(), RefusalKind::ConsentRequired);
    }
    assert_eq!(trades(&playback), 1);
    // After a minute it is looked for once more.
    clock.advance(Duration::from_secs(60));
    tokens.authorizer(TOKEN, GROUPS).await.unwrap_err();
    tokens.authorizer(TOKEN, GROUPS).await.unwrap_err();
    assert_eq!(trades(&playback), 2);
}

#[tokio::test]
async fn no_more_callers_are_remembered_than_was_allowed() {
    let playback = Playback::new(vec![granted(&[(TRANSFER, "AgT")]); 51]);
    let tokens = DependentTokens::builder(&client(&playback, &clock())).cache_capacity(8).build();
    let mut first = None;
    for number in 0..50 {
        let authorizer = tokens.authorizer(AccessToken::new(format!("{number}")), TRANSFER).await.unwrap();
        first.get_or_insert(authorizer);
    }
    assert!(format!("{tokens:?}").contains("kept: 8"), "{tokens:?}");
    // The authorizer of one that was forgotten trades again.
    header(&first.unwrap()).await;
    assert_eq!((trades(&playback), playback.unscripted()), (51, 0));
}

#[tokio::test]
async fn what_was_got_is_forgotten_on_demand() {
    let playback = Playback::new(vec![granted(&[(TRANSFER, "AgT")]); 2]);
    let tokens = tokens(&playback, &clock());
    tokens.authorizer(TOKEN, TRANSFER).await.unwrap();
    tokens.forget(TOKEN);
    assert!(format!("{tokens:?}").contains("kept: 0"));
    tokens.authorizer(TOKEN, TRANSFER).await.unwrap();
    assert_eq!(trades(&playback), 2);
}

#[tokio::test]
async fn a_refusal_of_a_service_becomes_one_of_ours() {
    let consent = json!({"code": "ConsentRequired", "message": "m", "required_scopes": ["x"]});
    let session = json!({
        "code": "PermissionDenied", "authorization_parameters": {"session_required_mfa": true},
    });
    let playback = Playback::new([
        granted(&[(TRANSFER, "AgT")]),
        Step::json(403, &consent),
        Step::json(502, &session),
        Step::json(404, &json!({"code": "NotFound", "message": "m"})),
        Step::json(503, &json!({"code": "Down", "message": "m"})),
    ]);
    let clock = clock();
    let authorizer = tokens(&playback, &clock).authorizer(TOKEN, TRANSFER).await.unwrap();
    let transfer = transfer(&playback, &clock, &authorizer);
    let mut outcomes = Vec::new();
    for _ in 0..4 {
        let call = transfer.get_submission_id().with_retry(RetryPolicy::never());
        let refusal = Refusal::from(call.send().await.unwrap_err());
        outcomes.push((refusal.kind(), refusal.status().as_u16()));
    }
    assert_eq!(
        outcomes,
        [
            (RefusalKind::ConsentRequired, 403),
            (RefusalKind::AuthorizationRequired, 403),
            (RefusalKind::Unavailable, 500),
            (RefusalKind::Unavailable, 503),
        ]
    );
}

#[tokio::test]
async fn no_secret_is_shown() {
    let playback = Playback::new([granted(&[(TRANSFER, "AgT")]), consent_required()]);
    let client = client(&playback, &clock());
    let builder = DependentTokens::builder(&client);
    let tokens = builder.clone().build();
    let authorizer = tokens.authorizer(TOKEN, TRANSFER).await.unwrap();
    let refusal = tokens.authorizer("AgOther", TRANSFER).await.unwrap_err();
    let shown = format!("{builder:?} {tokens:?} {tokens:#?} {authorizer:?} {refusal:?} {refusal}");
    assert!(!shown.contains("Ag"), "{shown}");
}
