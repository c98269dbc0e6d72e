//! What ends a serving program: a signal, or the end of its stdin.

use std::io;
use std::thread;

use tokio::sync::oneshot;

/// Hears every reason to end from the moment it is made.
pub(crate) struct Ending {
    signals: Signals,
    stdin: Option<oneshot::Receiver<()>>,
}

impl Ending {
    pub(crate) fn listen(until_stdin_closes: bool) -> io::Result<Self> {
        let stdin = if until_stdin_closes { Some(closing_stdin()?) } else { None };
        Ok(Self { signals: Signals::listen()?, stdin })
    }

    /// Waits for the first reason to end, and names it.
    pub(crate) async fn wait(mut self) -> &'static str {
        let stdin = async {
            match self.stdin {
                // The sender is dropped, not used.
                Some(closed) => drop(closed.await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            signal = self.signals.next() => signal,
            () = stdin => "stdin is closed",
        }
    }
}

/// Gets an end when stdin does. The thread lives as long as stdin or the process.
fn closing_stdin() -> io::Result<oneshot::Receiver<()>> {
    let (open, closed) = oneshot::channel();
    thread::Builder::new().name("stdin".to_owned()).spawn(move || {
        // A stdin that cannot be read is as good as closed.
        drop(io::copy(&mut io::stdin().lock(), &mut io::sink()));
        drop(open);
    })?;
    Ok(closed)
}

#[cfg(unix)]
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

#[cfg(windows)]
struct Signals(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self(tokio::signal::windows::ctrl_c()?))
    }

    async fn next(&mut self) -> &'static str {
        self.0.recv().await;
        "Ctrl-C"
    }
}
