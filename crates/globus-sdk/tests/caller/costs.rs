use futures_util::FutureExt;
use globus_sdk::auth::caller::{CallerRequirements, DependentTokens, TokenChecker};
use globus_sdk::{AccessToken, Authorizer};
use serde_json::json;

use super::dependent::{TRANSFER, granted};
use super::playback::{Playback, wait};
use super::{SCOPE, TOKEN, client, clock, introspection};

#[test]
fn what_is_known_costs_no_allocation() {
    let playback = Playback::new([introspection(&json!({})), granted(&[(TRANSFER, "AgOne")])]);
    let client = client(&playback, &clock());
    let checker = TokenChecker::builder(&client)
        .requirements(CallerRequirements::new().scopes(SCOPE).domains(["example.edu"]))
        .build()
        .unwrap();
    let tokens = DependentTokens::new(&client);
    let token = AccessToken::new(TOKEN);
    let authorizer = wait(async {
        let caller = checker.check(&token).await.unwrap();
        Authorizer::from(tokens.authorizer(&caller, TRANSFER).await.unwrap())
    });
    let counted = allocation_counter::measure(|| {
        for _ in 0..100 {
            checker.check(&token).now_or_never().unwrap().unwrap();
            authorizer.authorization().now_or_never().unwrap().unwrap();
        }
    });
    assert_eq!(counted.count_total, 0);
}
