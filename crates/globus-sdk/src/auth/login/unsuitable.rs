/// Why no browser of this machine can be used for a login. The environment is at fault, or how the program asks; a login
/// by pasting may still work.
#[doc(alias = "LocalServerEnvironmentalLoginError")]
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unsuitable {
    /// `SSH_TTY` or `SSH_CONNECTION` is set: the person sits at another machine, whose browser cannot come back to
    /// this one.
    #[error("this is an SSH session")]
    RemoteSession,
    /// Neither `DISPLAY` nor `WAYLAND_DISPLAY` is set.
    #[error("there is no display: neither DISPLAY nor WAYLAND_DISPLAY is set")]
    NoDisplay,
    /// The browser is one for the terminal. Those of Globus Auth's pages that need scripts do not work in it, and it
    /// would take the terminal from the program.
    #[error("{browser:?} is a browser for the terminal")]
    #[non_exhaustive]
    TextBrowser {
        /// Its name.
        browser: String,
    },
    /// The browser could not be started, or said that it failed.
    #[error("the browser could not be started")]
    BrowserFailed(#[source] std::io::Error),
    /// What opens the browser did not come back in time.
    #[error("opening a browser took too long")]
    BrowserHangs,
    /// The redirect is fixed, and so cannot lead to a port of this machine that is chosen now.
    #[error("the redirect of this login is fixed")]
    FixedRedirect,
    /// The client is confidential. Globus Auth lets only native clients come back to any port of this machine.
    #[error("a confidential client's browser may only come back to registered addresses")]
    ConfidentialClient,
    /// No port could be opened on `127.0.0.1`.
    #[error("no port could be opened on 127.0.0.1")]
    NoPort(#[source] std::io::Error),
}
