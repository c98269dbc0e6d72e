//! A thousand callers whose token has expired, and a token endpoint that takes 50 ms: one request, and hardly
//! more time than it takes. Prints the requests and the time in units of one request, which must not exceed 1.2.

#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use globus_core::token::Grant;
use globus_core::{
    Authorizer, RefreshToken, RefreshTokenAuthorizer, Result, Scopes, Timestamp, TokenGrants, TokenResponse,
};
use tokio::runtime::Runtime;

const CALLERS: usize = 1000;
const REQUEST: Duration = Duration::from_millis(50);

#[derive(Debug, Clone, Default)]
struct Slow(Arc<AtomicU32>);

impl TokenGrants for Slow {
    async fn refresh(&self, _: &RefreshToken) -> Result<TokenResponse> {
        self.0.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(REQUEST).await;
        let body =
            br#"{"access_token": "AgNew", "scope": "all", "resource_server": "rs", "expires_in": 172800}"#;
        Ok(TokenResponse::parse(Grant::RefreshToken, body, Timestamp::now())?)
    }

    async fn client_credentials(&self, _: &Scopes) -> Result<TokenResponse> {
        unreachable!("nobody asks for it here")
    }
}

/// One storm: the time that it takes and the requests that it makes.
async fn storm(callers: usize) -> (Duration, u32) {
    let grants = Slow::default();
    let builder = RefreshTokenAuthorizer::builder("RT", &grants).access_token("AgOld", 0);
    let authorizer = Authorizer::from(builder.build().unwrap());
    let begin = Instant::now();
    let tasks: Vec<_> = (0..callers)
        .map(|_| {
            let authorizer = authorizer.clone();
            tokio::spawn(async move { authorizer.authorization().await.unwrap() })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    (begin.elapsed(), grants.0.load(Ordering::Relaxed))
}

fn bench(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let mut group = criterion.benchmark_group("refresh_storm");
    group.sample_size(20);
    for callers in [1, CALLERS] {
        group.bench_function(format!("{callers} callers"), |bencher| {
            bencher.iter_custom(|rounds| {
                runtime.block_on(async {
                    let mut total = Duration::ZERO;
                    for _ in 0..rounds {
                        total += storm(callers).await.0;
                    }
                    total
                })
            });
        });
    }
    group.finish();

    let (time, requests) = runtime.block_on(storm(CALLERS));
    println!(
        "{CALLERS} callers: {requests} token request (must be 1), {:.1} ms, {:.2} of one request (at most 1.2)",
        time.as_secs_f64() * 1e3,
        time.as_secs_f64() / REQUEST.as_secs_f64()
    );
}

criterion_group!(benches, bench);
criterion_main!(benches);
