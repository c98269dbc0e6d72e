//! A long list of tasks, page by page.

use std::hint::black_box;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use clap::ValueEnum;
use globus_core::decode;
use globus_sdk::transfer::TaskPage;
use serde_json::json;

use crate::answers::Tasks;
use crate::report::{peak_memory, print};
use crate::{TOKEN, reqwest_client, sdk_client};

const PAGE_SIZE: u64 = 1000;

/// Whoever walks over the list.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Walker {
    /// This SDK's `items()`.
    Sdk,
    /// A plain loop over `reqwest`, with this SDK's decoder.
    Loop,
    /// A plain loop over `reqwest`, with a type of four members that serde derives.
    DeriveLoop,
}

/// What a walk found: how many tasks, and a sum for which each had to be looked at.
#[derive(Default)]
struct Found {
    items: u64,
    odd: u64,
}

impl Found {
    fn add(&mut self, bytes_transferred: u64) {
        self.items += 1;
        self.odd += bytes_transferred & 1;
    }
}

pub async fn measure(url: &str, walker: Walker, items: u64) -> Result<()> {
    let begin = Instant::now();
    let found = match walker {
        Walker::Sdk => by_sdk(url).await?,
        Walker::Loop => {
            by_loop(url, |body, found| {
                let page: TaskPage = decode::from_slice(body)?;
                page.data.iter().for_each(|task| found.add(black_box(task).bytes_transferred));
                page.total.context("the page has no total")
            })
            .await?
        }
        Walker::DeriveLoop => {
            by_loop(url, |body, found| {
                let page: Tasks = serde_json::from_slice(body)?;
                page.data.iter().for_each(|task| found.add(black_box(task).bytes_transferred));
                Ok(page.total)
            })
            .await?
        }
    };
    let seconds = begin.elapsed().as_secs_f64();
    ensure!(found.items == items, "{} tasks, {items} were expected", found.items);
    let walker = walker.to_possible_value().context("a walker has a name")?;
    print(&json!({
        "name": format!("page/{}", walker.get_name()),
        "items": found.items,
        "odd": found.odd,
        "seconds": seconds,
        "peak_rss_mib": peak_memory()?,
        "runtime": "tokio current_thread",
    }));
    Ok(())
}

async fn by_sdk(url: &str) -> Result<Found> {
    let mut found = Found::default();
    let mut tasks = sdk_client(url)?.task_list().items().without_cap();
    while let Some(task) = tasks.next().await {
        found.add(black_box(task?).bytes_transferred);
    }
    Ok(found)
}

async fn by_loop(url: &str, read: impl Fn(&Bytes, &mut Found) -> Result<u64>) -> Result<Found> {
    let client = reqwest_client()?;
    let mut found = Found::default();
    loop {
        let address = format!("{url}/v0.10/task_list?limit={PAGE_SIZE}&offset={}", found.items);
        let answer = client.get(address).bearer_auth(TOKEN).send().await?.error_for_status()?;
        let before = found.items;
        let total = read(&answer.bytes().await?, &mut found)?;
        if found.items == before || found.items >= total {
            return Ok(found);
        }
    }
}
