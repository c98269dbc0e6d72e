//! When somebody logged in, kept with the tokens.

use globus_core::{Timestamp, TokenData, TokenResponse};
use serde_json::{Value, json};

/// The member of the stored records. The file formats let programs keep members of their own; the Python SDK passes them
/// over, and drops them from records that it writes anew.
const MEMBER: &str = "globus_sdk_rs_login";

/// When a login of this SDK was, which no other member of a record tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RememberedLogin {
    /// When its tokens were given out.
    pub(super) at: Timestamp,
    /// When the person proved who they are, as the id token told it. That may have been before: browsers remember.
    pub(super) authenticated_at: Option<Timestamp>,
}

impl RememberedLogin {
    /// The tokens of the login with this beside them. It takes the place of an earlier login's as a whole.
    pub(super) fn write(self, tokens: TokenResponse) -> TokenResponse {
        let authenticated_at = self.authenticated_at.map(Timestamp::as_second);
        let value = json!({"at": self.at.as_second(), "authenticated_at": authenticated_at});
        tokens.with_extra(MEMBER, &value)
    }

    /// What is kept with a token. Something else under that name counts for nothing.
    pub(super) fn of(token: &TokenData) -> Option<Self> {
        let login = token.extra.get(MEMBER)?;
        let time = |value: &Value| Timestamp::from_second(value.as_i64()?).ok();
        Some(Self {
            at: time(login.get("at")?)?,
            authenticated_at: login.get("authenticated_at").and_then(time),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(value: Value) -> Option<RememberedLogin> {
        let mut token = TokenData::new("rs", "s", "a", 1);
        token.extra.insert(MEMBER.to_owned(), value);
        RememberedLogin::of(&token)
    }

    #[test]
    fn what_is_odd_counts_for_nothing() {
        let second = |second| Timestamp::from_second(second).unwrap();
        assert_eq!(
            of(json!({"at": 5, "authenticated_at": 3})),
            Some(RememberedLogin { at: second(5), authenticated_at: Some(second(3)) })
        );
        let none = Some(RememberedLogin { at: second(5), authenticated_at: None });
        assert_eq!(of(json!({"at": 5, "authenticated_at": "3"})), none);
        assert_eq!(of(json!({"at": 5, "authenticated_at": i64::MAX})), none);
        for odd in
            [json!({"at": i64::MAX}), json!({"authenticated_at": 3}), json!([5]), json!(5), Value::Null]
        {
            assert_eq!(of(odd), None);
        }
    }
}
