use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// When a token counts as due for renewal, counted back from its expiry.
///
/// By default: *advisory* from 300 seconds, or a tenth of the token's lifetime if that is less; *mandatory*
/// from 60 seconds, or a twentieth of the lifetime. A token that came from a file or an argument has no known
/// lifetime; the full 300 and 60 seconds count for it.
///
/// ```
/// use globus_core::RefreshWindows;
/// use std::time::Duration;
///
/// // As the Python SDK: nothing happens until 60 seconds before the expiry, then callers wait.
/// let windows = RefreshWindows::fixed(Duration::from_secs(60));
/// # let _ = windows;
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RefreshWindows {
    advisory: Window,
    mandatory: Window,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Window {
    longest: Duration,
    share: Option<f64>,
}

impl Default for RefreshWindows {
    fn default() -> Self {
        Self {
            advisory: Window { longest: Duration::from_secs(300), share: Some(0.10) },
            mandatory: Window { longest: Duration::from_secs(60), share: Some(0.05) },
        }
    }
}

impl RefreshWindows {
    /// Mandatory from this long before the expiry, whatever the lifetime, and no advisory time.
    pub fn fixed(before_expiry: Duration) -> Self {
        let window = Window { longest: before_expiry, share: None };
        Self { advisory: window, mandatory: window }
    }

    /// The two moments at which the advisory and the mandatory time begin.
    pub(crate) fn begin(&self, expires_at: i64, lifetime: Option<Duration>) -> (Timestamp, Timestamp) {
        // An expiry beyond the calendar is as good as never, one before it is long past.
        let expiry = Timestamp::from_second(expires_at).unwrap_or(if expires_at > 0 {
            Timestamp::MAX
        } else {
            Timestamp::MIN
        });
        let before = |window: Window| {
            let length = match (window.share, lifetime) {
                (Some(share), Some(lifetime)) => window.longest.min(lifetime.mul_f64(share)),
                _ => window.longest,
            };
            let length = SignedDuration::try_from(length).unwrap_or(SignedDuration::MAX);
            expiry.checked_sub(length).unwrap_or(Timestamp::MIN)
        };
        let mandatory = before(self.mandatory);
        (before(self.advisory).min(mandatory), mandatory)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begin(expires_at: i64, lifetime: Option<u64>) -> (f64, f64) {
        let (advisory, mandatory) =
            RefreshWindows::default().begin(expires_at, lifetime.map(Duration::from_secs));
        let seconds = |at: Timestamp| at.as_duration().as_secs_f64();
        (seconds(advisory), seconds(mandatory))
    }

    #[test]
    fn windows_are_limited_by_shares_of_the_lifetime() {
        assert_eq!(begin(172_800, Some(172_800)), (172_500.0, 172_740.0));
        assert_eq!(begin(1_000, Some(1_000)), (900.0, 950.0));
        assert_eq!(begin(30, Some(30)), (27.0, 28.5));
    }

    #[test]
    fn an_unknown_lifetime_gives_the_full_windows() {
        assert_eq!(begin(1_000, None), (700.0, 940.0));
    }

    #[test]
    fn an_expiry_outside_the_calendar_does_not_overflow() {
        assert_eq!(RefreshWindows::default().begin(i64::MIN, None), (Timestamp::MIN, Timestamp::MIN));
        assert!(RefreshWindows::default().begin(i64::MAX, None).0 > Timestamp::from_second(1 << 35).unwrap());
    }
}
