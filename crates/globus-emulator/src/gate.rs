//! Who may ask at all: programs on this machine that know the address, and no web page elsewhere.

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use serde_json::json;

/// A request that is refused before any service sees it.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, axum::Json(json!({"code": self.code, "message": self.message}))).into_response()
    }
}

/// The names under which the emulator may be called.
const NAMES: [&str; 3] = ["127.0.0.1", "localhost", "[::1]"];

/// Checks where a request was sent to and where it comes from; answers the host that may be repeated.
///
/// The name keeps out web pages whose own name was made to lead here (DNS rebinding); the origin keeps out
/// pages that call the address directly.
pub(crate) fn check(headers: &HeaderMap, port: u16) -> Result<String, Refusal> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = hosts.next().and_then(|host| host.to_str().ok()).unwrap_or_default();
    if hosts.next().is_some() || !is_own(host, port) {
        return Err(Refusal {
            status: StatusCode::MISDIRECTED_REQUEST,
            code: "MISDIRECTED_REQUEST",
            message: format!(
                "The emulator answers only to 127.0.0.1:{port}, localhost:{port} and [::1]:{port}"
            ),
        });
    }
    let foreign_origin = headers.get_all(header::ORIGIN).iter().any(|origin| {
        let own = origin.to_str().ok().and_then(|origin| origin.strip_prefix("http://"));
        !own.is_some_and(|own| is_own(own, port))
    });
    let foreign_fetch = headers
        .get_all("sec-fetch-site")
        .iter()
        .any(|site| site.to_str().is_ok_and(|site| site.eq_ignore_ascii_case("cross-site")));
    if foreign_origin || foreign_fetch {
        return Err(Refusal {
            status: StatusCode::FORBIDDEN,
            code: "FORBIDDEN_ORIGIN",
            message: "The emulator refuses requests from web pages of other origins; call it from a program"
                .to_owned(),
        });
    }
    Ok(host.to_ascii_lowercase())
}

fn is_own(host: &str, port: u16) -> bool {
    host.rsplit_once(':').is_some_and(|(name, given)| {
        given == port.to_string() && NAMES.iter().any(|known| known.eq_ignore_ascii_case(name))
    })
}

/// The base path is wrong. The message does not tell the right one.
pub(crate) fn wrong_base() -> Refusal {
    Refusal {
        status: StatusCode::NOT_FOUND,
        code: "WRONG_BASE",
        message:
            "The path does not begin with this emulator's base path; take the address from its environment"
                .to_owned(),
    }
}

pub(crate) fn no_such_service(name: &str) -> Refusal {
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).take(40).collect();
    Refusal {
        status: StatusCode::NOT_FOUND,
        code: "NO_SUCH_SERVICE",
        message: format!(
            "The emulator has no service {name:?}; it has auth, transfer, groups, search, flows, timers, compute and app"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn only_own_names_with_the_port_are_answered() {
        for host in ["127.0.0.1:99", "localhost:99", "LocalHost:99", "[::1]:99"] {
            assert!(check(&headers(&[("host", host)]), 99).is_ok(), "{host}");
        }
        for host in
            ["127.0.0.1", "127.0.0.1:98", "evil.example:99", "localhost.evil:99", "", "99", "127.0.0.1:099"]
        {
            let refusal = check(&headers(&[("host", host)]), 99).unwrap_err();
            assert_eq!(refusal.status, StatusCode::MISDIRECTED_REQUEST, "{host}");
        }
        assert!(check(&HeaderMap::new(), 99).is_err());
    }

    #[test]
    fn pages_of_other_origins_are_refused() {
        let with = |name, value| check(&headers(&[("host", "localhost:99"), (name, value)]), 99);
        assert!(with("origin", "http://localhost:99").is_ok());
        assert!(with("sec-fetch-site", "none").is_ok());
        assert!(with("sec-fetch-site", "same-origin").is_ok());
        for (name, value) in [
            ("origin", "null"),
            ("origin", "http://evil.example"),
            ("origin", "https://localhost:99"),
            ("origin", "http://localhost:98"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "Cross-Site"),
        ] {
            assert_eq!(with(name, value).unwrap_err().status, StatusCode::FORBIDDEN, "{name} {value}");
        }
    }
}
