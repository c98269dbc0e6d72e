//! Measures the SDK's client against bare Rust HTTP clients, on the stub server of the folder beside. Every
//! figure is one line of JSON. Everything runs on one tokio `current_thread` runtime.

mod answers;
mod ls;
mod page;
mod report;
mod storage;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};
use globus_sdk::{AccessTokenAuthorizer, TransferClient};

/// What a request is authorized with; the stub takes any.
const TOKEN: &str = "AgExample";

#[derive(Parser)]
#[command(about)]
struct Arguments {
    /// Where the stub listens, such as `http://127.0.0.1:8080`.
    #[arg(long)]
    url: String,
    #[command(subcommand)]
    figure: Figure,
}

#[derive(Subcommand)]
enum Figure {
    /// Lists a directory again and again: this SDK, hyper-util and reqwest take turns, block by block.
    Ls {
        /// How many entries the directory has.
        #[arg(long)]
        entries: u32,
        /// How many blocks each client has.
        #[arg(long, default_value_t = 10)]
        blocks: u32,
        /// How many requests make a block.
        #[arg(long)]
        requests: u32,
    },
    /// Walks over a long list of tasks, once; says the peak memory of this process as well.
    Page {
        /// Who walks.
        #[arg(long)]
        by: page::Walker,
        /// How many tasks the stub has.
        #[arg(long)]
        items: u64,
    },
    /// Stores and reads one token out of many, again and again, in each kind of storage.
    Storage {
        /// An empty directory on a real disk.
        #[arg(long)]
        directory: PathBuf,
        /// How many tokens there are.
        #[arg(long)]
        tokens: usize,
        /// How many stores are timed.
        #[arg(long)]
        stores: usize,
        /// How many reads are timed.
        #[arg(long)]
        reads: usize,
    },
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let url = arguments.url.trim_end_matches('/');
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match arguments.figure {
            Figure::Ls { entries, blocks, requests } => ls::measure(url, entries, blocks, requests).await,
            Figure::Page { by, items } => page::measure(url, by, items).await,
            Figure::Storage { directory, tokens, stores, reads } => {
                storage::measure(&directory, tokens, stores, reads).await
            }
        }
    })
}

/// This SDK's client, as a program sets it up.
fn sdk_client(url: &str) -> Result<TransferClient> {
    let authorizer = AccessTokenAuthorizer::new(TOKEN);
    Ok(TransferClient::builder().base_url(format!("{url}/")).authorizer(authorizer).build()?)
}

/// `reqwest` as it is without settings, and without the proxies that this SDK does not use on loopback either.
fn reqwest_client() -> Result<reqwest::Client> {
    Ok(reqwest::Client::builder().no_proxy().build()?)
}
