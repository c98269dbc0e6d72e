//! Any text in place of a login that was begun elsewhere: it opens only if it is the one that was sealed.

#![no_main]

use std::sync::LazyLock;
use std::time::Duration;

use globus_sdk::login::{LoginRequest, SuspendedLogin};
use globus_sdk::seal::SealingKey;
use globus_sdk::{GlobusAuthorizationParameters, NativeAppAuthClient};
use tokio::runtime::Runtime;

struct Genuine {
    runtime: Runtime,
    client: NativeAppAuthClient,
    key: SealingKey,
    text: String,
    state: String,
}

static GENUINE: LazyLock<Genuine> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let client = NativeAppAuthClient::new("11111111-2222-3333-4444-555555555555").expect("a client");
    let key = SealingKey::from_bytes([7; 32]);
    let wanted = GlobusAuthorizationParameters::default().required_scopes("openid");
    let login = LoginRequest::new(&client, wanted).start().expect("a login");
    let text = runtime
        .block_on(login.suspend(key.clone(), Duration::from_secs(1 << 30)))
        .expect("a sealed login")
        .as_str()
        .to_owned();
    Genuine { runtime, client, key, text, state: login.state().to_owned() }
});

libfuzzer_sys::fuzz_target!(|input: (&str, Vec<(u16, u8)>)| {
    // The input as it is, and the genuine text with some bytes exchanged.
    let (text, changes) = input;
    look(text);
    let mut bytes = GENUINE.text.clone().into_bytes();
    let length = bytes.len();
    for (place, byte) in changes {
        bytes[usize::from(place) % length] = byte;
    }
    if let Ok(text) = String::from_utf8(bytes) {
        look(&text);
    }
});

fn look(text: &str) {
    let login = match text.parse::<SuspendedLogin>() {
        Ok(login) => login,
        Err(error) => return assert!(!error.to_string().contains(char::is_control), "{error:?}"),
    };
    assert_eq!(login.as_str(), text.trim_ascii());
    let _ = login.ends_at();
    match GENUINE.runtime.block_on(login.resume(GENUINE.key.clone(), &GENUINE.client)) {
        Ok(resumed) => assert_eq!(resumed.state(), GENUINE.state),
        Err(error) => assert!(!error.to_string().contains(char::is_control), "{error:?}"),
    }
}
