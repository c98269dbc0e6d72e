use std::fmt;
use std::io::{self, BufRead, IsTerminal, Write};

use globus_core::{AuthorizationCode, TokenResponse};

use super::lines::Lines;
use super::screen::Screen;
use super::{LoginRequest, LoginUi, StartedLogin};
use crate::auth::LoginError;

const HEADING: &str = "Log in to Globus: open this address in a browser, on this machine or on any other";
const PROMPT: &str = "Paste the code, or the whole address that the browser ends at: ";

/// How often something that is not the code may be pasted.
const ATTEMPTS: u32 = 5;

/// A login at the terminal: shows the address, and asks for the code that the browser shows at the end.
///
/// It takes the bare code, or the whole address that the browser was sent to, with or without blanks around it. What is
/// not of this login is refused with the reason, without spending a code, and asked for again.
///
/// ```no_run
/// use globus_sdk::login::{LoginRequest, LoginUi, PasteLogin};
/// # use globus_sdk::{GlobusAuthorizationParameters, NativeAppAuthClient};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// # let client = NativeAppAuthClient::new("61338d24-54d5-408f-a10d-66c06b59f6d2")?;
/// let request =
///     LoginRequest::new(client, GlobusAuthorizationParameters::default().required_scopes("openid"));
/// let tokens = PasteLogin::new().log_in(&request).await?;
/// # let _ = tokens;
/// # Ok(())
/// # }
/// ```
///
/// It reads from the standard input and writes to the standard *error* output, so that what a program writes into a pipe
/// stays clean. Where either of them is no terminal, nobody would see or answer the question: the login ends at once
/// with [`LoginError::PersonNeeded`]. A pipe is never read.
///
/// The input is read on a thread of its own, which neither the runtime nor the end of the program waits for. A login
/// that was given up may leave it waiting; the line that it gets then goes to the next login.
#[doc(alias = "CommandLineLoginFlowManager")]
#[derive(Clone)]
pub struct PasteLogin {
    lines: Lines,
    screen: Screen,
    /// Whether a terminal must be there.
    on_terminal: bool,
}

impl PasteLogin {
    /// A login at the terminal of the process.
    pub fn new() -> Self {
        Self { lines: Lines::of_stdin(), screen: Screen::stderr(), on_terminal: true }
    }

    /// A login that reads and writes elsewhere: for other user interfaces, and for tests. It is not asked whether
    /// either is a terminal.
    pub fn with_reader_and_writer(
        reader: impl BufRead + Send + 'static,
        writer: impl Write + Send + 'static,
    ) -> Self {
        Self { lines: Lines::of(reader), screen: Screen::to(writer), on_terminal: false }
    }

    /// Why nobody can be asked, if so.
    pub(super) fn cannot_ask(&self) -> Option<&'static str> {
        if !self.on_terminal {
            None
        } else if !io::stdin().is_terminal() {
            Some("there is no terminal to ask at (standard input)")
        } else if !io::stderr().is_terminal() {
            Some("there is no terminal to show the address at (standard error output)")
        } else {
            None
        }
    }

    pub(super) fn say(&self, text: &str) -> Result<(), LoginError> {
        self.screen.write(text).map_err(|error| LoginError::Ui(error.into()))
    }

    async fn ask(&self, login: &StartedLogin) -> Result<AuthorizationCode, LoginError> {
        let mut attempts = 1..=ATTEMPTS;
        loop {
            self.say(PROMPT)?;
            let line = self.lines.next().await.map_err(|error| LoginError::Ui(error.into()))?;
            let Some(line) = line else {
                self.say("\n")?;
                return Err(LoginError::InputEnded);
            };
            attempts.next();
            match login.flow().code_from_pasted(&line) {
                Err(error) if error.can_still_be_finished() && !attempts.is_empty() => {
                    self.say(&format!("That is not the code: {error}.\n"))?;
                }
                done => return done,
            }
        }
    }
}

impl Default for PasteLogin {
    fn default() -> Self {
        Self::new()
    }
}

impl LoginUi for PasteLogin {
    async fn log_in(&self, request: &LoginRequest) -> Result<TokenResponse, LoginError> {
        let login = request.start()?;
        if let Some(reason) = self.cannot_ask() {
            return Err(LoginError::person_needed(reason, request.parameters()));
        }
        self.say(&introduction(request, &login))?;
        let code = self.ask(&login).await?;
        login.exchange(code).await
    }
}

/// The address alone on its line, so that it can be selected.
fn introduction(request: &LoginRequest, login: &StartedLogin) -> String {
    let rule = "-".repeat(HEADING.len());
    let message =
        request.message().map(|message| format!("\nThe service says: {message}\n")).unwrap_or_default();
    format!("{message}\n{HEADING}\n{rule}\n{}\n{rule}\n\n", login.authorize_url())
}

impl fmt::Debug for PasteLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasteLogin").field("on_terminal", &self.on_terminal).finish_non_exhaustive()
    }
}
