//! One request as the handlers see it.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, header};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::app::App;
use crate::failure::Failure;
use crate::random;
use crate::service::Service;
use crate::world::tokens::Bearer;

/// A request with its body read, and the emulator that it came to.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) app: Arc<App>,
    pub(crate) service: Service,
    /// The address that the caller used, up to and with the base path: `http://127.0.0.1:4000/<random>/`.
    pub(crate) base_url: String,
    /// The path below the service.
    pub(crate) path: String,
    /// The id under which the answer and the journal know the request.
    pub(crate) request_id: String,
    pub(crate) headers: HeaderMap,
    pub(crate) query: Params,
    pub(crate) body: Bytes,
}

impl Call {
    /// The parameters of a form body.
    pub(crate) fn form(&self) -> Params {
        Params::parse(&self.body)
    }

    /// The JSON body as a type.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_slice(&self.body).map_err(|error| {
            let text = error.to_string();
            // Which member is missing may be told; other texts may quote what was sent.
            let missing = text.strip_prefix("missing field `").and_then(|text| text.split('`').next());
            let place = match missing {
                Some(member) => format!("{member} is missing"),
                None => format!("line {} column {}", error.line(), error.column()),
            };
            let code = match self.service {
                Service::Transfer => "ClientError.BadRequest",
                _ => "BAD_REQUEST",
            };
            Failure::bad_request(
                code,
                format!("The body is not the JSON document that is expected ({place})"),
            )
        })
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The bearer token's meaning, if it is valid now and meant for this service.
    pub(crate) fn bearer(&self) -> Result<Bearer, Failure> {
        self.any_bearer()
            .filter(|bearer| bearer.family.resource_server == self.service.resource_server())
            .ok_or_else(|| Failure::unauthenticated(self.service))
    }

    fn any_bearer(&self) -> Option<Bearer> {
        let fingerprint = random::fingerprint(bearer_text(&self.headers)?);
        let now = self.app.now();
        self.app.world.read(|world| world.bearer(&fingerprint, now))
    }

    /// The answer of a Transfer call that did something. Its resource is the path without the version.
    pub(crate) fn result(&self, data_type: &str, code: &str, message: &str) -> Value {
        let resource = self.path.strip_prefix("/v0.10").unwrap_or(&self.path);
        json!({
            "DATA_TYPE": data_type, "code": code, "message": message, "resource": resource,
            "request_id": self.request_id,
        })
    }

    /// The address of a service as this caller sees it, with a slash at the end.
    pub(crate) fn service_url(&self, service: Service) -> String {
        format!("{}{service}/", self.base_url)
    }
}

/// The token of a `Bearer` header.
pub(crate) fn bearer_text(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The exchange puts the call into the request's extensions; handlers take it from there.
impl<S: Sync> FromRequestParts<S> for Call {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| {
            Failure::new(
                http::StatusCode::INTERNAL_SERVER_ERROR,
                "InternalError",
                "the call was not prepared",
            )
        })
    }
}

/// Parameters of a query or a form, in order.
#[derive(Clone, Default)]
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    pub(crate) fn parse(text: &[u8]) -> Self {
        Self(form_urlencoded::parse(text).into_owned().collect())
    }

    /// The first value of a parameter; an empty value counts as not given.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    /// Every value of a parameter that is not empty.
    pub(crate) fn all<'p>(&'p self, name: &'p str) -> impl Iterator<Item = &'p str> {
        self.0
            .iter()
            .filter(move |(key, value)| key == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    /// A number, if one is given and is one.
    pub(crate) fn number(&self, name: &str) -> Option<usize> {
        self.get(name)?.parse().ok()
    }

    /// A boolean in any of the spellings that clients use.
    pub(crate) fn boolean(&self, name: &str) -> Option<bool> {
        match self.get(name)?.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" => Some(true),
            "false" | "0" | "no" => Some(false),
            _ => None,
        }
    }

    /// The values of a comma-separated parameter.
    pub(crate) fn list(&self, name: &str) -> Option<Vec<String>> {
        let text = self.get(name)?;
        Some(text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_read_in_every_spelling_of_the_clients() {
        let params = Params::parse(b"a=True&b=0&c=&filter=x&filter=y&ids=1,%202,,3");
        assert_eq!(params.boolean("a"), Some(true));
        assert_eq!(params.boolean("b"), Some(false));
        assert_eq!(params.get("c"), None);
        assert_eq!(params.all("filter").collect::<Vec<_>>(), ["x", "y"]);
        assert_eq!(params.list("ids").unwrap(), ["1", "2", "3"]);
    }
}
