use globus_core::decode::{Text, Time};
use globus_core::{document, page};

use super::{Consent, ConsentError, ConsentForest};

document! {
    /// A consent as the service told it, in which anything may be missing. [`Consent`] is one that has everything.
    pub struct ConsentDocument {
        /// The consent's id.
        pub id: Option<i64>,
        /// The id of the client that may use the scope.
        pub client: Option<Text>,
        /// The id of the scope.
        pub scope: Option<Text>,
        /// The text of the scope.
        pub scope_name: Option<Text>,
        /// The id of the identity that the client then acts for.
        pub effective_identity: Option<Text>,
        /// The ids of the consents from the root of the tree to this one.
        pub dependency_path: Option<Vec<i64>>,
        /// When it was given.
        pub created: Option<Time>,
        /// When it changed last.
        pub updated: Option<Time>,
        /// When a token for it was used last.
        pub last_used: Option<Time>,
        /// How it stands, such as `approved`.
        pub status: Option<Text>,
        /// Whether refresh tokens are given out for it.
        pub allows_refresh: Option<bool>,
        /// Whether nobody was asked.
        pub auto_approved: Option<bool>,
        /// Whether it can be taken back without those above it.
        pub atomically_revocable: Option<bool>,
    }
}

document! {
    /// The answer to [`get_consents`](crate::AuthClient::get_consents).
    pub struct ConsentList {
        /// The consents.
        pub consents: Vec<ConsentDocument>,
    }
}

page!(ConsentList, consents: ConsentDocument);

impl ConsentList {
    /// The consents as trees, which say what they are good for.
    ///
    /// # Errors
    ///
    /// See [`ConsentError`].
    pub fn to_forest(&self) -> Result<ConsentForest, ConsentError> {
        let consents = self.consents.iter().map(Consent::try_from);
        ConsentForest::from_consents(consents.collect::<Result<Vec<_>, _>>()?)
    }
}
