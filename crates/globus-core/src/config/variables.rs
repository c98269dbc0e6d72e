//! Where environment variables come from.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// A source of environment variables: the process, nothing, or a fixed set.
///
/// Programs use [`Variables::process`]; tests and programs that must not be steered from outside give a set of
/// their own. Cloning is cheap.
///
/// ```
/// use globus_core::config::Variables;
///
/// let variables = Variables::from_iter([("GLOBUS_SDK_HTTP_TIMEOUT", "30")]);
/// assert_eq!(variables.get("GLOBUS_SDK_HTTP_TIMEOUT").as_deref(), Some("30"));
/// assert_eq!(variables.get("HOME"), None);
/// ```
#[derive(Clone)]
pub struct Variables(Source);

#[derive(Clone)]
enum Source {
    Process,
    Fixed(Arc<BTreeMap<String, String>>),
}

impl Variables {
    /// The environment of this process, read each time a variable is asked for.
    pub fn process() -> Self {
        Self(Source::Process)
    }

    /// No variables at all: every default stands.
    pub fn none() -> Self {
        Self(Source::Fixed(Arc::default()))
    }

    /// The value of a variable; `None` when it is not set. A variable that is set but empty gives `""`.
    ///
    /// Bytes of the process's environment that are no text are replaced by U+FFFD, so that whoever checks the
    /// value refuses it instead of taking it for unset.
    pub fn get(&self, name: &str) -> Option<String> {
        match &self.0 {
            Source::Process => std::env::var_os(name).map(|value| value.to_string_lossy().into_owned()),
            Source::Fixed(values) => values.get(name).cloned(),
        }
    }

    /// The value of a variable that holds a path, with every byte kept. Empty counts as not set.
    pub(crate) fn get_path(&self, name: &str) -> Option<PathBuf> {
        let path = match &self.0 {
            Source::Process => std::env::var_os(name).map(PathBuf::from),
            Source::Fixed(values) => values.get(name).map(PathBuf::from),
        };
        path.filter(|path| !path.as_os_str().is_empty())
    }

    /// Whether the process is asked, and so the machine's own user database may be asked too.
    pub(crate) fn is_process(&self) -> bool {
        matches!(self.0, Source::Process)
    }
}

impl Default for Variables {
    /// [`Variables::process`].
    fn default() -> Self {
        Self::process()
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Variables {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        let pairs = pairs.into_iter().map(|(name, value)| (name.into(), value.into()));
        Self(Source::Fixed(Arc::new(pairs.collect())))
    }
}

impl fmt::Debug for Variables {
    /// Prints names only: an environment is no place for secrets, yet they are found there.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Source::Process => f.write_str("Variables(process)"),
            Source::Fixed(values) => {
                f.write_str("Variables")?;
                f.debug_set().entries(values.keys()).finish()
            }
        }
    }
}
