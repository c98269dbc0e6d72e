//! One login of an app, from the need to the stored tokens.

use std::sync::Arc;

use globus_core::detached_job::run_detached;
use globus_core::storage::StorageErrorKind;
use globus_core::{Clock, Error, Result, Scope, Scopes, StorageError, Timestamp, TokenResponse};

use super::parts::{Kind, Parts, UserLogin};
use super::remembered_login::RememberedLogin;
use super::turn::Seen;
use crate::auth::{ConfidentialAppAuthClient, LoginError};
use crate::gare::GlobusAuthorizationParameters;
use crate::login::{LoginRequest, StartedLogin};

impl Parts {
    /// Logs in, unless somebody else did for the same since `seen`.
    pub(super) async fn log_in(
        self: &Arc<Self>,
        seen: Seen,
        wanted: GlobusAuthorizationParameters,
    ) -> Result<()> {
        let turn = match self.turn.take(seen, &wanted).await {
            Ok(turn) => turn,
            Err(outcome) => return outcome,
        };
        let needs = self.requirements.version();
        let tokens = self.tokens(&wanted).await;
        // A caller who goes away now does not take the tokens along, and nobody logs in again while they are stored.
        let app = Arc::clone(self);
        run_detached(async move {
            let outcome = match tokens {
                Ok(tokens) => app.take_in(tokens, &wanted).await,
                Err(error) => Err(error),
            };
            turn.end(wanted, needs, &outcome);
            outcome
        })
        .await
    }

    /// The tokens of a login for all that is needed, and what is wanted beside that.
    async fn tokens(&self, wanted: &GlobusAuthorizationParameters) -> Result<TokenResponse> {
        let scopes = self.requirements.to_request(&wanted.scopes_to_request())?;
        match &self.kind {
            Kind::User(login) => {
                let request = self.login_request(login, wanted, &scopes);
                login.login_ui.log_in(&request).await.map_err(login_failed)
            }
            Kind::Client(client) => tokens_of_client(client, scopes).await,
        }
    }

    /// Stores the tokens of a login, and remembers what it was for.
    async fn take_in(&self, tokens: TokenResponse, wanted: &GlobusAuthorizationParameters) -> Result<()> {
        if let Some(time) = tokens.server_time() {
            self.clock.observe(time);
        }
        let tokens = match &self.kind {
            Kind::User(_) => self.with_identity(tokens).await?,
            Kind::Client(_) => tokens,
        };
        self.keep(&tokens).await?;
        self.requirements.remember(wanted.scopes_to_request().parse()?);
        Ok(())
    }

    /// Ends a login whose tokens somebody else has got. A caller who goes away meanwhile does not take them along.
    pub(super) async fn finish_login(self: &Arc<Self>, tokens: TokenResponse) -> Result<()> {
        let app = Arc::clone(self);
        run_detached(async move { app.take_in(tokens, &GlobusAuthorizationParameters::default()).await })
            .await
    }

    /// A login that the program finishes itself.
    pub(super) fn begin_login(
        &self,
        wanted: &GlobusAuthorizationParameters,
    ) -> Result<StartedLogin, LoginError> {
        let Kind::User(login) = &self.kind else {
            return Err(LoginError::Start(Error::usage("nobody logs in to a client app")));
        };
        let scopes = self.requirements.to_request(&wanted.scopes_to_request());
        let scopes = scopes.map_err(|error| LoginError::Start(error.into()))?;
        self.login_request(login, wanted, &scopes).start()
    }

    pub(super) fn login_request(
        &self,
        login: &UserLogin,
        wanted: &GlobusAuthorizationParameters,
        scopes: &[Scope],
    ) -> LoginRequest {
        let mut parameters = wanted.clone();
        parameters.required_scopes = Some(scopes.iter().map(ToString::to_string).collect());
        let mut request =
            LoginRequest::new(&self.login_client, parameters).refresh_tokens(login.refresh_tokens);
        if let Some(uri) = &login.redirect_uri {
            request = request.redirect_uri(uri);
        }
        if let Some(name) = &login.prefill_named_grant {
            request = request.prefill_named_grant(name);
        }
        request
    }

    /// The tokens with the name of whose they are, from the verified id token, and with the time of the login.
    async fn with_identity(&self, tokens: TokenResponse) -> Result<TokenResponse> {
        let claims = match tokens.id_token() {
            Some(_) => self.id_token_decoder.decode_response(&tokens).await.map_err(LoginError::from),
            None => Err(LoginError::Exchange(StorageError::new(StorageErrorKind::MissingIdentity).into())),
        };
        if claims.is_err() {
            self.give_back(&tokens).await;
        }
        let claims = claims.map_err(login_failed)?;
        let login = RememberedLogin {
            at: tokens.server_time().unwrap_or_else(|| self.clock.now()),
            authenticated_at: claims
                .last_authentication
                .and_then(|second| Timestamp::from_second(second).ok()),
        };
        Ok(login.write(tokens.with_identity_id(claims.sub.as_str())))
    }

    /// Stores the tokens of a login.
    async fn keep(&self, tokens: &TokenResponse) -> Result<()> {
        if let Err(error) = self.storage.store_response(tokens).await {
            if error.is_validation() {
                self.give_back(tokens).await;
            }
            return Err(error.into());
        }
        self.forget_authorizers();
        Ok(())
    }

    /// Makes the tokens of a login useless that are not kept: nobody else would do it.
    async fn give_back(&self, tokens: &TokenResponse) {
        for token in tokens.by_resource_server() {
            if let Err(error) = self.revoke(token).await {
                tracing::warn!(%error, "tokens that are not kept could not be revoked; they end by themselves");
                if error.transport().is_some() {
                    // Globus Auth cannot be reached, and waiting for that for each token helps nobody.
                    return;
                }
            }
        }
    }
}

async fn tokens_of_client(client: &ConfidentialAppAuthClient, scopes: Vec<Scope>) -> Result<TokenResponse> {
    if scopes.is_empty() {
        return Err(Error::usage(
            "the app needs no scopes yet; attach a client first, or add scope requirements",
        ));
    }
    client.oauth2_client_credentials_tokens(Scopes::from(scopes)).send().await
}

/// A login that failed, as the error of a call: that a person is needed is what programs ask for first.
pub(super) fn login_failed(error: LoginError) -> Error {
    match error {
        LoginError::Start(error) | LoginError::Exchange(error) => error,
        error @ LoginError::PersonNeeded { .. } => {
            Error::login_required(None, Error::other("a person has to log in", Some(error.into())))
        }
        error => Error::other("the login did not succeed", Some(error.into())),
    }
}
