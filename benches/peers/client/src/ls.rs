//! `operation_ls`: the SDK's whole client against what it stands on.

use std::hint::black_box;
use std::time::Instant;

use anyhow::{Result, ensure};
use bytes::Bytes;
use globus_core::decode;
use globus_sdk::TransferClient;
use globus_sdk::transfer::FileList;
use http_body_util::{BodyExt, Empty};
use hyper::header::AUTHORIZATION;
use hyper::{Request, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use uuid::Uuid;

use crate::answers::Listing;
use crate::report::{print, spread};
use crate::{TOKEN, reqwest_client, sdk_client};

const COLLECTION: Uuid = Uuid::from_u128(0xddb5_9aef_6d04_11e5_ba46_2200_0b92_c6ec);

/// Whoever lists the directory.
enum Lister {
    /// This SDK.
    Sdk(TransferClient),
    /// `hyper-util`'s client with this SDK's decoder: HTTP, and no more than that.
    Hyper(Box<Client<HttpConnector, Empty<Bytes>>>, Uri),
    /// `reqwest` with a type that serde derives: what a program without an SDK has.
    Reqwest(reqwest::Client, String),
}

impl Lister {
    fn name(&self) -> &'static str {
        match self {
            Self::Sdk(_) => "globus-sdk",
            Self::Hyper(..) => "hyper-util, same decoder",
            Self::Reqwest(..) => "reqwest, serde_json derive",
        }
    }

    /// Lists once, and insists on the right number of entries: an error is quickly answered, too.
    async fn list(&self, entries: u32) -> Result<()> {
        let listed = match self {
            Self::Sdk(client) => {
                let listing = client.operation_ls(COLLECTION).limit(entries).send().await?;
                black_box(&listing.data).len()
            }
            Self::Hyper(client, uri) => {
                let request = Request::get(uri.clone())
                    .header(AUTHORIZATION, format!("Bearer {TOKEN}"))
                    .body(Empty::new())?;
                let answer = client.request(request).await?;
                ensure!(answer.status().is_success(), "the stub answered {}", answer.status());
                let body = answer.into_body().collect().await?.to_bytes();
                black_box(decode::from_slice::<FileList>(&body)?).data.len()
            }
            Self::Reqwest(client, url) => {
                let answer = client.get(url).bearer_auth(TOKEN).send().await?.error_for_status()?;
                black_box(serde_json::from_slice::<Listing>(&answer.bytes().await?)?).data.len()
            }
        };
        ensure!(listed == entries as usize, "{listed} entries, {entries} were asked for");
        Ok(())
    }

    /// Requests per second, over a block of them.
    async fn block(&self, entries: u32, requests: u32) -> Result<f64> {
        let begin = Instant::now();
        for _ in 0..requests {
            self.list(entries).await?;
        }
        Ok(f64::from(requests) / begin.elapsed().as_secs_f64())
    }
}

pub async fn measure(url: &str, entries: u32, blocks: u32, requests: u32) -> Result<()> {
    let address = format!("{url}/v0.10/operation/endpoint/{COLLECTION}/ls?limit={entries}");
    let mut connector = HttpConnector::new();
    // As reqwest has it.
    connector.set_nodelay(true);
    let listers = [
        Lister::Sdk(sdk_client(url)?),
        Lister::Hyper(Box::new(Client::builder(TokioExecutor::new()).build(connector)), address.parse()?),
        Lister::Reqwest(reqwest_client()?, address),
    ];
    let mut speeds = [const { Vec::new() }; 3];
    // One block more than asked for: the first connects and warms up.
    for block in 0..=blocks {
        for turn in 0..listers.len() {
            // Everybody comes first, second and last equally often.
            let turn = (turn + block as usize) % listers.len();
            let speed = listers[turn].block(entries, requests).await?;
            if block > 0 {
                speeds[turn].push(speed);
            }
        }
    }
    for (lister, speeds) in listers.iter().zip(&speeds) {
        print(&spread(&format!("ls/{entries}/{}", lister.name()), "requests/s", speeds.clone()));
    }
    let (sdk, others) = (&speeds[0], &speeds[1..]);
    for (lister, speeds) in listers[1..].iter().zip(others) {
        let ratios = sdk.iter().zip(speeds).map(|(ours, theirs)| ours / theirs).collect();
        print(&spread(&format!("ls/{entries}/ratio to {}", lister.name()), "x", ratios));
    }
    Ok(())
}
