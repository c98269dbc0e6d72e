//! Where a login speaks to the person.

use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

/// Where texts for the person go. Clones share it.
#[derive(Clone)]
pub(super) struct Screen(Arc<Mutex<dyn Write + Send>>);

impl Screen {
    pub(super) fn to(writer: impl Write + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(writer)))
    }

    /// The standard error output: the standard output is the program's data, which may go into a pipe.
    pub(super) fn stderr() -> Self {
        Self::to(io::stderr())
    }

    pub(super) fn write(&self, text: &str) -> io::Result<()> {
        let mut writer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        writer.write_all(text.as_bytes())?;
        writer.flush()
    }
}

impl fmt::Debug for Screen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Screen")
    }
}
