//! What the refresh engine says in the log. A binary of its own: other tests without a log would switch its
//! lines off for the whole process.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::sync::{Arc, Mutex};

use crate::support::{SERVER, Step, World, soon, token};

#[allow(dead_code, reason = "shared with the tests of the engine")]
#[path = "refresh/support.rs"]
mod support;

/// The lines of a log, for `tracing_subscriber`.
#[derive(Debug, Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl tracing_subscriber::fmt::MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

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
