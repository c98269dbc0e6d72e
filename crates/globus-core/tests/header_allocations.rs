//! The header of a token that is good costs no allocation.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use futures_util::FutureExt;
use globus_core::{
    AccessTokenAuthorizer, Authorizer, RefreshToken, RefreshTokenAuthorizer, Result, Scopes, TokenGrants,
    TokenResponse,
};

#[derive(Debug, Clone)]
struct NoGrants;

impl TokenGrants for NoGrants {
    async fn refresh(&self, _: &RefreshToken) -> Result<TokenResponse> {
        unreachable!("the token is good")
    }

    async fn client_credentials(&self, _: &Scopes) -> Result<TokenResponse> {
        unreachable!("the token is good")
    }
}

#[test]
fn a_good_token_costs_no_allocation() {
    let builder = RefreshTokenAuthorizer::builder("RT", &NoGrants);
    let renewing = builder.access_token("AgExample", i64::MAX).build().unwrap();
    for authorizer in [Authorizer::from(renewing), AccessTokenAuthorizer::new("AgExample").into()] {
        // The first use of the clock may set something up.
        authorizer.authorization().now_or_never().unwrap().unwrap();
        let counted = allocation_counter::measure(|| {
            for _ in 0..1000 {
                let header = authorizer.authorization().now_or_never().unwrap().unwrap();
                assert!(header.header().is_some());
            }
        });
        assert_eq!(counted.count_total, 0);
    }
    // The counter counts.
    assert_eq!(allocation_counter::measure(|| drop(std::hint::black_box(Box::new(1)))).count_total, 1);
}
