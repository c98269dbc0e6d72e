//! What the header of a good token costs, against the least that it can cost: a lock, a counted clone, and one
//! look at the clock. Prints both and their ratio, which must not exceed 1.5.

#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use std::hint::black_box;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use criterion::{Criterion, criterion_group, criterion_main};
use futures_util::FutureExt;
use globus_core::{
    Authorizer, RefreshToken, RefreshTokenAuthorizer, Result, Scopes, TokenGrants, TokenResponse,
};

#[derive(Debug, Clone)]
struct NoGrants;

impl TokenGrants for NoGrants {
    async fn refresh(&self, _: &RefreshToken) -> Result<TokenResponse> {
        unreachable!("the token is good")
    }

    async fn client_credentials(&self, _: &Scopes) -> Result<TokenResponse> {
        unreachable!("the token is good")
    }
}

fn authorizer() -> Authorizer {
    let builder = RefreshTokenAuthorizer::builder("RT", &NoGrants);
    builder.access_token("AgExample", 1 << 35).build().unwrap().into()
}

fn header(authorizer: &Authorizer) {
    black_box(authorizer.authorization().now_or_never().unwrap().unwrap());
}

fn yardstick(shared: &Mutex<(Arc<str>, SystemTime)>) {
    let now = SystemTime::now();
    let held = shared.lock().unwrap();
    black_box((now < held.1).then(|| Arc::clone(&held.0)).unwrap());
}

/// Nanoseconds of one run of each, taken in turns, so that both meet the same machine: the shortest of many
/// rounds, which whatever the machine does otherwise only ever makes longer.
fn nanoseconds(mut works: [&mut dyn FnMut(); 2]) -> [f64; 2] {
    const ROUND: u32 = 20_000;
    let mut shortest = [Duration::MAX; 2];
    for _ in 0..300 {
        for (work, shortest) in works.iter_mut().zip(&mut shortest) {
            let begin = Instant::now();
            (0..ROUND).for_each(|_| work());
            *shortest = begin.elapsed().min(*shortest);
        }
    }
    shortest.map(|round| round.as_secs_f64() * 1e9 / f64::from(ROUND))
}

fn bench(criterion: &mut Criterion) {
    let authorizer = authorizer();
    let later = SystemTime::now() + Duration::from_secs(3600);
    let shared = Mutex::new((Arc::from("Bearer AgExample"), later));
    let mut group = criterion.benchmark_group("authorizer_header");
    group.bench_function("yardstick", |bencher| bencher.iter(|| yardstick(&shared)));
    group.bench_function("authorizer", |bencher| bencher.iter(|| header(&authorizer)));
    group.finish();

    let [least, ours] = nanoseconds([&mut || yardstick(&shared), &mut || header(&authorizer)]);
    println!("yardstick {least:.1} ns, authorizer {ours:.1} ns, ratio {:.2} (at most 1.5)", ours / least);
}

criterion_group!(benches, bench);
criterion_main!(benches);
