//! One login of an app, from the need to the stored tokens.

use globus_core::storage::StorageErrorKind;
use globus_core::{Clock, Error, Result, Scope, Scopes, StorageError, Timestamp, TokenResponse};

use super::parts::{Kind, Parts, UserLogin};
use super::remembered_login::RememberedLogin;
use crate::auth::{ConfidentialAppAuthClient, LoginError};
use crate::gare::GlobusAuthorizationParameters;
use crate::login::{LoginRequest, StartedLogin};

impl Parts {
    /// Logs in, unless somebody else did for the same since `seen`.
    pub(super) async fn log_in(&self, seen: u64, wanted: GlobusAuthorizationParameters) -> Result<()> {
        let turn = match self.turn.take(seen, &wanted).await {
            Ok(turn) => turn,
            Err(outcome) => return outcome,
        };
        let outcome = self.log_in_now(&wanted).await;
        turn.end(wanted, &outcome);
        outcome
    }

    async fn log_in_now(&self, wanted: &GlobusAuthorizationParameters) -> Result<()> {
        let more = wanted.scopes_to_request();
        let asked_for = more.parse()?;
        let scopes = self.requirements.to_request(&more)?;
        let tokens = match &self.kind {
            Kind::User(login) => self.tokens_of_user(login, wanted, &scopes).await?,
            Kind::Client(client) => tokens_of_client(client, scopes).await?,
        };
        if let Some(time) = tokens.server_time() {
            self.clock.observe(time);
        }
        self.keep(&tokens).await?;
        self.requirements.remember(asked_for);
        Ok(())
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

    async fn tokens_of_user(
        &self,
        login: &UserLogin,
        wanted: &GlobusAuthorizationParameters,
        scopes: &[Scope],
    ) -> Result<TokenResponse> {
        let request = self.login_request(login, wanted, scopes);
        let tokens = login.login_ui.log_in(&request).await.map_err(login_failed)?;
        self.with_identity(tokens).await
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
    pub(super) async fn with_identity(&self, tokens: TokenResponse) -> Result<TokenResponse> {
        if tokens.id_token().is_none() {
            return Err(StorageError::new(StorageErrorKind::MissingIdentity).into());
        }
        let claims = self.id_token_decoder.decode_response(&tokens).await;
        let claims = claims.map_err(|error| login_failed(LoginError::IdToken(error)))?;
        let login = RememberedLogin {
            at: tokens.server_time().unwrap_or_else(|| self.clock.now()),
            authenticated_at: claims
                .last_authentication
                .and_then(|second| Timestamp::from_second(second).ok()),
        };
        Ok(login.write(tokens.with_identity_id(claims.sub.as_str())))
    }

    /// Stores the tokens of a login. Those that are refused are made useless: nobody else would do it.
    pub(super) async fn keep(&self, tokens: &TokenResponse) -> Result<()> {
        if let Err(error) = self.storage.store_response(tokens).await {
            if error.is_validation() {
                for token in tokens.by_resource_server() {
                    self.revoke(token).await.ok();
                }
            }
            return Err(error.into());
        }
        self.forget_authorizers();
        Ok(())
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
            Error::login_required(None, Error::other(error.to_string(), Some(error.into())))
        }
        error => Error::other(error.to_string(), Some(error.into())),
    }
}
