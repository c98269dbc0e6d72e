//! Where credentials may go: to their own service, encrypted, and nowhere else.

use url::Url;

use crate::config::url::is_loopback;
use crate::error::{Error, Result};
use crate::transport::shown_url;

/// Refuses an address that credentials of the service at `home` must not be sent to.
pub(super) fn check_credentials(home: &Url, target: &Url) -> Result<()> {
    if !same_origin(home, target) {
        return Err(Error::refused(format!(
            "refused to send the credentials for {} to {}; to call that address without them, use \
             without_authorization()",
            home.origin().ascii_serialization(),
            shown_url(target),
        )));
    }
    check_encrypted(target)
}

/// Whether two addresses have scheme, host and port in common (RFC 6454), without a copy of the host. Addresses
/// without a host have an origin of their own, each.
pub(super) fn same_origin(one: &Url, other: &Url) -> bool {
    one.has_host()
        && one.scheme() == other.scheme()
        && one.host() == other.host()
        && one.port_or_known_default() == other.port_or_known_default()
}

/// Refuses an address where secrets would travel unencrypted.
pub(super) fn check_encrypted(target: &Url) -> Result<()> {
    if target.scheme() == "https" || is_loopback(target) {
        return Ok(());
    }
    Err(Error::refused(format!(
        "refused to send credentials unencrypted to {}; use https, or a service on this machine",
        shown_url(target),
    )))
}

/// Where a redirect leads, if it may be followed without credentials leaving: `None` for an unreadable
/// address, another scheme than http or https, or a step down from https to http.
pub(super) fn redirect_target(from: &Url, location: &str) -> Option<Url> {
    let target = from.join(location).ok()?;
    let allowed = match target.scheme() {
        "https" => true,
        "http" => from.scheme() == "http",
        _ => false,
    };
    allowed.then_some(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn credentials_stay_with_their_origin() {
        let home = url("https://transfer.api.globus.org/");
        assert!(check_credentials(&home, &url("https://transfer.api.globus.org/v0.10/x")).is_ok());
        for elsewhere in [
            "https://transfer.api.globus.org:8443/x",
            "http://transfer.api.globus.org/x",
            "https://transfer.api.globus.org.example.org/x",
            "https://auth.globus.org/x",
        ] {
            assert!(check_credentials(&home, &url(elsewhere)).unwrap_err().is_refused(), "{elsewhere}");
        }
    }

    #[test]
    fn an_origin_is_what_the_standard_says() {
        let addresses = [
            "https://a.example.org/x",
            "https://a.example.org:443/y?z",
            "https://A.example.org:8443/",
            "http://a.example.org/",
            "http://a.example.org:443/",
            "http://a.example.org:80/",
            "https://127.0.0.1/",
            "https://127.1:443/",
            "https://[::1]/",
            "https://[0:0:0:0:0:0:0:1]:443/",
            "data:text/plain,x",
            "mailto:a@example.org",
            "https://user@a.example.org/",
        ];
        for (one, other) in addresses.iter().flat_map(|one| addresses.map(|other| (url(one), url(other)))) {
            assert_eq!(same_origin(&one, &other), one.origin() == other.origin(), "{one} {other}");
        }
    }

    #[test]
    fn plain_http_is_for_this_machine_only() {
        for here in ["http://127.0.0.1:8080/", "http://localhost/", "http://[::1]:1/"] {
            assert!(check_credentials(&url(here), &url(here)).is_ok(), "{here}");
        }
        for there in ["http://globus.org/", "http://localhost.example.org/", "http://10.0.0.1/"] {
            assert!(check_credentials(&url(there), &url(there)).is_err(), "{there}");
        }
    }

    #[test]
    fn a_refusal_shows_no_query() {
        let error =
            check_credentials(&url("https://a.example.org/"), &url("https://u:p@b.example.org/?t=SECRET"));
        let text = error.unwrap_err().to_string();
        assert!(!text.contains("SECRET") && !text.contains("u:p"), "{text}");
    }

    #[test]
    fn redirects_do_not_step_down() {
        let from = url("https://a.example.org/x/y");
        assert_eq!(redirect_target(&from, "../z").unwrap().as_str(), "https://a.example.org/z");
        assert!(redirect_target(&from, "http://a.example.org/").is_none());
        assert!(redirect_target(&from, "file:///etc/passwd").is_none());
    }
}
