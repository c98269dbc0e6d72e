//! Stored texts of tokens, as they come from the server.

use std::ops::Deref;

use redis::{FromRedisValue, ParsingError, Value};
use zeroize::Zeroizing;

/// A stored value as it is. It is wiped when it is dropped.
#[derive(PartialEq, Eq)]
pub(crate) struct Record(Zeroizing<Vec<u8>>);

impl FromRedisValue for Record {
    fn from_redis_value(value: Value) -> Result<Self, ParsingError> {
        // The driver's own buffer is taken over, so that no copy stays behind.
        Vec::from_redis_value(value).map(|record| Self(Zeroizing::new(record)))
    }
}

impl Deref for Record {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_copy_is_left_behind_that_is_not_wiped() {
        let answer = b"AgSecret".to_vec();
        let buffer = answer.as_ptr();
        let Record(wiped) = Record::from_redis_value(Value::BulkString(answer)).unwrap();
        let wiped: Zeroizing<Vec<u8>> = wiped;
        assert_eq!(wiped.as_ptr(), buffer);

        // In an answer of several, too.
        let answer = b"AgSecret".to_vec();
        let buffer = answer.as_ptr();
        let answer = Value::Array(vec![Value::Nil, Value::BulkString(answer)]);
        let records: Vec<Option<Record>> = Vec::from_redis_value(answer).unwrap();
        assert!(records[0].is_none());
        assert_eq!(records[1].as_ref().unwrap().as_ptr(), buffer);

        let answer = b"AgSecret".to_vec();
        let buffer = answer.as_ptr();
        let answer = Value::Array(vec![Value::BulkString(b"rs".to_vec()), Value::BulkString(answer)]);
        let records: Vec<(Vec<u8>, Record)> = Vec::from_redis_value(answer).unwrap();
        assert_eq!(records[0].1.as_ptr(), buffer);
    }
}
