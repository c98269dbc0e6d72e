use globus_core::BaseClient;
use http::Method;

use crate::auth::UserInfo;
use crate::operation::operation;

operation! {
    /// `GET /v2/oauth2/userinfo`. From [`AuthClient::userinfo`](crate::AuthClient::userinfo).
    UserInfoRequest -> UserInfo
}

impl UserInfoRequest {
    pub(crate) fn new(client: &BaseClient) -> Self {
        Self { call: client.request(Method::GET, "/v2/oauth2/userinfo") }
    }
}
