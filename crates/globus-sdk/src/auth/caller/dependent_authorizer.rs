use std::fmt;
use std::sync::Arc;

use globus_core::{Authorization, Authorize, Authorizer, Error, Result};

use super::dependent::Inner;
use super::granted::{Granted, Wanted};
use super::kept::Key;
use super::presented_token::PresentedToken;
use super::refusal::Refusal;

/// Acts for one caller with one service. From [`DependentTokens::authorizer`](super::DependentTokens::authorizer).
///
/// It converts into the [`Authorizer`] that clients take. A call that could not be authorized fails with an error that
/// converts into the [`Refusal`] again. `Debug` shows no token.
#[derive(Clone)]
pub struct DependentAuthorizer(Arc<Acting>);

struct Acting {
    tokens: Arc<Inner>,
    key: Key,
    caller: PresentedToken,
    wanted: Wanted,
}

impl DependentAuthorizer {
    pub(super) fn new(tokens: Arc<Inner>, caller: PresentedToken, wanted: Wanted) -> Self {
        Self(Arc::new(Acting { tokens, key: Key::of(&caller.token), caller, wanted }))
    }

    /// What was got, as long as the caller's token lives.
    fn known(&self) -> Option<Arc<Granted>> {
        if self.0.caller.has_ended(self.0.tokens.clock().now()) {
            return None;
        }
        self.0.tokens.answers.kept(&self.0.key).and_then(std::result::Result::ok)
    }

    pub(super) async fn header(&self) -> std::result::Result<Authorization, Refusal> {
        let Acting { tokens, key, caller, wanted } = &*self.0;
        let now = tokens.clock().now();
        if caller.has_ended(now) {
            return Err(Refusal::inactive(None));
        }
        let good_enough = |granted: &Arc<Granted>| granted.will_do(wanted, now);
        let ask = |known| Arc::clone(tokens).trade(caller.clone(), known);
        let granted = match tokens.answers.get(*key, good_enough, ask).await {
            Ok(granted) => granted,
            // A token that is still good is better than an error.
            Err(refusal) => {
                let known = self.known().ok_or_else(|| refusal.clone())?;
                if !known.get(wanted).is_some_and(|token| token.is_good(tokens.clock().now())) {
                    return Err(refusal);
                }
                known
            }
        };
        match (granted.get(wanted), wanted) {
            (Some(token), _) => Ok(token.header.clone()?),
            (None, Wanted::Scopes(scopes)) => Err(tokens.consent_to(caller, scopes)),
            (None, Wanted::ResourceServer(server)) => Err(Refusal::unavailable(Error::usage(format!(
                "Globus Auth gave no token of the resource server {server} on the caller's behalf; register one of its \
                 scopes as a dependency of this service's scope, and let the caller consent to it"
            )))),
        }
    }
}

impl Authorize for DependentAuthorizer {
    fn cached(&self) -> Option<Authorization> {
        let known = self.known()?;
        let token = known.get(&self.0.wanted)?;
        token.header.as_ref().ok().filter(|_| token.is_fresh(self.0.tokens.clock().now())).cloned()
    }

    async fn authorization(&self) -> Result<Authorization> {
        self.header().await.map_err(Refusal::into_error)
    }

    fn rejected(&self, used: &Authorization) -> bool {
        let Some(known) = self.known() else { return true };
        match known.get(&self.0.wanted) {
            Some(token) if token.header.as_ref().is_ok_and(|header| header == used) => {
                let worth_it = known.may_be_replaced(self.0.tokens.clock().now());
                if worth_it {
                    token.refuse();
                }
                worth_it
            }
            // It has been replaced since.
            _ => true,
        }
    }
}

impl From<&DependentAuthorizer> for Authorizer {
    fn from(authorizer: &DependentAuthorizer) -> Self {
        authorizer.clone().into()
    }
}

impl fmt::Debug for DependentAuthorizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DependentAuthorizer")
            .field("wanted", &self.0.wanted)
            .field("caller_token_sha256", &self.0.caller.token.fingerprint())
            .finish_non_exhaustive()
    }
}
