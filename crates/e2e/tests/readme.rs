//! The how-tos of the README, with what they need around them, compiled and run where they can be.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "the how-tos print")]

mod support;

use globus_emulator::{Fault, TokenFilter, TransferLimits};
use std::sync::Arc;
use std::time::Duration;

use globus_sdk::auth::IdTokenDecoder;
use globus_sdk::login::{AskWith, SuspendedLogin};
use globus_sdk::seal::SealingKey;
use globus_sdk::storage::{PostgresTokenStorage, SealedTokenStorage, StoreKind};
use globus_sdk::transfer::{FilterMethod, SyncLevel, TaskWaitError};
use globus_sdk::{
    AccessTokenAuthorizer, ClientApp, ClientCredentialsAuthorizer, ConfidentialAppAuthClient, Environment,
    FileAdapter, GlobusAuthorizationParameters, JsonTokenStorage, NativeAppAuthClient,
    RefreshTokenAuthorizer, SimpleJsonFileAdapter, Storage, StorageAdapter, TokenData, TransferClient,
    TransferData, UserApp,
};
use http::Method;
use support::World;

type Outcome = Result<(), Box<dyn std::error::Error>>;

#[tokio::test]
async fn use_a_token_that_you_have() -> Outcome {
    let world = World::start().await;
    let tokens = world.log_in().await;
    let access_token = &tokens.by_resource_server()["transfer.api.globus.org"].access_token;
    let collection_id = world.emulator.collection("laptop").unwrap().id;
    std::fs::write(world.emulator.collection_dir("laptop").unwrap().join("hello"), "hello")?;

    let transfer_client = TransferClient::builder()
        .authorizer(AccessTokenAuthorizer::new(access_token))
        .environment(world.emulator.environment())
        .build()?;
    let mut names = Vec::new();
    for entry in &transfer_client.operation_ls(collection_id).path("/~/").send().await?.data {
        names.push(entry.name.to_string());
    }
    assert_eq!(names, ["hello"]);
    Ok(())
}

#[tokio::test]
async fn write_a_tool_that_logs_people_in_by_itself() -> Outcome {
    let world = Arc::new(World::start().await);
    let (client_id, collection_id) =
        (world.emulator.native_client_id(), world.emulator.collection("laptop").unwrap().id);
    // The person at the terminal.
    let place = Arc::clone(&world);
    let login_ui = AskWith::new(move |address: url::Url| {
        let place = Arc::clone(&place);
        async move { place.emulator.login(address).await.map(|redirected| redirected.url.to_string()) }
    });
    let logins = || world.emulator.requests().form("grant_type", "authorization_code").len();

    for _run in 0..2 {
        let app = UserApp::builder("seqsync")
            .client_id(client_id)
            .request_refresh_tokens(true)
            .login_ui(login_ui.clone())
            .environment(world.emulator.environment())
            .token_storage(JsonTokenStorage::new(world.directory.path().join("tokens.json")))
            .build()?;
        let transfer_client = TransferClient::with_app(&app)?;
        for entry in &transfer_client.operation_ls(collection_id).path("/~/").send().await?.data {
            println!("{}", entry.name);
        }
        app.close().await?;
        assert_eq!(logins(), 1);
    }
    Ok(())
}

#[tokio::test]
async fn run_a_service_account() -> Outcome {
    let world = World::start().await;
    let client = world.emulator.confidential_client();
    let (client_id, client_secret) = (client.id(), client.secret());
    let app = ClientApp::builder("beamline")
        .client(client_id, client_secret)
        .environment(world.emulator.environment())
        .token_storage(globus_sdk::MemoryTokenStorage::new())
        .build()?;
    let transfer_client = TransferClient::with_app(&app)?;
    transfer_client.task_list().send().await?;
    Ok(())
}

#[tokio::test]
async fn begin_a_login_here_and_finish_it_elsewhere() -> Outcome {
    let world = World::start().await;
    let key = SealingKey::from_bytes([7; 32]);
    let sealed = world.directory.path().join("login.sealed");
    let app = UserApp::builder("batch")
        .client_id(world.emulator.native_client_id())
        .never_prompt()
        .environment(world.emulator.environment())
        .token_storage(globus_sdk::MemoryTokenStorage::new())
        .build()?;

    let login = app.begin_login(GlobusAuthorizationParameters::default())?;
    println!("Please log in: {}", login.authorize_url());
    login.suspend(key.clone(), Duration::from_secs(24 * 60 * 60)).await?.save(&sealed).await?;

    let code_or_address = world.emulator.login(login.authorize_url()).await?.url.to_string();
    let login = SuspendedLogin::load(&sealed).await?.resume(key, app.login_client()).await?;
    app.finish_login(login.finish(&code_or_address).await?).await?;
    assert!(!app.login_required().await?);
    Ok(())
}

#[tokio::test]
async fn log_a_person_in_once_and_go_on_from_a_file() -> Outcome {
    let world = World::start().await;
    let (client_id, directory) = (world.emulator.native_client_id(), world.directory.path());

    let login_client =
        NativeAppAuthClient::builder(client_id).environment(world.emulator.environment()).build()?;
    let file = SimpleJsonFileAdapter::for_resource_server(
        directory.join("transfer.json"),
        "transfer.api.globus.org",
    );
    if !file.file_exists() {
        let flow = login_client
            .oauth2_start_flow("urn:globus:auth:scope:transfer.api.globus.org:all")
            .refresh_tokens(true)
            .start()?;
        let code_that_was_pasted = world.emulator.login(flow.authorize_url()?).await?.code;
        file.store(&flow.oauth2_exchange_code_for_tokens(code_that_was_pasted).await?)?;
    }
    let authorizer =
        RefreshTokenAuthorizer::from_tokens(&file.read()?, &login_client)?.on_refresh(file).build()?;
    authorizer.ensure_valid_token().await?;

    let storage = Storage::from(JsonTokenStorage::new(directory.join("tokens.json")));
    storage.store_response(&world.log_in().await).await?;
    assert!(storage.get("transfer.api.globus.org").await?.is_some());
    Ok(())
}

#[tokio::test]
async fn run_a_daemon_and_log_people_in_to_a_portal() -> Outcome {
    let world = World::start().await;
    let credentials = world.emulator.confidential_client();
    let client = ConfidentialAppAuthClient::builder(credentials.id(), credentials.secret())
        .environment(world.emulator.environment())
        .build()?;
    let authorizer = ClientCredentialsAuthorizer::new(&client, TransferClient::ALL_SCOPE)?;
    authorizer.ensure_valid_token().await?;

    let flow = client.oauth2_start_flow("http://localhost:8000/callback", "openid email").start()?;
    let redirected = world.emulator.login(flow.authorize_url()?).await?;
    let tokens = flow.finish(redirected.url.as_str()).await?;
    let claims = IdTokenDecoder::new(&client).decode_response(&tokens).await?;
    assert_eq!(claims.sub, world.emulator.user().id.to_string());
    Ok(())
}

#[tokio::test]
async fn keep_the_tokens_of_many_users_on_several_nodes() -> Outcome {
    let world = World::start().await;
    let client = world.emulator.confidential_client();
    let confidential_client = ConfidentialAppAuthClient::builder(client.id(), client.secret().to_owned())
        .environment(world.emulator.environment())
        .build()?;
    let flow = confidential_client
        .oauth2_start_flow("http://localhost:8080/callback", [TransferClient::ALL_SCOPE])
        .refresh_tokens(true)
        .start()?;
    let redirected = world.emulator.login(flow.authorize_url()?).await?;
    let tokens = flow.finish(redirected.url.as_str()).await?;
    let server = test_services::postgres::Shared::get();
    let pool = e2e::storages::pool(server.connection(), 2)?;
    let (user_id, key) =
        (format!("user-{}", uuid::Uuid::new_v4()), "c2l4dGVlbiBieXRlcyBhbmQgc2l4dGVlbiBtb3JlLi4=");

    let rows = PostgresTokenStorage::new(pool).table_prefix("readme_")?;
    rows.migrate().await?;
    let users = Storage::from(SealedTokenStorage::new(rows, SealingKey::from_base64(key)?)?);

    let storage = users.with_namespace(&*user_id);
    storage.store_response(&tokens).await?;

    let tokens = storage.get("transfer.api.globus.org").await?.ok_or("send the user to the login")?;
    let authorizer =
        RefreshTokenAuthorizer::from_tokens(&tokens, &confidential_client)?.on_refresh(storage).build()?;

    world.emulator.expire_tokens(&TokenFilter::access());
    world.transfer(&authorizer).get_submission_id().send().await?;
    authorizer.settle().await?;
    let renewed = users.with_namespace(&*user_id).get("transfer.api.globus.org").await?.unwrap();
    assert_ne!(renewed.access_token, tokens.access_token);
    Ok(())
}

#[tokio::test]
async fn copy_files_and_wait_until_they_are_there() -> Outcome {
    let world = World::start().await;
    let transfer_client = world.logged_in_transfer().await;
    let (laptop_id, cluster_id) = (world.id("laptop"), world.id("cluster"));
    std::fs::create_dir(world.dir("laptop").join("data"))?;
    std::fs::write(world.dir("laptop").join("data/a.csv"), "1,2")?;
    std::fs::write(world.dir("laptop").join("data/a.tmp"), "x")?;

    let data = TransferData::new(laptop_id, cluster_id)
        .label("nightly copy")
        .sync_level(SyncLevel::Checksum)
        .add_filter_rule("*.tmp", FilterMethod::Exclude)
        .add_folder("/~/data/", "/~/backup/");
    let submitted = transfer_client.submit_transfer(data).send().await?;

    let waiter = transfer_client.task_wait(submitted.task_id).on_progress(|progress| {
        println!("{} of {} files", progress.files_done(), progress.files_total());
    });
    match waiter.await {
        Ok(task) => assert_eq!(task.bytes_transferred, 3),
        Err(TaskWaitError::Failed(failure)) => panic!("{}", failure.fault),
        Err(other) => return Err(other.into()),
    }
    assert_eq!(std::fs::read_dir(world.dir("cluster").join("backup"))?.count(), 1);
    Ok(())
}

#[tokio::test]
async fn go_through_a_long_list_and_call_what_has_no_method() -> Outcome {
    let world = World::start().await;
    let transfer_client = world.logged_in_transfer().await;
    std::fs::write(world.dir("laptop").join("f"), [7; 1000])?;
    world.emulator.clock().freeze();
    world.emulator.set_transfer_limits(TransferLimits::none().bytes_per_second(1));
    let data = TransferData::new(world.id("laptop"), world.id("cluster")).add_item("/f", "/f");
    let running = transfer_client.submit_transfer(data).send().await?.task_id;

    let mut tasks = transfer_client.task_list().filter("status:ACTIVE").items().without_cap();
    let mut ids = Vec::new();
    while let Some(task) = tasks.next().await {
        ids.push(task?.task_id);
    }
    assert_eq!(ids, [running]);

    let id = world.id("laptop");
    let answer = transfer_client.request(Method::GET, format!("/v0.10/endpoint/{id}")).send().await?;
    assert_eq!(answer["display_name"], "laptop");
    Ok(())
}

#[tokio::test]
async fn make_things_go_wrong() -> Outcome {
    let World { emulator, login_client, .. } = &World::start().await;
    let flow = login_client.oauth2_start_flow("openid").refresh_tokens(true).start()?;
    let redirected = emulator.login(flow.authorize_url()?).await?;
    let tokens = flow.finish(redirected.url.as_str()).await?;
    emulator.expire_tokens(&TokenFilter::access());
    emulator.faults().add(Fault::status(503).times(2));
    let refresh_token = tokens.by_resource_server()["auth.globus.org"].refresh_token.clone().unwrap();
    login_client.oauth2_refresh_token(refresh_token).send().await?;
    assert_eq!(emulator.requests().form("grant_type", "refresh_token").status(200).len(), 1);
    Ok(())
}

#[tokio::test]
async fn move_from_the_python_sdk_or_cli() -> Outcome {
    use globus_sdk::config::Variables;
    use globus_sdk::storage::import;

    let home = tempfile::tempdir()?;
    let variables = Variables::from_iter([("HOME", home.path().to_str().unwrap())]);
    let client_id = "4fb58e00-839d-4e54-8047-10a5a99dcb8e";
    let app = JsonTokenStorage::for_app_with(client_id, "My App", &Environment::production(), &variables)?;
    std::fs::create_dir_all(app.path().parent().unwrap())?;
    std::fs::write(
        app.path(),
        r#"{"data": {"DEFAULT": {"rs": {"resource_server": "rs", "scope": "s", "access_token": "AgPython",
            "expires_at_seconds": 5}}}, "format_version": "2.0", "globus-sdk.version": "4.9.0"}"#,
    )?;

    let path = app.path();
    let storage = Storage::from(JsonTokenStorage::new(home.path().join("tokens.json")));
    for found in import::find_all_with(&variables)?.found {
        println!("{}: {}", found.path.display(), found.kind);
        for warning in &found.warnings {
            println!("  note: {warning}");
        }
        for namespace in &found.namespaces {
            let client_id = namespace.client.as_ref().map(|client| &client.client_id);
            println!("  {}: {} tokens of client {client_id:?}", namespace.name, namespace.tokens.len());
        }
    }

    let found = import::detect(path)?;
    let chosen = found.namespace("DEFAULT").ok_or("it has no such namespace")?;
    let imported = chosen.import_into(&storage).await?;
    println!("{} tokens are imported, {} were there", imported.stored.len(), imported.left_out.len());
    assert_eq!(chosen.client.as_ref().map(|client| client.client_id.as_str()), Some(client_id));
    assert_eq!(storage.get("rs").await?.unwrap().access_token.expose(), "AgPython");
    Ok(())
}

#[tokio::test]
async fn go_on_after_a_file_of_tokens_was_damaged() -> Outcome {
    for has_copy in [true, false] {
        let home = tempfile::tempdir()?;
        let storage = JsonTokenStorage::new(home.path().join("tokens.json")).keep_last_good(has_copy);
        let handle = Storage::from(storage.clone());
        for access in ["AgOld", "AgNew"] {
            handle.store(vec![TokenData::new("rs", "s", access, 5)], StoreKind::Login).await?;
        }
        std::fs::write(storage.path(), "torn")?;

        let inspection = storage.inspect().await?;
        if let Some(damage) = inspection.damage {
            println!("{damage}");
            match inspection.last_good {
                Some(copy) => {
                    println!("going back to {}", copy.written_at);
                    storage.restore_last_good().await?;
                }
                None => println!("kept as {}; log in again", storage.set_aside().await?.display()),
            }
        }
        let token = handle.get("rs").await?;
        assert_eq!(token.map(|token| token.access_token.expose() == "AgOld"), has_copy.then_some(true));
    }
    Ok(())
}
