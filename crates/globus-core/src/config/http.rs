//! Settings of the HTTP layer: timeout and checking of certificates.

use std::path::PathBuf;
use std::time::Duration;

use super::error::{ConfigError, quoted};
use super::variables::Variables;

const HTTP_TIMEOUT: &str = "GLOBUS_SDK_HTTP_TIMEOUT";
const VERIFY_SSL: &str = "GLOBUS_SDK_VERIFY_SSL";

/// How long a request waits for a connection, and then for each piece of the answer. It is no limit on the
/// whole request. 60 seconds unless set.
///
/// ```
/// use globus_core::config::{HttpTimeout, Variables};
/// use std::time::Duration;
///
/// let timeout = HttpTimeout::resolve(None, &Variables::none())?;
/// assert_eq!(timeout.duration(), Some(Duration::from_secs(60)));
///
/// let variables = Variables::from_iter([("GLOBUS_SDK_HTTP_TIMEOUT", "-1")]);
/// assert_eq!(HttpTimeout::resolve(None, &variables)?, HttpTimeout::none());
/// # Ok::<(), globus_core::config::ConfigError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HttpTimeout(Option<Duration>);

impl HttpTimeout {
    /// Wait this long.
    pub const fn after(duration: Duration) -> Self {
        Self(Some(duration))
    }

    /// Wait as long as it takes.
    pub const fn none() -> Self {
        Self(None)
    }

    /// The duration; `None` for no timeout.
    pub const fn duration(self) -> Option<Duration> {
        self.0
    }

    /// The timeout given, else the one in `GLOBUS_SDK_HTTP_TIMEOUT`, else 60 seconds.
    ///
    /// The variable holds seconds, perhaps with a fraction; -1 means no timeout, and empty means the default.
    ///
    /// # Errors
    ///
    /// When the timeout is 0, or the variable holds no number, a negative one other than -1, or one that is
    /// not finite.
    pub fn resolve(argument: Option<Self>, variables: &Variables) -> Result<Self, ConfigError> {
        if let Some(timeout) = argument {
            return if timeout.0 == Some(Duration::ZERO) {
                Err(refused("timeout", "it is 0"))
            } else {
                Ok(timeout)
            };
        }
        match variables.get(HTTP_TIMEOUT).filter(|text| !text.is_empty()) {
            Some(text) => Self::parse(&text),
            None => Ok(Self::default()),
        }
    }

    fn parse(text: &str) -> Result<Self, ConfigError> {
        let seconds: f64 = text
            .trim()
            .parse()
            .map_err(|_| refused(HTTP_TIMEOUT, &format!("{} is not a number", quoted(text))))?;
        if seconds.to_bits() == (-1.0_f64).to_bits() {
            return Ok(Self::none());
        }
        match Duration::try_from_secs_f64(seconds) {
            Ok(duration) if !duration.is_zero() => Ok(Self::after(duration)),
            _ => Err(refused(HTTP_TIMEOUT, &format!("{} seconds cannot be waited", quoted(text)))),
        }
    }
}

fn refused(setting: &'static str, problem: &str) -> ConfigError {
    ConfigError::new(setting, problem, "write seconds as a number above 0, or -1 for no timeout")
}

impl Default for HttpTimeout {
    fn default() -> Self {
        Self::after(Duration::from_secs(60))
    }
}

impl From<Duration> for HttpTimeout {
    fn from(duration: Duration) -> Self {
        Self::after(duration)
    }
}

/// Which certificates of servers are trusted.
///
/// ```
/// use globus_core::config::{TlsVerification, Variables};
///
/// let variables = Variables::from_iter([("GLOBUS_SDK_VERIFY_SSL", "off")]);
/// assert_eq!(TlsVerification::resolve(None, &variables)?, TlsVerification::Off);
///
/// let chosen = TlsVerification::resolve(Some(TlsVerification::Roots), &variables)?;
/// assert_eq!(chosen, TlsVerification::Roots);
/// # Ok::<(), globus_core::config::ConfigError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum TlsVerification {
    /// Those signed by the usual roots. The default.
    #[default]
    Roots,
    /// All: nothing is checked, and anyone between you and the server can read tokens. For a laboratory only.
    Off,
    /// Those signed by a root in this file (PEM), in place of the usual ones.
    Bundle(PathBuf),
}

impl TlsVerification {
    /// The choice given, else the one in `GLOBUS_SDK_VERIFY_SSL`, else the usual roots.
    ///
    /// The variable holds `1`, `true`, `t`, `yes`, `y` or `on`; `0`, `false`, `f`, `no`, `n` or `off`; in any
    /// case of letters; or else the path of a file with roots.
    ///
    /// # Errors
    ///
    /// When the path, given or in the variable, is not a file.
    pub fn resolve(argument: Option<Self>, variables: &Variables) -> Result<Self, ConfigError> {
        let (setting, choice) = match argument {
            Some(choice) => ("TLS verification", choice),
            None => match variables.get(VERIFY_SSL) {
                None => return Ok(Self::default()),
                Some(text) => (VERIFY_SSL, Self::from_text(&text)),
            },
        };
        match &choice {
            Self::Bundle(path) if !path.is_file() => Err(ConfigError::new(
                setting,
                format!("there is no file {}", quoted(&path.to_string_lossy())),
                "write 1 or 0, or the path of a PEM file with the roots to trust",
            )),
            _ => Ok(choice),
        }
    }

    /// Reads a text as the variable is read: a word for yes or no, else a path. Whether the file is there is
    /// checked by [`resolve`](Self::resolve).
    pub fn from_text(text: &str) -> Self {
        match text.to_lowercase().as_str() {
            "1" | "y" | "yes" | "t" | "true" | "on" => Self::Roots,
            "0" | "n" | "no" | "f" | "false" | "off" => Self::Off,
            _ => Self::Bundle(PathBuf::from(text)),
        }
    }
}
