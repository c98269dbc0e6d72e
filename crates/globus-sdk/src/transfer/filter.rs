use std::fmt;

use globus_core::call::CommaList;

/// Which entries or tasks a list has: clauses `field:value` that must all hold.
///
/// A text in the service's own notation does as well; setters take both.
///
/// ```
/// use globus_sdk::transfer::Filter;
///
/// let running = Filter::new().field("status", ["ACTIVE", "INACTIVE"]).field("type", "TRANSFER");
/// assert_eq!(running.to_string(), "status:ACTIVE,INACTIVE/type:TRANSFER");
/// assert_eq!(Filter::from("name:~*.csv").to_string(), "name:~*.csv");
/// ```
///
/// What can be said about a field depends on the operation. Common are: one value or several (any of them
/// counts), `~` for a pattern with `*`, `!` for the opposite, `>` and `<` for numbers, `from,to` for times. A
/// value with a `/` in it cannot be said in this notation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter(String);

impl Filter {
    /// A filter that lets everything pass.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a clause.
    #[must_use]
    pub fn field(mut self, name: &str, value: impl Into<CommaList>) -> Self {
        if !self.0.is_empty() {
            self.0.push('/');
        }
        self.0.push_str(name);
        self.0.push(':');
        self.0.push_str(value.into().as_str());
        self
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for Filter {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<String> for Filter {
    fn from(text: String) -> Self {
        Self(text)
    }
}
