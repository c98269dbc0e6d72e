//! The developer's side of Globus Auth and consents: every operation of the `AuthClient` against the emulator.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use globus_sdk::auth::consents::MissingReason;
use globus_sdk::auth::{ClientKind, ClientType, ClientVisibility, DependentScope, IdentityMap, OPERATIONS};
use globus_sdk::scopes::{AuthScopes, TransferScopes};
use globus_sdk::{
    AccessTokenAuthorizer, AuthClient, ConfidentialAppAuthClient, IdentityId, Scope, TransferClient,
};
use support::World;

/// A world, and a client of its user's for everything that Globus Auth offers.
async fn start() -> (World, AuthClient) {
    let world = World::start().await;
    let scopes = [
        AuthScopes::OPENID,
        AuthScopes::PROFILE,
        AuthScopes::EMAIL,
        AuthScopes::MANAGE_PROJECTS,
        AuthScopes::VIEW_CONSENTS,
        AuthScopes::VIEW_IDENTITIES,
        AuthScopes::VIEW_IDENTITY_SET,
        TransferScopes::ALL,
    ];
    let flow = world.login_client.oauth2_start_flow(scopes).start().unwrap();
    let redirected = world.emulator.login(flow.authorize_url().unwrap()).await.unwrap();
    let tokens = flow.finish(redirected.url.as_str()).await.unwrap();
    let token = tokens.by_resource_server()["auth.globus.org"].access_token.clone();
    let client = AuthClient::builder()
        .authorizer(AccessTokenAuthorizer::new(token))
        .environment(world.emulator.environment())
        .build()
        .unwrap();
    (world, client)
}

#[tokio::test]
async fn a_project_with_all_that_belongs_to_it_is_made_changed_and_deleted() {
    let (world, client) = start().await;
    let me = client.userinfo().send().await.unwrap();

    let project = client
        .create_project("Lab", "lab@example.org")
        .admin_ids([me.sub])
        .send()
        .await
        .unwrap()
        .into_inner();
    assert_eq!((project.display_name.as_str(), project.admin_ids.as_slice()), ("Lab", &[me.sub][..]));
    assert_eq!(project.admins.identities[0].id, me.sub);
    let changed = client.update_project(project.id).display_name("Lab 2").send().await.unwrap();
    assert_eq!((changed.display_name.as_str(), changed.contact_email.as_str()), ("Lab 2", "lab@example.org"));
    assert_eq!(client.get_project(project.id).send().await.unwrap().display_name, "Lab 2");
    let projects = client.get_projects().send().await.unwrap();
    assert!(projects.projects.iter().any(|other| other.id == project.id));

    let policy = client
        .create_policy(project.id, "Strict", "staff, an hour ago")
        .high_assurance(true)
        .authentication_assurance_timeout(3600)
        .domain_constraints_include(["example.org"])
        .send()
        .await
        .unwrap()
        .into_inner();
    assert_eq!((policy.authentication_assurance_timeout, policy.high_assurance), (Some(3600), true));
    let changed = client.update_policy(policy.id).clear_domain_constraints_include().send().await.unwrap();
    assert_eq!(changed.domain_constraints_include, None);
    assert_eq!(client.get_policy(policy.id).send().await.unwrap().display_name, "Strict");
    assert!(client.get_policies().send().await.unwrap().policies.iter().any(|other| other.id == policy.id));

    let portal = client
        .create_client("Portal", project.id, ClientType::ConfidentialClient)
        .visibility(ClientVisibility::Private)
        .redirect_uris(["https://portal.example.org/callback"])
        .links("https://portal.example.org/terms", "https://portal.example.org/privacy")
        .send()
        .await
        .unwrap()
        .into_inner();
    assert_eq!((portal.project, &portal.client_type), (Some(project.id), &ClientType::ConfidentialClient));
    let changed = client.update_client(portal.id).name("Portal 2").clear_links().send().await.unwrap();
    assert_eq!((changed.name.as_str(), &changed.links.privacy_policy), ("Portal 2", &None));
    assert_eq!(client.get_client(portal.id).send().await.unwrap().name, "Portal 2");
    assert!(client.get_clients().send().await.unwrap().clients.iter().any(|other| other.id == portal.id));

    let credential = client.create_client_credential(portal.id, "first").send().await.unwrap();
    let portal_client = ConfidentialAppAuthClient::builder(portal.id, &credential.secret)
        .environment(world.emulator.environment())
        .build()
        .unwrap();
    portal_client.oauth2_client_credentials_tokens(TransferScopes::ALL).send().await.unwrap();
    let credentials = client.get_client_credentials(portal.id).send().await.unwrap();
    assert_eq!(credentials.credentials[0].id, credential.credential.id);

    let transfer = client.get_scopes().scope_strings(TransferClient::ALL_SCOPE).send().await.unwrap();
    let scope = client
        .create_scope(portal.id, "Use", "use the portal", "use")
        .dependent_scopes([DependentScope::new(transfer.scopes[0].id).requires_refresh_token(true)])
        .advertised(true)
        .send()
        .await
        .unwrap()
        .into_inner();
    assert!(scope.scope_string.contains(&portal.id.to_string()) && scope.scope_string.ends_with("/use"));
    assert_eq!(scope.dependent_scopes[0].scope, transfer.scopes[0].id);
    let changed = client.update_scope(scope.id).allows_refresh_token(false).send().await.unwrap();
    assert!(!changed.allows_refresh_token);
    assert_eq!(client.get_scope(scope.id).send().await.unwrap().scope_string, scope.scope_string);
    assert_eq!(client.get_scopes().ids(scope.id).send().await.unwrap().scopes.len(), 1);

    assert_eq!(client.delete_scope(scope.id).send().await.unwrap().id, scope.id);
    let deleted = client.delete_client_credential(portal.id, credential.credential.id).send().await.unwrap();
    assert_eq!(deleted.id, credential.credential.id);
    assert!(portal_client.oauth2_client_credentials_tokens(TransferScopes::ALL).send().await.is_err());
    assert_eq!(client.delete_client(portal.id).send().await.unwrap().id, portal.id);
    assert_eq!(client.delete_policy(policy.id).send().await.unwrap().id, policy.id);
    assert_eq!(client.delete_project(project.id).send().await.unwrap().id, project.id);
    assert!(client.get_project(project.id).send().await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn a_service_makes_clients_of_its_own() {
    let (world, _) = start().await;
    let parent = world.emulator.confidential_client();
    let parent = ConfidentialAppAuthClient::builder(parent.id(), parent.secret())
        .environment(world.emulator.environment())
        .build()
        .unwrap();
    let child = parent.create_child_client("Child", ClientKind::Public).send().await.unwrap();
    assert_eq!(child.parent_client.map(|id| id.to_string()).as_deref(), Some(parent.client_id()));
    assert!(child.public_client && !child.id.is_nil());
}

#[tokio::test]
async fn consents_say_what_they_are_good_for() {
    let (_world, client) = start().await;
    let me = client.userinfo().send().await.unwrap();
    let forest = client.get_consents(me.sub).send().await.unwrap().to_forest().unwrap();
    assert!(forest.meets(&[TransferScopes::ALL, AuthScopes::VIEW_CONSENTS]));
    let needed =
        [TransferScopes::ALL
            .with_dependency(Scope::constant("https://auth.globus.org/scopes/x/data_access"))];
    let missing = forest.missing(&needed);
    assert_eq!((missing.len(), missing[0].reason()), (1, MissingReason::NotGiven));
    assert_eq!(missing[0].path(), [TransferClient::ALL_SCOPE]);
}

#[tokio::test]
async fn identities_and_their_providers_are_found() {
    let (world, client) = start().await;
    let user = world.emulator.user();
    let mut map = IdentityMap::new(&client);
    map.extend([user.username.to_uppercase(), "nobody@example.org".to_owned()]);
    assert_eq!(map.get(&user.username).await.unwrap().unwrap().id, user.id);
    assert!(map.get("nobody@example.org").await.unwrap().is_none());
    let me = client.userinfo().send().await.unwrap();
    assert!(me.identity_set.iter().any(|linked| linked.sub == IdentityId::from(user.id)));
    let provider = me.identity_provider.unwrap();
    let found = client.get_identity_providers().ids(provider).send().await.unwrap();
    assert_eq!(found.identity_providers[0].id, provider);
}

/// That none is forgotten here.
#[test]
fn every_operation_is_called_above() {
    let own = include_str!("developer.rs");
    // A client found by its host name needs one that has proven to own it.
    let elsewhere = ["get_identities", "get_jwk", "get_openid_configuration"];
    for operation in OPERATIONS.iter().filter(|operation| !elsewhere.contains(&operation.name)) {
        assert!(own.contains(&format!(".{}(", operation.name)), "{}", operation.name);
    }
}
