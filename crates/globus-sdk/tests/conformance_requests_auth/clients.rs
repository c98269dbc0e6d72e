//! The clients of Globus Auth, as the cases describe them.

use globus_sdk::{
    AccessTokenAuthorizer, AuthClient, AuthLoginClient, ConfidentialAppAuthClient, NativeAppAuthClient,
};

use crate::conformance::Case;
use crate::playback::{Playback, clock_at};
use crate::requests::{self, text};

/// The recorded id tokens were judged between 2023, when they were issued, and 2100, when they expire.
pub(crate) const NOW: f64 = 1_760_000_000.0;

/// Any of the four clients of Globus Auth.
pub(crate) enum Client {
    User(AuthClient),
    Login(AuthLoginClient),
    Native(NativeAppAuthClient),
    Confidential(ConfidentialAppAuthClient),
}

impl Client {
    pub(crate) fn of(case: &Case, playback: &Playback) -> Self {
        let args = &case.whole["client_args"];
        let client_id = args["client_id"].as_str();
        macro_rules! built {
            ($builder:expr) => {{
                let builder = $builder.transport(playback.clone()).clock(clock_at(NOW));
                match args["base_url"].as_str() {
                    Some(url) => builder.base_url(url),
                    None => builder,
                }
                .build()
                .unwrap()
            }};
        }
        match case.whole["client"].as_str().unwrap() {
            "AuthClient" => {
                let authorizer = AccessTokenAuthorizer::new(requests::ACCESS_TOKEN);
                Self::User(built!(AuthClient::builder().authorizer(authorizer)))
            }
            "AuthLoginClient" => {
                let client = built!(AuthLoginClient::builder());
                Self::Login(match client_id {
                    Some(id) => client.with_client_id(id),
                    None => client,
                })
            }
            "NativeAppAuthClient" => Self::Native(built!(NativeAppAuthClient::builder(client_id.unwrap()))),
            "ConfidentialAppAuthClient" => {
                let secret = text(args, "client_secret");
                let builder = ConfidentialAppAuthClient::builder(client_id.unwrap(), secret);
                Self::Confidential(built!(builder))
            }
            other => panic!("no such client: {other}"),
        }
    }
}
