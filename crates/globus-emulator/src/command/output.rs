//! What the program says: its results on stdout, its failures on stderr.

use std::error::Error;
use std::io::{self, Write as _};

/// Writes a result. Whoever waits for it has it when this returns.
pub(crate) fn result(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

/// Says what failed and why, in one line.
pub(crate) fn failure(error: &dyn Error) {
    let mut text = format!("error: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    // Without a stderr only the exit status can tell.
    drop(writeln!(io::stderr().lock(), "{text}"));
}
