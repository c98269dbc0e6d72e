//! Why tokens are stored, and what becomes of the record that was there.

use super::{StorageError, StorageErrorKind};
use crate::token::{Generation, Grant, TokenData, TokenResponse};

/// Why tokens are stored; it decides what of the old record stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StoreKind {
    /// A login, or a client's own grant: the new record replaces the old one.
    Login,
    /// A login that must be the same person's as the stored record in its place. Otherwise nothing is stored. See
    /// [`UnchangingIdentity`](super::UnchangingIdentity).
    LoginOfSameIdentity,
    /// A refresh: where the new record has no refresh token, an empty one, or no identity, the old one's
    /// stays.
    Refresh,
    /// A refresh of the record that has this generation. When another one is there, or none, nothing is
    /// stored: somebody else has refreshed, logged in or logged out in the meantime, and knows better.
    RefreshOf(Generation),
}

impl StoreKind {
    /// Whether it is a refresh, of a certain record or not.
    pub fn is_refresh(self) -> bool {
        matches!(self, Self::Refresh | Self::RefreshOf(_))
    }

    /// What is to be stored in place of `previous`, the stored record of the same resource server. Every
    /// storage calls this between reading the old record and writing the new one. Where both happen in one
    /// step (under one lock, in one transaction), the storage can compare and swap, and
    /// [declares](super::Capabilities::with_cas) it.
    ///
    /// Members of the old record that this version does not know always stay.
    ///
    /// # Errors
    ///
    /// [`Conflict`](StorageErrorKind::Conflict) when `previous` is not the record that the refresh was of.
    /// Repeating a store that has succeeded is no conflict.
    /// [`IdentityMismatch`](StorageErrorKind::IdentityMismatch) or
    /// [`MissingIdentity`](StorageErrorKind::MissingIdentity) when the login is not of the identity that it must
    /// be of.
    pub fn merge(self, previous: Option<&TokenData>, mut new: TokenData) -> Result<TokenData, StorageError> {
        if let Some(previous) = previous {
            if self == Self::LoginOfSameIdentity
                && let Some(stored) = &previous.identity_id
                && new.identity_id.as_ref() != Some(stored)
            {
                return Err(new.identity_id.map_or_else(
                    || StorageError::new(StorageErrorKind::MissingIdentity),
                    |new| StorageError::identity_mismatch(stored, new),
                ));
            }
            if self.is_refresh() {
                if new.usable_refresh_token().is_none() {
                    new.refresh_token.clone_from(&previous.refresh_token);
                }
                if new.identity_id.is_none() {
                    new.identity_id.clone_from(&previous.identity_id);
                }
            }
            for (key, value) in &previous.extra {
                new.extra.entry(key).or_insert_with(|| value.clone());
            }
        }
        match self {
            Self::RefreshOf(expected)
                if previous.map(TokenData::generation) != Some(expected) && previous != Some(&new) =>
            {
                Err(StorageError::new(StorageErrorKind::Conflict))
            }
            _ => Ok(new),
        }
    }
}

impl From<&TokenResponse> for StoreKind {
    fn from(response: &TokenResponse) -> Self {
        if response.grant() == Grant::RefreshToken { Self::Refresh } else { Self::Login }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored() -> TokenData {
        let mut token = TokenData::new("rs", "s", "old", 1).with_refresh_token("rt").with_identity_id("id");
        token.extra.insert("unknown".into(), 1.into());
        token
    }

    #[test]
    fn a_refresh_keeps_what_its_answer_lacks() {
        for kind in [StoreKind::Refresh, StoreKind::RefreshOf(stored().generation())] {
            for answer in [
                TokenData::new("rs", "s", "new", 2),
                TokenData::new("rs", "s", "new", 2).with_refresh_token(""),
            ] {
                let merged = kind.merge(Some(&stored()), answer).unwrap();
                assert_eq!(merged.access_token.expose(), "new");
                assert_eq!(merged.refresh_token, stored().refresh_token);
                assert_eq!(merged.identity_id.as_deref(), Some("id"));
                assert_eq!(merged.extra["unknown"], 1);
            }
        }
    }

    #[test]
    fn a_refresh_takes_what_its_answer_has() {
        let answer = TokenData::new("rs", "s", "new", 2).with_refresh_token("rt2").with_identity_id("id2");
        let merged = StoreKind::Refresh.merge(Some(&stored()), answer.clone()).unwrap();
        assert_eq!((merged.refresh_token, merged.identity_id), (answer.refresh_token, answer.identity_id));
    }

    #[test]
    fn a_login_keeps_unknown_members_only() {
        let merged = StoreKind::Login.merge(Some(&stored()), TokenData::new("rs", "s", "new", 2)).unwrap();
        assert_eq!((merged.refresh_token, merged.identity_id), (None, None));
        assert_eq!(merged.extra["unknown"], 1);
    }

    #[test]
    fn a_login_of_the_same_identity_is_refused_to_others() {
        let merge = |previous: Option<&TokenData>, new: &TokenData| {
            StoreKind::LoginOfSameIdentity.merge(previous, new.clone())
        };
        let nobody = TokenData::new("rs", "s", "new", 2);
        let same = nobody.clone().with_identity_id("id");
        let other = nobody.clone().with_identity_id("other");
        assert_eq!(merge(Some(&stored()), &same).unwrap().refresh_token, None, "it replaces as a login does");
        assert_eq!(merge(None, &other).unwrap(), other);
        assert_eq!(merge(Some(&nobody), &other).unwrap(), other);
        let refused = |new| merge(Some(&stored()), new).unwrap_err().kind().clone();
        assert!(matches!(refused(&other), StorageErrorKind::IdentityMismatch { stored, new, .. }
            if stored == "id" && new == "other"));
        assert_eq!(refused(&nobody), StorageErrorKind::MissingIdentity);
    }

    #[test]
    fn a_refresh_of_another_record_or_of_none_is_a_conflict() {
        let of = StoreKind::RefreshOf(stored().generation());
        let answer = || TokenData::new("rs", "s", "new", 2);
        let conflict = |previous: Option<&TokenData>| of.merge(previous, answer()).unwrap_err().is_conflict();
        assert!(conflict(None));
        assert!(conflict(Some(&TokenData::new("rs", "s", "a login since", 9))));
        let done = of.merge(Some(&stored()), answer()).unwrap();
        assert_eq!(of.merge(Some(&done), answer()).unwrap(), done, "storing again what was stored");
    }
}
