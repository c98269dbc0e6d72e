//! A login client whose token endpoint plays prepared answers, and a screen that keeps what is written.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use globus_sdk::login::LoginRequest;
use globus_sdk::{ConfidentialAppAuthClient, GlobusAuthorizationParameters, NativeAppAuthClient};
use serde_json::json;
use url::Url;

use crate::playback::{self, Playback, Step};

pub(crate) fn tokens() -> Step {
    Step::json(
        200,
        &json!({
            "access_token": "AgAccess", "scope": "openid", "expires_in": 100, "token_type": "Bearer",
            "resource_server": "auth.globus.org", "other_tokens": [],
        }),
    )
}

pub(crate) fn native(playback: &Playback) -> NativeAppAuthClient {
    NativeAppAuthClient::builder("cid")
        .transport(playback.clone())
        .clock(playback::clock_at(1000.0))
        .build()
        .unwrap()
}

pub(crate) fn confidential(playback: &Playback) -> ConfidentialAppAuthClient {
    ConfidentialAppAuthClient::builder("cid", "AgSecret").transport(playback.clone()).build().unwrap()
}

pub(crate) fn parameters() -> GlobusAuthorizationParameters {
    GlobusAuthorizationParameters::default().required_scopes("openid")
}

pub(crate) fn request(playback: &Playback) -> LoginRequest {
    LoginRequest::new(native(playback), parameters())
}

/// A parameter of an address.
pub(crate) fn parameter(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(other, _)| other == name).map(|(_, value)| value.into_owned())
}

/// The code of the only token request.
pub(crate) fn sent_code(playback: &Playback) -> String {
    let sent = playback.sent();
    assert_eq!(sent.len(), 1);
    sent[0].form_field("code").unwrap()
}

/// What was written for the person.
#[derive(Clone, Default)]
pub(crate) struct Shown(Arc<Mutex<Vec<u8>>>);

impl Shown {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Shown {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
