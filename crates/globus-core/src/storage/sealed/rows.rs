//! One record, sealed and opened.

use std::cell::Cell;

use serde_json::Value;

use crate::seal::{SealContext, SealError, SealingKeys, is_sealed_text};
use crate::storage::Namespace;
use crate::token::{ResourceServer, TokenData};

/// How records are sealed.
#[derive(Clone, Debug)]
pub(super) struct Rows {
    pub(super) keys: SealingKeys,
    pub(super) takes_plain: bool,
}

/// A record that was opened.
pub(super) struct Opened {
    pub(super) token: TokenData,
    /// Whether all of it is sealed, with the first key.
    pub(super) is_current: bool,
}

/// Where a record is: what is sealed there opens nowhere else.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) namespace: &'a Namespace,
    pub(super) resource_server: &'a ResourceServer,
}

impl Place<'_> {
    fn context(self) -> SealContext {
        SealContext::new("globus token row")
            .with("namespace", self.namespace.as_str())
            .with("resource_server", self.resource_server.as_str())
    }

    fn member(self, name: &str) -> SealContext {
        self.context().with("member", name)
    }

    /// Under a label of its own, so that no name makes it a member that is known.
    fn unknown_member(self, name: &str) -> SealContext {
        self.context().with("unknown_member", name)
    }
}

const ACCESS_TOKEN: &str = "access_token";
const REFRESH_TOKEN: &str = "refresh_token";

impl Rows {
    /// Seals both tokens and every unknown member.
    pub(super) fn seal(&self, namespace: &Namespace, token: TokenData) -> Result<TokenData, SealError> {
        let mut sealed = token;
        let resource_server = sealed.resource_server.clone();
        let place = Place { namespace, resource_server: &resource_server };
        sealed.access_token =
            self.seal_text(&place.member(ACCESS_TOKEN), sealed.access_token.expose())?.into();
        // An empty one stays empty, as it is what storages take for none.
        if let Some(refresh_token) = sealed.usable_refresh_token() {
            sealed.refresh_token =
                Some(self.seal_text(&place.member(REFRESH_TOKEN), refresh_token.expose())?.into());
        }
        for (name, value) in &mut sealed.extra {
            let text = zeroize::Zeroizing::new(value.to_string());
            *value = self.seal_text(&place.unknown_member(name), &text)?.into();
        }
        Ok(sealed)
    }

    /// Seals a record that is to replace this row. A refresh token of the row, which may be under another key or not
    /// open at all, would stay where the record has none; so that there is none is sealed then, as an empty text.
    pub(super) fn seal_over(
        &self,
        place: Place<'_>,
        row: &TokenData,
        token: TokenData,
    ) -> Result<TokenData, SealError> {
        let mut sealed = self.seal(place.namespace, token)?;
        if sealed.usable_refresh_token().is_none() && row.usable_refresh_token().is_some() {
            sealed.refresh_token = Some(self.seal_text(&place.member(REFRESH_TOKEN), "")?.into());
        }
        Ok(sealed)
    }

    fn seal_text(&self, context: &SealContext, text: &str) -> Result<String, SealError> {
        self.keys.seal_text(context, text.as_bytes())
    }

    /// Opens a record that was found at this place.
    pub(super) fn open(&self, place: Place<'_>, sealed: TokenData) -> Result<Opened, SealError> {
        // The name in the record is not sealed; another one would send the token to another service.
        if sealed.resource_server != *place.resource_server {
            return Err(SealError::CannotUnseal);
        }
        let mut token = sealed;
        let is_current = Cell::new(true);
        let open = |context: &SealContext, text: &str| -> Result<String, SealError> {
            let (by_first_key, text) = self.open_text(context, text)?;
            is_current.set(is_current.get() && by_first_key);
            Ok(text)
        };
        token.access_token = open(&place.member(ACCESS_TOKEN), token.access_token.expose())?.into();
        if let Some(refresh_token) = token.usable_refresh_token() {
            let opened = open(&place.member(REFRESH_TOKEN), refresh_token.expose())?;
            token.refresh_token = if opened.is_empty() { None } else { Some(opened.into()) };
        }
        // One that does not open is left out, and stays in the storage.
        token.extra = std::mem::take(&mut token.extra)
            .into_iter()
            .filter_map(|(name, value)| {
                let context = place.unknown_member(&name);
                let opened = match &value {
                    Value::String(text) if is_sealed_text(text) => {
                        open(&context, text).ok().and_then(|text| serde_json::from_str(&text).ok())
                    }
                    _ if self.takes_plain => {
                        is_current.set(false);
                        Some(value)
                    }
                    _ => None,
                };
                opened.map(|value| (name, value))
            })
            .collect();
        Ok(Opened { token, is_current: is_current.get() })
    }

    /// Opens a text, and says whether it was sealed with the first key.
    fn open_text(&self, context: &SealContext, text: &str) -> Result<(bool, String), SealError> {
        if self.takes_plain && !is_sealed_text(text) {
            return Ok((false, text.to_owned()));
        }
        let (by_first_key, opened) = self.keys.open_text_by(context, text)?;
        match str::from_utf8(&opened) {
            Ok(text) => Ok((by_first_key, text.to_owned())),
            Err(_) => Err(SealError::CannotUnseal),
        }
    }
}
