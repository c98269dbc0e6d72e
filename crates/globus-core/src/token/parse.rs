//! Reading what the token endpoint answers.

use std::fmt;

use jiff::Timestamp;

use super::json::{Json, Object};
use super::{ByResourceServer, Grant, TokenData, TokenResponse};
use crate::secret::IdToken;

/// The token endpoint's answer is not a token response.
///
/// It names the member at fault and quotes nothing of the answer, which may hold tokens. The service, or
/// something on the way to it, is at fault: try again, and report it if it stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MalformedTokenResponse {
    field: &'static str,
    token: Option<usize>,
    problem: Problem,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Problem {
    NotJson,
    Missing,
    NotA(&'static str),
}

impl MalformedTokenResponse {
    /// The name of the member at fault; `body` stands for the document as a whole.
    pub fn field(&self) -> &str {
        self.field
    }

    /// Which token has the fault: 0 is the first one, 1 the first of `other_tokens`. `None` where the fault
    /// lies outside of a token.
    pub fn token_index(&self) -> Option<usize> {
        self.token
    }
}

impl fmt::Display for MalformedTokenResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the token endpoint's answer is no token response: ")?;
        match (self.field, self.token) {
            ("body", None) => f.write_str("its body ")?,
            (field, None) => write!(f, "`{field}` ")?,
            ("body", Some(index)) => write!(f, "token {index} ")?,
            (field, Some(index)) => write!(f, "`{field}` of token {index} ")?,
        }
        match self.problem {
            Problem::NotJson => f.write_str("is not JSON")?,
            Problem::Missing => f.write_str("is missing")?,
            Problem::NotA(expected) => write!(f, "is not {expected}")?,
        }
        f.write_str("; try again, and report it to the service if it stays")
    }
}

impl std::error::Error for MalformedTokenResponse {}

const fn fault(field: &'static str, token: Option<usize>, problem: Problem) -> MalformedTokenResponse {
    MalformedTokenResponse { field, token, problem }
}

impl TokenResponse {
    /// Reads the answer to a grant, received at `now`, from which the ends of the tokens are counted.
    ///
    /// Members that have no meaning here are left alone. A missing `other_tokens` is an empty one.
    ///
    /// # Errors
    ///
    /// [`MalformedTokenResponse`] names the member that is missing or of the wrong type.
    pub fn parse(grant: Grant, body: &[u8], now: Timestamp) -> Result<Self, MalformedTokenResponse> {
        let document = Json::parse(body).map_err(|_| fault("body", None, Problem::NotJson))?;
        let mut tokens = ByResourceServer::default();
        if grant == Grant::DependentToken {
            let Json::List(items) = &document else {
                return Err(fault("body", None, Problem::NotA("an array")));
            };
            for (index, item) in items.iter().enumerate() {
                let object =
                    item.as_object().ok_or(fault("body", Some(index), Problem::NotA("an object")))?;
                tokens.insert(token(object, index, now)?);
            }
            return Ok(Self::new(grant, tokens, None));
        }
        let object = document.as_object().ok_or(fault("body", None, Problem::NotA("an object")))?;
        tokens.insert(token(object, 0, now)?);
        match object.get("other_tokens") {
            None | Some(Json::Null) => {}
            Some(Json::List(items)) => {
                for (index, item) in (1..).zip(items) {
                    let item = item.as_object().ok_or(fault(
                        "other_tokens",
                        Some(index),
                        Problem::NotA("an array of objects"),
                    ))?;
                    tokens.insert(token(item, index, now)?);
                }
            }
            Some(_) => return Err(fault("other_tokens", None, Problem::NotA("an array"))),
        }
        Ok(Self::new(grant, tokens, object.text("id_token").map(IdToken::new)))
    }
}

fn token(object: &Object, index: usize, now: Timestamp) -> Result<TokenData, MalformedTokenResponse> {
    let required = |field| match object.get(field) {
        None => Err(fault(field, Some(index), Problem::Missing)),
        Some(Json::Text(text)) => Ok(text.as_str()),
        Some(_) => Err(fault(field, Some(index), Problem::NotA("text"))),
    };
    let optional = |field| match object.get(field) {
        None | Some(Json::Null) => Ok(None),
        Some(Json::Text(text)) => Ok(Some(text.as_str())),
        Some(_) => Err(fault(field, Some(index), Problem::NotA("text"))),
    };
    let resource_server = required("resource_server")?;
    let scope = required("scope")?;
    let access_token = required("access_token")?;
    if access_token.is_empty() {
        return Err(fault("access_token", Some(index), Problem::NotA("a token: it is empty")));
    }
    let expires_at_seconds = expires_at(object.get("expires_in"), now).ok_or(fault(
        "expires_in",
        Some(index),
        Problem::NotA("a number of seconds"),
    ))?;
    let mut token = TokenData::new(resource_server, scope, access_token, expires_at_seconds);
    token.refresh_token = optional("refresh_token")?.map(Into::into);
    token.token_type = optional("token_type")?.map(str::to_owned);
    Ok(token)
}

/// The whole second in which a token ends; absent means that it has ended.
fn expires_at(expires_in: Option<&Json>, now: Timestamp) -> Option<i64> {
    // Up to 2^53 every whole number of seconds is exact; what lies beyond is no time that matters.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let now_second = i64::try_from(now.as_nanosecond().div_euclid(1_000_000_000)).ok()?;
    let seconds = match expires_in {
        None => return Some(now_second),
        Some(Json::Number(number)) => number,
        Some(_) => return None,
    };
    if let Some(whole) = seconds.as_i64() {
        return now_second.checked_add(whole);
    }
    let end = (now.as_duration().as_secs_f64() + seconds.as_f64()?).floor();
    #[expect(clippy::cast_possible_truncation, reason = "a whole number below 2^53")]
    (end.abs() < EXACT).then_some(end as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(milliseconds).unwrap()
    }

    fn body(expires_in: &str) -> String {
        format!(
            r#"{{"resource_server": "rs", "scope": "s", "access_token": "AgSecret", "expires_in": {expires_in}}}"#
        )
    }

    fn end(expires_in: &str, milliseconds: i64) -> Option<i64> {
        TokenResponse::parse(Grant::RefreshToken, body(expires_in).as_bytes(), at(milliseconds))
            .ok()
            .map(|response| response.by_resource_server()["rs"].expires_at_seconds)
    }

    #[test]
    fn the_end_is_rounded_down() {
        assert_eq!(end("10", 1_999), Some(11));
        assert_eq!(end("10.9", 200), Some(11));
        assert_eq!(end("-10", 5_500), Some(-5));
        assert_eq!(end("1e15", 0), Some(1_000_000_000_000_000));
    }

    #[test]
    fn an_end_that_is_no_time_is_refused() {
        for expires_in in ["1e300", "9223372036854775807", "true", "\"10\"", "null", "[1]"] {
            assert_eq!(end(expires_in, 1_000), None, "{expires_in}");
        }
    }

    #[test]
    fn the_error_says_where_and_quotes_nothing() {
        let broken = format!(r#"{{"other_tokens": [{{}}], {}"#, &body("1")[1..]);
        let error = TokenResponse::parse(Grant::AuthorizationCode, broken.as_bytes(), at(0)).unwrap_err();
        assert_eq!((error.field(), error.token_index()), ("resource_server", Some(1)));
        let text = error.to_string();
        assert!(text.contains("`resource_server` of token 1 is missing"), "{text}");
        assert!(!text.contains("AgSecret"));
    }

    #[test]
    fn an_empty_access_token_is_refused() {
        let body = body("1").replace("AgSecret", "");
        let error = TokenResponse::parse(Grant::RefreshToken, body.as_bytes(), at(0)).unwrap_err();
        assert_eq!(error.field(), "access_token");
    }
}
