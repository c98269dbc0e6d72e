//! Tokens and consents: whether they are there, and until when.

use std::sync::Arc;

use globus_core::{
    AccessTokenAuthorizer, Authorizer, Error, RefreshTokenAuthorizer, ResourceServer, Result, Scope, Scopes,
    Timestamp, TokenData,
};

use super::{Inquiry, LapseReason, Looked};
use crate::app::parts::Kind;
use crate::auth::{AuthClient, ConfidentialAppAuthClient, LoginClient};
use crate::gare::GlobusAuthorizationParameters;
use crate::scopes::AuthScopes;

const LOG_IN: &str = "log in";
const CONSENTS: &str = "whether the consents are there";

impl Inquiry<'_> {
    /// A user's token: what of it lapses, and how to use it.
    pub(super) async fn look_at_token(&mut self, server: &ResourceServer) -> Looked {
        let nothing = Some(GlobusAuthorizationParameters::default());
        let damage = self.stored.damaged.iter().find(|error| error.resource_server() == Some(server));
        if let Some(damage) = damage {
            let step = format!("{damage}; log in again");
            self.lapse(LapseReason::DamagedToken, server, self.now, step, nothing);
            return Looked::default();
        }
        let Some(token) = self.stored.tokens.get(server).cloned() else {
            self.lapse(LapseReason::NoToken, server, self.now, LOG_IN, self.login_for(server));
            return Looked::default();
        };
        self.look_at_scopes(server, &token);
        let Kind::User(login) = &self.app.kind else { return Looked::default() };
        let ends = Timestamp::from_second(token.expires_at_seconds).unwrap_or(Timestamp::MAX);
        if login.refresh_tokens {
            if token.usable_refresh_token().is_none() {
                let step = "log in again with this program, which asks for refresh tokens";
                self.lapse(LapseReason::NoRefreshToken, server, self.now, step, nothing);
                return Looked::default();
            }
            return self.look_at_refresh_token(server, &token, ends).await;
        }
        if ends <= self.until {
            let step = "log in again shortly before it is needed, or let the program ask for refresh tokens";
            self.lapse(LapseReason::AccessTokenEnds, server, ends, step, nothing);
        }
        self.look_at_access_token(server, &token).await
    }

    /// The scopes at the top that the token lacks.
    fn look_at_scopes(&mut self, server: &ResourceServer, token: &TokenData) {
        let granted = |scope: &&Scope| token.scope.split_whitespace().any(|granted| granted == scope.name());
        let needed = self.needed.get(server).map(Vec::as_slice).unwrap_or_default();
        let missing: Vec<Scope> =
            needed.iter().filter(|scope| !scope.is_optional() && !granted(scope)).cloned().collect();
        if !missing.is_empty() {
            let names: Vec<&str> = missing.iter().map(Scope::name).collect();
            let step = format!("log in with consent to {}", names.join(" "));
            let login = GlobusAuthorizationParameters::default().required_scopes(missing);
            self.lapse(LapseReason::MissingScopes, server, self.now, step, Some(login));
        }
    }

    fn login_for(&self, server: &ResourceServer) -> Option<GlobusAuthorizationParameters> {
        let needed = self.needed.get(server)?.clone();
        Some(GlobusAuthorizationParameters::default().required_scopes(needed))
    }

    /// Whether a refresh token is dead can only be told by using it: the renewed token is stored as that of any call.
    async fn look_at_refresh_token(
        &mut self,
        server: &ResourceServer,
        token: &TokenData,
        ends: Timestamp,
    ) -> Looked {
        let why = if self.renew {
            match self.renewed(token).await {
                Ok(authorizer) => return Looked { authorizer: Some(authorizer), is_proved: true },
                Err(error) if error.is_login_required() => {
                    // Until then the access token does.
                    let at = ends.max(self.now);
                    if at <= self.until {
                        let login = Some(GlobusAuthorizationParameters::default());
                        self.lapse(LapseReason::RefreshTokenDead, server, at, "log in again", login);
                    }
                    return self.look_at_access_token(server, token).await;
                }
                Err(error) => error.to_string(),
            }
        } else {
            "the check was not to renew anything".to_owned()
        };
        if ends <= self.until {
            self.not_found_out(format!("whether the login for {server} can still be renewed"), &why);
        }
        self.look_at_access_token(server, token).await
    }

    async fn renewed(&self, token: &TokenData) -> Result<Authorizer> {
        let renewing = RefreshTokenAuthorizer::from_tokens(token, &self.app.login_client)?
            .on_refresh(self.app.plain.clone())
            .clock(Arc::clone(self.app.clock.machine()))
            .build()?;
        let authorizer = Authorizer::from(&renewing);
        let header = authorizer.authorization().await?;
        if renewing.held().access_token.as_ref() == Some(&token.access_token) {
            authorizer.rejected(&header);
            authorizer.authorization().await?;
        }
        authorizer.settle().await?;
        Ok(authorizer)
    }

    /// Whether an access token is good now. A client with a secret may ask about its tokens; of others only Globus Auth's
    /// own can be tried here.
    async fn look_at_access_token(&mut self, server: &ResourceServer, token: &TokenData) -> Looked {
        if token.is_expired(self.now) {
            return Looked::default();
        }
        let authorizer = Authorizer::from(AccessTokenAuthorizer::new(&token.access_token));
        let is_good = match &self.app.login_client {
            LoginClient::Confidential(client) => {
                let question = client.oauth2_token_introspect(token.access_token.expose());
                question.send().await.ok().map(|answer| answer.active)
            }
            LoginClient::Native(_) if *server == *AuthScopes::RESOURCE_SERVER => {
                let client = AuthClient::builder().like(&self.app.template).authorizer(&authorizer).build();
                match async { client?.userinfo().send().await }.await {
                    Ok(_) => Some(true),
                    Err(error) => error.is_unauthorized().then_some(false),
                }
            }
            LoginClient::Native(_) => None,
        };
        if is_good == Some(false) {
            self.refused(server);
            return Looked::default();
        }
        Looked { authorizer: Some(authorizer), is_proved: is_good == Some(true) }
    }

    pub(super) fn refused(&mut self, server: &ResourceServer) {
        let login = Some(GlobusAuthorizationParameters::default());
        self.lapse(LapseReason::TokenRefused, server, self.now, "log in again", login);
    }

    /// The consents below the scopes at the top.
    pub(super) async fn look_at_consents(&mut self) {
        let deep: Vec<(ResourceServer, Scope)> = self
            .needed
            .iter()
            .flat_map(|(server, scopes)| scopes.iter().map(move |scope| (server.clone(), scope.clone())))
            .filter(|(_, scope)| !scope.dependencies().is_empty())
            // Of a login that was without the scope everything is said already.
            .filter(|(server, scope)| {
                let token = self.stored.tokens.get(server);
                token.is_some_and(|token| token.scope.split_whitespace().any(|name| name == scope.name()))
            })
            .collect();
        if deep.is_empty() {
            return;
        }
        let Some(identity) = self.identity() else {
            return self.not_found_out(CONSENTS, "the stored tokens do not say whose they are");
        };
        let forest = match self.app.consents(&identity).await {
            Ok(forest) => forest,
            Err(error) => return self.not_found_out(CONSENTS, &error),
        };
        for (server, scope) in deep {
            let missing = forest.missing(std::slice::from_ref(&scope));
            if missing.is_empty() {
                continue;
            }
            let words: Vec<String> = missing.iter().map(ToString::to_string).collect();
            let step = format!("log in with consent to it: {}", words.join("; "));
            let login = GlobusAuthorizationParameters::default().required_scopes(scope);
            self.lapse(LapseReason::ConsentMissing, &server, self.now, step, Some(login));
        }
    }

    pub(super) fn identity(&self) -> Option<String> {
        self.stored.tokens.values().find_map(|token| token.identity_id.clone())
    }

    /// A client acts as itself: that Globus Auth gives it tokens for the scopes now is all that can be asked, and they are
    /// thrown away.
    pub(super) async fn look_at_client(&mut self, client: &ConfidentialAppAuthClient) -> Result<()> {
        #[cfg(feature = "transfer")]
        self.look_at_collections_of_client(client).await?;
        for (server, scopes) in self.needed.clone() {
            if !self.app_asks_for(&server, &scopes)? {
                let text = Scopes::from(scopes.clone());
                let step = format!(
                    "the program does not ask for these scopes; add them with `add_scope_requirements`: {}",
                    text.as_str()
                );
                self.lapse(LapseReason::MissingScopes, &server, self.now, step, None);
            }
            self.granted(client, &server, scopes).await;
        }
        Ok(())
    }

    /// Whether the app asks for all of these scopes when it gets its tokens.
    fn app_asks_for(&self, server: &ResourceServer, scopes: &[Scope]) -> Result<bool> {
        let normal = |scopes: &Scopes| -> Result<Vec<Scope>> {
            let mut scopes = scopes.parse()?.iter().map(Scope::normalized).collect::<Result<Vec<_>, _>>()?;
            scopes.sort_by_key(ToString::to_string);
            Ok(scopes)
        };
        let own = Scopes::from(self.app.requirements.of(server)).merge("")?;
        Ok(normal(&own)? == normal(&own.merge(scopes.to_vec())?)?)
    }

    /// Asks for tokens, and says what is wrong if there are none.
    pub(super) async fn granted(
        &mut self,
        client: &ConfidentialAppAuthClient,
        server: &ResourceServer,
        scopes: Vec<Scope>,
    ) -> Option<TokenData> {
        match client.oauth2_client_credentials_tokens(Scopes::from(scopes)).send().await {
            Ok(tokens) => {
                let token = tokens.by_resource_server().get(server.as_str()).cloned();
                if token.is_none() {
                    let step =
                        format!("Globus Auth gave no token of {server} for these scopes; check their names");
                    self.lapse(LapseReason::MissingScopes, server, self.now, step, None);
                }
                token
            }
            Err(error) if is_refusal(&error) => {
                let step = format!("check the client's id, its secret and the scopes: {error}");
                self.lapse(LapseReason::ClientRefused, server, self.now, step, None);
                None
            }
            Err(error) => {
                self.not_found_out(format!("whether the client gets tokens for {server}"), &error);
                None
            }
        }
    }
}

/// Whether asking again would answer the same.
fn is_refusal(error: &Error) -> bool {
    error.status().is_some_and(|status| status.is_client_error()) && !error.is_rate_limited()
}
