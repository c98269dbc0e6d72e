//! Logins: from the address that the person opens to the exchange of the code.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use url::Url;

use crate::compare;
use crate::conformance::{Case, Outcome, difference};
use crate::flows;
use crate::playback::{self, Playback};
use crate::requests::{self, judge, only, text};

pub(crate) async fn authorize_url(case: &Case) -> Outcome {
    let playback = Playback::new([playback::Step::json(200, &flows::tokens())]);
    let login = flows::Login::new(&case.whole["client"], &case.whole["client_args"], &playback);
    let starts = case.whole["method"] == "oauth2_start_flow";
    let (flow_args, url_args) =
        if starts { (&case.whole["args"], &json!({})) } else { (setup(case), &case.whole["args"]) };
    let (flow, again) = (login.start(flow_args).unwrap(), login.start(flow_args).unwrap());
    let Some(url) = flows::authorize_url(&flow, url_args) else { return Outcome::Pending };
    let url = url.unwrap();
    let expected = &case.whole["request"];
    let place = json!([compare::host(&url), compare::segments(url.path())]);
    let expected_place = json!([expected["host"], compare::segments(expected["path"].as_str().unwrap())]);
    let parameters = compare::recorded_pairs(&expected["query"]);
    let made_up = parameters.iter().any(|(_, value)| value == "$GENERATED_CHALLENGE");
    let differs = difference(&expected_place, &place)
        .or_else(|| flows::authorize_difference(parameters, flow_args, &flow, &again, &url));
    if differs.is_some() || !made_up {
        return Outcome::of(differs);
    }
    // The challenge belongs to the verifier of this login, and only the exchange shows that.
    flow.oauth2_exchange_code_for_tokens("CODE").await.unwrap();
    let verifier = playback.sent()[0].form_field("code_verifier").unwrap();
    let challenge = |url: &Url| {
        let mut pairs = url.query_pairs().into_owned();
        pairs.find(|(name, _)| name == "code_challenge").unwrap().1
    };
    let (own, other) = (challenge(&url), challenge(&again.authorize_url().unwrap()));
    let belongs = own == URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
    Outcome::of((!belongs || own == other).then(|| "the challenge is not this login's own".to_owned()))
}

/// The arguments of the login that was started first.
fn setup(case: &Case) -> &Value {
    let calls = case.whole["setup"].as_array().unwrap();
    &calls.iter().find(|call| call["method"] == "oauth2_start_flow").unwrap()["args"]
}

pub(crate) async fn exchange(case: &Case) -> Outcome {
    let playback = requests::playback(case);
    let login = flows::Login::new(&case.whole["client"], &case.whole["client_args"], &playback);
    let flow = login.start(setup(case)).unwrap();
    only(&case.whole["args"], &["auth_code"]);
    let result = flow.oauth2_exchange_code_for_tokens(text(&case.whole["args"], "auth_code")).await;
    judge(case, &playback, result)
}
