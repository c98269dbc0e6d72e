//! The signing key: made in the background, kept with the data directory.

use std::sync::Arc;

use aws_lc_rs::digest;
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA512, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::app::App;
use crate::failure::Failure;
use crate::random;

/// An RSA key of 2048 bits that signs with RS512.
#[derive(Debug)]
pub(crate) struct SigningKey {
    pair: RsaKeyPair,
    modulus: Vec<u8>,
    exponent: Vec<u8>,
    id: String,
}

impl SigningKey {
    fn new(pair: RsaKeyPair) -> Option<Self> {
        let (modulus, exponent) = public_numbers(pair.public_key().as_ref())?;
        let id = random::hex(&digest::digest(&digest::SHA256, &modulus).as_ref()[..10]);
        Some(Self { pair, modulus, exponent, id })
    }

    pub(crate) fn public_document(&self) -> Value {
        json!({
            "kty": "RSA", "alg": "RS512", "use": "sig", "kid": self.id,
            "n": random::base64url(&self.modulus), "e": random::base64url(&self.exponent),
        })
    }

    /// The claims as a signed token.
    pub(crate) fn sign(&self, claims: &Value) -> Result<String, Failure> {
        let header = json!({"alg": "RS512", "typ": "JWT", "kid": self.id});
        let signed = format!(
            "{}.{}",
            random::base64url(header.to_string().as_bytes()),
            random::base64url(claims.to_string().as_bytes())
        );
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(&RSA_PKCS1_SHA512, &SystemRandom::new(), signed.as_bytes(), &mut signature)
            .map_err(|_| no_key())?;
        Ok(format!("{signed}.{}", random::base64url(&signature)))
    }
}

/// Modulus and exponent of a public key in the form of PKCS#1: a sequence of two integers.
fn public_numbers(der: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let (sequence, _) = element(der, 0x30)?;
    let (modulus, rest) = element(sequence, 0x02)?;
    let (exponent, _) = element(rest, 0x02)?;
    let unsigned = |number: &[u8]| number.iter().copied().skip_while(|byte| *byte == 0).collect();
    Some((unsigned(modulus), unsigned(exponent)))
}

/// The content of the DER element with this tag at the start, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&length, rest) = der.strip_prefix(&[tag])?.split_first()?;
    let (length, rest) = if length < 0x80 {
        (usize::from(length), rest)
    } else {
        let (digits, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
        (digits.iter().fold(0, |number, digit| number << 8 | usize::from(*digit)), rest)
    };
    rest.split_at_checked(length)
}

/// The `at_hash` of an access token in an id token signed with RS512: the left half of its SHA-512.
pub(crate) fn token_hash(access_token: &str) -> String {
    random::base64url(&digest::digest(&digest::SHA512, access_token.as_bytes()).as_ref()[..32])
}

fn no_key() -> Failure {
    Failure::new(
        http::StatusCode::INTERNAL_SERVER_ERROR,
        "InternalError",
        "The emulator has no signing key; start it again",
    )
}

/// The key, once it is there.
#[derive(Debug)]
pub(crate) struct Keys(watch::Sender<State>);

#[derive(Debug, Clone)]
enum State {
    Pending,
    Ready(Arc<SigningKey>),
    Failed,
}

impl Keys {
    pub(crate) fn pending() -> Self {
        Self(watch::Sender::new(State::Pending))
    }

    /// The key; waits while it is being made.
    pub(crate) async fn ready(&self) -> Result<Arc<SigningKey>, Failure> {
        let mut state = self.0.subscribe();
        let state = state.wait_for(|state| !matches!(state, State::Pending)).await.map_err(|_| no_key())?;
        match &*state {
            State::Ready(key) => Ok(key.clone()),
            State::Pending | State::Failed => Err(no_key()),
        }
    }
}

/// Loads the key or makes and keeps a new one. Making one takes a moment: for a thread of its own.
pub(crate) fn prepare(app: &App) {
    let kept = app.world.read(|world| world.keys.get("signing").cloned());
    let kept =
        kept.and_then(|text| STANDARD.decode(text).ok()).and_then(|der| RsaKeyPair::from_pkcs8(&der).ok());
    let state = match kept.map_or_else(|| make(app), Some).and_then(SigningKey::new) {
        Some(key) => State::Ready(Arc::new(key)),
        None => State::Failed,
    };
    app.keys.0.send_replace(state);
}

fn make(app: &App) -> Option<RsaKeyPair> {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).ok()?;
    let der = pair.as_der().ok()?;
    let text = STANDARD.encode(der.as_ref());
    app.world.change_anyway(|world| world.keys.insert("signing", text));
    Some(pair)
}
