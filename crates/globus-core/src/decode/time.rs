//! Points in time as the services write them.

use std::borrow::Cow;
use std::fmt;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::bridge::FromText;
use super::{Decode, DecodeError, Reader, Text};

/// A point in time in a document, or a text in its place.
///
/// The forms that the services use (`2026-01-31 08:05:00+00:00`, with blank or `T`, with or without a
/// fraction, with `+00:00` or `Z`) are parsed when the document is decoded. Any other text is kept;
/// [`timestamp`](Self::timestamp) then tries it as RFC 3339 or ISO 8601. [`text`](Self::text) and `Display`
/// give exactly what the service wrote.
///
/// ```
/// use globus_core::decode::Time;
///
/// let time = Time::from("2026-01-31 08:05:00+00:00");
/// assert_eq!(time.timestamp().map(|at| at.as_second()), Some(1_769_846_700));
/// assert_eq!(time.text(), "2026-01-31 08:05:00+00:00");
///
/// let never = Time::from("never");
/// assert_eq!(never.timestamp(), None);
/// assert_eq!(never.text(), "never");
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Time(Repr);

#[derive(Clone, PartialEq, Eq, Hash)]
enum Repr {
    /// In parts, because a `Timestamp` leaves no room for the form in the size of a text.
    Parsed {
        second: i64,
        nanosecond: i32,
        form: Form,
    },
    Text(Text),
}

/// What has to be known beside the point in time to write it as it was written.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Form {
    /// Blank or `T`.
    separator: u8,
    /// Digits after the point; 0 means no point.
    fraction: u8,
    /// `Z` in place of `+00:00`.
    zulu: bool,
}

impl Time {
    /// The point in time; `None` where the service wrote something that is none, or gave no offset from UTC.
    pub fn timestamp(&self) -> Option<Timestamp> {
        match &self.0 {
            Repr::Parsed { second, nanosecond, .. } => Timestamp::new(*second, *nanosecond).ok(),
            Repr::Text(text) => text.parse().ok(),
        }
    }

    /// What the service wrote.
    pub fn text(&self) -> Cow<'_, str> {
        match &self.0 {
            Repr::Text(text) => Cow::Borrowed(text),
            Repr::Parsed { form, .. } => Cow::Owned(form.write(self.timestamp().unwrap_or_default())),
        }
    }
}

impl From<&str> for Time {
    fn from(text: &str) -> Self {
        Self(match parse(text.as_bytes()) {
            Some((at, form)) => {
                Repr::Parsed { second: at.as_second(), nanosecond: at.subsec_nanosecond(), form }
            }
            None => Repr::Text(Text::from(text)),
        })
    }
}

/// As the services write most times: `2026-01-31T08:05:00+00:00`, with a fraction where there is one.
impl From<Timestamp> for Time {
    fn from(timestamp: Timestamp) -> Self {
        let nanos = timestamp.subsec_nanosecond();
        let fraction = if nanos == 0 {
            0
        } else if nanos % 1000 == 0 {
            6
        } else {
            9
        };
        let form = Form { separator: b'T', fraction, zulu: false };
        let text = form.write(timestamp);
        // A year before 0 or the like has no such form; then the text stays a text.
        Self::from(text.as_str())
    }
}

/// The empty text.
impl Default for Time {
    fn default() -> Self {
        Self(Repr::Text(Text::default()))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text())
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.text())
    }
}

impl PartialEq<str> for Time {
    fn eq(&self, other: &str) -> bool {
        self.text() == other
    }
}

impl PartialEq<&str> for Time {
    fn eq(&self, other: &&str) -> bool {
        self.text() == *other
    }
}

impl Decode for Time {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.string().map(|text| Self::from(&*text))
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text())
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        FromText::deserialize("a string", deserializer)
    }
}

/// Reads `YYYY-MM-DD[ T]HH:MM:SS(.f{1,9})?(+00:00|Z)`, and nothing that [`Form::write`] would write otherwise.
fn parse(text: &[u8]) -> Option<(Timestamp, Form)> {
    let (head, rest) = text.split_first_chunk::<19>()?;
    let &[_, _, _, _, b'-', _, _, b'-', _, _, separator @ (b' ' | b'T'), _, _, b':', _, _, b':', _, _] = head
    else {
        return None;
    };
    let (digits, zone) = match rest {
        [b'.', rest @ ..] => rest.split_at(rest.iter().take_while(|byte| byte.is_ascii_digit()).count()),
        rest => (&rest[..0], rest),
    };
    let point = rest.first() == Some(&b'.');
    let zulu = match zone {
        b"Z" => true,
        b"+00:00" => false,
        _ => return None,
    };
    let fraction = u8::try_from(digits.len()).ok().filter(|count| (*count > 0) == point && *count <= 9)?;
    let nanos = number(digits)? * 10i32.pow(9 - u32::from(fraction));
    let two = |at: usize| number(&head[at..at + 2]).and_then(|value| i8::try_from(value).ok());
    let year = i16::try_from(number(&head[..4])?).ok()?;
    let civil = DateTime::new(year, two(5)?, two(8)?, two(11)?, two(14)?, two(17)?, nanos).ok()?;
    let timestamp = Offset::UTC.to_timestamp(civil).ok()?;
    Some((timestamp, Form { separator, fraction, zulu }))
}

/// The value of up to nine decimal digits.
fn number(digits: &[u8]) -> Option<i32> {
    digits
        .iter()
        .try_fold(0, |value, byte| byte.is_ascii_digit().then(|| value * 10 + i32::from(byte - b'0')))
}

impl Form {
    fn write(self, timestamp: Timestamp) -> String {
        let at = Offset::UTC.to_datetime(timestamp);
        let (date, time) = (at.date(), at.time());
        let mut text = format!(
            "{:04}-{:02}-{:02}{}{:02}:{:02}:{:02}",
            date.year(),
            date.month(),
            date.day(),
            char::from(self.separator),
            time.hour(),
            time.minute(),
            time.second()
        );
        if self.fraction > 0 {
            let digits = format!("{:09}", time.subsec_nanosecond());
            text.push('.');
            text.push_str(&digits[..usize::from(self.fraction)]);
        }
        text.push_str(if self.zulu { "Z" } else { "+00:00" });
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Option<Timestamp> {
        let time = Time::from(text);
        matches!(time.0, Repr::Parsed { .. }).then(|| time.timestamp()).flatten()
    }

    #[test]
    fn no_greater_than_a_string() {
        assert_eq!(size_of::<Time>(), 24);
    }

    #[test]
    fn the_services_forms_are_parsed_and_written_back_as_they_were() {
        for text in [
            "2026-01-31 08:05:00+00:00",
            "2026-01-31T08:05:00+00:00",
            "2026-01-31T08:05:00Z",
            "2026-01-31 08:05:00.1Z",
            "2026-01-31T08:05:00.123450+00:00",
            "2026-01-31T08:05:00.000000+00:00",
            "2026-01-31T08:05:59.999999999Z",
            "2024-02-29T00:00:00Z",
            "1969-12-31T23:59:59.5Z",
            "0001-01-01T00:00:00+00:00",
        ] {
            let as_jiff: Timestamp = text.parse().unwrap();
            assert_eq!(parsed(text), Some(as_jiff), "{text}");
            assert_eq!(Time::from(text).text(), text);
            assert_eq!(Time::from(text).to_string(), text);
            assert_eq!(format!("{:?}", Time::from(text)), format!("{text:?}"));
        }
    }

    #[test]
    fn other_forms_stay_text_and_are_tried_when_asked() {
        for (text, seconds) in [
            ("2026-01-31T10:05:00+02:00", Some(1_769_846_700)),
            ("2026-01-31t08:05:00z", Some(1_769_846_700)),
            ("2026-01-31T08:05:00-00:00", Some(1_769_846_700)),
            ("2026-01-31T08:05:00", None),
            ("2026-01-31", None),
            ("2026-02-30T08:05:00Z", None),
            ("2026-01-31T24:05:00Z", None),
            ("2026-01-31T08:05:00.Z", None),
            ("2026-01-31T08:05:00.1234567890Z", None),
            ("2026-01-31x08:05:00Z", None),
            ("2026-01-31T08:05:00ZZ", None),
            ("+026-01-31T08:05:00Z", None),
            ("9999-12-31T23:59:59Z", None),
            ("a text that has more than nineteen bytes, é", None),
            ("", None),
        ] {
            let time = Time::from(text);
            assert_eq!(parsed(text), None, "{text}");
            assert_eq!(time.timestamp().map(Timestamp::as_second), seconds, "{text}");
            assert_eq!(time.text(), text);
        }
    }

    #[test]
    fn a_timestamp_becomes_a_time_and_back() {
        for nanos in [0, 5, 1_000_000_000, 1_769_846_700_000_000_000, 1_769_846_700_000_001_000, -1_500] {
            let timestamp = Timestamp::from_nanosecond(nanos).unwrap();
            assert_eq!(Time::from(timestamp).timestamp(), Some(timestamp));
        }
        let whole = Timestamp::from_second(1_769_846_700).unwrap();
        assert_eq!(Time::from(whole), "2026-01-31T08:05:00+00:00");
        let before_our_era = Timestamp::from_second(-70_000_000_000).unwrap();
        assert!(Time::from(before_our_era).text().starts_with('-'));
    }

    #[test]
    fn serde_round_trip() {
        let time: Time = serde_json::from_str(r#""2026-01-31 08:05:00.10Z""#).unwrap();
        assert_eq!(serde_json::to_string(&time).unwrap(), r#""2026-01-31 08:05:00.10Z""#);
    }
}
