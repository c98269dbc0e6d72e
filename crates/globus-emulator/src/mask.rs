//! Hides secrets before anything is recorded.

use serde_json::Value;

use crate::call::Params;

/// What stands in the journal in place of a secret.
pub(crate) const MASK: &str = "***";

/// The members and parameters whose values are secrets, wherever they stand.
const SECRET_NAMES: [&str; 14] = [
    "access_token",
    "assertion",
    "client_assertion",
    "client_secret",
    "code",
    "code_verifier",
    "globus_connect_setup_key",
    "id_token",
    "password",
    "refresh_token",
    "secret",
    "ticket",
    "token",
    "update_credentials",
];

fn is_secret(name: &str) -> bool {
    SECRET_NAMES.iter().any(|secret| name.eq_ignore_ascii_case(secret))
}

/// The parameters, with secret values hidden.
pub(crate) fn params(params: &Params) -> Vec<(String, String)> {
    params
        .iter()
        .map(|(name, value)| {
            (name.to_owned(), if is_secret(name) { MASK.to_owned() } else { value.to_owned() })
        })
        .collect()
}

/// The document, with secret members hidden at every depth.
pub(crate) fn document(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                if is_secret(name) && !value.is_null() {
                    *value = Value::String(MASK.to_owned());
                } else {
                    document(value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(document),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_at_every_depth() {
        let mut body = serde_json::json!({"a": [{"refresh_token": "Rg", "label": "x"}], "token": "t"});
        document(&mut body);
        assert_eq!(body, serde_json::json!({"a": [{"refresh_token": MASK, "label": "x"}], "token": MASK}));
        let form =
            params(&Params::parse(b"grant_type=refresh_token&refresh_token=Rg&client_secret=s&Token=t"));
        assert!(!format!("{form:?}").contains("Rg"));
        assert_eq!(form[0].1, "refresh_token");
        assert_eq!(form[3].1, MASK);
    }
}
