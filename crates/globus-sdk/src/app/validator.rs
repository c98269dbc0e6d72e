//! The validator of what an app needs: scopes of tokens, and consents below them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use globus_core::storage::{Namespace, StorageError, StoreKind, TokenValidator, ValidationContext};
use globus_core::{Scope, TokenData};

use super::parts::Parts;
use super::requirements::Requirements;
use crate::auth::consents::ConsentForest;

/// Takes and gives out only tokens that cover what the app needs.
///
/// A token names the scopes at the top. What these depend on is known to Globus Auth alone: the consents of the identity
/// are asked for, and kept until they no longer do.
#[derive(Clone, Debug)]
pub(super) struct ScopeRequirements {
    requirements: Arc<Requirements>,
    app: Weak<Parts>,
    consents: Arc<Mutex<Consents>>,
}

/// By namespace and identity.
type Consents = HashMap<(Namespace, String), Arc<ConsentForest>>;

impl ScopeRequirements {
    pub(super) fn new(requirements: Arc<Requirements>, app: Weak<Parts>) -> Self {
        Self { requirements, app, consents: Arc::default() }
    }

    /// The scopes at the top that the token lacks. What a user may refuse is not missed.
    fn check_top(required: &[Scope], token: &TokenData) -> Result<(), StorageError> {
        let granted = |scope: &&Scope| token.scope.split_whitespace().any(|granted| granted == scope.name());
        let missing: Vec<&str> = required
            .iter()
            .filter(|scope| !scope.is_optional() && !granted(scope))
            .map(Scope::name)
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let missing = format!("the token was given without {}", missing.join(" "));
        Err(StorageError::unmet_scope_requirements(&token.resource_server, missing))
    }

    fn kept(&self, key: &(Namespace, String)) -> Option<Arc<ConsentForest>> {
        self.consents.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    /// Forgets the consents, as after a login or logout.
    pub(super) fn forget_consents(&self) {
        self.consents.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl TokenValidator for ScopeRequirements {
    async fn before_store(
        &self,
        context: ValidationContext<'_>,
        tokens: &[TokenData],
    ) -> Result<(), StorageError> {
        if context.kind.is_some_and(StoreKind::is_refresh) {
            // Renewing changes no scopes. The old refresh token may be spent by now: losing this one would cost the
            // login, even if it does not cover what is needed since.
            return Ok(());
        }
        tokens
            .iter()
            .try_for_each(|token| Self::check_top(&self.requirements.of(&token.resource_server), token))
    }

    async fn after_retrieve(
        &self,
        context: ValidationContext<'_>,
        token: &TokenData,
    ) -> Result<(), StorageError> {
        let required = self.requirements.of(&token.resource_server);
        Self::check_top(&required, token)?;
        let granted = |scope: &Scope| token.scope.split_whitespace().any(|granted| granted == scope.name());
        let deep: Vec<Scope> = required
            .into_iter()
            .filter(|scope| !scope.dependencies().is_empty())
            // Of what was refused as a whole no part is missed.
            .filter(|scope| !scope.is_optional() || granted(scope))
            .collect();
        let identity = context.identity.or(context.prior_identity);
        let (false, Some(identity), Some(app)) = (deep.is_empty(), identity, self.app.upgrade()) else {
            return Ok(());
        };
        let key = (context.namespace.clone(), identity.to_owned());
        if self.kept(&key).is_some_and(|consents| consents.meets(&deep)) {
            return Ok(());
        }
        let consents = match app.consents(identity).await {
            Ok(consents) => Arc::new(consents),
            // A login would not help. The service that needs the consent will say so, if it is missing.
            Err(error) => {
                tracing::debug!(%error, "consents could not be looked up, and are taken for given");
                return Ok(());
            }
        };
        self.consents.lock().unwrap_or_else(PoisonError::into_inner).insert(key, Arc::clone(&consents));
        let missing: Vec<String> = consents.missing(&deep).iter().map(ToString::to_string).collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(StorageError::unmet_scope_requirements(&token.resource_server, missing.join("; ")))
    }
}
