//! What the end-to-end tests share: an emulator with files, and a person who has logged in.

#![allow(dead_code, reason = "each test file uses its part")]

use std::path::Path;

use globus_emulator::{Emulator, EmulatorBuilder};
use globus_sdk::{
    AccessTokenAuthorizer, Authorizer, NativeAppAuthClient, TokenData, TokenResponse, TransferClient,
};
use tempfile::TempDir;
use uuid::Uuid;

/// A running emulator with the collections `laptop` and `cluster`.
pub(crate) struct World {
    pub(crate) emulator: Emulator,
    pub(crate) login_client: NativeAppAuthClient,
    pub(crate) directory: TempDir,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::start_with(|builder| builder).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(EmulatorBuilder) -> EmulatorBuilder) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let files = |name: &str| {
            let path = directory.path().join(name);
            std::fs::create_dir(&path).unwrap();
            path
        };
        let builder =
            Emulator::builder().collection("laptop", files("laptop")).collection("cluster", files("cluster"));
        let emulator = change(builder).start().await.unwrap();
        let login_client = NativeAppAuthClient::builder(emulator.native_client_id())
            .environment(emulator.environment())
            .build()
            .unwrap();
        Self { emulator, login_client, directory }
    }

    /// Logs the emulator's user in, with refresh tokens for Auth and Transfer.
    pub(crate) async fn log_in(&self) -> TokenResponse {
        let flow = self
            .login_client
            .oauth2_start_flow(["openid", "profile", "email", TransferClient::ALL_SCOPE])
            .refresh_tokens(true)
            .start()
            .unwrap();
        let redirected = self.emulator.login(flow.authorize_url().unwrap()).await.unwrap();
        flow.finish(redirected.url.as_str()).await.unwrap()
    }

    /// A client of Transfer that acts with this authorizer.
    pub(crate) fn transfer(&self, authorizer: impl Into<Authorizer>) -> TransferClient {
        TransferClient::builder()
            .authorizer(authorizer)
            .environment(self.emulator.environment())
            .build()
            .unwrap()
    }

    /// A client of Transfer for the emulator's user.
    pub(crate) async fn logged_in_transfer(&self) -> TransferClient {
        let response = self.log_in().await;
        let tokens = &response.by_resource_server()[TransferClient::RESOURCE_SERVER];
        self.transfer(AccessTokenAuthorizer::new(tokens.access_token.clone()))
    }

    /// The id of a collection.
    pub(crate) fn id(&self, collection: &str) -> Uuid {
        self.emulator.collection(collection).unwrap().id
    }

    /// The directory of a collection.
    pub(crate) fn dir(&self, collection: &str) -> &Path {
        self.emulator.collection_dir(collection).unwrap()
    }

    /// How many refresh grants the token endpoint has seen.
    pub(crate) fn refreshes(&self) -> usize {
        self.emulator.requests().form("grant_type", "refresh_token").len()
    }
}

/// The tokens for Transfer, as if they had expired long ago.
pub(crate) fn expired(response: &TokenResponse) -> TokenData {
    let mut tokens = response.by_resource_server()[TransferClient::RESOURCE_SERVER].clone();
    tokens.expires_at_seconds = 1_000;
    tokens
}
