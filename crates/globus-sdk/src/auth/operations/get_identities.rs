use globus_core::call::{CommaList, List, OperationInfo, Paging};
use globus_core::{Call, Response, Result};
use http::Method;

use super::VIEW_IDENTITIES;
use crate::auth::{AuthClient, IdentityList};
use crate::operation::call_options;

impl AuthClient {
    /// Looks identities up, by [`usernames`](GetIdentities::usernames) or [`ids`](GetIdentities::ids).
    pub fn get_identities(&self) -> GetIdentities {
        let call = self.base.operation(&GetIdentities::INFO, GetIdentities::INFO.path);
        GetIdentities { call, provision: false }
    }
}

/// `GET /v2/api/identities`. From [`AuthClient::get_identities`](crate::AuthClient::get_identities).
///
/// All names go into one address, so ask for at most some hundred at a time.
#[derive(Debug, Clone)]
#[must_use = "an operation does nothing until it is sent"]
pub struct GetIdentities {
    call: Call,
    provision: bool,
}

call_options!(GetIdentities);

impl GetIdentities {
    const LIST: List = List::new("identities", Paging::None);

    /// What is the same for every call of this operation.
    pub const INFO: OperationInfo =
        OperationInfo::new("get_identities", AuthClient::SERVICE, Method::GET, "/v2/api/identities")
            .needing(VIEW_IDENTITIES)
            .listing(Self::LIST);

    /// The identities with these ids.
    pub fn ids(mut self, ids: impl Into<CommaList>) -> Self {
        self.call = self.call.set_query("ids", ids.into());
        self
    }

    /// The identities with these usernames.
    pub fn usernames(mut self, usernames: impl Into<CommaList>) -> Self {
        self.call = self.call.set_query("usernames", usernames.into());
        self
    }

    /// Whether identities for unknown usernames are made, so that they can be shared with. Counts only
    /// together with [`usernames`](Self::usernames); false by default.
    pub fn provision(mut self, provision: bool) -> Self {
        self.provision = provision;
        self
    }

    /// Sends the request.
    ///
    /// # Errors
    ///
    /// The service's error, the failure to reach it, or an answer that is not a document.
    pub async fn send(mut self) -> Result<Response<IdentityList>> {
        // Provisioning is about usernames; a parameter set by the caller's own hand stays.
        if self.call.has_query("usernames") && !self.call.has_query("provision") {
            self.call = self.call.set_query("provision", self.provision);
        }
        self.call.send_page(Self::LIST).await
    }
}
