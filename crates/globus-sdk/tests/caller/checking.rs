use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use globus_sdk::auth::caller::{CallerRequirements, Refusal, RefusalKind, TokenChecker};
use globus_sdk::{AccessToken, Clock, ManualClock, PolicyId, Timestamp};
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};

use super::playback::{Playback, Step};
use super::{ANA, NOW, SCOPE, SERVICE, TOKEN, client, clock, inactive, introspection, introspections};

fn checker(playback: &Playback, clock: &ManualClock) -> TokenChecker {
    TokenChecker::new(&client(playback, clock)).unwrap()
}

#[tokio::test]
async fn a_good_token_gives_the_caller() {
    let playback = Playback::new([introspection(&json!({"identity_set": [ANA, SERVICE]}))]);
    let checker = checker(&playback, &clock());
    let caller = checker.check(TOKEN).await.unwrap();
    assert_eq!(caller.identity_id().to_string(), ANA);
    assert_eq!(caller.username(), Some("ana@example.edu"));
    assert_eq!(caller.identity_set().len(), 2);
    assert!(caller.is_identity(caller.identity_set()[1]) && caller.has_scope(SCOPE));
    assert!(!caller.has_scope("openid"));
    assert_eq!(caller.client_id(), "browser");
    assert_eq!(caller.expires_at().unwrap().as_second(), NOW + 3600);
    assert_eq!(caller.last_login().unwrap().as_second(), NOW);
    assert_eq!(caller.token(), &AccessToken::new(TOKEN));

    let sent = &playback.sent()[0];
    assert_eq!(sent.path(), "/v2/oauth2/token/introspect");
    assert_eq!(sent.form_field("token").as_deref(), Some(TOKEN));
    assert_eq!(sent.form_field("include").as_deref(), Some("identity_set,identity_set_detail,session_info"));
    assert!(sent.form_field("authentication_policies").is_none());
}

#[tokio::test]
async fn one_question_for_300_calls_at_once_and_for_all_that_come_while_the_answer_is_kept() {
    let (playback, clock) = (Playback::new([introspection(&json!({})), introspection(&json!({}))]), clock());
    let checker = checker(&playback, &clock);
    let callers = join_all((0..300).map(|_| checker.check(TOKEN))).await;
    assert!(callers.into_iter().all(|caller| caller.is_ok()));
    assert_eq!(introspections(&playback), 1);

    clock.advance(Duration::from_secs(59));
    checker.check(TOKEN).await.unwrap();
    assert_eq!(introspections(&playback), 1);
    clock.advance(Duration::from_secs(1));
    checker.check(TOKEN).await.unwrap();
    assert_eq!(introspections(&playback), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_question_for_300_calls_of_many_threads() {
    let (playback, clock) = (Playback::new([introspection(&json!({}))]), clock());
    let checker = checker(&playback, &clock);
    let calls = (0..300).map(|_| {
        let checker = checker.clone();
        tokio::spawn(async move { checker.check(TOKEN).await.map(drop) })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap().unwrap();
    }
    assert_eq!(introspections(&playback), 1);
}

#[tokio::test]
async fn a_question_goes_on_when_its_caller_goes_away() {
    let (playback, clock) = (Playback::new([introspection(&json!({}))]), clock());
    let checker = checker(&playback, &clock);
    // Polled once, which starts the question, and dropped.
    assert!(checker.check(TOKEN).now_or_never().is_none());
    checker.check(TOKEN).await.unwrap();
    assert_eq!((introspections(&playback), playback.unscripted()), (1, 0));
}

#[test]
fn a_question_that_died_with_its_runtime_is_asked_again() {
    let (playback, clock) = (Playback::new([introspection(&json!({}))]), clock());
    let checker = checker(&playback, &clock);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { assert!(checker.check(TOKEN).now_or_never().is_none()) });
    drop(runtime);
    super::playback::wait(checker.check(TOKEN)).unwrap();
}

#[tokio::test]
async fn an_answer_ends_with_the_token() {
    let clock = clock();
    let playback = Playback::new([introspection(&json!({"exp": NOW + 20})), inactive()]);
    let checker = checker(&playback, &clock);
    checker.check(TOKEN).await.unwrap();
    clock.advance(Duration::from_secs(19));
    checker.check(TOKEN).await.unwrap();
    clock.advance(Duration::from_secs(1));
    assert_eq!(checker.check(TOKEN).await.unwrap_err().kind(), RefusalKind::Inactive);
    assert_eq!(introspections(&playback), 2);
}

#[tokio::test]
async fn the_expiry_and_the_age_follow_the_services_clock() {
    // The service is an hour ahead: by this machine's clock the token ends an hour earlier than it says.
    let date = Timestamp::from_second(NOW + 3600).unwrap();
    let date = date.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let Step::Answer { mut headers, body, status } = introspection(&json!({"exp": NOW + 3600 + 20})) else {
        unreachable!()
    };
    headers.push(("date".to_owned(), date));
    let playback = Playback::new([Step::Answer { status, headers, body }, inactive()]);
    let clock = clock();
    let checker = checker(&playback, &clock);
    let caller = checker.check(TOKEN).await.unwrap();
    let fresh = CallerRequirements::new().session_max_age(Duration::from_secs(3599));
    assert_eq!(checker.require(&caller, &fresh).await.unwrap_err().kind(), RefusalKind::SessionTooOld);
    clock.advance(Duration::from_secs(20));
    checker.check(TOKEN).await.unwrap_err();
    assert_eq!(introspections(&playback), 2);
}

#[tokio::test]
async fn a_revoked_token_is_noticed_within_the_limit_that_was_set() {
    let clock = clock();
    let playback = Playback::new([introspection(&json!({})), inactive(), inactive()]);
    let checker =
        TokenChecker::builder(&client(&playback, &clock)).cache_for(Duration::from_secs(5)).build().unwrap();
    checker.check(TOKEN).await.unwrap();
    clock.advance(Duration::from_secs(5));
    let refusal = checker.check(TOKEN).await.unwrap_err();
    assert_eq!(refusal.kind(), RefusalKind::Inactive);
    assert_eq!(refusal.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(refusal.www_authenticate().unwrap(), "Bearer error=\"invalid_token\"");
    assert!(refusal.gare().is_none());

    // Kept for a while, and no longer.
    clock.advance(Duration::from_secs(9));
    checker.check(TOKEN).await.unwrap_err();
    assert_eq!(introspections(&playback), 2);
    clock.advance(Duration::from_secs(1));
    checker.check(TOKEN).await.unwrap_err();
    assert_eq!(introspections(&playback), 3);
}

#[tokio::test]
async fn the_limit_counts_from_the_question_and_not_from_the_answer() {
    // Two attempts with a wait between them: the clock moves while the question is under way.
    let clock = clock();
    let busy = Step::headers(503, &[("retry-after", "4")]);
    let playback = Playback::new([busy, introspection(&json!({})), inactive()]);
    let client = globus_sdk::ConfidentialAppAuthClient::builder(SERVICE, "s")
        .transport(playback.clone())
        .clock(clock.clone())
        .build()
        .unwrap();
    let checker = TokenChecker::builder(&client).cache_for(Duration::from_secs(5)).build().unwrap();
    checker.check(TOKEN).await.unwrap();
    assert_eq!(clock.now().as_second(), NOW + 4);
    clock.advance(Duration::from_secs(1));
    checker.check(TOKEN).await.unwrap_err();
}

#[tokio::test]
async fn nothing_is_kept_where_nothing_may_be() {
    let playback = Playback::new(vec![introspection(&json!({})); 2]);
    let checker =
        TokenChecker::builder(&client(&playback, &clock())).cache_for(Duration::ZERO).build().unwrap();
    let at_once = join_all((0..10).map(|_| checker.check(TOKEN))).await;
    assert!(at_once.iter().all(Result::is_ok));
    assert_eq!(introspections(&playback), 1);
    checker.check(TOKEN).await.unwrap();
    assert_eq!(introspections(&playback), 2);
}

#[tokio::test]
async fn a_token_for_another_service_is_refused_and_remembered() {
    let playback = Playback::new([
        introspection(&json!({"aud": ["transfer.api.globus.org", "browser"]})),
        // Given to this very service, for another.
        introspection(&json!({"aud": ["transfer.api.globus.org", SERVICE], "client_id": SERVICE})),
    ]);
    let checker = checker(&playback, &clock());
    for token in ["AgOther", "AgOwn"] {
        for _ in 0..2 {
            let refusal = checker.check(token).await.unwrap_err();
            assert_eq!(refusal.kind(), RefusalKind::WrongAudience);
            assert_eq!(refusal.status(), StatusCode::UNAUTHORIZED);
            assert!(!refusal.body().to_string().contains("transfer"), "the caller is not told");
        }
    }
    assert_eq!(playback.sent().len(), 2);
}

#[tokio::test]
async fn a_service_has_the_names_that_it_says() {
    let playback = Playback::new([introspection(&json!({"aud": ["portal.example.org"]}))]);
    let builder = TokenChecker::builder(&client(&playback, &clock()));
    builder.clone().audience(["portal.example.org"]).build().unwrap().check(TOKEN).await.unwrap();
    for nobody in [vec![], vec![""]] {
        assert!(builder.clone().audience(nobody).build().unwrap_err().is_usage());
    }
}

#[tokio::test]
async fn the_issuer_is_looked_at_where_one_is_named() {
    let answers = [json!({}), json!({"iss": "https://evil.example"}), json!({"iss": null})];
    let playback = Playback::new(answers.iter().map(introspection));
    let checker = TokenChecker::builder(&client(&playback, &clock()))
        .issuer("https://auth.globus.org")
        .build()
        .unwrap();
    checker.check("a").await.unwrap();
    for token in ["b", "c"] {
        assert_eq!(checker.check(token).await.unwrap_err().kind(), RefusalKind::WrongIssuer);
    }
}

#[tokio::test]
async fn what_cannot_be_a_token_is_not_asked_about() {
    let playback = Playback::default();
    let checker = checker(&playback, &clock());
    assert_eq!(checker.check("").await.unwrap_err().kind(), RefusalKind::Inactive);
    assert_eq!(checker.check("x".repeat(8193)).await.unwrap_err().kind(), RefusalKind::Inactive);
    for header in [None, Some("Basic abc"), Some("Bearer"), Some("Bearer "), Some("AgPresented"), Some("")] {
        let header = header.map(|text| HeaderValue::from_str(text).unwrap());
        let refusal = checker.check_authorization(header.as_ref()).await.unwrap_err();
        assert_eq!(refusal.kind(), RefusalKind::NoToken, "{header:?}");
        assert_eq!(refusal.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(refusal.www_authenticate().unwrap(), "Bearer");
    }
    let opaque = HeaderValue::from_bytes(b"Bearer \xff").unwrap();
    assert_eq!(checker.check_authorization(Some(&opaque)).await.unwrap_err().kind(), RefusalKind::NoToken);
    assert!(playback.sent().is_empty());
}

#[tokio::test]
async fn the_token_is_read_from_the_header() {
    for header in ["Bearer AgPresented", "bearer  AgPresented "] {
        let playback = Playback::new([introspection(&json!({}))]);
        let header = HeaderValue::from_str(header).unwrap();
        checker(&playback, &clock()).check_authorization(Some(&header)).await.unwrap();
        assert_eq!(playback.sent()[0].form_field("token").as_deref(), Some(TOKEN));
    }
}

#[tokio::test]
async fn a_scope_that_lacks_is_named_to_the_browser() {
    let playback = Playback::new([introspection(&json!({"scope": "openid"}))]);
    let checker = TokenChecker::builder(&client(&playback, &clock()))
        .requirements(CallerRequirements::new().scopes(SCOPE))
        .build()
        .unwrap();
    let refusal = checker.check(TOKEN).await.unwrap_err();
    assert_eq!((refusal.kind(), refusal.status()), (RefusalKind::MissingScopes, StatusCode::FORBIDDEN));
    let challenge = refusal.www_authenticate().unwrap();
    assert_eq!(challenge, format!("Bearer error=\"insufficient_scope\", scope=\"{SCOPE}\"").as_str());
    assert_eq!(
        refusal.body(),
        json!({"code": "ConsentRequired", "authorization_parameters": {"required_scopes": [SCOPE]}})
    );
    // What is known of the token is kept all the same.
    checker.check(TOKEN).await.unwrap_err();
    assert_eq!(introspections(&playback), 1);
}

fn session(auth_time: i64) -> Step {
    introspection(&json!({"session_info": {"authentications": {ANA: {"auth_time": auth_time}}}}))
}

#[tokio::test]
async fn a_session_grows_too_old_while_the_answer_is_kept() {
    let clock = clock();
    let playback = Playback::new([session(NOW), session(NOW), session(NOW + 61)]);
    let checker = checker(&playback, &clock);
    let caller = checker.check(TOKEN).await.unwrap();
    let fresh = CallerRequirements::new().session_max_age(Duration::from_secs(30));
    checker.require(&caller, &fresh).await.unwrap();
    clock.advance(Duration::from_secs(31));
    // The answer is old enough for the person to have logged in again meanwhile: Auth is asked once more.
    let refusal = checker.require(&caller, &fresh).await.unwrap_err();
    assert_eq!((refusal.kind(), refusal.status()), (RefusalKind::SessionTooOld, StatusCode::FORBIDDEN));
    assert_eq!(
        refusal.body(),
        json!({"code": "AuthorizationRequired", "authorization_parameters": {"prompt": "login"}})
    );
    assert_eq!(introspections(&playback), 2);
    // But not for every call.
    clock.advance(Duration::from_secs(9));
    let refused = join_all((0..20).map(|_| checker.require(&caller, &fresh))).await;
    assert!(refused.iter().all(Result::is_err));
    assert_eq!(introspections(&playback), 2);
    // Other operations are open all the while.
    checker.check(TOKEN).await.unwrap();
    assert_eq!(introspections(&playback), 2);
    // The person has logged in again, and the browser comes with the same token.
    clock.advance(Duration::from_secs(21));
    let welcome = join_all((0..20).map(|_| checker.require(&caller, &fresh))).await;
    assert!(welcome.iter().all(Result::is_ok));
    assert_eq!(introspections(&playback), 3);
}

#[tokio::test]
async fn a_login_that_does_not_do_is_the_answer_while_auth_is_away_and_not_when_the_token_is_dead() {
    let clock = clock();
    let away = Step::recorded(&json!({"exception": "ConnectionError"}));
    let playback = Playback::new([session(NOW), away, inactive()]);
    let checker = checker(&playback, &clock);
    let caller = checker.check(TOKEN).await.unwrap();
    clock.advance(Duration::from_secs(31));
    let fresh = CallerRequirements::new().session_max_age(Duration::from_secs(30));
    assert_eq!(checker.require(&caller, &fresh).await.unwrap_err().kind(), RefusalKind::SessionTooOld);
    assert_eq!(checker.require(&caller, &fresh).await.unwrap_err().kind(), RefusalKind::Inactive);
    // It is known to be dead from here on.
    assert_eq!(checker.check(TOKEN).await.unwrap_err().kind(), RefusalKind::Inactive);
    assert_eq!((introspections(&playback), playback.left()), (3, 0));
}

#[tokio::test]
async fn policies_are_asked_about_and_those_that_are_not_are_a_mistake() {
    let [asked, further, forgotten] = [1, 2, 3].map(|number| PolicyId::from(uuid::Uuid::from_u128(number)));
    let evaluations =
        json!({asked.to_string(): {"evaluation": true}, further.to_string(): {"evaluation": false}});
    let playback = Playback::new([introspection(&json!({"policy_evaluations": evaluations}))]);
    let checker = TokenChecker::builder(&client(&playback, &clock()))
        .requirements(CallerRequirements::new().session_policies([asked]))
        .evaluate_policies([further])
        .build()
        .unwrap();
    let caller = checker.check(TOKEN).await.unwrap();
    let named = playback.sent()[0].form_field("authentication_policies").unwrap();
    assert_eq!(named, format!("{further},{asked}"));

    let require = |policy| {
        let (checker, caller) = (checker.clone(), caller.clone());
        async move { checker.require(&caller, &CallerRequirements::new().session_policies([policy])).await }
    };
    let refusal = require(further).await.unwrap_err();
    assert_eq!(refusal.kind(), RefusalKind::PolicyNotMet);
    let parameters = &refusal.gare().unwrap().authorization_parameters;
    assert_eq!(parameters.session_required_policies.as_deref().unwrap(), [further.to_string()]);
    let mistake = require(forgotten).await.unwrap_err();
    assert_eq!(mistake.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert!(mistake.error().unwrap().is_usage());
}

#[tokio::test]
async fn nobody_is_let_in_while_auth_is_away_and_nothing_of_that_is_kept() {
    let playback = Playback::new([
        Step::recorded(&json!({"exception": "ConnectionError"})),
        Step::headers(503, &[("retry-after", "400")]),
        Step::json(401, &json!({"error": "invalid_client"})),
        introspection(&json!({"sub": "not an id"})),
        introspection(&json!({})),
    ]);
    let checker = checker(&playback, &clock());
    let mut refusals: Vec<Refusal> = Vec::new();
    for _ in 0..4 {
        refusals.push(checker.check(TOKEN).await.unwrap_err());
    }
    assert!(refusals.iter().all(|refusal| refusal.kind() == RefusalKind::Unavailable));
    let statuses: Vec<u16> = refusals.iter().map(|refusal| refusal.status().as_u16()).collect();
    assert_eq!(statuses, [503, 503, 500, 500]);
    assert_eq!(refusals[1].retry_after(), Some(Duration::from_secs(400)));
    assert!(refusals.iter().all(|refusal| refusal.www_authenticate().is_none()));
    let told: Vec<Value> = refusals.iter().map(|refusal| refusal.body()["code"].clone()).collect();
    assert_eq!(told, ["ServiceUnavailable", "ServiceUnavailable", "InternalError", "InternalError"]);
    checker.check(TOKEN).await.unwrap();
}

#[tokio::test]
async fn a_flood_of_wrong_tokens_displaces_nothing_that_is_known() {
    let mut script = vec![introspection(&json!({}))];
    script.extend(vec![inactive(); 100]);
    let playback = Playback::new(script);
    let checker = TokenChecker::builder(&client(&playback, &clock())).cache_capacity(10).build().unwrap();
    checker.check(TOKEN).await.unwrap();
    for number in 0..100 {
        checker.check(format!("wrong {number}")).await.unwrap_err();
    }
    checker.check(TOKEN).await.unwrap();
    assert_eq!((introspections(&playback), playback.unscripted()), (101, 0));
    let shown = format!("{checker:?}");
    assert!(shown.contains("kept: 1, refused: 10"), "{shown}");
}

#[tokio::test]
async fn no_more_is_kept_than_was_allowed() {
    let playback = Playback::new(vec![introspection(&json!({})); 101]);
    let checker = TokenChecker::builder(&client(&playback, &clock())).cache_capacity(10).build().unwrap();
    for number in 0..100 {
        checker.check(format!("token {number}")).await.unwrap();
    }
    let shown = format!("{checker:?}");
    assert!(shown.contains("kept: 10, refused: 0"), "{shown}");
    checker.check("token 99").await.unwrap();
    assert_eq!(introspections(&playback), 100);
    checker.check("token 0").await.unwrap();
    assert_eq!(introspections(&playback), 101);
}

#[tokio::test]
async fn a_token_is_forgotten_even_while_it_is_asked_about() {
    let playback = Playback::new([introspection(&json!({})), inactive()]);
    let checker = checker(&playback, &clock());
    assert!(checker.check(TOKEN).now_or_never().is_none());
    checker.forget(TOKEN);
    // The old question is answered meanwhile; what it says does not count any more.
    checker.check(TOKEN).await.unwrap_err();
    checker.check(TOKEN).await.unwrap_err();
    assert_eq!(introspections(&playback), 2);
}

#[tokio::test]
async fn no_secret_is_shown() {
    let playback = Playback::new([introspection(&json!({})), inactive()]);
    let client = client(&playback, &clock());
    let builder = TokenChecker::builder(&client);
    let checker = builder.clone().build().unwrap();
    let caller = checker.check(TOKEN).await.unwrap();
    let refusal = checker.check("AgInactive").await.unwrap_err();
    let shown =
        format!("{builder:?} {checker:?} {caller:?} {caller:#?} {refusal:?} {refusal} {}", refusal.body());
    assert!(!shown.contains("Ag") && !shown.contains("example.edu"), "{shown}");
}
