use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use globus_core::{IdToken, TokenResponse};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, Validation};
use serde_json::Value;

use super::{IdTokenClaims, IdTokenError};
use crate::auth::{
    AuthLoginClient, ConfidentialAppAuthClient, JsonWebKey, JsonWebKeySet, NativeAppAuthClient,
    OpenIdConfiguration,
};

/// How far the clocks may be apart.
const LEEWAY: Duration = Duration::from_secs(300);

/// Verifies id tokens of one client and reads them. It fetches the description and the keys of the service
/// once and keeps them; keys are fetched again, once, when a token names one that is not among them.
///
/// ```no_run
/// # use globus_sdk::{NativeAppAuthClient, TokenResponse, auth::IdTokenDecoder};
/// # async fn example(client: NativeAppAuthClient, response: TokenResponse) -> Result<(), Box<dyn std::error::Error>> {
/// let decoder = IdTokenDecoder::new(&client);
/// let claims = decoder.decode_response(&response).await?;
/// println!("{} logged in", claims.sub);
///
/// // Tokens stored from here on say whose they are.
/// let response = response.with_identity_id(claims.sub.as_str());
/// # let _ = response;
/// # Ok(())
/// # }
/// ```
///
/// Checked are: the signature, by a key and an algorithm that the service publishes; issuer; audience, which
/// is the client's id; expiry and start, by this machine's clock with a leeway of 300 seconds.
#[derive(Clone)]
pub struct IdTokenDecoder {
    login: AuthLoginClient,
    leeway: Duration,
    published: Arc<Mutex<Option<Published>>>,
}

#[derive(Clone)]
struct Published {
    configuration: Arc<OpenIdConfiguration>,
    keys: Arc<JsonWebKeySet>,
}

/// The login clients whose id tokens can be verified.
mod sealed {
    pub trait Login {
        fn login(&self) -> super::AuthLoginClient;
    }
}

macro_rules! login {
    ($($client:ty => $login:expr),* $(,)?) => {
        $(impl sealed::Login for $client {
            fn login(&self) -> AuthLoginClient {
                let of: fn(&Self) -> &AuthLoginClient = $login;
                of(self).clone()
            }
        })*
    };
}

login! {
    AuthLoginClient => |client| client,
    NativeAppAuthClient => |client| &client.login,
    ConfidentialAppAuthClient => |client| &client.login,
}

impl IdTokenDecoder {
    /// A decoder for the id tokens of this login client.
    pub fn new(login_client: &impl sealed::Login) -> Self {
        Self { login: login_client.login(), leeway: LEEWAY, published: Arc::default() }
    }

    /// How far the clocks may be apart; 300 seconds by default.
    #[must_use]
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// Verifies the id token of a token response.
    ///
    /// # Errors
    ///
    /// [`IdTokenError::Missing`] when there is none, otherwise as [`decode`](Self::decode).
    #[doc(alias = "decode_id_token")]
    pub async fn decode_response(&self, response: &TokenResponse) -> Result<IdTokenClaims, IdTokenError> {
        self.decode(response.id_token().ok_or(IdTokenError::Missing)?).await
    }

    /// Verifies an id token and reads what it says.
    ///
    /// # Errors
    ///
    /// Which of the checks failed. Do not use anything the token says.
    pub async fn decode(&self, id_token: &IdToken) -> Result<IdTokenClaims, IdTokenError> {
        let header = Header::read(id_token)?;
        let published = self.published().await?;
        let allowed = published
            .configuration
            .id_token_signing_alg_values_supported
            .as_ref()
            .ok_or(IdTokenError::NoAlgorithms)?;
        // A list that allowed symmetric algorithms would make the public key a password.
        let algorithm = Algorithm::from_str(&header.algorithm)
            .ok()
            .filter(|algorithm| algorithm.family() == AlgorithmFamily::Rsa)
            .filter(|_| allowed.iter().any(|name| *name == header.algorithm))
            .ok_or(IdTokenError::Algorithm)?;
        let key_id = header.key_id.as_deref();
        let claims = if let Some(key) = find_key(&published.keys, key_id) {
            verify(id_token, key, algorithm)?
        } else {
            let keys = self.refetch_keys(&published).await?;
            let key = find_key(&keys, key_id).ok_or(IdTokenError::UnknownKey)?;
            verify(id_token, key, algorithm)?
        };
        self.check(&claims, &published.configuration)?;
        Ok(claims)
    }

    async fn published(&self) -> Result<Published, IdTokenError> {
        let known = self.published.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(published) = known {
            return Ok(published);
        }
        let configuration = self.login.get_openid_configuration().send().await?.into_inner();
        self.fetch_keys(Arc::new(configuration)).await
    }

    async fn refetch_keys(&self, published: &Published) -> Result<Arc<JsonWebKeySet>, IdTokenError> {
        Ok(self.fetch_keys(Arc::clone(&published.configuration)).await?.keys)
    }

    async fn fetch_keys(&self, configuration: Arc<OpenIdConfiguration>) -> Result<Published, IdTokenError> {
        let request = self.login.get_jwk().openid_configuration((*configuration).clone());
        let keys = Arc::new(request.send().await?.into_inner());
        let published = Published { configuration, keys };
        *self.published.lock().unwrap_or_else(PoisonError::into_inner) = Some(published.clone());
        Ok(published)
    }

    fn check(&self, claims: &IdTokenClaims, configuration: &OpenIdConfiguration) -> Result<(), IdTokenError> {
        let now = self.login.base.clock().now().as_duration().as_secs_f64();
        let leeway = self.leeway.as_secs_f64();
        // A claim of the wrong type is set aside by the decoder, not lost.
        if claims.extra.contains_key("sub") || claims.sub.is_empty() {
            return Err(IdTokenError::Claim("sub"));
        }
        let expiry = claims.exp.ok_or(IdTokenError::Claim("exp"))?;
        if now - leeway >= expiry {
            return Err(IdTokenError::Expired);
        }
        for (name, start) in [("iat", claims.iat), ("nbf", claims.nbf)] {
            if claims.extra.contains_key(name) {
                return Err(IdTokenError::Claim(name));
            }
            if start.is_some_and(|start| start > now + leeway) {
                return Err(IdTokenError::NotYetValid);
            }
        }
        if claims.iss.is_empty() || claims.iss != configuration.issuer {
            return Err(IdTokenError::Issuer);
        }
        let for_us = match (&claims.aud, self.login.client_id.as_deref()) {
            (Value::Null, None) => true,
            (Value::String(audience), Some(id)) => audience == id,
            (Value::Array(audiences), Some(id)) => audiences.iter().any(|audience| audience == id),
            _ => false,
        };
        if for_us { Ok(()) } else { Err(IdTokenError::Audience) }
    }
}

impl fmt::Debug for IdTokenDecoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdTokenDecoder")
            .field("client_id", &self.login.client_id)
            .field("leeway", &self.leeway)
            .finish_non_exhaustive()
    }
}

/// The two members of a token's header that count.
struct Header {
    algorithm: String,
    key_id: Option<String>,
}

impl Header {
    fn read(id_token: &IdToken) -> Result<Self, IdTokenError> {
        let mut parts = id_token.expose().split('.');
        let (Some(header), Some(_), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(IdTokenError::NotAToken);
        };
        let header = URL_SAFE_NO_PAD.decode(header).map_err(|_| IdTokenError::NotAToken)?;
        let header: Value = serde_json::from_slice(&header).map_err(|_| IdTokenError::NotAToken)?;
        let text = |name: &str| header.get(name).and_then(Value::as_str).map(str::to_owned);
        Ok(Self { algorithm: text("alg").ok_or(IdTokenError::NotAToken)?, key_id: text("kid") })
    }
}

/// The key of that name, or the only one where names do not help.
fn find_key<'a>(keys: &'a JsonWebKeySet, key_id: Option<&str>) -> Option<&'a JsonWebKey> {
    let named =
        key_id.and_then(|id| keys.keys.iter().find(|key| key.kid.as_ref().is_some_and(|kid| *kid == id)));
    named.or_else(|| match keys.keys.as_slice() {
        [only] if key_id.is_none() || only.kid.is_none() => Some(only),
        _ => None,
    })
}

fn verify(id_token: &IdToken, key: &JsonWebKey, algorithm: Algorithm) -> Result<IdTokenClaims, IdTokenError> {
    if key.kty != "RSA" {
        return Err(IdTokenError::UnknownKey);
    }
    let key = DecodingKey::from_rsa_components(&key.n, &key.e).map_err(|_| IdTokenError::UnknownKey)?;
    // The claims are checked by our own clock, in `check`.
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    match jsonwebtoken::decode::<IdTokenClaims>(id_token.expose(), &key, &validation) {
        Ok(token) => Ok(token.claims),
        Err(error) => Err(match error.kind() {
            jsonwebtoken::errors::ErrorKind::InvalidSignature => IdTokenError::Signature,
            _ => IdTokenError::NotAToken,
        }),
    }
}
