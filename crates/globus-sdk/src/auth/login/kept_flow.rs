//! A flow as it is kept for another process.

use std::borrow::Cow;

use globus_core::{BaseClient, CodeVerifier, Scopes};
use serde::{Deserialize, Serialize};

use super::{AuthorizationFlow, LoginClient};

/// What a flow knows, but for its client. The proof key is a secret.
#[derive(Deserialize, Serialize)]
pub(crate) struct KeptFlow<'a> {
    redirect_uri: Cow<'a, str>,
    state: Cow<'a, str>,
    scope: Cow<'a, str>,
    refresh_tokens: bool,
    code_verifier: Option<Cow<'a, str>>,
    prefill_named_grant: Option<Cow<'a, str>>,
}

impl AuthorizationFlow {
    pub(crate) fn kept(&self) -> KeptFlow<'_> {
        KeptFlow {
            redirect_uri: Cow::from(&self.redirect_uri),
            state: Cow::from(&self.state),
            scope: Cow::from(self.scopes.as_str()),
            refresh_tokens: self.refresh_tokens,
            code_verifier: self.verifier.as_ref().map(|verifier| Cow::from(verifier.expose())),
            prefill_named_grant: self.prefill_named_grant.as_ref().map(Cow::from),
        }
    }

    pub(crate) fn client_id(&self) -> &str {
        &self.client_id
    }

    pub(crate) fn base_client(&self) -> &BaseClient {
        &self.login.base
    }
}

impl LoginClient {
    pub(crate) fn base_client(&self) -> &BaseClient {
        &self.login().base
    }

    /// The flow again, if it is one of this kind of client.
    pub(crate) fn flow_again(&self, kept: KeptFlow<'_>) -> Option<AuthorizationFlow> {
        (kept.code_verifier.is_some() == self.is_native()).then(|| AuthorizationFlow {
            login: self.login().clone(),
            client_id: self.client_id().to_owned(),
            redirect_uri: kept.redirect_uri.into_owned(),
            state: kept.state.into_owned(),
            scopes: Scopes::from(kept.scope.into_owned()),
            refresh_tokens: kept.refresh_tokens,
            verifier: kept.code_verifier.map(CodeVerifier::new),
            prefill_named_grant: kept.prefill_named_grant.map(Cow::into_owned),
        })
    }
}
