//! The few pages that people see.

use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, StatusCode, header};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::call::Call;

fn page(status: StatusCode, title: &str, body: &Markup) -> Response {
    respond(status, document(title, None, body), "default-src 'none'", "no-referrer")
}

/// A page with a form. It may be sent to the emulator, and lead from there to what is allowed here.
pub(super) fn form(title: &str, body: &Markup, allowed: &str) -> Response {
    let style = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, STYLE.as_bytes());
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; form-action 'self' {allowed}; base-uri 'none'; \
         frame-ancestors 'none'",
        STANDARD.encode(style)
    );
    // Without any referrer a browser would also hide the origin of the form, by which the gate knows it.
    respond(StatusCode::OK, document(title, Some(STYLE), body), &policy, "same-origin")
}

const STYLE: &str = "body{font:1rem/1.5 sans-serif;max-width:45rem;margin:2rem auto;padding:0 1rem}\
    code{font-size:.8rem;overflow-wrap:anywhere}li{margin:.5rem 0}button{font:inherit;padding:.4rem 1rem}\
    .message{border-left:.3rem solid;padding-left:.7rem}";

fn document(title: &str, style: Option<&str>, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " – Globus emulator" }
                @if let Some(style) = style { style { (PreEscaped(style)) } }
            }
            body { main { h1 { (title) } (body) } }
        }
    }
}

fn respond(status: StatusCode, document: Markup, policy: &str, referrer: &'static str) -> Response {
    let mut response = (status, document.into_string()).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    // An origin in a parsed URL is ASCII without control characters; anything else is forbidden everything.
    let policy = HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"));
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static(referrer));
    response
}

/// A request that cannot be answered to the client, because who that is cannot be trusted.
pub(super) fn error(message: &str) -> Response {
    page(StatusCode::BAD_REQUEST, "The login cannot go on", &html! { p { (message) } })
}

/// What is left of a person who went away.
pub(super) fn left() -> Response {
    let body = html! { p { "The scripted person has left; this login does not come back." } };
    page(StatusCode::OK, "Nobody is here", &body)
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
