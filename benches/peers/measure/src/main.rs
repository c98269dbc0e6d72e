//! Runs one command, and says its wall time, CPU time and peak memory as a line of JSON.
//!
//! Its own process, and a small one: a child's peak of memory begins at the size of the process that forked it,
//! so that a Python parent would hide everything smaller than itself.

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use serde_json::json;

fn main() -> Result<()> {
    let mut arguments = std::env::args_os().skip(1);
    let program = arguments.next().context("usage: measure PROGRAM [ARGUMENT]...")?;
    let begin = Instant::now();
    let status = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    let wall = begin.elapsed();
    // There is no other child.
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let cpu = (usage.user_time() + usage.system_time()).num_microseconds();
    println!(
        "{}",
        json!({
            "wall_ms": wall.as_secs_f64() * 1e3,
            "cpu_ms": std::time::Duration::from_micros(u64::try_from(cpu)?).as_secs_f64() * 1e3,
            "peak_rss_mib": f64::from(i32::try_from(usage.max_rss())?) / 1024.0,
            "exit": status.code().or(status.signal().map(|signal| -signal)),
        })
    );
    Ok(())
}
