//! Endpoints on this very machine: what Globus Connect Personal and Globus Connect Server left in files.
//!
//! Nothing here is verified: whoever may write the files decides what is found. Ask the service before relying on it.
//!
//! ```no_run
//! use globus_sdk::{EndpointId, LocalGlobusConnectPersonal};
//!
//! # fn example() -> Result<(), Box<dyn std::error::Error>> {
//! if let Some(id) = LocalGlobusConnectPersonal::new().endpoint_id()? {
//!     let endpoint: EndpointId = id.parse()?;
//!     println!("this machine is {endpoint}");
//! }
//! # Ok(())
//! # }
//! ```

mod owner;
mod personal;
mod server;
mod shell_words;

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use globus_core::Error;

pub use self::owner::GlobusConnectPersonalOwner;
pub use self::personal::LocalGlobusConnectPersonal;
pub use self::server::LocalGlobusConnectServer;

/// What such a file may hold, in bytes. Those that the programs write have some hundred.
const MAX_FILE: u64 = 1 << 20;

/// The content of a file; `None` where there is none.
fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    let mut content = Vec::new();
    file.take(MAX_FILE + 1).read_to_end(&mut content)?;
    if content.len() as u64 > MAX_FILE {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "the file is longer than 1 MiB"));
    }
    Ok(Some(content))
}

/// The same as text.
fn read_text(path: &Path) -> Result<Option<String>, Error> {
    let text = read(path).and_then(|content| {
        let text = |content| {
            String::from_utf8(content)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.utf8_error()))
        };
        content.map(text).transpose()
    });
    text.map_err(|error| unreadable(path, error))
}

fn unreadable(path: &Path, error: io::Error) -> Error {
    Error::other(
        format!("cannot read {}: {}; see to the file", path.display(), error.kind()),
        Some(error.into()),
    )
}
