//! For services that are called with a user's token: who calls, may they, and acting on their behalf.
//!
//! A portal's API gets requests that bear a token of Globus Auth. [`TokenChecker`] asks Globus Auth about the token, once
//! while the answer is kept, and gives the [`Caller`] or a [`Refusal`]: with status, header and document to answer, where
//! another login would help a [`Gare`](crate::Gare) that tells the browser what to log in for. [`DependentTokens`] trades
//! the token for tokens of the services that the portal calls in turn. It asks for a caller, so nothing is sent for one
//! who was refused.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use globus_sdk::auth::caller::{CallerRequirements, DependentTokens, Refusal, TokenChecker};
//! use globus_sdk::{ConfidentialAppAuthClient, EndpointId, TransferClient};
//! use http::{HeaderMap, HeaderValue, StatusCode, header};
//!
//! /// Made once, when the program starts.
//! struct Portal {
//!     checker: TokenChecker,
//!     dependent_tokens: DependentTokens,
//!     restricted: CallerRequirements,
//! }
//!
//! impl Portal {
//!     fn new(client_id: &str, client_secret: &str) -> globus_sdk::Result<Self> {
//!         let client = ConfidentialAppAuthClient::new(client_id, client_secret)?;
//!         let scope = format!("https://auth.globus.org/scopes/{client_id}/portal");
//!         Ok(Self {
//!             checker: TokenChecker::builder(&client)
//!                 .requirements(CallerRequirements::new().scopes(scope))
//!                 // A token that is revoked is noticed within this time.
//!                 .cache_for(Duration::from_secs(30))
//!                 .build()?,
//!             dependent_tokens: DependentTokens::new(&client),
//!             restricted: CallerRequirements::new()
//!                 .session_max_age(Duration::from_secs(30 * 60))
//!                 .session_message("Restricted data needs a fresh login."),
//!         })
//!     }
//!
//!     /// The names of the files in a restricted directory.
//!     async fn list(&self, headers: &HeaderMap, collection: EndpointId) -> Result<Vec<String>, Refusal> {
//!         let caller = self.checker.check_authorization(headers.get(header::AUTHORIZATION)).await?;
//!         let caller = self.checker.require(&caller, &self.restricted).await?;
//!
//!         let authorizer = self.dependent_tokens.authorizer(&caller, TransferClient::RESOURCE_SERVER).await?;
//!         let transfer_client = TransferClient::new(authorizer)?;
//!         let listing = transfer_client.operation_ls(collection).path("/restricted/").send().await?;
//!         Ok(listing.data.iter().map(|entry| entry.name.to_string()).collect())
//!     }
//!
//!     /// The same as an HTTP answer, for whatever framework serves it.
//!     async fn handle(&self, headers: &HeaderMap, collection: EndpointId) -> (StatusCode, HeaderMap, String) {
//!         let mut answer = HeaderMap::new();
//!         answer.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
//!         match self.list(headers, collection).await {
//!             Ok(names) => (StatusCode::OK, answer, serde_json::json!(names).to_string()),
//!             Err(refusal) => {
//!                 if let Some(challenge) = refusal.www_authenticate() {
//!                     answer.insert(header::WWW_AUTHENTICATE, challenge);
//!                 }
//!                 (refusal.status(), answer, refusal.body().to_string())
//!             }
//!         }
//!     }
//! }
//! ```
//!
//! # What is remembered
//!
//! Answers are kept by the SHA-256 of the token, a bounded number of them, until the token expires or the time is over
//! that [`cache_for`](TokenCheckerBuilder::cache_for) sets. Refusals are kept for a shorter time, apart from the good
//! answers, so that a flood of wrong tokens does not displace them. Failures to reach Globus Auth are not kept, and while
//! it is away nobody is let in whose answer has run out. All is in this process's memory: several nodes ask for
//! themselves.
//!
//! A caller whose *token* is good but whose *login* does not do is asked about again after a short time, so that a fresh
//! login counts soon even if the browser comes back with the same token.
//!
//! # Work that outlives the request
//!
//! A [`DependentAuthorizer`] lives on the caller's token: that of a [`Caller`] ends with it, and none is renewed after it.
//! For work that goes on when the token has expired, ask for refresh
//! tokens once, keep them, and renew as for any other login. Whoever has them acts for the user until the consent is
//! withdrawn; the service's scope must allow it.
//!
//! ```no_run
//! # use globus_sdk::auth::caller::Caller;
//! # use globus_sdk::{ConfidentialAppAuthClient, JsonTokenStorage, RefreshTokenAuthorizer, Storage, TransferClient};
//! # async fn example(client: ConfidentialAppAuthClient, caller: Caller) -> globus_sdk::Result<()> {
//! let response = client.oauth2_get_dependent_tokens(&caller).refresh_tokens(true).send().await?;
//! let storage = Storage::from(JsonTokenStorage::new("nightly.json")).with_namespace(caller.identity_id().to_string());
//! storage.store_response(&response).await?;
//!
//! let tokens = &response.by_resource_server()[TransferClient::RESOURCE_SERVER];
//! let authorizer = RefreshTokenAuthorizer::from_tokens(tokens, &client)?.on_refresh(storage).build()?;
//! # let _ = authorizer;
//! # Ok(())
//! # }
//! ```

mod answers;
mod builder;
mod checker;
mod dependent;
mod dependent_authorizer;
mod granted;
mod judge;
mod kept;
mod presented;
mod presented_token;
mod refusal;
mod requirements;

pub use self::builder::TokenCheckerBuilder;
pub use self::checker::TokenChecker;
pub use self::dependent::{DependentTokens, DependentTokensBuilder};
pub use self::dependent_authorizer::DependentAuthorizer;
pub use self::presented::Caller;
pub use self::presented_token::PresentedToken;
pub use self::refusal::{Refusal, RefusalKind};
pub use self::requirements::CallerRequirements;
