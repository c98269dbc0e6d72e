//! What an app can be made of.

use globus_sdk::app::{ClientAppBuilder, UserAppBuilder};
use globus_sdk::config::Variables;
use globus_sdk::{
    ClientApp, ConfidentialAppAuthClient, Environment, Error, GlobusApp, JsonTokenStorage, LoginError,
    MemoryTokenStorage, NativeAppAuthClient, Storage, UserApp,
};

use crate::globus::{AUTH, CLIENT_ID, Globus, TRANSFER};
use crate::world::{TRANSFER_ALL, World};

fn user() -> UserAppBuilder {
    UserApp::builder("tool").variables(Variables::none()).token_storage(MemoryTokenStorage::new())
}

fn client() -> ClientAppBuilder {
    ClientApp::builder("tool").variables(Variables::none()).token_storage(MemoryTokenStorage::new())
}

fn native() -> NativeAppAuthClient {
    NativeAppAuthClient::builder(CLIENT_ID).variables(Variables::none()).build().unwrap()
}

fn confidential() -> ConfidentialAppAuthClient {
    ConfidentialAppAuthClient::builder(CLIENT_ID, "s").variables(Variables::none()).build().unwrap()
}

#[track_caller]
fn assert_usage(built: Result<impl std::fmt::Debug, Error>, says: &str) {
    let error = built.unwrap_err();
    assert!(error.is_usage(), "{error:?}");
    assert!(error.to_string().contains(says), "{error}");
}

#[test]
fn a_user_app_needs_one_client() {
    assert_usage(user().build(), "needs a client");
    assert_usage(user().client_secret("s").build(), "needs a client");
    assert_usage(user().client_id("").build(), "needs a client");
    assert_usage(user().client_id(CLIENT_ID).login_client(native()).build(), "not both");
    assert_usage(user().login_client(native()).client_secret("s").build(), "brings its own secret");
    assert!(user().client_id(CLIENT_ID).build().is_ok());
    assert!(user().login_client(native()).build().is_ok());
}

#[test]
fn a_user_app_with_a_secret_needs_a_redirect() {
    assert_usage(user().client_id(CLIENT_ID).client_secret("s").build(), "redirect");
    assert_usage(user().login_client(confidential()).build(), "redirect");
    let redirected = || user().redirect_uri("https://portal.example.org/callback");
    assert!(redirected().login_client(confidential()).build().is_ok());
    let app = redirected().client_id(CLIENT_ID).client_secret("s").build().unwrap();
    assert!(!app.login_client().is_native());
    // A variable that was not set must not make another kind of client of it.
    assert_usage(redirected().client_id(CLIENT_ID).client_secret("").build(), "secret is empty");
}

#[test]
fn a_client_app_needs_a_client_with_a_secret() {
    assert_usage(client().build(), "needs a client");
    assert_usage(client().client("", "s").build(), "needs a client");
    assert_usage(client().client(CLIENT_ID, "").build(), "secret is empty");
    assert_usage(client().login_client(native()).build(), "a client with a secret");
    assert_usage(client().client(CLIENT_ID, "s").login_client(confidential()).build(), "not both");
    assert!(client().client(CLIENT_ID, "s").build().is_ok());
    assert_eq!(client().login_client(confidential()).build().unwrap().client_id(), CLIENT_ID);
}

#[test]
fn the_login_client_is_of_the_same_environment() {
    // The tokens of one would be sent to the services of the other.
    assert_usage(user().login_client(native()).environment(Environment::sandbox()).build(), "environment");
    let sandbox = NativeAppAuthClient::builder(CLIENT_ID)
        .variables(Variables::none())
        .environment(Environment::sandbox())
        .build()
        .unwrap();
    assert_usage(user().login_client(sandbox.clone()).build(), "environment");
    assert!(user().login_client(sandbox.clone()).environment(Environment::sandbox()).build().is_ok());
    let variables: Variables = [("GLOBUS_SDK_ENVIRONMENT", "sandbox")].into_iter().collect();
    assert!(user().login_client(sandbox).variables(variables).build().is_ok());
}

#[test]
fn scopes_are_read_when_the_app_is_made() {
    let unreadable = user().client_id(CLIENT_ID).scope_requirements(TRANSFER, "all[").build();
    assert!(unreadable.as_ref().unwrap_err().scopes().is_some());
    assert_usage(unreadable, "scope");
    let circle = client().client(CLIENT_ID, "s").scope_requirements(TRANSFER, "a[b] b[a]").build();
    assert!(circle.unwrap_err().scopes().unwrap().is_cycle());
}

#[test]
fn without_a_storage_tokens_are_in_a_file_by_the_names_of_client_and_app() {
    let home = tempfile::tempdir().unwrap();
    let variables: Variables = [("HOME", home.path().to_str().unwrap())].into_iter().collect();
    let app = UserApp::builder("My Tool").client_id(CLIENT_ID).variables(variables.clone()).build().unwrap();
    let expected =
        JsonTokenStorage::for_app_with(CLIENT_ID, "My Tool", &Environment::production(), &variables).unwrap();
    let shown = format!("{:?}", app.token_storage());
    assert!(shown.contains("my-tool/tokens.json"), "{shown}");
    assert!(expected.path().ends_with(format!(".globus/app/{CLIENT_ID}/my-tool/tokens.json")));
    assert_usage(UserApp::builder("con").client_id(CLIENT_ID).variables(variables).build(), "con");
}

#[tokio::test]
async fn nothing_is_sent_and_nobody_is_asked_until_tokens_are_needed() {
    let world = World::new();
    let app = world.app();
    let client = crate::world::transfer(&app);
    app.add_scope_requirements("search.api.globus.org", "search").unwrap();
    app.close().await.unwrap();
    assert!(world.globus.sent("").is_empty());
    assert_eq!(world.person.logins(), 0);
    drop(client);
}

#[test]
fn every_app_needs_to_know_whose_tokens_it_has() {
    let app = user().client_id(CLIENT_ID).scope_requirements(TRANSFER, TRANSFER_ALL).build().unwrap();
    let needed: Vec<_> =
        app.scope_requirements().into_iter().map(|(server, scopes)| (server.to_string(), scopes)).collect();
    let names: Vec<_> = needed.iter().map(|(server, scopes)| (server.as_str(), scopes[0].name())).collect();
    assert_eq!(names, [(AUTH, "openid"), (TRANSFER, TRANSFER_ALL)]);
}

#[test]
fn apps_are_send_sync_and_clone() {
    fn good<T: Send + Sync + Clone + 'static>() {}
    fn sendable<T: Send>(_: T) {}
    good::<UserApp>();
    good::<ClientApp>();
    good::<GlobusApp>();
    let app = World::new().app();
    sendable(IntoFuture::into_future(app.login()));
    sendable(IntoFuture::into_future(app.logout()));
    sendable(app.login_required());
    sendable(app.close());
}

#[tokio::test]
async fn no_secret_is_shown() {
    let world = World::new();
    let app = world.builder().request_refresh_tokens(true).build().unwrap();
    let client = crate::world::transfer(&app);
    crate::world::call(&client).await.unwrap();
    let authorizer = app.authorizer(TRANSFER);
    let shown = format!("{app:?} {authorizer:?} {client:?} {:?} {:?}", app.token_storage(), app.login());
    let secret_app = client_builder(&world.globus).build().unwrap();
    let shown = format!("{shown} {secret_app:?} {:?} {:?}", client_builder(&world.globus), world.builder());
    for secret in crate::world::secrets(&world.stored(TRANSFER).await.unwrap()) {
        assert!(!shown.contains(&secret), "{shown}");
    }
    assert!(!shown.contains("VERYSECRET"), "{shown}");
}

fn client_builder(globus: &Globus) -> ClientAppBuilder {
    client().client(CLIENT_ID, "VERYSECRET").transport(globus.clone())
}

#[test]
fn never_in_plain_text_means_a_storage_that_is_none() {
    let directory = tempfile::tempdir().unwrap();
    let json = || JsonTokenStorage::new(directory.path().join("tokens.json"));
    let builder = || UserApp::builder("tool").client_id(CLIENT_ID).variables(Variables::none());
    for refused in [
        builder().never_plain_text().build(),
        builder().never_plain_text().token_storage(json()).build(),
        // What lies around a file does not make it any better.
        builder()
            .never_plain_text()
            .token_storage(globus_sdk::storage::CachedTokenStorage::new(json()))
            .build(),
    ] {
        let error = refused.unwrap_err();
        assert!(error.is_usage(), "{error:?}");
        for choice in ["KeyringTokenStorage", "EncryptedTokenStorage", "SealedTokenStorage"] {
            assert!(error.to_string().contains(choice), "{error}");
        }
    }
    assert!(std::fs::read_dir(directory.path()).unwrap().next().is_none(), "a file was made");
    assert!(builder().never_plain_text().token_storage(MemoryTokenStorage::new()).build().is_ok());
    let cached = globus_sdk::storage::CachedTokenStorage::new(MemoryTokenStorage::new());
    assert!(builder().never_plain_text().token_storage(cached).build().is_ok());
    let client =
        ClientApp::builder("tool").client(CLIENT_ID, "s").never_plain_text().token_storage(json()).build();
    assert!(client.unwrap_err().is_usage());
}

#[cfg(feature = "encrypted")]
#[test]
fn what_is_sealed_or_encrypted_is_no_plain_text() {
    use globus_sdk::storage::{EncryptedTokenStorage, SealedTokenStorage};
    let directory = tempfile::tempdir().unwrap();
    let key = || globus_sdk::seal::SealingKey::from_bytes([7; 32]);
    let builder = || UserApp::builder("tool").client_id(CLIENT_ID).variables(Variables::none());
    let json = JsonTokenStorage::new(directory.path().join("sealed.json"));
    let sealed = SealedTokenStorage::new(json, key()).unwrap();
    assert!(builder().never_plain_text().token_storage(sealed).build().is_ok());
    let encrypted = EncryptedTokenStorage::new(directory.path().join("encrypted"), key());
    assert!(builder().never_plain_text().token_storage(encrypted).build().is_ok());
}

#[tokio::test]
async fn whoever_may_not_be_asked_is_told_what_the_login_would_be_for() {
    let world = World::new();
    let app = world.builder().never_prompt().build().unwrap();
    let client = crate::world::transfer(&app);
    let error = crate::world::call(&client).await.unwrap_err();
    assert!(error.is_login_required(), "{error:?}");
    let Some(LoginError::PersonNeeded { parameters, .. }) = error.find_cause::<LoginError>() else {
        panic!("{}", crate::world::chain(&error))
    };
    let mut scopes = parameters.required_scopes.clone().unwrap();
    scopes.sort();
    assert_eq!(scopes, ["openid", TRANSFER_ALL]);
    assert!(world.globus.sent("").is_empty(), "a login that cannot be was begun");
    assert!(app.login_required().await.unwrap());
    // An explicit login is no different.
    let error = app.login().await.unwrap_err();
    assert!(error.is_login_required() && error.find_cause::<LoginError>().is_some(), "{error:?}");
}

#[tokio::test]
async fn profiles_are_kept_apart() {
    let world = World::new();
    let app = |profile: &str| world.builder().profile(profile).build().unwrap();
    let (work, home) = (app("work"), app("home"));
    let at_work = crate::world::call(&crate::world::transfer(&work)).await.unwrap();
    world.globus.set(|globus| globus.identity = crate::globus::BEN.to_owned());
    let at_home = crate::world::call(&crate::world::transfer(&home)).await.unwrap();
    assert_ne!(at_work, at_home);
    assert_eq!(world.person.logins(), 2, "another person may log in to another profile");

    let storage = Storage::from(world.storage.clone());
    let identity = async |profile: &str| {
        let token = storage.with_namespace(profile).get(TRANSFER).await.unwrap().unwrap();
        token.identity_id.unwrap()
    };
    assert_eq!(identity("work").await, crate::globus::ANA);
    assert_eq!(identity("home").await, crate::globus::BEN);
    assert!(world.stored(TRANSFER).await.is_none(), "nothing is in the default profile");

    // A second app of the profile goes on, one of another does not; leaving one leaves the other.
    assert_eq!(crate::world::call(&crate::world::transfer(&app("work"))).await.unwrap(), at_work);
    home.logout().await.unwrap();
    assert!(storage.with_namespace("home").get(TRANSFER).await.unwrap().is_none());
    assert!(world.globus.is_alive(&at_work) && !world.globus.is_alive(&at_home));
    assert_eq!(crate::world::call(&crate::world::transfer(&work)).await.unwrap(), at_work);
    assert_eq!(world.person.logins(), 2);
}
