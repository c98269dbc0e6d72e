use globus_core::BaseClient;
use http::Method;
use uuid::Uuid;

use crate::operation::operation;
use crate::transfer::FileList;

operation! {
    /// `GET /v0.10/operation/endpoint/{endpoint_id}/ls`. From
    /// [`TransferClient::operation_ls`](crate::TransferClient::operation_ls).
    OperationLs -> FileList, list "DATA"
}

impl OperationLs {
    pub(crate) fn new(client: &BaseClient, endpoint_id: Uuid) -> Self {
        Self { call: client.request(Method::GET, format!("/v0.10/operation/endpoint/{endpoint_id}/ls")) }
    }

    /// The directory; `/~/` is the default one.
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.call = self.call.set_query("path", path.into());
        self
    }

    /// Whether entries whose names begin with a dot are listed. True by default.
    pub fn show_hidden(mut self, show: bool) -> Self {
        self.call = self.call.set_query("show_hidden", u8::from(show));
        self
    }

    /// The order, such as `["type", "name DESC"]`.
    pub fn orderby<T: AsRef<str>>(mut self, fields: impl IntoIterator<Item = T>) -> Self {
        let fields: Vec<String> = fields.into_iter().map(|field| field.as_ref().to_owned()).collect();
        self.call = self.call.set_query("orderby", fields.join(","));
        self
    }

    /// At most this many entries, up to 100,000.
    pub fn limit(mut self, limit: u32) -> Self {
        self.call = self.call.set_query("limit", limit);
        self
    }

    /// Leaves out this many entries at the beginning.
    pub fn offset(mut self, offset: u64) -> Self {
        self.call = self.call.set_query("offset", offset);
        self
    }

    /// Lists only entries that match, such as `name:~*.csv` or `type:dir/size:>1000`: all clauses joined
    /// with `/` must hold. Called again, it adds an alternative.
    pub fn filter(mut self, filter: impl Into<String>) -> Self {
        self.call = self.call.query("filter", filter.into());
        self
    }

    /// Lists as this local account, where the person has several on the collection.
    pub fn local_user(mut self, user: impl Into<String>) -> Self {
        self.call = self.call.set_query("local_user", user.into());
        self
    }
}
