//! The founding story: log in once, keep the tokens in files, and go on from the files.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use globus_emulator::TokenFilter;
use globus_sdk::auth::IdTokenDecoder;
use globus_sdk::{
    AuthClient, FileAdapter, RefreshTokenAuthorizer, SimpleJsonFileAdapter, StorageAdapter, TransferClient,
    TransferData,
};
use support::World;

#[tokio::test]
async fn tokens_in_a_file_renew_themselves_and_are_written_back() {
    let world = World::start().await;
    let file = SimpleJsonFileAdapter::for_resource_server(
        world.directory.path().join("transfer.json"),
        TransferClient::RESOURCE_SERVER,
    );
    file.store(&world.log_in().await).unwrap();
    let before = file.read().unwrap();

    let authorizer = RefreshTokenAuthorizer::from_tokens(&before, &world.login_client)
        .unwrap()
        .on_refresh(file.clone())
        .build()
        .unwrap();
    let client = world.transfer(&authorizer);
    client.get_submission_id().send().await.unwrap();
    assert_eq!(world.refreshes(), 0, "a good token is not renewed");

    world.emulator.expire_tokens(&TokenFilter::access());
    client.get_submission_id().send().await.unwrap();
    assert_eq!(world.refreshes(), 1);
    let after = file.read().unwrap();
    assert_ne!(after.access_token, before.access_token);
    assert_eq!(after.refresh_token, before.refresh_token, "without rotation the refresh token stays");
    assert_eq!(authorizer.held().access_token, Some(after.access_token));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_callers_with_an_expired_token_make_one_token_request() {
    let world = World::start().await;
    let tokens = support::expired(&world.log_in().await);
    let authorizer =
        RefreshTokenAuthorizer::from_tokens(&tokens, &world.login_client).unwrap().build().unwrap();
    let authorizer = globus_sdk::Authorizer::from(&authorizer);
    let callers: Vec<_> = (0..1_000)
        .map(|_| {
            let authorizer = authorizer.clone();
            tokio::spawn(async move { authorizer.authorization().await.unwrap() })
        })
        .collect();
    let mut headers = Vec::new();
    for caller in callers {
        headers.push(caller.await.unwrap());
    }
    assert!(headers.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(world.refreshes(), 1);
}

#[tokio::test]
async fn the_id_token_says_who_logged_in_and_the_stored_records_say_it_too() {
    let world = World::start().await;
    let response = world.log_in().await;
    let decoder = IdTokenDecoder::new(&world.login_client);
    let claims = decoder.decode_response(&response).await.unwrap();
    assert_eq!(claims.sub, world.emulator.user().id.to_string());
    let again = decoder.decode_response(&response).await.unwrap();
    assert_eq!(again.sub, claims.sub);
    let fetched = world.emulator.requests().path("/jwk.json").len();
    assert_eq!(fetched, 1, "description and keys are fetched once");

    let storage =
        globus_sdk::Storage::from(globus_sdk::JsonTokenStorage::new(world.directory.path().join("t.json")));
    storage.store_response(&response.with_identity_id(claims.sub.as_str())).await.unwrap();
    let stored = storage.get("transfer.api.globus.org").await.unwrap().unwrap();
    assert_eq!(stored.identity_id.as_deref(), Some(claims.sub.as_str()));
}

#[tokio::test]
async fn files_are_copied_and_the_task_tells_the_truth() {
    let world = World::start().await;
    let response = world.log_in().await;
    let environment = world.emulator.environment();
    let token = |server: &str| response.by_resource_server()[server].access_token.clone();
    let auth = AuthClient::builder()
        .authorizer(globus_sdk::AccessTokenAuthorizer::new(token("auth.globus.org")))
        .environment(environment.clone())
        .build()
        .unwrap();
    let me = auth.userinfo().send().await.unwrap();
    assert_eq!(me.sub, world.emulator.user().id);
    let identities = auth.get_identities().ids([&me.sub]).send().await.unwrap();
    assert_eq!(identities.identities[0].username, world.emulator.user().username.as_str());

    let transfer = TransferClient::builder()
        .authorizer(globus_sdk::AccessTokenAuthorizer::new(token("transfer.api.globus.org")))
        .environment(environment)
        .build()
        .unwrap();
    let (laptop, cluster) =
        (world.emulator.collection("laptop").unwrap(), world.emulator.collection("cluster").unwrap());
    std::fs::create_dir_all(laptop.dir.join("data/deep")).unwrap();
    std::fs::write(laptop.dir.join("data/a.bin"), vec![7_u8; 70_000]).unwrap();
    std::fs::write(laptop.dir.join("data/deep/b.txt"), "b").unwrap();

    let listing = transfer.operation_ls(laptop.id).path("/data").orderby(["name"]).send().await.unwrap();
    let names: Vec<_> = listing.data.iter().map(|entry| (entry.name.as_str(), entry.size)).collect();
    assert_eq!(names[0], ("a.bin", 70_000));
    assert_eq!(names[1].0, "deep");

    let data = TransferData::new(laptop.id, cluster.id).add_folder("/data/", "/copy/");
    let submitted = transfer.submit_transfer(data.clone()).send().await.unwrap();
    assert_eq!(submitted.code, "Accepted");
    let task = loop {
        let task = transfer.get_task(submitted.task_id).send().await.unwrap();
        if task.completion_time.is_some() {
            break task;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(task.status, "SUCCEEDED");
    assert_eq!((task.files, task.files_transferred), (2, Some(2)));
    assert_eq!(task.bytes_transferred, 70_001);
    assert_eq!(std::fs::read(cluster.dir.join("copy/a.bin")).unwrap(), vec![7_u8; 70_000]);
    assert_eq!(std::fs::read(cluster.dir.join("copy/deep/b.txt")).unwrap(), b"b");
}
