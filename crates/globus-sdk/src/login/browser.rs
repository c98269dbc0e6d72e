//! Opening a browser, without ever waiting for it.

use std::fmt;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use globus_core::config::Variables;
use tokio::sync::oneshot;
use url::Url;

use crate::auth::Unsuitable;

/// Browsers for the terminal.
const TEXT_BROWSERS: [&str; 5] = ["lynx", "www-browser", "links", "elinks", "w3m"];

/// What stands between the browsers that `BROWSER` names.
const SEPARATOR: char = if cfg!(windows) { ';' } else { ':' };

/// What opens an address for the person.
///
/// By default it is what `$BROWSER` names: commands, separated by colons, in which `%s` is the address, which else goes to
/// the end. Browsers for the terminal among them are passed over. Where the variable is not set it is the browser that
/// the desktop opens addresses in.
#[derive(Clone, Default)]
pub struct Browser(Option<Opener>);

type Opener = Arc<dyn Fn(&Url) -> io::Result<()> + Send + Sync>;

impl Browser {
    /// Opens addresses by a function of one's own. It runs on a thread of its own, and should return soon.
    ///
    /// ```
    /// use globus_sdk::login::Browser;
    ///
    /// let browser = Browser::by(|address| {
    ///     std::process::Command::new("my-window").arg(address.as_str()).spawn().map(drop)
    /// });
    /// # let _ = browser;
    /// ```
    pub fn by(open: impl Fn(&Url) -> io::Result<()> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(open)))
    }

    /// What will open the browser, if that is possible here.
    pub(super) fn choose(&self, variables: &Variables) -> Result<Choice, Unsuitable> {
        if let Some(opener) = &self.0 {
            return Ok(Choice::Opener(Arc::clone(opener)));
        }
        let named = variables.get("BROWSER").unwrap_or_default();
        let mut text_browser = None;
        let mut commands = Vec::new();
        for command in named.split(SEPARATOR).filter(|command| !command.trim().is_empty()) {
            match text_browser_in(command) {
                Some(name) => text_browser = Some(name),
                None => commands.push(command.to_owned()),
            }
        }
        match (commands.is_empty(), text_browser) {
            (false, _) => Ok(Choice::Commands(commands)),
            (true, Some(browser)) => Err(Unsuitable::TextBrowser { browser }),
            (true, None) if needs_display() && !has_display(variables) => Err(Unsuitable::NoDisplay),
            (true, None) => Ok(Choice::Desktop),
        }
    }
}

/// On these systems programs with windows need to be told where to open them.
fn needs_display() -> bool {
    cfg!(unix) && !cfg!(any(target_os = "macos", target_os = "ios", target_os = "android"))
}

fn has_display(variables: &Variables) -> bool {
    ["DISPLAY", "WAYLAND_DISPLAY"]
        .iter()
        .any(|name| variables.get(name).is_some_and(|value| !value.is_empty()))
}

/// The name of a browser for the terminal that a command begins with.
fn text_browser_in(command: &str) -> Option<String> {
    let program = Path::new(command.split_ascii_whitespace().next()?);
    let name = program.file_stem()?.to_str()?.to_ascii_lowercase();
    TEXT_BROWSERS.contains(&name.as_str()).then_some(name)
}

/// What opens the browser.
pub(super) enum Choice {
    Opener(Opener),
    Commands(Vec<String>),
    Desktop,
}

impl Choice {
    /// Opens the browser, and waits for that for so long. The thread that does it is left alone after that.
    pub(super) async fn open(self, url: &Url, limit: Duration) -> Result<(), Unsuitable> {
        // A browser may stay in the foreground of its command for as long as it has a window.
        let may_stay = matches!(self, Self::Commands(_));
        let (sender, opened) = oneshot::channel();
        let url = url.clone();
        thread::Builder::new()
            .name("globus-login-browser".to_owned())
            .spawn(move || {
                let done = self.open_here(&url, &|| !sender.is_closed());
                sender.send(done)
            })
            .map_err(Unsuitable::BrowserFailed)?;
        match tokio::time::timeout(limit, opened).await {
            Ok(Ok(done)) => done,
            Ok(Err(_)) => {
                Err(Unsuitable::BrowserFailed(io::Error::other("what opens the browser has panicked")))
            }
            Err(_) if may_stay => Ok(()),
            Err(_) => Err(Unsuitable::BrowserHangs),
        }
    }

    /// `is_wanted`: whether somebody still waits for it.
    fn open_here(self, url: &Url, is_wanted: &dyn Fn() -> bool) -> Result<(), Unsuitable> {
        match self {
            Self::Opener(open) => open(url).map_err(Unsuitable::BrowserFailed),
            Self::Commands(commands) => run_first(&commands, url, is_wanted),
            Self::Desktop => open_on_desktop(url),
        }
    }
}

/// Runs the first of these commands that succeeds. One that stays may fail long after the login is over: the next browser
/// would then open an address that leads nowhere.
fn run_first(commands: &[String], url: &Url, is_wanted: &dyn Fn() -> bool) -> Result<(), Unsuitable> {
    let mut failure = io::Error::from(io::ErrorKind::NotFound);
    for command in commands.iter().take_while(|_| is_wanted()) {
        let mut words = words(command, url).into_iter();
        let Some(program) = words.next() else { continue };
        let status = silent(Command::new(program).args(words)).status();
        match status {
            Ok(status) if status.success() => return Ok(()),
            Ok(status) => failure = io::Error::other(format!("{command:?} ended with {status}")),
            Err(error) => failure = io::Error::new(error.kind(), format!("{command:?}: {error}")),
        }
    }
    Err(Unsuitable::BrowserFailed(failure))
}

/// The words of a command, with the address once.
fn words(command: &str, url: &Url) -> Vec<String> {
    let mut words: Vec<String> = command.split_ascii_whitespace().map(str::to_owned).collect();
    match words.iter_mut().find(|word| word.contains("%s")) {
        Some(word) => *word = word.replace("%s", url.as_str()),
        None => words.push(url.as_str().to_owned()),
    }
    words
}

/// Nothing of it shows at the terminal, and it takes no input from there.
fn silent(command: &mut Command) -> &mut Command {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null())
}

fn open_on_desktop(url: &Url) -> Result<(), Unsuitable> {
    // It would be run at the terminal.
    if let Some(browser) = default_browser().as_deref().and_then(text_browser_in) {
        return Err(Unsuitable::TextBrowser { browser });
    }
    webbrowser::open(url.as_str()).map_err(Unsuitable::BrowserFailed)
}

/// The name of the desktop's browser, such as `firefox.desktop`, where the desktop can be asked.
fn default_browser() -> Option<String> {
    if !needs_display() {
        return None;
    }
    let answer = Command::new("xdg-settings")
        .args(["get", "default-web-browser"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    String::from_utf8(answer.stdout).ok()
}

impl fmt::Debug for Browser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Browser(own)" } else { "Browser(default)" })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    const LONG: Duration = Duration::from_secs(600);

    fn url() -> Url {
        Url::parse("https://auth.example.org/authorize?a=b&state=c%20d").unwrap()
    }

    fn choose(variables: &[(&str, &str)]) -> Result<Choice, Unsuitable> {
        Browser::default().choose(&variables.iter().copied().collect())
    }

    #[test]
    fn a_browser_for_the_terminal_is_refused_and_passed_over_for_another() {
        for browser in TEXT_BROWSERS {
            let path = format!("/usr/bin/{browser} -x %s");
            for named in [browser.to_owned(), path] {
                let Err(Unsuitable::TextBrowser { browser: refused }) =
                    choose(&[("BROWSER", &named), ("DISPLAY", ":0")])
                else {
                    panic!("{named}")
                };
                assert_eq!(refused, browser);
            }
        }
        let Ok(Choice::Commands(commands)) = choose(&[("BROWSER", "w3m:firefox -P x:links")]) else {
            panic!()
        };
        assert_eq!(commands, ["firefox -P x"]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn without_a_display_there_is_no_browser_but_a_named_one() {
        for variables in [&[][..], &[("DISPLAY", ""), ("WAYLAND_DISPLAY", ""), ("BROWSER", "")]] {
            assert!(matches!(choose(variables), Err(Unsuitable::NoDisplay)));
        }
        assert!(matches!(choose(&[("DISPLAY", ":0")]), Ok(Choice::Desktop)));
        assert!(matches!(choose(&[("WAYLAND_DISPLAY", "wayland-0")]), Ok(Choice::Desktop)));
        assert!(matches!(choose(&[("BROWSER", "/opt/open-there")]), Ok(Choice::Commands(_))));
        assert!(matches!(Browser::by(|_| Ok(())).choose(&Variables::none()), Ok(Choice::Opener(_))));
    }

    #[test]
    fn the_address_is_given_once() {
        let address = url().to_string();
        assert_eq!(words("firefox", &url()), ["firefox", &address]);
        assert_eq!(words("b --url=%s -x", &url()), ["b", &format!("--url={address}"), "-x"]);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_script_is_a_browser_and_one_that_fails_makes_way_for_the_next() {
        use std::os::unix::fs::PermissionsExt;

        let directory = tempfile::tempdir().unwrap();
        let (script, said) = (directory.path().join("browser"), directory.path().join("said"));
        std::fs::write(&script, format!("#!/bin/sh\necho \"$#: $1\" > '{}'\n", said.display())).unwrap();
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();

        let named = format!("/nowhere/at-all:false:{}", script.display());
        choose(&[("BROWSER", &named)]).unwrap().open(&url(), LONG).await.unwrap();
        assert_eq!(std::fs::read_to_string(said).unwrap(), format!("1: {}\n", url()));

        let none = choose(&[("BROWSER", "/nowhere/at-all:false")]).unwrap().open(&url(), LONG).await;
        assert!(matches!(none, Err(Unsuitable::BrowserFailed(_))), "{none:?}");
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn nothing_more_is_opened_when_nobody_waits_for_it_any_more() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        for name in ["begun", "go"] {
            assert!(Command::new("mkfifo").arg(path(name)).status().unwrap().success());
        }
        // Fails when it is told to go on, and only after the login is over.
        let (begun, go) = (path("begun"), path("go"));
        let first = format!("echo > '{}'\nread line < '{}'\nexit 1\n", begun.display(), go.display());
        std::fs::write(path("first"), first).unwrap();
        std::fs::write(path("second"), format!("touch '{}'\n", path("opened").display())).unwrap();
        let named = format!("sh {}:sh {}", path("first").display(), path("second").display());

        let Ok(Choice::Commands(commands)) = choose(&[("BROWSER", &named)]) else { panic!() };
        let (sender, opened) = oneshot::channel::<()>();
        let opening = thread::spawn(move || run_first(&commands, &url(), &|| !sender.is_closed()));
        std::fs::read(&begun).unwrap();
        drop(opened);
        std::fs::write(&go, "\n").unwrap();
        assert!(matches!(opening.join().unwrap(), Err(Unsuitable::BrowserFailed(_))));
        assert!(!path("opened").exists());
    }

    #[tokio::test]
    async fn one_that_hangs_is_left_behind() {
        let (end, ends) = mpsc::channel::<()>();
        let ends = std::sync::Mutex::new(ends);
        let browser = Browser::by(move |_| ends.lock().unwrap().recv().map_err(io::Error::other));
        let choice = browser.choose(&Variables::none()).unwrap();
        let opened = choice.open(&url(), Duration::ZERO).await;
        assert!(matches!(opened, Err(Unsuitable::BrowserHangs)), "{opened:?}");
        drop(end);

        let panics = Browser::by(|_| panic!("on purpose")).choose(&Variables::none()).unwrap();
        assert!(matches!(panics.open(&url(), LONG).await, Err(Unsuitable::BrowserFailed(_))));
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_command_that_stays_is_a_browser_with_a_window() {
        use std::os::unix::fs::PermissionsExt;

        let directory = tempfile::tempdir().unwrap();
        let (script, pipe) = (directory.path().join("browser"), directory.path().join("pipe"));
        // It ends when the other end of the pipe is opened.
        std::fs::write(&script, format!("#!/bin/sh\nread line < '{}'\n", pipe.display())).unwrap();
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());

        let choice = choose(&[("BROWSER", script.to_str().unwrap())]).unwrap();
        choice.open(&url(), Duration::ZERO).await.unwrap();
        // Open until there is no pipe any more, so that the script ends wherever it is.
        let end = std::fs::OpenOptions::new().read(true).write(true).open(&pipe).unwrap();
        drop(directory);
        drop(end);
    }
}
