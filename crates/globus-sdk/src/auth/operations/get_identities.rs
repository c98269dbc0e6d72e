use globus_core::{BaseClient, Call, Response, Result};
use http::Method;

use crate::auth::IdentityList;
use crate::operation::{call_options, check_list};

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
    pub(crate) fn new(client: &BaseClient) -> Self {
        Self { call: client.request(Method::GET, "/v2/api/identities"), provision: false }
    }

    /// The identities with these ids.
    pub fn ids<T: ToString>(mut self, ids: impl IntoIterator<Item = T>) -> Self {
        self.call = self.call.set_query("ids", joined(ids));
        self
    }

    /// The identities with these usernames.
    pub fn usernames<T: ToString>(mut self, usernames: impl IntoIterator<Item = T>) -> Self {
        self.call = self.call.set_query("usernames", joined(usernames));
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
        let answer: Response<IdentityList> = self.call.send_document().await?;
        check_list(&answer.extra, "identities")?;
        Ok(answer)
    }
}

fn joined<T: ToString>(values: impl IntoIterator<Item = T>) -> String {
    values.into_iter().map(|value| value.to_string()).collect::<Vec<_>>().join(",")
}
