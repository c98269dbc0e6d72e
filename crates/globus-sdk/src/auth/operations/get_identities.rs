use globus_core::BaseClient;
use http::Method;

use crate::auth::IdentityList;
use crate::operation::operation;

operation! {
    /// `GET /v2/api/identities`. From [`AuthClient::get_identities`](crate::AuthClient::get_identities).
    ///
    /// All names go into one address, so ask for at most some hundred at a time.
    GetIdentities -> IdentityList, list "identities"
}

impl GetIdentities {
    pub(crate) fn new(client: &BaseClient) -> Self {
        Self { call: client.request(Method::GET, "/v2/api/identities") }
    }

    /// The identities with these ids.
    pub fn ids<T: ToString>(mut self, ids: impl IntoIterator<Item = T>) -> Self {
        self.call = self.call.set_query("ids", joined(ids));
        self
    }

    /// The identities with these usernames.
    pub fn usernames<T: ToString>(mut self, usernames: impl IntoIterator<Item = T>) -> Self {
        self.call = self.call.set_query("usernames", joined(usernames));
        if !self.call.has_query("provision") {
            self.call = self.call.set_query("provision", false);
        }
        self
    }

    /// Whether identities for unknown usernames are made, so that they can be shared with. Counts only
    /// together with [`usernames`](Self::usernames); false by default.
    pub fn provision(mut self, provision: bool) -> Self {
        self.call = self.call.set_query("provision", provision);
        self
    }
}

fn joined<T: ToString>(values: impl IntoIterator<Item = T>) -> String {
    values.into_iter().map(|value| value.to_string()).collect::<Vec<_>>().join(",")
}
