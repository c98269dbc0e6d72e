//! What the refresh engine says in the log. A binary of its own: other tests without a log would switch its
//! lines off for the whole process.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use crate::log_lines::Lines;
use crate::support::{SERVER, Step, World, soon, token};

mod log_lines;
#[allow(dead_code, reason = "shared with the tests of the engine")]
#[path = "refresh/support.rs"]
mod support;

#[test]
fn a_failure_to_store_is_one_line_of_the_log_at_the_level_of_errors() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE);
    let subscriber = subscriber.with_writer(lines.clone()).with_ansi(false).finish();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tracing::subscriber::with_default(subscriber, || {
        runtime.block_on(async {
            let world = World::new();
            world.adapter.next_stores([Step::Fail; 3]);
            let authorizer = world.authorizer(-1);
            for _ in 0..3 {
                token(&authorizer).await.unwrap();
                world.advance(60);
            }
            soon(authorizer.settle()).await.unwrap();
        });
    });
    let text = lines.text();
    let errors: Vec<_> = text.lines().filter(|line| line.contains("ERROR")).collect();
    assert_eq!(errors.len(), 1, "{text}");
    assert!(errors[0].contains("could not be stored") && errors[0].contains(SERVER), "{text}");
}
