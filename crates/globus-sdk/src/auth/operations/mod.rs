//! The operations of Globus Auth, one in each file.

use crate::operation::operations;

operations! {
    get_identities: GetIdentities,
    get_jwk: GetJwk,
    get_openid_configuration: GetOpenIdConfiguration,
    userinfo: UserInfoRequest,
}
