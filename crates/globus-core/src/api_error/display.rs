//! How an error is shown: in one line, with nothing of the body but code, message and request id.

use std::fmt::{self, Write};

use super::ApiError;

/// A text from outside on its way to a terminal or log: no control characters (which could forge lines or
/// colours), no marks that turn the direction of writing, and at most `limit` characters.
struct Shown<'a>(&'a str, usize);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut characters = self.0.chars().filter(|c| !is_disguise(*c));
        for c in characters.by_ref().take(self.1) {
            f.write_char(if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c })?;
        }
        if characters.next().is_some() { f.write_str("…") } else { Ok(()) }
    }
}

fn is_disguise(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {} {} failed with {}",
            self.service(),
            self.method(),
            Shown(self.url().path(), 200),
            self.status().as_u16()
        )?;
        if !self.reason().is_empty() {
            write!(f, " {}", Shown(self.reason(), 60))?;
        }
        for (part, limit) in [(self.code(), 100), (self.message(), 400)] {
            if let Some(part) = part.filter(|part| !part.is_empty()) {
                write!(f, ": {}", Shown(part, limit))?;
            }
        }
        match self.request_id().filter(|id| !id.is_empty()) {
            Some(id) => write!(f, " (request id {})", Shown(id, 100)),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |text: Option<&str>, limit| text.map(|text| Shown(text, limit).to_string());
        let headers: Vec<_> = self.headers().keys().map(http::HeaderName::as_str).collect();
        f.debug_struct("ApiError")
            .field("service", &self.service())
            .field("method", self.method())
            .field("path", &self.url().path())
            .field("authorization_scheme", &self.authorization_scheme())
            .field("status", &self.status().as_u16())
            .field("code", &shown(self.code(), 100))
            .field("message", &shown(self.message(), 400))
            .field("request_id", &shown(self.request_id(), 100))
            .field("header_names", &headers)
            .field("body_bytes", &self.body().len())
            .finish()
    }
}
