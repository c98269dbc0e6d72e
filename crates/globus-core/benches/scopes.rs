//! What hostile scopes cost: 16 diamonds on top of each other, a short text with 65,536 ways to the last scope, read and
//! printed; against the bar of 10 ms, and against writing out as many bytes as they print. And what common ones cost.

#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use globus_core::Scopes;

/// The shortest of many runs: whatever the machine does otherwise only ever makes one longer.
fn shortest<T>(mut work: impl FnMut() -> T) -> Duration {
    let run = |work: &mut dyn FnMut() -> T| {
        let started = Instant::now();
        black_box(work());
        started.elapsed()
    };
    (0..50).map(|_| run(&mut work)).min().unwrap()
}

fn main() {
    // `cargo test --benches` only builds and starts it.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let diamonds =
        (0..16).map(|n| format!("a{n}[l{n}[a{0}] r{n}[a{0}]]", n + 1)).collect::<Vec<_>>().join(" ");
    let scopes = Scopes::from(diamonds.as_str());
    let read = shortest(|| scopes.parse().unwrap());
    let trees = scopes.parse().unwrap();
    let printed = Scopes::from(&trees);
    let print = shortest(|| Scopes::from(&trees));
    let yardstick = shortest(|| printed.as_str().bytes().map(|byte| byte ^ 1).collect::<Vec<u8>>());
    let milliseconds = |time: Duration| time.as_secs_f64() * 1000.0;
    println!(
        "16 diamonds, {} bytes: read {:.3} ms, printed as {} bytes in {:.2} ms; together {:.2} ms (bar: 10 ms); \
         writing as many bytes one by one: {:.2} ms",
        diamonds.len(),
        milliseconds(read),
        printed.as_str().len(),
        milliseconds(print),
        milliseconds(read + print),
        milliseconds(yardstick),
    );
    let common = Scopes::from(
        "openid urn:globus:auth:scope:transfer.api.globus.org:all[*https://auth.globus.org/scopes/d1b5a7c0-2f64-4f0e-9a8e-1c2d3e4f5a6b/data_access]",
    );
    let common = shortest(|| (0..100).map(|_| common.parse().unwrap().len()).sum::<usize>());
    println!("the scopes of a common login: read in {:.2} µs", milliseconds(common) * 10.0);
}
