use crate::auth::{AuthClient, UserInfo};
use crate::operation::operation;

operation! {
    /// Says who the access token stands for (OpenID Connect Core, section 5.3). Needs the scope `openid`;
    /// `profile` and `email` tell more.
    #[doc(alias = "oauth2_userinfo")]
    AuthClient.userinfo() -> UserInfoRequest;
    GET "/v2/oauth2/userinfo" => UserInfo;
}
