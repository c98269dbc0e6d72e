//! What is wrong with a setting.

use std::borrow::Cow;

/// A setting that cannot be used: an environment variable, an argument, or a path that cannot be made from
/// them.
///
/// The message names the setting, says what is wrong with it and what to write instead. Nothing has been sent
/// when this error appears.
///
/// ```
/// use globus_core::config::{HttpTimeout, Variables};
///
/// let variables = Variables::from_iter([("GLOBUS_SDK_HTTP_TIMEOUT", "10s")]);
/// let error = HttpTimeout::resolve(None, &variables).unwrap_err();
/// assert_eq!(error.setting(), "GLOBUS_SDK_HTTP_TIMEOUT");
/// assert_eq!(
///     error.to_string(),
///     "GLOBUS_SDK_HTTP_TIMEOUT: \"10s\" is not a number; write seconds as a number above 0, or -1 for no timeout"
/// );
/// ```
#[doc(alias = "GlobusSDKUsageError")]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{setting}: {problem}; {advice}")]
pub struct ConfigError {
    setting: Cow<'static, str>,
    problem: String,
    advice: Cow<'static, str>,
}

impl ConfigError {
    pub(crate) fn new(
        setting: impl Into<Cow<'static, str>>,
        problem: impl Into<String>,
        advice: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { setting: setting.into(), problem: problem.into(), advice: advice.into() }
    }

    /// The name of the environment variable, or of the argument, that is at fault.
    pub fn setting(&self) -> &str {
        &self.setting
    }

    /// What is wrong with it.
    pub fn problem(&self) -> &str {
        &self.problem
    }

    /// What to write instead.
    pub fn advice(&self) -> &str {
        &self.advice
    }
}

/// A value as a message shows it: quoted, escaped, and no longer than a line.
pub(crate) fn quoted(value: &str) -> String {
    const SHOWN: usize = 80;
    match value.char_indices().nth(SHOWN) {
        None => format!("{value:?}"),
        Some((end, _)) => format!("{:?} and {} more bytes", &value[..end], value.len() - end),
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn quoted_values_are_escaped_and_cut() {
        assert_eq!(quoted("a\nb"), r#""a\nb""#);
        let long = "é".repeat(100);
        assert_eq!(quoted(&long), format!("{:?} and 40 more bytes", "é".repeat(80)));
    }
}
