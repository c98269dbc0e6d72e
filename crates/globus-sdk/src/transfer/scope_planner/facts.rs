use globus_core::EndpointId;
use globus_core::decode::Text;
use uuid::Uuid;

use crate::transfer::{Endpoint, EntityType};

/// What decides which scopes a collection asks for, and how somebody must have logged in.
///
/// It comes out of the collection's document: `CollectionFacts::from(&endpoint)`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CollectionFacts {
    /// Its id.
    pub id: EndpointId,
    /// Its name, for people.
    pub display_name: Option<Text>,
    /// What kind it is.
    pub entity_type: EntityType,
    /// Whether its data is under special protection; `None` where the service did not say.
    pub high_assurance: Option<bool>,
    /// Who owns it: of a collection of Globus Connect Server, its endpoint.
    pub owner_id: Option<Uuid>,
    /// How fresh a login must be, in minutes.
    pub authentication_timeout_mins: Option<u64>,
    /// The policy that logins must meet.
    pub authentication_policy_id: Option<Text>,
    /// Whether a second factor is needed.
    pub mfa_required: bool,
}

impl CollectionFacts {
    /// Whether access to the data needs consent to the collection's `data_access`: mapped collections of Globus Connect
    /// Server that are not under high assurance, and no others. Of the others there is no such scope: a login that asks
    /// for it is refused.
    pub fn needs_data_access(&self) -> bool {
        self.entity_type == EntityType::Gcsv5MappedCollection && self.high_assurance == Some(false)
    }

    /// Whether it asks for anything about how somebody has logged in.
    pub fn restricts_logins(&self) -> bool {
        self.authentication_timeout_mins.is_some()
            || self.authentication_policy_id.is_some()
            || self.mfa_required
            || self.high_assurance == Some(true)
    }
}

impl From<&Endpoint> for CollectionFacts {
    fn from(endpoint: &Endpoint) -> Self {
        Self {
            id: endpoint.id,
            display_name: endpoint.display_name.clone(),
            entity_type: endpoint.entity_type.clone(),
            high_assurance: endpoint.high_assurance,
            owner_id: endpoint.owner_id,
            authentication_timeout_mins: endpoint.authentication_timeout_mins,
            authentication_policy_id: endpoint
                .authentication_policy_id
                .clone()
                .filter(|policy| !policy.is_empty()),
            mfa_required: endpoint.mfa_required == Some(true),
        }
    }
}

impl Endpoint {
    /// Whether access to its data needs consent to its `data_access`; see [`CollectionFacts::needs_data_access`].
    ///
    /// To get the scopes of what a program is about to do, ask a [`ScopePlanner`](crate::transfer::ScopePlanner).
    pub fn needs_data_access(&self) -> bool {
        CollectionFacts::from(self).needs_data_access()
    }
}
