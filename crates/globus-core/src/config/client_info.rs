//! How requests introduce the SDK and the program: `User-Agent` and `X-Globus-Client-Info`.

use http::HeaderValue;

use super::error::{ConfigError, quoted};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The items of the header `X-Globus-Client-Info`, by which Globus counts what talks to it. It begins with the
/// SDK itself; programs built on it may add theirs.
///
/// A value never changes; each `with_` method answers a new one. That every product is named once is up to the
/// caller.
///
/// ```
/// use globus_core::config::ClientInfo;
///
/// let info = ClientInfo::new().with_item([("product", "my-portal"), ("version", "2.1")])?;
/// let header = info.header_value().unwrap();
/// assert!(header.to_str()?.ends_with(";product=my-portal,version=2.1"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias = "GlobusClientInfo")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientInfo(Vec<String>);

impl ClientInfo {
    /// The SDK's own item: `product=rust-sdk,version=<version>`.
    pub fn new() -> Self {
        Self(vec![format!("product=rust-sdk,version={VERSION}")])
    }

    /// No items: the header is not sent.
    pub fn none() -> Self {
        Self(Vec::new())
    }

    /// Adds an item made of pairs of key and value; no pairs add nothing.
    ///
    /// # Errors
    ///
    /// When a key or value holds one of `;`, `,`, `=` or a control character.
    pub fn with_item<K: AsRef<str>, V: AsRef<str>>(
        self,
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Self, ConfigError> {
        let mut item = String::new();
        for (key, value) in pairs {
            for part in [key.as_ref(), value.as_ref()] {
                refuse(part, &[';', ',', '='])?;
            }
            if !item.is_empty() {
                item.push(',');
            }
            item.extend([key.as_ref(), "=", value.as_ref()]);
        }
        Ok(self.push(item))
    }

    /// Adds an item that is already written as `key=value,key=value`; an empty text adds nothing.
    ///
    /// # Errors
    ///
    /// When it holds a `;` (which would make it several) or a control character.
    pub fn with_text(self, item: &str) -> Result<Self, ConfigError> {
        refuse(item, &[';'])?;
        Ok(self.push(item.to_owned()))
    }

    fn push(mut self, item: String) -> Self {
        if !item.is_empty() {
            self.0.push(item);
        }
        self
    }

    /// The value of the header; `None` where there are no items.
    pub fn header_value(&self) -> Option<HeaderValue> {
        // Control characters, the only thing a header value refuses, were refused when the items came in.
        if self.0.is_empty() { None } else { HeaderValue::from_str(&self.0.join(";")).ok() }
    }
}

impl Default for ClientInfo {
    fn default() -> Self {
        Self::new()
    }
}

fn refuse(part: &str, reserved: &[char]) -> Result<(), ConfigError> {
    if part.contains(reserved) || part.contains(char::is_control) {
        let list: Vec<_> = reserved.iter().map(char::to_string).collect();
        return Err(ConfigError::new(
            "client info",
            format!("{} holds a reserved or control character", quoted(part)),
            format!("leave out {} and control characters", list.join(" ")),
        ));
    }
    Ok(())
}

/// The value of `User-Agent`: `globus-sdk-rs-<version>`, then `/` and the name of the program if there is one.
///
/// ```
/// use globus_core::config::user_agent;
///
/// let value = user_agent(Some("My App/1.0"))?;
/// assert!(value.to_str()?.starts_with("globus-sdk-rs-"));
/// assert!(value.to_str()?.ends_with("/My App/1.0"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// When the name holds a control character, which no header can carry.
pub fn user_agent(app_name: Option<&str>) -> Result<HeaderValue, ConfigError> {
    let text = match app_name {
        None => format!("globus-sdk-rs-{VERSION}"),
        Some(name) => format!("globus-sdk-rs-{VERSION}/{name}"),
    };
    HeaderValue::from_str(&text).map_err(|_| {
        ConfigError::new(
            "app name",
            format!("{} holds a control character", quoted(app_name.unwrap_or_default())),
            "use a name of one line of text",
        )
    })
}
