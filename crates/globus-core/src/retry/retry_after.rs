//! Reading `Retry-After` (RFC 9110, section 10.2.3), as leniently as services need.

use std::time::Duration;

use http::HeaderMap;
use http::header::RETRY_AFTER;
use jiff::Timestamp;

/// How long the service asks to wait: a number of seconds, whole or with a fraction, or an HTTP date, counted
/// from `now`. Zero, negative, past and unreadable values count as absent.
pub fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = if is_number(text) {
        let seconds: f64 = text.parse().ok().filter(|seconds| *seconds > 0.0)?;
        // Longer than a `Duration` can say is still longer than anybody waits.
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
    } else {
        Duration::try_from(http_date(text)?.duration_since(now)).ok()?
    };
    (!wait.is_zero()).then_some(wait)
}

/// Digits, perhaps a fraction, perhaps a sign. No exponent, no `inf`, which `f64` would take.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    digits.chars().all(|c| c.is_ascii_digit() || c == '.') && digits.chars().any(|c| c.is_ascii_digit())
}

/// An HTTP date (RFC 9110, section 5.6.7).
pub(crate) fn http_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text.trim()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<f64> {
        let headers = HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]);
        let now = http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        retry_after(&headers, now).map(|wait| wait.as_secs_f64())
    }

    #[test]
    fn numbers_and_dates_are_read() {
        assert_eq!(read("3"), Some(3.0));
        assert_eq!(read(" +3.5 "), Some(3.5));
        assert_eq!(read("99999999999999999999"), Some(Duration::MAX.as_secs_f64()));
        assert_eq!(read("Sun, 06 Nov 1994 08:50:37 GMT"), Some(60.0));
    }

    #[test]
    fn everything_else_counts_as_absent() {
        for text in
            ["", "0", "0.0", "-5", "1_0", "0x5", "1e1", "inf", "nan", ".", "soon", "-99999999999999999999999"]
        {
            assert_eq!(read(text), None, "{text:?}");
        }
        assert_eq!(read("Sun, 06 Nov 1994 08:48:37 GMT"), None);
        assert_eq!(retry_after(&HeaderMap::new(), Timestamp::UNIX_EPOCH), None);
    }
}
