use globus_core::Timestamp;
use serde_json::Value;

/// When a task is given up: a time, or a text in the service's own notation, such as `2031-02-03` or
/// `2031-02-03 04:05:06+00:00`.
///
/// ```
/// use globus_sdk::TransferData;
/// use globus_sdk::Timestamp;
/// # let (a, b) = (uuid::Uuid::nil(), uuid::Uuid::nil());
///
/// let tomorrow = Timestamp::now() + std::time::Duration::from_secs(86_400);
/// let data = TransferData::new(a, b).deadline(tomorrow);
/// let data = TransferData::new(a, b).deadline("2031-02-03");
/// # let _ = data;
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deadline(String);

impl From<Timestamp> for Deadline {
    fn from(time: Timestamp) -> Self {
        Self(time.strftime("%Y-%m-%d %H:%M:%S%.f+00:00").to_string())
    }
}

impl From<&str> for Deadline {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<String> for Deadline {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<Deadline> for Value {
    fn from(deadline: Deadline) -> Self {
        deadline.0.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_of_a_second_are_kept_where_there_are_any() {
        for (time, text) in [
            ("2031-02-03T04:05:06Z", "2031-02-03 04:05:06+00:00"),
            ("2031-02-03T04:05:06.12Z", "2031-02-03 04:05:06.12+00:00"),
        ] {
            assert_eq!(Deadline::from(time.parse::<Timestamp>().unwrap()).0, text);
        }
    }
}
