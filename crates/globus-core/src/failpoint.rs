//! Places in a write where a test lets the process die or the write fail.
//!
//! Storages name the steps of their writes: `reach("file.rename")`. Without the feature `failpoints`, which
//! only tests switch on, and in release builds that does nothing. With it the environment variable `GLOBUS_FAILPOINT` says what happens
//! at one step: `file.rename=crash` ends the process as a kill does, `file.rename=full` fails as a full disk,
//! `file.rename=broken` as a broken one, and `file.rename=stop` halts until the process is killed.

use std::io;

/// Says that a step of a write is reached.
///
/// # Errors
///
/// Only with the feature `failpoints`, when the environment asks for it.
#[inline]
pub fn reach(step: &str) -> io::Result<()> {
    #[cfg(all(feature = "failpoints", debug_assertions))]
    return active::reach(step);
    #[cfg(not(all(feature = "failpoints", debug_assertions)))]
    {
        let _ = step;
        Ok(())
    }
}

#[cfg(all(feature = "failpoints", debug_assertions))]
mod active {
    use std::io;
    use std::time::Duration;

    pub(super) fn reach(step: &str) -> io::Result<()> {
        let Ok(asked) = std::env::var("GLOBUS_FAILPOINT") else { return Ok(()) };
        match asked.split_once('=') {
            Some((at, "crash")) if at == step => die(),
            Some((at, "full")) if at == step => Err(io::ErrorKind::StorageFull.into()),
            // The first that makes this file fails, of all processes that share the variable.
            Some((at, failure)) if at == step && failure.starts_with("full-once:") => {
                match std::fs::File::create_new(&failure["full-once:".len()..]) {
                    Ok(_) => Err(io::ErrorKind::StorageFull.into()),
                    Err(_) => Ok(()),
                }
            }
            Some((at, "broken")) if at == step => Err(io::Error::other("injected I/O error")),
            Some((at, "stop")) if at == step => loop {
                std::thread::sleep(Duration::from_secs(1));
            },
            _ => Ok(()),
        }
    }

    /// As `kill -9` does: nothing is cleaned up.
    fn die() -> io::Result<()> {
        #[cfg(unix)]
        rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL)?;
        std::process::abort()
    }
}
