//! Id tokens: who logged in, signed by Globus Auth (OpenID Connect Core, section 2).

mod claims;
mod decoder;
mod error;

pub use self::claims::IdTokenClaims;
pub use self::decoder::IdTokenDecoder;
pub use self::error::IdTokenError;
