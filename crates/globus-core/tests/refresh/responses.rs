//! What is made of the token endpoint's answers.

use globus_core::{Authorizer, ClientCredentialsAuthorizer, TokenData};

use crate::support::{Answer, SERVER, World, body, soon, token};

/// Two tokens.
fn two() -> String {
    let other = body("AgOther", None, 3600).replace(SERVER, "search.api.globus.org");
    body("AgFirst", None, 3600).replace(r#""other_tokens":[]"#, &format!(r#""other_tokens":[{other}]"#))
}

#[tokio::test]
async fn two_tokens_are_an_error_and_change_nothing() {
    let world = World::new();
    let authorizer = world.authorizer(-1);
    let held = authorizer.held();
    world.grants.then([Answer::Body(two())]);
    let error = token(&authorizer).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("2 tokens") && text.contains("search.api.globus.org"), "{text}");
    assert!(!format!("{text}{error:?}").contains("Ag"), "{text}");
    assert_eq!(authorizer.held(), held);
    assert!(world.adapter.stored().is_none());
    assert_eq!(token(&authorizer).await.unwrap(), "AT2");
    assert_eq!(world.grants.asked(), ["RT0", "RT0"]);
}

#[tokio::test]
async fn an_answer_without_a_token_is_an_error_and_changes_nothing() {
    let world = World::new();
    let authorizer = world.authorizer(-1);
    let held = authorizer.held();
    world.grants.then([Answer::Body("{}".into())]);
    let error = token(&authorizer).await.unwrap_err();
    assert!(error.malformed_token_response().is_some(), "{error}");
    assert_eq!(authorizer.held(), held);
    assert!(world.adapter.stored().is_none());
}

#[tokio::test]
async fn an_answer_that_cannot_be_sent_as_a_header_is_an_error_that_does_not_show_it() {
    let world = World::new();
    world.grants.then([Answer::token("AgSecret\n")]);
    let error = token(world.authorizer(-1)).await.unwrap_err();
    assert!(error.is_usage());
    assert!(!format!("{error}{error:?}").contains("AgSecret"));
}

#[tokio::test]
async fn a_token_with_a_line_break_is_refused_when_the_authorizer_is_built() {
    let world = World::new();
    let error = world.builder().access_token("AgSecret\n", world.now() + 100).build().unwrap_err();
    assert!(error.is_usage());
    assert!(!format!("{error}{error:?}").contains("AgSecret"));
    assert!(error.to_string().contains("position 9 of 9"), "{error}");
}

#[tokio::test]
async fn a_rotated_refresh_token_is_used_from_then_on() {
    let world = World::new();
    world.grants.then([Answer::rotated("AT1", "RT1"), Answer::rotated("AT2", "RT2")]);
    let authorizer = world.authorizer(-1);
    for _ in 0..3 {
        token(&authorizer).await.unwrap();
        world.advance(10_000);
    }
    assert_eq!(world.grants.asked(), ["RT0", "RT1", "RT2"]);
    assert_eq!(authorizer.held().refresh_token.unwrap().expose(), "RT2");
}

#[tokio::test]
async fn client_credentials_ask_for_the_scopes() {
    let world = World::new();
    let builder = ClientCredentialsAuthorizer::builder(&world.grants, ["all", "more[*deep]"]);
    let authorizer = builder.on_refresh(world.adapter.clone()).clock(world.clock.clone()).build().unwrap();
    assert_eq!(token(&authorizer).await.unwrap(), "AT1");
    let handle = Authorizer::from(&authorizer);
    handle.rejected(&handle.authorization().await.unwrap());
    assert_eq!(token(&handle).await.unwrap(), "AT2");
    assert_eq!(world.grants.asked(), ["all more[*deep]", "all more[*deep]"]);
    assert_eq!(world.adapter.stored().unwrap().access_token.expose(), "AT2");
    assert_eq!(authorizer.held().refresh_token, None);
}

#[tokio::test]
async fn client_credentials_without_a_scope_are_a_usage_error() {
    let world = World::new();
    for empty in ["", "  "] {
        assert!(ClientCredentialsAuthorizer::new(&world.grants, empty).unwrap_err().is_usage());
        let builder = ClientCredentialsAuthorizer::builder(&world.grants, empty);
        assert!(soon(builder.fetch()).await.unwrap_err().is_usage());
    }
    assert_eq!(world.grants.requests(), 0);
}

#[tokio::test]
async fn stored_tokens_make_an_authorizer_if_they_hold_a_refresh_token() {
    use globus_core::RefreshTokenAuthorizer;
    let world = World::new();
    let record = world.record("AT0", "RT9", 1000);
    let builder = RefreshTokenAuthorizer::from_tokens(&record, &world.grants).unwrap();
    let authorizer = builder.clock(world.clock.clone()).build().unwrap();
    assert_eq!(token(&authorizer).await.unwrap(), "AT0");
    world.advance(1000);
    assert_eq!(token(&authorizer).await.unwrap(), "AT1");
    assert_eq!(world.grants.asked(), ["RT9"]);

    let without = TokenData::new(SERVER, "all", "AT0", 1);
    for tokens in [without.clone(), without.with_refresh_token("")] {
        let error = RefreshTokenAuthorizer::from_tokens(&tokens, &world.grants).unwrap_err();
        assert!(error.is_usage() && error.to_string().contains(SERVER), "{error}");
    }
}
