use std::fmt;

use globus_core::Timestamp;
use globus_core::decode::{Text, Time};
use jiff::civil::DateTime;
use jiff::tz::Offset;
use serde_json::{Value, json};

use super::{ConsentDocument, ConsentError};

/// A consent: somebody allowed a client to use a scope, reached through a chain of other consents.
///
/// It comes out of a [`ConsentDocument`] (`Consent::try_from(&document)`) or of JSON kept from somewhere
/// ([`from_json`](Self::from_json)).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Consent {
    /// The consent's id.
    pub id: i64,
    /// The id of the client that may use the scope, a UUID.
    pub client: Text,
    /// The id of the scope, a UUID.
    pub scope: Text,
    /// The text of the scope, without dependencies.
    pub scope_name: Text,
    /// The id of the identity that the client then acts for, a UUID.
    pub effective_identity: Text,
    /// The ids of the consents from the root of the tree to this one. One alone: this is a root.
    pub dependency_path: Vec<i64>,
    /// When it was given.
    pub created: Timestamp,
    /// When it changed last.
    pub updated: Timestamp,
    /// When a token for it was used last. `None`: never.
    pub last_used: Option<Timestamp>,
    /// How it stands, such as `approved`.
    pub status: Text,
    /// Whether refresh tokens are given out for it.
    pub allows_refresh: bool,
    /// Whether nobody was asked.
    pub auto_approved: bool,
    /// Whether it can be taken back without those above it.
    pub atomically_revocable: bool,
}

const KEYS: [&str; 13] = [
    "id",
    "client",
    "scope",
    "scope_name",
    "effective_identity",
    "dependency_path",
    "created",
    "updated",
    "last_used",
    "status",
    "allows_refresh",
    "auto_approved",
    "atomically_revocable",
];

impl Consent {
    /// Reads a consent from JSON. Members that it does not know are passed over.
    ///
    /// ```
    /// use globus_sdk::auth::consents::Consent;
    /// use serde_json::json;
    ///
    /// let error = Consent::from_json(&json!({"id": 7})).unwrap_err();
    /// assert_eq!(error.key(), Some("client"));
    /// ```
    ///
    /// # Errors
    ///
    /// [`Missing`](ConsentError::Missing) and [`Odd`](ConsentError::Odd) name the member. All must be there;
    /// `last_used` may be null.
    pub fn from_json(consent: &Value) -> Result<Self, ConsentError> {
        let raw = || consent.clone();
        let Some(members) = consent.as_object() else {
            return Err(ConsentError::Odd { key: "consent", raw: raw() });
        };
        if let Some(key) = KEYS.into_iter().find(|key| !members.contains_key(*key)) {
            return Err(ConsentError::Missing { key, raw: raw() });
        }
        let document: ConsentDocument =
            serde_json::from_value(raw()).map_err(|_| ConsentError::Odd { key: "consent", raw: raw() })?;
        Self::of(&document, raw)
    }

    fn of(document: &ConsentDocument, raw: impl Fn() -> Value) -> Result<Self, ConsentError> {
        // A value that did not fit its field is in `extra`, and so is told from one that is not there.
        let fault = |key| match document.extra.get(key) {
            Some(_) => ConsentError::Odd { key, raw: raw() },
            None => ConsentError::Missing { key, raw: raw() },
        };
        let text = |key, value: &Option<Text>| value.clone().ok_or_else(|| fault(key));
        let flag = |key, value: Option<bool>| value.ok_or_else(|| fault(key));
        let time = |key, value: &Option<Time>| match value {
            Some(time) => timestamp(time).ok_or_else(|| ConsentError::Odd { key, raw: raw() }),
            None => Err(fault(key)),
        };
        Ok(Self {
            id: document.id.ok_or_else(|| fault("id"))?,
            client: text("client", &document.client)?,
            scope: text("scope", &document.scope)?,
            scope_name: text("scope_name", &document.scope_name)?,
            effective_identity: text("effective_identity", &document.effective_identity)?,
            dependency_path: document.dependency_path.clone().ok_or_else(|| fault("dependency_path"))?,
            created: time("created", &document.created)?,
            updated: time("updated", &document.updated)?,
            last_used: match &document.last_used {
                None if !document.extra.contains_key("last_used") => None,
                last_used => Some(time("last_used", last_used)?),
            },
            status: text("status", &document.status)?,
            allows_refresh: flag("allows_refresh", document.allows_refresh)?,
            auto_approved: flag("auto_approved", document.auto_approved)?,
            atomically_revocable: flag("atomically_revocable", document.atomically_revocable)?,
        })
    }

    /// The consent that this one stands below; `None` for a root, and for one whose path is empty.
    pub fn parent(&self) -> Option<i64> {
        self.dependency_path.iter().rev().nth(1).copied()
    }

    /// Whether it stands below no other.
    pub fn is_root(&self) -> bool {
        self.dependency_path.len() == 1
    }
}

/// A time without an offset counts as one of UTC.
fn timestamp(time: &Time) -> Option<Timestamp> {
    time.timestamp().or_else(|| Offset::UTC.to_timestamp(time.text().parse::<DateTime>().ok()?).ok())
}

impl TryFrom<&ConsentDocument> for Consent {
    type Error = ConsentError;

    /// A missing `last_used` means never.
    fn try_from(document: &ConsentDocument) -> Result<Self, ConsentError> {
        Self::of(document, || json!(document))
    }
}

impl fmt::Display for Consent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Consent [{}]: Client [{}] -> Scope [{}]", self.id, self.client, self.scope_name)
    }
}
