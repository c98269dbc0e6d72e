//! A first real run, without an account and without a network.
//!
//!     cargo run --example quickstart
//!     cargo run --example quickstart -- --home DIR     # keeps tokens and files; a second run logs nobody in
//!
//! What happens, in the order of `main`:
//!
//! 1. a local stand-in for Globus starts in this process, on two directories with real files;
//! 2. somebody logs in, once, and the tokens go into two files, one for each service;
//! 3. from then on only the files matter: authorizers are made from them, and every renewal is written back;
//! 4. one client says who we are, another one lists a directory and has files copied;
//! 5. an access token expires, and the next call works all the same.
//!
//! Against the real services, leave out step 1 and the `.environment(…)` lines, and let a person open the address
//! that step 2 prints.

#![allow(clippy::print_stdout, reason = "the example talks to a person")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, ensure};
use globus_emulator::{Emulator, TokenFilter, TransferLimits};
use globus_sdk::transfer::TaskProgress;
use globus_sdk::{
    AuthClient, FileAdapter, NativeAppAuthClient, RefreshTokenAuthorizer, SimpleJsonFileAdapter,
    StorageAdapter, TransferClient, TransferData,
};
use indicatif::{HumanBytes, ProgressBar, ProgressStyle};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let home = Home::from_arguments()?;

    // 1. A stand-in for Globus: Auth, and Transfer with two collections on real directories. It is told to copy
    //    slowly, or there would be no progress to see.
    let (laptop, cluster) = (home.directory("laptop")?, home.directory("cluster")?);
    make_files(&laptop)?;
    let emulator = Emulator::builder()
        .collection("laptop", &laptop)
        .collection("cluster", &cluster)
        .data_dir(home.path().join("emulator"))
        .start()
        .await?;
    emulator.set_transfer_limits(TransferLimits::none().bytes_per_second(6_000_000));
    println!("Started a local Globus with two collections:");
    println!("  laptop   {}", laptop.display());
    println!("  cluster  {}\n", cluster.display());

    // 2. Each service has tokens of its own; here each gets a file, which only its owner can read.
    let auth_file =
        SimpleJsonFileAdapter::for_resource_server(home.path().join("auth.json"), "auth.globus.org");
    let transfer_file = SimpleJsonFileAdapter::for_resource_server(
        home.path().join("transfer.json"),
        TransferClient::RESOURCE_SERVER,
    );
    let login_client = NativeAppAuthClient::builder(emulator.native_client_id())
        .environment(emulator.environment())
        .build()?;

    if auth_file.file_exists() && transfer_file.file_exists() {
        println!("There are tokens already, so nobody has to log in:");
    } else {
        let flow = login_client
            .oauth2_start_flow(["openid", "profile", "email", TransferClient::ALL_SCOPE])
            .refresh_tokens(true)
            .start()?;
        println!("Please log in at this address:\n{}\n", flow.authorize_url()?);

        // A person would open it. The emulator plays the person, approves, and says where the browser ends up.
        let redirected = emulator.login(flow.authorize_url()?).await?;
        let token_response = flow.finish(redirected.url.as_str()).await?;

        auth_file.store(&token_response)?;
        transfer_file.store(&token_response)?;
        println!("Logged in. The tokens are in two files:");
    }
    show(&auth_file)?;
    show(&transfer_file)?;

    // 3. The authorizers renew their tokens by themselves. `on_refresh` has each new token written to its file
    //    before it is used.
    let auth_authorizer = RefreshTokenAuthorizer::from_tokens(&auth_file.read()?, &login_client)?
        .on_refresh(auth_file)
        .build()?;
    let transfer_authorizer = RefreshTokenAuthorizer::from_tokens(&transfer_file.read()?, &login_client)?
        .on_refresh(transfer_file.clone())
        .build()?;

    // 4. Clients take any authorizer, and never see a token themselves.
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

    println!("\nOn laptop, in /results/:");
    for entry in &transfer_client.operation_ls(laptop_id).path("/results/").send().await?.data {
        println!("  {:<4} {:>9}  {}", entry.entry_type, entry.size, entry.name);
    }

    // A transfer is a task of the service's: submitting it takes a moment, waiting for it as long as it takes.
    let data = TransferData::new(laptop_id, cluster_id)
        .label("quickstart")
        .add_folder("/results/", "/backup/results/");
    let task_id = transfer_client.submit_transfer(data).send().await?.task_id;
    println!("\nCopying laptop:/results/ to cluster:/backup/results/, task {task_id}");

    let bar = progress_bar()?;
    let seen = bar.clone();
    let task = transfer_client
        .task_wait(task_id)
        .polling_interval(Duration::from_millis(100))
        .on_progress(move |progress| draw(&seen, progress))
        .await?;
    bar.finish_and_clear();
    println!("{}: {} files, {}.", task.status, task.files, HumanBytes(task.bytes_transferred));

    let compared = compare(&laptop.join("results"), &cluster.join("backup/results"))?;
    println!("Compared {compared} copies with their originals, byte for byte: all the same.");

    // 5. Access tokens live two days. This one expires now.
    let before = transfer_file.read()?;
    emulator.expire_tokens(&TokenFilter::access().resource_server(TransferClient::RESOURCE_SERVER));
    let refreshes = || emulator.requests().form("grant_type", "refresh_token").len();
    let refreshes_before = refreshes();
    println!("\nThe access token for Transfer has expired. Listing cluster:/backup/ all the same …");
    let listing = transfer_client.operation_ls(cluster_id).path("/backup/").send().await?;
    let renewed = refreshes() - refreshes_before;
    println!("… worked: {} entry, {renewed} refresh. The file has the new token:", listing.data.len());
    show(&transfer_file)?;
    ensure!(renewed == 1, "one refresh is enough, {renewed} were made");
    ensure!(transfer_file.read()?.access_token != before.access_token, "the new token is in the file");

    // A program that ends soon after its last call makes sure that no renewal is under way.
    auth_authorizer.settle().await?;
    transfer_authorizer.settle().await?;
    emulator.stop().await;
    home.farewell();
    Ok(())
}

/// Prints what a token file holds. Secrets are masked; a fingerprint tells them apart.
fn show(file: &SimpleJsonFileAdapter) -> anyhow::Result<()> {
    let tokens = file.read()?;
    let masked = |fingerprint: String| format!("******** (fingerprint {})", &fingerprint[..8]);
    println!("  {}", file.path().display());
    println!("    resource_server     {}", tokens.resource_server);
    println!("    scope               {}", tokens.scope);
    println!("    access_token        {}", masked(tokens.access_token.fingerprint()));
    if let Some(refresh_token) = &tokens.refresh_token {
        println!("    refresh_token       {}", masked(refresh_token.fingerprint()));
    }
    println!("    expires_at_seconds  {}", tokens.expires_at_seconds);
    Ok(())
}

/// A bar that is drawn where there is a terminal.
fn progress_bar() -> anyhow::Result<ProgressBar> {
    let style = ProgressStyle::with_template("  [{bar:40}] {msg}")?.progress_chars("=> ");
    Ok(ProgressBar::new(1000).with_style(style))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share from 0 to 1")]
fn draw(bar: &ProgressBar, progress: &TaskProgress) {
    bar.set_position((progress.fraction().unwrap_or(0.0) * 1000.0) as u64);
    bar.set_message(format!(
        "{} of {} files, {}, {}/s",
        progress.files_done(),
        progress.files_total(),
        HumanBytes(progress.bytes_done()),
        HumanBytes(progress.bytes_per_second()),
    ));
}

/// A directory of results, as an instrument might leave it.
fn make_files(laptop: &Path) -> anyhow::Result<()> {
    let results = laptop.join("results");
    std::fs::create_dir_all(results.join("raw"))?;
    std::fs::write(results.join("summary.csv"), "run,value\n1,0.31\n2,0.29\n")?;
    for run in 1..=9_u8 {
        std::fs::write(results.join(format!("raw/run-{run}.dat")), vec![run; 1_500_000])?;
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
            [] => Ok(Self::Temporary(tempfile::Builder::new().prefix("globus-quickstart-").tempdir()?)),
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
