//! One answer of the token endpoint, and the two ways to find a token in it.

use std::ops::Index;
use std::sync::Arc;

use jiff::Timestamp;

use super::{ResourceServer, TokenData};
use crate::scope::Scopes;
use crate::secret::{IdToken, RefreshToken};

/// What was given to the token endpoint in exchange for tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Grant {
    /// The code of a login.
    AuthorizationCode,
    /// A refresh token.
    RefreshToken,
    /// The client's own id and secret.
    ClientCredentials,
    /// The access token of somebody who called this service.
    DependentToken,
}

/// One answer of the token endpoint. Clones share their content.
#[derive(Clone, Debug)]
pub struct TokenResponse(Arc<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    grant: Grant,
    tokens: ByResourceServer,
    id_token: Option<IdToken>,
    server_time: Option<Timestamp>,
}

impl TokenResponse {
    pub(super) fn new(grant: Grant, tokens: ByResourceServer, id_token: Option<IdToken>) -> Self {
        Self(Arc::new(Inner { grant, tokens, id_token, server_time: None }))
    }

    /// What the tokens were given for.
    pub fn grant(&self) -> Grant {
        self.0.grant
    }

    /// The tokens by the service that they are good for.
    pub fn by_resource_server(&self) -> &ByResourceServer {
        &self.0.tokens
    }

    /// The tokens by the scopes that they carry.
    pub fn by_scopes(&self) -> ByScopes<'_> {
        ByScopes(&self.0.tokens)
    }

    /// The id token, where the scope `openid` was granted. It is not verified here.
    pub fn id_token(&self) -> Option<&IdToken> {
        self.0.id_token.as_ref()
    }

    /// The time that the service's clock showed, where it is known.
    pub fn server_time(&self) -> Option<Timestamp> {
        self.0.server_time
    }

    /// Sets the time that the service's clock showed.
    #[must_use]
    pub fn with_server_time(mut self, server_time: Timestamp) -> Self {
        Arc::make_mut(&mut self.0).server_time = Some(server_time);
        self
    }

    /// Writes the identity that logged in into every token. For login clients, after they have verified the
    /// id token.
    #[must_use]
    pub fn with_identity_id(mut self, identity_id: impl Into<String>) -> Self {
        let identity_id = identity_id.into();
        for token in &mut Arc::make_mut(&mut self.0).tokens.0 {
            token.identity_id = Some(identity_id.clone());
        }
        self
    }

    /// Writes a member of one's own into the record of every token, which storages keep. Programs that do not know it
    /// leave it alone or drop it. Not for secrets.
    #[must_use]
    pub fn with_extra(mut self, name: &str, value: &serde_json::Value) -> Self {
        for token in &mut Arc::make_mut(&mut self.0).tokens.0 {
            token.extra.insert(name.to_owned(), value.clone());
        }
        self
    }

    /// Fills in the refresh token that was spent, where the answer has one token and no new refresh token:
    /// the old one stays in force.
    #[must_use]
    pub fn keeping_refresh_token(&self, spent: &RefreshToken) -> Self {
        let mut response = self.clone();
        if let [token] = self.0.tokens.0.as_slice()
            && token.usable_refresh_token().is_none()
        {
            Arc::make_mut(&mut response.0).tokens.0[0].refresh_token = Some(spent.clone());
        }
        response
    }
}

/// The tokens of an answer by resource server, in the order of the answer.
#[derive(Clone, Debug, Default)]
pub struct ByResourceServer(Vec<TokenData>);

impl ByResourceServer {
    /// The token of a resource server.
    pub fn get(&self, resource_server: &str) -> Option<&TokenData> {
        self.0.iter().find(|token| token.resource_server == resource_server)
    }

    /// The token of a resource server that is expected to be there.
    ///
    /// # Errors
    ///
    /// [`NoSuchToken`] names the resource server.
    pub fn require(&self, resource_server: impl Into<ResourceServer>) -> Result<&TokenData, NoSuchToken> {
        let resource_server = resource_server.into();
        self.get(resource_server.as_str())
            .ok_or(NoSuchToken { wanted: Wanted::ResourceServer(resource_server) })
    }

    /// The tokens in the order of the answer.
    pub fn iter(&self) -> std::slice::Iter<'_, TokenData> {
        self.0.iter()
    }

    /// How many tokens there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no token.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Of two tokens of one resource server the later counts, in the place of the earlier.
    pub(super) fn insert(&mut self, token: TokenData) {
        match self.0.iter_mut().find(|other| other.resource_server == token.resource_server) {
            Some(place) => *place = token,
            None => self.0.push(token),
        }
    }
}

impl<'a> IntoIterator for &'a ByResourceServer {
    type Item = &'a TokenData;
    type IntoIter = std::slice::Iter<'a, TokenData>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// The token of a resource server that must be there.
///
/// # Panics
///
/// When the answer has no token of that resource server. Use [`ByResourceServer::get`] where that may be.
impl Index<&str> for ByResourceServer {
    type Output = TokenData;

    #[expect(clippy::expect_used, reason = "an index panics where nothing is; the panic is documented")]
    fn index(&self, resource_server: &str) -> &TokenData {
        self.get(resource_server).expect("the token response has a token of this resource server")
    }
}

/// The tokens of an answer by scope.
#[derive(Clone, Copy, Debug)]
pub struct ByScopes<'a>(&'a ByResourceServer);

impl<'a> ByScopes<'a> {
    /// The one token that carries all of these scopes. Where several do, the last of them.
    ///
    /// # Errors
    ///
    /// [`NoSuchToken`] when no scope is named, or no single token carries all of them.
    pub fn get(&self, scopes: impl Into<Scopes>) -> Result<&'a TokenData, NoSuchToken> {
        let scopes = scopes.into();
        let carries = |token: &&TokenData| {
            scopes.iter().all(|scope| token.scope.split_whitespace().any(|granted| granted == scope))
        };
        if scopes.is_empty() {
            return Err(NoSuchToken { wanted: Wanted::Scopes(scopes) });
        }
        self.0.iter().rev().find(carries).ok_or(NoSuchToken { wanted: Wanted::Scopes(scopes) })
    }

    /// Whether [`get`](Self::get) would find a token.
    pub fn contains(&self, scopes: impl Into<Scopes>) -> bool {
        self.get(scopes).is_ok()
    }

    /// Every single scope that was granted, each once.
    pub fn iter(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let mut scopes: Vec<&str> = Vec::new();
        for scope in self.0.iter().flat_map(|token| token.scope.split_whitespace()) {
            if !scopes.contains(&scope) {
                scopes.push(scope);
            }
        }
        scopes.into_iter()
    }
}

/// A token response has no such token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoSuchToken {
    wanted: Wanted,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Wanted {
    Scopes(Scopes),
    ResourceServer(ResourceServer),
}

impl std::fmt::Display for NoSuchToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.wanted {
            Wanted::Scopes(scopes) if scopes.is_empty() => {
                f.write_str("no token can be looked up without naming a scope; name at least one")
            }
            Wanted::Scopes(scopes) => write!(
                f,
                "the token response has no single token with the scopes {:?}; ask for them in the login, \
                 and look up scopes of different resource servers one by one",
                scopes.as_str()
            ),
            Wanted::ResourceServer(name) => write!(
                f,
                "the token response has no token of the resource server {name:?}; ask for one of its \
                 scopes in the login"
            ),
        }
    }
}

impl std::error::Error for NoSuchToken {}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(scopes: &[(&str, &str)]) -> TokenResponse {
        let mut tokens = ByResourceServer::default();
        for (server, scope) in scopes {
            tokens.insert(TokenData::new(*server, *scope, format!("Ag-{server}"), 1));
        }
        TokenResponse::new(Grant::RefreshToken, tokens, Some(IdToken::new("Ag-id")))
    }

    #[test]
    fn scopes_of_one_token_are_found_even_if_another_has_one_of_them_too() {
        let response = response(&[("rs1", "a b"), ("rs2", "b c")]);
        let find =
            |scopes: &str| response.by_scopes().get(scopes).map(|token| token.resource_server.to_string());
        assert_eq!(find("a b").unwrap(), "rs1");
        assert_eq!(find("b").unwrap(), "rs2");
        assert_eq!(response.by_scopes().get(["c", "b"]).unwrap().resource_server, "rs2");
        assert!(find("a c").is_err());
        assert!(find(" ").is_err());
        assert_eq!(response.by_scopes().iter().collect::<Vec<_>>(), ["a", "b", "c"]);
    }

    #[test]
    fn a_later_token_of_the_same_server_takes_the_place_of_the_earlier() {
        let response = response(&[("rs1", "a"), ("rs2", "b"), ("rs1", "c")]);
        let order: Vec<_> = response.by_resource_server().iter().map(|token| token.scope.as_str()).collect();
        assert_eq!(order, ["c", "b"]);
    }

    #[test]
    fn the_spent_refresh_token_stays_in_force_unless_a_new_one_came() {
        let spent = RefreshToken::new("old");
        let kept = |response: TokenResponse| {
            response.keeping_refresh_token(&spent).0.tokens.0[0].refresh_token.clone()
        };
        assert_eq!(kept(response(&[("rs", "s")])), Some(spent.clone()));
        let mut empty = response(&[("rs", "s")]);
        Arc::make_mut(&mut empty.0).tokens.0[0].refresh_token = Some(RefreshToken::new(""));
        assert_eq!(kept(empty.clone()), Some(spent.clone()));
        Arc::make_mut(&mut empty.0).tokens.0[0].refresh_token = Some(RefreshToken::new("new"));
        assert_eq!(kept(empty), Some(RefreshToken::new("new")));
        assert_eq!(kept(response(&[("rs", "s"), ("rs2", "t")])), None);
    }

    #[test]
    fn the_identity_is_written_into_every_token_and_not_into_other_clones() {
        let plain = response(&[("rs", "s"), ("rs2", "t")]);
        let stamped = plain.clone().with_identity_id("id");
        assert!(stamped.by_resource_server().iter().all(|token| token.identity_id.as_deref() == Some("id")));
        let marked = plain.clone().with_extra("mine", &serde_json::json!(5));
        assert!(marked.by_resource_server().iter().all(|token| token.extra["mine"] == 5));
        assert!(plain.by_resource_server().iter().all(|token| token.extra.is_empty()));
        assert!(plain.by_resource_server().iter().all(|token| token.identity_id.is_none()));
    }

    #[test]
    fn debug_shows_no_secret() {
        let shown = format!("{:?}", response(&[("rs", "s")]));
        assert!(!shown.contains("Ag-"), "{shown}");
    }
}
