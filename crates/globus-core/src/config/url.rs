//! Rules by which URLs are put together.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::{Host, Url};

use super::error::{ConfigError, quoted};

/// What a request path keeps: unreserved characters and `/`. Even `%` is encoded, since a path is written in
/// plain text and may hold a value from outside.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'_').remove(b'.').remove(b'-').remove(b'~').remove(b'/');

/// Joins two texts with exactly one slash at the seam. An empty second text gives the first unchanged.
///
/// ```
/// use globus_core::config::url::join;
///
/// assert_eq!(join("https://example.org/", "/v1/x"), "https://example.org/v1/x");
/// assert_eq!(join("https://example.org", "v1/x"), "https://example.org/v1/x");
/// ```
#[doc(alias = "slash_join")]
pub fn join(base: &str, path: &str) -> String {
    if path.is_empty() {
        return base.to_owned();
    }
    let base = base.strip_suffix('/').unwrap_or(base);
    format!("{base}/{}", path.strip_prefix('/').unwrap_or(path))
}

/// The URL of a request: `path`, written in plain text, below the client's base URL.
///
/// The path is percent-encoded, `%` and `?` included, and keeps its slashes. A path that begins with
/// `https://` or `http://` is a full URL and is taken as it is.
///
/// ```
/// use globus_core::config::url::request_url;
/// use url::Url;
///
/// let base = Url::parse("https://example.org/search")?;
/// assert_eq!(request_url(&base, "/v1/a b?")?.as_str(), "https://example.org/search/v1/a%20b%3F");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// When a segment of the path is `..`, which would lead out of the place the operation means, or when a full
/// URL cannot be read.
pub fn request_url(base: &Url, path: &str) -> Result<Url, ConfigError> {
    if path.starts_with("https://") || path.starts_with("http://") {
        return Url::parse(path).map_err(|error| {
            ConfigError::new("path", format!("the full URL cannot be read ({error})"), "correct the URL")
        });
    }
    if path.split('/').any(|segment| segment == "..") {
        return Err(ConfigError::new(
            "path",
            format!("{} holds a segment `..`", quoted(path)),
            "check the ids and names that were put into the path",
        ));
    }
    let mut url = base.clone();
    url.set_query(None);
    url.set_fragment(None);
    // Most paths have nothing to encode, and stay as they are.
    let path = Cow::from(utf8_percent_encode(path, ENCODED));
    url.set_path(&join(base.path(), &path));
    Ok(url)
}

/// The base URL of the manager of a Globus Connect Server endpoint: `address` is its host name (perhaps with a
/// port) or its `https` URL, to which `/api/` is added unless it is there.
///
/// Plain `http` is accepted for loopback addresses only.
///
/// # Errors
///
/// When the address is no host name and no such URL.
pub fn gcs_url(address: &str) -> Result<Url, ConfigError> {
    const SETTING: &str = "GCS address";
    if address.is_empty() || address.starts_with('/') {
        return Err(ConfigError::new(SETTING, "it holds no host name", "use the host name or the https URL"));
    }
    if !address.contains("://") {
        return parse_base_url(SETTING, &format!("https://{}/", join(address, "api")));
    }
    let url = parse_base_url(SETTING, address)?;
    if url.scheme() == "http" && !is_loopback(&url) {
        return Err(ConfigError::new(SETTING, "it is plain http", "use the https URL or the host name"));
    }
    let path = url.path();
    if path.ends_with("/api") || path.ends_with("/api/") {
        return Ok(url);
    }
    let path = format!("{}/", join(path, "api"));
    let mut url = url;
    url.set_path(&path);
    Ok(url)
}

/// Whether a URL points at this machine: a loopback address, or the name `localhost`.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Reads a base URL. The message never repeats it: URLs are where passwords are pasted.
pub(crate) fn parse_base_url(setting: impl Into<String>, text: &str) -> Result<Url, ConfigError> {
    let refused = |problem: String| {
        ConfigError::new(setting.into(), problem, "write a URL such as https://service.example.org/")
    };
    match Url::parse(text) {
        Err(error) => Err(refused(format!("it is no URL ({error})"))),
        Ok(url) if !matches!(url.scheme(), "https" | "http") => {
            Err(refused(format!("its scheme is {}", quoted(url.scheme()))))
        }
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            Err(refused("it holds a user name or password".to_owned()))
        }
        Ok(url) if url.query().is_some() || url.fragment().is_some() => {
            Err(refused("it holds a query or fragment".to_owned()))
        }
        Ok(url) => Ok(url),
    }
}
