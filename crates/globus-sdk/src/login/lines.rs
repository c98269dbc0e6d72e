//! Lines that a person types, read on a thread that nobody waits for: neither the runtime, nor the end of the program.

use std::io::{self, BufRead, BufReader, Read};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread;

use tokio::sync::oneshot;
use zeroize::Zeroizing;

/// Longer than any address that a browser is sent to.
const LONGEST_LINE: u64 = 64 * 1024;

/// A line, and nothing at the end of the input. It may hold a code.
type Line = io::Result<Option<Zeroizing<String>>>;

/// Where lines come from. Clones share it.
#[derive(Clone)]
pub(super) struct Lines(Arc<Mutex<Reading>>);

struct Reading {
    /// Absent while a thread reads from it.
    source: Option<Box<dyn BufRead + Send>>,
    /// Who gets the next line. Whoever asks last: those before have gone away.
    waiter: Option<oneshot::Sender<Line>>,
}

impl Lines {
    pub(super) fn of(source: impl BufRead + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(Reading { source: Some(Box::new(source)), waiter: None })))
    }

    /// Those of the standard input. There is one for the process: a thread that waits for a login that was given up
    /// would take the line from another.
    pub(super) fn of_stdin() -> Self {
        static STDIN: LazyLock<Lines> = LazyLock::new(|| Lines::of(BufReader::new(io::stdin())));
        STDIN.clone()
    }

    /// The next line. When the future is dropped, a thread may go on waiting for that line, which then is the next
    /// one's.
    pub(super) async fn next(&self) -> Line {
        let line = self.ask()?;
        // Nothing is sent when the source has panicked.
        line.await.unwrap_or(Ok(None))
    }

    fn ask(&self) -> io::Result<oneshot::Receiver<Line>> {
        self.ask_on(|read| thread::Builder::new().name("globus-login-input".to_owned()).spawn(read).map(drop))
    }

    /// `start` gives what it gets to a thread, or drops it.
    fn ask_on(
        &self,
        start: impl FnOnce(Box<dyn FnOnce() + Send>) -> io::Result<()>,
    ) -> io::Result<oneshot::Receiver<Line>> {
        let (sender, receiver) = oneshot::channel();
        let source = {
            let mut reading = self.lock();
            reading.waiter = Some(sender);
            reading.source.take()
        };
        // The lock is free by now: a reader that is dropped takes it to give the source back.
        if let Some(source) = source {
            let reader = Reader { lines: self.clone(), source: Some(source) };
            start(Box::new(move || reader.read()))?;
        }
        Ok(receiver)
    }

    fn lock(&self) -> MutexGuard<'_, Reading> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives the source back when it is done, however that is.
struct Reader {
    lines: Lines,
    source: Option<Box<dyn BufRead + Send>>,
}

impl Reader {
    fn read(mut self) {
        let Some(source) = &mut self.source else { return };
        let line = read_line(source);
        let mut reading = self.lines.lock();
        reading.source = self.source.take();
        if let Some(waiter) = reading.waiter.take() {
            // Who has gone away has no use for it.
            drop(waiter.send(line));
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if let Some(source) = self.source.take() {
            let mut reading = self.lines.lock();
            reading.source = Some(source);
            reading.waiter = None;
        }
    }
}

fn read_line(source: &mut dyn BufRead) -> Line {
    let mut bytes = Zeroizing::new(Vec::new());
    source.take(LONGEST_LINE).read_until(b'\n', &mut bytes)?;
    if bytes.is_empty() {
        return Ok(None);
    }
    Ok(Some(Zeroizing::new(String::from_utf8_lossy(&bytes).into_owned())))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// Gives what is sent to it, and waits for that.
    struct Typing(mpsc::Receiver<&'static str>);

    impl Read for Typing {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let Ok(text) = self.0.recv() else { return Ok(0) };
            assert_ne!(text, "panic");
            buffer[..text.len()].copy_from_slice(text.as_bytes());
            Ok(text.len())
        }
    }

    fn typing() -> (mpsc::Sender<&'static str>, Lines) {
        let (sender, receiver) = mpsc::channel();
        (sender, Lines::of(BufReader::new(Typing(receiver))))
    }

    fn text(line: Line) -> Option<String> {
        line.unwrap().map(|line| line.to_string())
    }

    #[tokio::test]
    async fn who_asks_last_gets_the_line_that_a_thread_waits_for_already() {
        let (sender, lines) = typing();
        let given_up = lines.ask().unwrap();
        drop(given_up);
        let next = lines.ask().unwrap();
        sender.send("one\n").unwrap();
        assert_eq!(text(next.await.unwrap()).unwrap(), "one\n");
        sender.send("two\nthree\n").unwrap();
        assert_eq!(text(lines.next().await).unwrap(), "two\n");
        assert_eq!(text(lines.next().await).unwrap(), "three\n");
        drop(sender);
        assert_eq!(text(lines.next().await), None);
    }

    #[tokio::test]
    async fn a_source_that_panics_is_an_end_and_leaves_nobody_waiting() {
        let (sender, lines) = typing();
        sender.send("panic").unwrap();
        assert_eq!(text(lines.next().await), None);
        sender.send("again\n").unwrap();
        assert_eq!(text(lines.next().await).unwrap(), "again\n");
    }

    #[test]
    fn the_runtime_ends_while_a_line_is_waited_for() {
        let (sender, lines) = typing();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let waiting = lines.clone();
        let (began, begins) = mpsc::channel();
        runtime.spawn(async move {
            let line = waiting.ask().unwrap();
            began.send(()).unwrap();
            line.await
        });
        begins.recv().unwrap();
        // Waits for all threads of its own, and so for ever if the reading one were among them.
        drop(runtime);
        drop(sender);
    }

    #[tokio::test]
    async fn where_no_thread_can_be_started_the_next_one_asks_again() {
        let lines = Lines::of(io::Cursor::new("one\n"));
        let failed = lines.ask_on(|read| {
            drop(read);
            Err(io::ErrorKind::WouldBlock.into())
        });
        assert_eq!(failed.unwrap_err().kind(), io::ErrorKind::WouldBlock);
        assert_eq!(text(lines.next().await).unwrap(), "one\n");
    }

    #[test]
    fn a_line_has_an_end() {
        let mut long = io::Cursor::new(vec![b'x'; 100_000]);
        assert_eq!(text(read_line(&mut long)).unwrap().len(), 65_536);
    }
}
