//! Refusals, and the shape in which each service words them.

use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde_json::{Map, Value, json};

use crate::service::Service;

/// A refusal that does not know yet which service's words it will be put in.
///
/// A handler answers it; the exchange renders it in the shape of the service that was called.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub(crate) status: StatusCode,
    /// The service's code, such as `EndpointNotFound`.
    pub(crate) code: String,
    pub(crate) message: String,
    /// The OAuth2 `error` word, where the call speaks OAuth2.
    pub(crate) oauth: Option<&'static str>,
    /// Further members of the body.
    pub(crate) extra: Map<String, Value>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Failure {
    pub(crate) fn new(status: StatusCode, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            status,
            code: code.into(),
            message: message.into(),
            oauth: None,
            extra: Map::new(),
            headers: Vec::new(),
        }
    }

    pub(crate) fn bad_request(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    pub(crate) fn not_found(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, message)
    }

    pub(crate) fn forbidden(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, message)
    }

    /// A refusal in the terms of RFC 6749.
    pub(crate) fn oauth(error: &'static str, message: impl Into<String>) -> Self {
        let mut failure = Self::bad_request(error, message);
        failure.oauth = Some(error);
        failure
    }

    /// The client could not be authenticated.
    pub(crate) fn invalid_client(message: impl Into<String>) -> Self {
        let mut failure = Self::oauth("invalid_client", message);
        failure.status = StatusCode::UNAUTHORIZED;
        failure.with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"globus\""))
    }

    /// The bearer token is missing, unknown, expired, revoked or meant for another service.
    pub(crate) fn unauthenticated(service: Service) -> Self {
        let code = match service {
            Service::Transfer => "ClientError.AuthenticationFailed",
            Service::Search => "Unauthorized.InvalidToken",
            Service::Flows => "UNAUTHENTICATED",
            _ => "UNAUTHORIZED",
        };
        Self::new(
            StatusCode::UNAUTHORIZED,
            code,
            "The access token is missing, unknown, expired, revoked or for another service",
        )
        .with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
    }

    /// A refusal with this status, in the words that the service itself would use.
    pub(crate) fn of_status(service: Service, status: StatusCode) -> Self {
        if status == StatusCode::UNAUTHORIZED {
            return Self::unauthenticated(service);
        }
        let reason = status.canonical_reason().unwrap_or("Error");
        let code = match (service, status) {
            (Service::Transfer, StatusCode::FORBIDDEN) => "PermissionDenied".to_owned(),
            (Service::Transfer, StatusCode::NOT_FOUND) => "ClientError.NotFound".to_owned(),
            (Service::Transfer | Service::Search, _) => reason.replace([' ', '-'], ""),
            _ => reason.replace([' ', '-'], "_").to_uppercase(),
        };
        Self::new(status, code, format!("{reason} (a fault of the emulator)"))
    }

    /// A path or method that the service does not have.
    pub(crate) fn no_such_route(service: Service, method: &str, path: &str) -> Self {
        let code = match service {
            Service::Transfer => "ClientError.NotFound",
            Service::Search => "NotFound.Generic",
            _ => "NOT_FOUND",
        };
        Self::not_found(code, format!("The emulated {service} service has no {method} {path}"))
    }

    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    pub(crate) fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.extra.insert(member.to_owned(), value.into());
        self
    }

    /// The answer in the service's own shape.
    pub(crate) fn render(&self, service: Service, resource: &str, request_id: &str) -> Response {
        let (status, code, message) = (self.status.as_u16(), &self.code, &self.message);
        let mut body = match service {
            Service::Auth | Service::App => self.render_auth(request_id),
            Service::Transfer => json!({
                "code": code, "message": message, "request_id": request_id, "resource": resource,
            }),
            Service::Groups => json!({
                "code": code, "detail": message, "errors": [{"code": code, "detail": message}],
            }),
            Service::Search => json!({
                "@datatype": "GError", "@version": "2015-08-31", "code": code, "message": message,
                "request_id": request_id, "status": status, "error_data": null,
            }),
            Service::Flows => json!({"error": {"code": code, "detail": message}, "debug_id": request_id}),
            Service::Timers | Service::Compute => {
                json!({"error": {"code": code, "detail": message, "status": status}})
            }
        };
        for (member, value) in &self.extra {
            // One member of Auth's has its place in the element of `errors`.
            let place = if member == "unapproved_scopes" { &mut body["errors"][0] } else { &mut body };
            place[member] = value.clone();
        }
        let mut response = (self.status, axum::Json(body)).into_response();
        response.headers_mut().extend(self.headers.iter().cloned());
        response
    }

    fn render_auth(&self, request_id: &str) -> Value {
        let status = self.status.as_u16().to_string();
        // Clients that know only the generic form look into `errors`; those that know OAuth2 into `error`.
        // For OAuth2 refusals `detail` repeats the word: the Globus CLI keys its advice on it.
        let (error, code, detail) = match self.oauth {
            Some(word) => (word, "Error", word),
            None => (self.code.as_str(), self.code.as_str(), self.message.as_str()),
        };
        json!({
            "error": error,
            "error_description": self.message,
            "errors": [{"status": status, "id": request_id, "code": code, "title": self.message, "detail": detail}],
        })
    }
}

/// Leaves the refusal in the response's extensions, where the exchange finds and renders it.
impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<crate::store::StoreError> for Failure {
    fn from(error: crate::store::StoreError) -> Self {
        tracing::error!(%error, "the emulator could not keep its state");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "InternalError",
            "The emulator could not write its data directory; free space or repair it and try again",
        )
    }
}
