//! A first real run, without an account and without a network.
//!
//!     cargo run --example quickstart
//!     cargo run --example quickstart -- --home DIR     # keeps tokens and files; a second run logs nobody in
//!
//! It starts a local stand-in for Globus on two directories with real files, logs in once, keeps the tokens in two
//! files, and from then on builds authorizers from those files that renew themselves.

#![allow(clippy::print_stdout, reason = "the example talks to a person")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, ensure};
use globus_emulator::{Emulator, TokenFilter};
use globus_sdk::{
    AuthClient, FileAdapter, NativeAppAuthClient, RefreshTokenAuthorizer, SimpleJsonFileAdapter,
    StorageAdapter, TransferClient, TransferData,
};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let home = Home::from_arguments()?;
    let (laptop, cluster) = (home.directory("laptop")?, home.directory("cluster")?);
    make_files(&laptop)?;

    // A stand-in for Globus, in this process: Auth, and Transfer with two collections on real directories.
    // Against the real services, leave it and the `.environment(…)` lines out.
    let emulator = Emulator::builder()
        .collection("laptop", &laptop)
        .collection("cluster", &cluster)
        .data_dir(home.path().join("emulator"))
        .start()
        .await?;
    println!("Started a local Globus on {} and {}.\n", laptop.display(), cluster.display());

    // Each service has tokens of its own. Here each gets a file.
    let auth_file =
        SimpleJsonFileAdapter::for_resource_server(home.path().join("auth.json"), "auth.globus.org");
    let transfer_file = SimpleJsonFileAdapter::for_resource_server(
        home.path().join("transfer.json"),
        TransferClient::RESOURCE_SERVER,
    );

    let login_client = NativeAppAuthClient::builder(emulator.native_client_id())
        .environment(emulator.environment())
        .build()?;

    if !auth_file.file_exists() || !transfer_file.file_exists() {
        let flow = login_client
            .oauth2_start_flow(["openid", "profile", "email", TransferClient::ALL_SCOPE])
            .refresh_tokens(true)
            .start()?;
        println!("Please log in: {}\n", flow.authorize_url()?);

        // A person would open that address. The emulator plays the person, and says where the browser ends up.
        let redirected = emulator.login(flow.authorize_url()?).await?;
        let token_response = flow.finish(redirected.url.as_str()).await?;

        auth_file.store(&token_response)?;
        transfer_file.store(&token_response)?;
        println!("Logged in, and stored the tokens:");
    } else {
        println!("There are tokens already, so nobody has to log in:");
    }
    show(&auth_file)?;
    show(&transfer_file)?;

    // From here on only the files matter. Every renewal is written back before it is used.
    let auth_authorizer = RefreshTokenAuthorizer::from_tokens(&auth_file.read()?, &login_client)?
        .on_refresh(auth_file)
        .build()?;
    let transfer_authorizer = RefreshTokenAuthorizer::from_tokens(&transfer_file.read()?, &login_client)?
        .on_refresh(transfer_file.clone())
        .build()?;

    let auth_client =
        AuthClient::builder().environment(emulator.environment()).authorizer(&auth_authorizer).build()?;
    let transfer_client = TransferClient::builder()
        .environment(emulator.environment())
        .authorizer(&transfer_authorizer)
        .build()?;

    let me = auth_client.userinfo().send().await?;
    println!("\nYou are {} ({}).", me.preferred_username.as_deref().unwrap_or("somebody"), me.sub);

    let laptop_id = emulator.collection("laptop").context("the collection is there")?.id;
    let cluster_id = emulator.collection("cluster").context("the collection is there")?.id;
    println!("\nOn laptop, in /results:");
    for entry in &transfer_client.operation_ls(laptop_id).path("/results/").send().await?.data {
        println!("  {:<4} {:>9} {}", entry.entry_type, entry.size, entry.name);
    }

    let data = TransferData::new(laptop_id, cluster_id)
        .label("quickstart")
        .add_folder("/results/", "/backup/results/");
    let submitted = transfer_client.submit_transfer(data).send().await?;
    println!("\nCopying /results to /backup/results on cluster: task {}", submitted.task_id);
    let task = loop {
        let task = transfer_client.get_task(submitted.task_id).send().await?;
        println!(
            "  {:<9} {} files, {} bytes",
            task.status,
            task.files_transferred.unwrap_or(0),
            task.bytes_transferred
        );
        if task.completion_time.is_some() {
            break task;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    ensure!(task.status == "SUCCEEDED", "the task ended as {}: {:?}", task.status, task.fatal_error);
    let compared = compare(&laptop.join("results"), &cluster.join("backup/results"))?;
    println!("Compared {compared} copies byte for byte: all the same.");

    // Access tokens live two days. Let this one expire now, and call again.
    let before = transfer_file.read()?;
    emulator.expire_tokens(&TokenFilter::access().resource_server(TransferClient::RESOURCE_SERVER));
    let requests = emulator.requests().form("grant_type", "refresh_token").len();
    println!("\nThe access token for Transfer has expired. Calling again …");
    transfer_client.operation_ls(cluster_id).path("/backup/").send().await?;
    let renewals = emulator.requests().form("grant_type", "refresh_token").len() - requests;
    println!("… worked, after {renewals} renewal. The file has the new token:");
    show(&transfer_file)?;
    ensure!(renewals == 1, "one renewal was enough, {renewals} were made");
    ensure!(transfer_file.read()?.access_token != before.access_token, "the new token is in the file");

    // A program that ends soon after its last call makes sure that nothing is under way.
    auth_authorizer.settle().await?;
    transfer_authorizer.settle().await?;
    emulator.stop().await;
    home.farewell();
    Ok(())
}

/// Prints what a token file holds, secrets masked.
fn show(file: &SimpleJsonFileAdapter) -> anyhow::Result<()> {
    let tokens = file.read()?;
    println!("  {}", file.path().display());
    println!("    resource_server     {}", tokens.resource_server);
    println!("    scope               {}", tokens.scope);
    println!("    access_token        {}", masked(&tokens.access_token.fingerprint()));
    if let Some(refresh_token) = &tokens.refresh_token {
        println!("    refresh_token       {}", masked(&refresh_token.fingerprint()));
    }
    println!("    expires_at_seconds  {}", tokens.expires_at_seconds);
    Ok(())
}

/// Tells tokens apart without showing them.
fn masked(fingerprint: &str) -> String {
    format!("******** (fingerprint {})", &fingerprint[..8])
}

fn make_files(laptop: &Path) -> anyhow::Result<()> {
    let results = laptop.join("results");
    std::fs::create_dir_all(results.join("raw"))?;
    std::fs::write(results.join("summary.csv"), "run,value\n1,0.31\n2,0.29\n")?;
    for run in 1..=3_u8 {
        std::fs::write(results.join(format!("raw/run-{run}.dat")), vec![run; 200_000 * usize::from(run)])?;
    }
    Ok(())
}

/// Compares every file below one directory with its copy; says how many there were.
fn compare(source: &Path, copy: &Path) -> anyhow::Result<usize> {
    let mut compared = 0;
    for entry in walkdir::WalkDir::new(source) {
        let entry = entry?;
        if entry.file_type().is_file() {
            let other = copy.join(entry.path().strip_prefix(source)?);
            ensure!(std::fs::read(entry.path())? == std::fs::read(&other)?, "{} differs", other.display());
            compared += 1;
        }
    }
    Ok(compared)
}

/// Where the example keeps its files: a directory that was named, or one for this run only.
enum Home {
    Named(PathBuf),
    Temporary(tempfile::TempDir),
}

impl Home {
    fn from_arguments() -> anyhow::Result<Self> {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            [] => Ok(Self::Temporary(tempfile::tempdir()?)),
            ["--home", directory] => {
                std::fs::create_dir_all(directory)?;
                Ok(Self::Named(std::fs::canonicalize(directory)?))
            }
            _ => anyhow::bail!("usage: quickstart [--home DIR]"),
        }
    }

    fn path(&self) -> &Path {
        match self {
            Self::Named(path) => path,
            Self::Temporary(directory) => directory.path(),
        }
    }

    fn directory(&self, name: &str) -> anyhow::Result<PathBuf> {
        let path = self.path().join(name);
        std::fs::create_dir_all(&path)?;
        Ok(path)
    }

    fn farewell(&self) {
        match self {
            Self::Named(path) => {
                println!("\nEverything is kept in {}. Run again: nobody has to log in.", path.display());
            }
            Self::Temporary(_) => println!("\nEverything was temporary. With --home DIR it is kept."),
        }
    }
}
