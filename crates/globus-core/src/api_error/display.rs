//! How an error is shown: in one line, with nothing of the body but code, message and request id.

use std::fmt;

use super::ApiError;
use crate::shown::Shown;

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {} {} failed with {}",
            self.service(),
            self.method(),
            Shown::new(self.url().path(), 200),
            self.status().as_u16()
        )?;
        if !self.reason().is_empty() {
            write!(f, " {}", Shown::new(self.reason(), 60))?;
        }
        for (part, limit) in [(self.code(), 100), (self.message(), 400)] {
            if let Some(part) = part.filter(|part| !part.is_empty()) {
                write!(f, ": {}", Shown::new(part, limit))?;
            }
        }
        match self.request_id().filter(|id| !id.is_empty()) {
            Some(id) => write!(f, " (request id {})", Shown::new(id, 100)),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |text: Option<&str>, limit| text.map(|text| Shown::new(text, limit).to_string());
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
