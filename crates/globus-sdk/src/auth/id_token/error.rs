use globus_core::Error;

/// An id token that is not to be believed. No message shows the token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdTokenError {
    /// The response holds no id token. Ask for the scope `openid` in the login.
    #[error("the token response holds no id token; ask for the scope `openid` in the login")]
    Missing,
    /// The text is not a signed token.
    #[error("the id token is not a signed token (RFC 7519)")]
    NotAToken,
    /// It is signed with an algorithm that the service does not use.
    #[error("the id token is signed with an algorithm that the service does not use")]
    Algorithm,
    /// The signature is not the service's.
    #[error("the signature of the id token is not the service's")]
    Signature,
    /// No published key is the one that signed it.
    #[error("no key that the service publishes is the one that signed the id token")]
    UnknownKey,
    /// It is for another client.
    #[error("the id token is for another client")]
    Audience,
    /// Somebody else issued it.
    #[error("the id token was not issued by the service")]
    Issuer,
    /// It has expired. Check this machine's clock.
    #[error("the id token has expired; check this machine's clock, or log in again")]
    Expired,
    /// It does not count yet. Check this machine's clock.
    #[error("the id token does not count yet; check this machine's clock")]
    NotYetValid,
    /// A claim that is needed is missing or of the wrong type.
    #[error("the claim `{0}` of the id token is missing or of the wrong type")]
    Claim(&'static str),
    /// The service's description does not say which algorithms it uses.
    #[error("the service's description does not say which algorithms sign its id tokens")]
    NoAlgorithms,
    /// The description or the keys of the service could not be read.
    #[error("the description or the keys of the service could not be read")]
    Discovery(#[from] Error),
}
