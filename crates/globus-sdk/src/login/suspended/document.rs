//! The text form of a suspended login.

use globus_core::Timestamp;
use globus_core::seal::{SealContext, SealError};
use serde::{Deserialize, Serialize};

use crate::auth::SuspendedLoginError;

const FORMAT: &str = "globus-login";
const VERSION: u32 = 1;

/// More than any login takes.
pub(super) const LARGEST: usize = 256 * 1024;

/// One JSON object. All but `sealed` can be read by everybody, and changed by nobody: it is bound to what is sealed.
#[derive(Clone, Deserialize, Serialize)]
pub(super) struct Document {
    format: String,
    version: u32,
    pub(super) client_id: String,
    /// The address of Globus Auth, which says which environment it is.
    pub(super) base_url: String,
    /// Seconds since 1970-01-01 UTC.
    pub(super) started_at: i64,
    pub(super) ends_at: i64,
    /// Of core's envelope, in its text form.
    pub(super) sealed: String,
}

/// What every version has.
#[derive(Deserialize)]
struct Head {
    format: String,
    version: u32,
}

impl Document {
    pub(super) fn new(client_id: &str, base_url: &str, started_at: i64, ends_at: i64) -> Self {
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            client_id: client_id.to_owned(),
            base_url: base_url.to_owned(),
            started_at,
            ends_at,
            sealed: String::new(),
        }
    }

    pub(super) fn parse(text: &str) -> Result<Self, SuspendedLoginError> {
        if text.len() > LARGEST {
            return Err(SuspendedLoginError::NotALogin);
        }
        match serde_json::from_str::<Head>(text) {
            Ok(head) if head.format != FORMAT => Err(SuspendedLoginError::NotALogin),
            Ok(head) if head.version != VERSION => Err(SuspendedLoginError::UnknownFormat),
            Err(_) => Err(SuspendedLoginError::NotALogin),
            Ok(_) => serde_json::from_str(text).map_err(|_| SuspendedLoginError::NotALogin),
        }
    }

    /// What the sealed part is bound to.
    pub(super) fn context(&self) -> SealContext {
        SealContext::new("login")
            .with("version", self.version.to_be_bytes())
            .with("client_id", &self.client_id)
            .with("base_url", &self.base_url)
            .with("started_at", self.started_at.to_be_bytes())
            .with("ends_at", self.ends_at.to_be_bytes())
    }

    pub(super) fn ends_at(&self) -> Timestamp {
        Timestamp::from_second(self.ends_at).unwrap_or(Timestamp::MAX)
    }
}

/// What opening has found.
pub(super) fn unseal_error(error: SealError) -> SuspendedLoginError {
    match error {
        SealError::CannotUnseal => SuspendedLoginError::WrongKey,
        SealError::NotSealed => SuspendedLoginError::NotALogin,
        SealError::UnknownVersion { .. } => SuspendedLoginError::UnknownFormat,
        other => SuspendedLoginError::Key(other),
    }
}
