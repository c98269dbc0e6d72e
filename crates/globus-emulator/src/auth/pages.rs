//! The few pages that people see.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use maud::{DOCTYPE, Markup, html};

use crate::call::Call;

fn page(status: StatusCode, title: &str, body: &Markup) -> Response {
    let document = html! {
        (DOCTYPE)
        html lang="en" {
            head { meta charset="utf-8"; title { (title) " – Globus emulator" } }
            body { h1 { (title) } (body) }
        }
    };
    let mut response = (status, document.into_string()).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// A request that cannot be answered to the client, because who that is cannot be trusted.
pub(super) fn error(message: &str) -> Response {
    page(StatusCode::BAD_REQUEST, "The login cannot go on", &html! { p { (message) } })
}

/// Shows a code for copying.
pub(super) async fn auth_code(call: Call) -> Response {
    match (call.query.get("code"), call.query.get("error")) {
        (Some(code), _) => {
            let body = html! {
                p { "Copy this code into the program that asked for it:" }
                p { code id="auth-code" { (code) } }
            };
            page(StatusCode::OK, "Authorization code", &body)
        }
        (None, Some(error)) => {
            let description = call.query.get("error_description").unwrap_or_default();
            let body = html! { p { "The login was refused: " (error) ". " (description) } };
            page(StatusCode::OK, "No authorization code", &body)
        }
        (None, None) => error("The address holds no code."),
    }
}

pub(super) async fn logout() -> Response {
    page(StatusCode::OK, "Logged out", &html! { p { "You are logged out of the emulator." } })
}
