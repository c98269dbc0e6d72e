//! What the handles of an app share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use globus_core::storage::{Namespace, StorageError, StorageErrorKind, ValidatingTokenStorage};
use globus_core::{
    AccessTokenAuthorizer, Authorizer, ClientBuilder, ClientCredentialsAuthorizer, Clock, Error,
    RefreshTokenAuthorizer, ResourceServer, Result, Scopes, Storage, TokenData,
};

use super::place::{Current, Place};
use super::requirements::Requirements;
use super::service_clock::ServiceClock;
use super::turn::{Seen, Turn};
use super::validator::ScopeRequirements;
use crate::auth::consents::ConsentForest;
use crate::auth::{AuthClient, ConfidentialAppAuthClient, IdTokenDecoder, LoginClient};
use crate::login::SharedLoginUi;
use crate::scopes::AuthScopes;

pub(super) struct Parts {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) login_client: LoginClient,
    pub(super) id_token_decoder: IdTokenDecoder,
    /// What clients of the app are set up like.
    pub(super) template: ClientBuilder<()>,
    pub(super) clock: ServiceClock,
    pub(super) requirements: Arc<Requirements>,
    pub(super) auto_redrive_gares: bool,
    /// Validates what it stores and gives out.
    pub(super) storage: Storage,
    /// The same without questions.
    pub(super) plain: Storage,
    pub(super) validator: ScopeRequirements,
    pub(super) turn: Turn,
    validate: Validate,
    places: Mutex<HashMap<ResourceServer, Arc<Place>>>,
}

/// Adds the validators of a kind of app to a storage.
pub(super) type Validate =
    Arc<dyn Fn(ValidatingTokenStorage, ScopeRequirements) -> ValidatingTokenStorage + Send + Sync>;

#[derive(Clone)]
pub(super) enum Kind {
    /// A person logs in.
    User(UserLogin),
    /// The client itself is who acts.
    Client(ConfidentialAppAuthClient),
}

#[derive(Clone)]
pub(super) struct UserLogin {
    pub(super) login_ui: SharedLoginUi,
    pub(super) refresh_tokens: bool,
    pub(super) redirect_uri: Option<String>,
    pub(super) prefill_named_grant: Option<String>,
}

impl Parts {
    #[expect(clippy::too_many_arguments, reason = "each is a part, and there is one caller")]
    pub(super) fn new(
        name: String,
        kind: Kind,
        login_client: LoginClient,
        id_token_decoder: IdTokenDecoder,
        template: ClientBuilder<()>,
        clock: ServiceClock,
        requirements: Arc<Requirements>,
        auto_redrive_gares: bool,
        plain: Storage,
        validate: Validate,
    ) -> Arc<Self> {
        Arc::new_cyclic(|app| {
            let validator = ScopeRequirements::new(Arc::clone(&requirements), app.clone());
            let validating = validate(ValidatingTokenStorage::new(&plain), validator.clone());
            let storage = Storage::from(validating).with_namespace(plain.namespace().clone());
            Self {
                name,
                kind,
                login_client,
                id_token_decoder,
                template,
                clock,
                requirements,
                auto_redrive_gares,
                storage,
                plain,
                validator,
                turn: Turn::default(),
                validate,
                places: Mutex::default(),
            }
        })
    }

    /// The same app with the tokens of another namespace.
    pub(super) fn with_profile(&self, profile: Namespace) -> Arc<Self> {
        Self::new(
            self.name.clone(),
            self.kind.clone(),
            self.login_client.clone(),
            self.id_token_decoder.clone(),
            self.template.clone(),
            self.clock.clone(),
            Arc::new(self.requirements.copy()),
            self.auto_redrive_gares,
            self.plain.with_namespace(profile),
            Arc::clone(&self.validate),
        )
    }

    /// Where the authorizer of a resource server is kept.
    pub(super) fn place(&self, server: &ResourceServer) -> Arc<Place> {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(places.entry(server.clone()).or_default())
    }

    pub(super) fn places(&self) -> Vec<Arc<Place>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// What to remember before looking whether a login is needed.
    pub(super) fn seen(&self) -> Seen {
        self.turn.seen(self.requirements.version())
    }

    /// Lets every authorizer be made anew, as after a login.
    pub(super) fn forget_authorizers(&self) {
        let seen = self.seen();
        for place in self.places() {
            place.clear(seen);
        }
        self.validator.forget_consents();
    }

    /// The authorizer of a resource server, made of what is stored. Nobody is asked to log in.
    ///
    /// # Errors
    ///
    /// [`StorageError::is_validation`](globus_core::StorageError::is_validation) when a login would help.
    pub(super) async fn authorizer_of(&self, server: &ResourceServer) -> Result<Authorizer> {
        let place = self.place(server);
        if let Some(current) = place.usable(&self.clock) {
            return Ok(current);
        }
        // One makes it, the others wait.
        let _making = place.making().await;
        if let Some(current) = place.usable(&self.clock) {
            return Ok(current);
        }
        let version = place.version();
        let made = match &self.kind {
            Kind::User(login) => self.made_for_user(server, login, &place).await?,
            Kind::Client(client) => self.made_for_client(server, client).await?,
        };
        let authorizer = made.authorizer.clone();
        if !self.clock.offset().is_zero() {
            // What was seen of the services' clocks so far holds for their next authorizer, too.
            authorizer.observe_server_time(self.clock.now());
        }
        place.keep(made, version);
        Ok(authorizer)
    }

    async fn made_for_user(
        &self,
        server: &ResourceServer,
        login: &UserLogin,
        place: &Place,
    ) -> Result<Current> {
        let token = self.stored(server).await?;
        if login.refresh_tokens {
            if let Some(former) = place.former() {
                return Ok(Current::renewing(former));
            }
            let renewing = RefreshTokenAuthorizer::from_tokens(&token, &self.login_client)?
                .on_refresh(self.storage.clone())
                .clock(Arc::clone(self.clock.machine()))
                .build()?;
            return Ok(Current::renewing(renewing));
        }
        let fingerprint = token.access_token.fingerprint();
        if place.rejected().as_ref() == Some(&fingerprint) {
            let error = StorageError::refused(format!("{server} no longer takes the token; log in again"));
            return Err(error.with_resource_server(server).into());
        }
        Ok(Current::until(
            AccessTokenAuthorizer::new(&token.access_token),
            token.expires_at_seconds,
            fingerprint,
        ))
    }

    async fn made_for_client(
        &self,
        server: &ResourceServer,
        client: &ConfidentialAppAuthClient,
    ) -> Result<Current> {
        let needed = self.requirements.of(server);
        if needed.is_empty() {
            return Err(Error::usage(format!(
                "the app has no scopes for {server}; attach a client with `with_app`, or add them with \
                 `add_scope_requirements`"
            )));
        }
        let stored = match self.stored(server).await {
            Ok(token) => Some(token),
            Err(error) if is_missing(&error) => None,
            Err(error) => return Err(error),
        };
        let scopes = Scopes::from(Scopes::from(needed).parse()?);
        let mut builder = ClientCredentialsAuthorizer::builder(client, scopes)
            .resource_server(server)
            .on_refresh(self.storage.clone())
            .clock(Arc::clone(self.clock.machine()));
        if let Some(token) = stored {
            builder = builder.access_token(&token.access_token, token.expires_at_seconds);
        }
        Ok(Current::renewing(builder.build()?))
    }

    /// The stored token of a resource server, as far as it may be used.
    async fn stored(&self, server: &ResourceServer) -> Result<TokenData> {
        let token = self.storage.get(server).await?;
        token.ok_or_else(|| StorageError::missing_token(server).into())
    }

    /// The consents that the identity has given to this client, as Globus Auth knows them now.
    pub(super) async fn consents(&self, identity: &str) -> Result<ConsentForest> {
        let identity: globus_core::IdentityId = identity
            .parse()
            .map_err(|_| Error::usage("the stored identity is not the id of one; log out and in again"))?;
        let forest = self.auth_client_without_login().await?.get_consents(identity).send().await?.to_forest();
        forest.map_err(|error| Error::other("the consents could not be read", Some(error.into())))
    }

    /// A client for consents and sessions. Its tokens are taken as they are stored: asking for consents must not ask for
    /// consents.
    pub(super) async fn auth_client_without_login(&self) -> Result<AuthClient> {
        let server = ResourceServer::from(AuthScopes::RESOURCE_SERVER);
        let token = self.plain.get(&server).await?;
        let token = token.ok_or_else(|| StorageError::missing_token(&server))?;
        let authorizer: Authorizer = match &self.kind {
            Kind::User(login) if login.refresh_tokens && token.usable_refresh_token().is_some() => {
                RefreshTokenAuthorizer::from_tokens(&token, &self.login_client)?
                    .on_refresh(self.plain.clone())
                    .clock(Arc::clone(self.clock.machine()))
                    .build()?
                    .into()
            }
            _ => AccessTokenAuthorizer::new(&token.access_token).into(),
        };
        AuthClient::builder().like(&self.template).authorizer(authorizer).build()
    }
}

/// Whether nothing is stored, as opposed to something that does not do.
fn is_missing(error: &Error) -> bool {
    error.storage().is_some_and(|error| matches!(error.kind(), StorageErrorKind::MissingToken { .. }))
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parts").field("name", &self.name).finish_non_exhaustive()
    }
}
