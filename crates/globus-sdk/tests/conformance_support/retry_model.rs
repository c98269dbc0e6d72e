//! What a recorded script must lead to, by the rules for deliberate differences. It knows nothing of the SDK;
//! where no rule applies it must come to what was recorded, which a test checks.

use std::collections::VecDeque;
use std::time::Duration;

use globus_sdk::Timestamp;
use serde_json::{Value, json};

use crate::conformance::Case;

/// When every case begins, in seconds since 1970-01-01 UTC.
pub(crate) const START: i64 = 1_760_000_000;

/// The longest wait that a service may ask for.
const MAX_WAIT: f64 = 300.0;

/// What a case comes to, in the form of `observed`.
#[derive(Debug, Clone)]
pub(crate) struct Observed {
    pub(crate) requests: Vec<Value>,
    pub(crate) token_requests: usize,
    pub(crate) sleeps: Vec<f64>,
    pub(crate) outcome: Value,
    /// The error must say how long the service asks to wait.
    pub(crate) says_how_long: bool,
}

impl Observed {
    pub(crate) fn recorded(case: &Case) -> Self {
        let observed = &case.whole["observed"];
        let mut outcome = observed["outcome"].clone();
        outcome.as_object_mut().unwrap().remove("unexpected_crash_in_python");
        Self {
            requests: observed["requests"].as_array().unwrap().clone(),
            token_requests: usize::try_from(observed["token_requests"].as_u64().unwrap()).unwrap(),
            sleeps: observed["sleeps"].as_array().unwrap().iter().map(|s| s.as_f64().unwrap()).collect(),
            outcome,
            says_how_long: false,
        }
    }
}

/// The rules that a case falls under by its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// A 401 is renewed once even after another failure.
    RenewAfterFailure,
    /// No sleep stands between a 401 and the renewal it causes.
    ReauthNoSleep,
    /// `Retry-After` is read and honoured otherwise than in Python.
    RetryAfter,
    /// A failure that leaves open whether the call was processed ends a call that is not idempotent.
    AmbiguousNotResent,
    /// What cannot help is not tried again.
    HopelessNotRetried,
    /// A value that Python stumbles over counts as absent.
    CrashIsAbsent,
}

/// The script of a case, with what the rule adds to it.
pub(crate) fn script(case: &Case) -> Vec<Value> {
    let mut script = case.whole["script"].as_array().unwrap().clone();
    if rules(case).contains(&Rule::RenewAfterFailure) {
        script.push(json!({"status": 200, "json": {
            "access_token": "AT_NEW", "scope": "urn:globus:auth:scope:search.api.globus.org:search",
            "expires_in": 172_800, "token_type": "Bearer", "resource_server": "search.api.globus.org",
            "other_tokens": [],
        }}));
        script.push(json!({"status": 200, "json": {"ok": true}}));
    }
    script
}

/// Everything that passes for a case.
pub(crate) fn accepted(case: &Case) -> Vec<Observed> {
    let rules = rules(case);
    let recorded = Observed::recorded(case);
    if rules.is_empty() {
        return vec![recorded];
    }
    let mut accepted = vec![by_the_rules(case)];
    if rules.contains(&Rule::ReauthNoSleep) || rules.contains(&Rule::RenewAfterFailure) {
        // Later sleeps may also be as if the renewal were no attempt.
        accepted.push(Model::new(case, false).play());
    }
    let constant = !case.whole["retry_config"]["constant_backoff"].is_null();
    let redirects = script(case).iter().any(|step| step["exception"] == "TooManyRedirects");
    let only = |rule| rules.iter().all(|other| *other == rule);
    if (constant && only(Rule::RetryAfter)) || (redirects && only(Rule::HopelessNotRetried)) {
        accepted.push(recorded);
    }
    accepted
}

/// What the case comes to by the rules.
pub(crate) fn by_the_rules(case: &Case) -> Observed {
    Model::new(case, true).play()
}

/// The rules that the content of a case asks for.
pub(crate) fn rules(case: &Case) -> Vec<Rule> {
    let observed = &case.whole["observed"];
    let used = usize::try_from(observed["script_steps_used"].as_u64().unwrap()).unwrap();
    let settings = Settings::of(&case.whole["retry_config"]);
    let script = case.whole["script"].as_array().unwrap();
    let mut rules = Vec::new();
    let mut failed_before = false;
    let mut renewed = false;
    let requests = observed["requests"].as_array().unwrap();
    for (position, (step, request)) in script.iter().take(used).zip(requests).enumerate() {
        let next = requests.get(position + 1);
        let own = !is_token_request(case, request);
        let status = step["status"].as_u64();
        let sent_again = next.is_some();
        if own && is_renewing(case) && status.is_some_and(|status| settings.expired.contains(&status)) {
            if next.is_some_and(|next| is_token_request(case, next)) {
                rules.push(Rule::ReauthNoSleep);
                renewed = true;
            } else if failed_before && !renewed && position < settings.max_retries {
                rules.push(Rule::RenewAfterFailure);
            }
        }
        if own
            && scopes_of_redrive(case, step).is_some()
            && next.is_some_and(|next| is_token_request(case, next))
        {
            rules.push(Rule::ReauthNoSleep);
        }
        let header = retry_after_header(step);
        if let (true, Some(text)) = (status.is_some_and(|s| settings.retry_after.contains(&s)), header) {
            let here = wait_asked(text, Timestamp::from_second(START).unwrap());
            let python = python_wait(text).map(|seconds| seconds.min(settings.max_sleep));
            if here != python || settings.constant_backoff.is_some() {
                rules.push(Rule::RetryAfter);
            }
        }
        let exception = step["exception"].as_str();
        if sent_again && matches!(exception, Some("SSLError" | "TooManyRedirects")) {
            rules.push(Rule::HopelessNotRetried);
        }
        if sent_again && own && !idempotent(case, request) && is_ambiguous(step) {
            rules.push(Rule::AmbiguousNotResent);
        }
        failed_before |= own;
    }
    // A token answer with several tokens is a failure here too, not something to read past.
    let crashed = observed["outcome"]["unexpected_crash_in_python"] == true;
    let at_token = used > 0 && script[used - 1]["json"].get("access_token").is_some();
    if crashed && !at_token {
        rules.push(Rule::CrashIsAbsent);
    }
    rules
}

fn is_renewing(case: &Case) -> bool {
    !is_login_client(case)
        && matches!(
            case.whole["authorizer"]["kind"].as_str().unwrap(),
            "refresh_token" | "refresh_token_confidential" | "client_credentials" | "client_app"
        )
}

/// The scopes of a login that an answer asks for, of an app that logs in then. What such a document may look like is
/// held to elsewhere (`gare.json`).
fn scopes_of_redrive(case: &Case, step: &Value) -> Option<String> {
    let document = &step["json"];
    if case.whole["authorizer"]["auto_redrive_gares"] != true || step["status"] != 403 {
        return None;
    }
    let required = document["authorization_parameters"].get("required_scopes");
    let required = required.or(document.get("required_scopes"))?.as_array()?;
    Some(required.iter().map(|scope| scope.as_str().unwrap()).collect::<Vec<_>>().join(" "))
}

fn is_login_client(case: &Case) -> bool {
    matches!(case.whole["client"].as_str(), Some("NativeAppAuthClient" | "ConfidentialAppAuthClient"))
}

/// Whether the request was made by the authorizer.
pub(crate) fn is_token_request(case: &Case, request: &Value) -> bool {
    !is_login_client(case) && request["host"] == "auth" && request["path"] == "/v2/oauth2/token"
}

/// Which calls may be sent again after an ambiguous failure.
fn idempotent(case: &Case, request: &Value) -> bool {
    match request["method"].as_str().unwrap() {
        "GET" | "HEAD" | "OPTIONS" | "PUT" | "DELETE" => true,
        _ => matches!(
            case.whole["call"]["method"].as_str().unwrap(),
            "cancel_task"
                | "endpoint_manager_cancel_tasks"
                | "cancel_run"
                | "submit_transfer"
                | "submit_delete"
                | "post_search"
                | "scroll"
                | "validate_flow"
                | "validate_run"
                | "oauth2_token_introspect"
                | "oauth2_revoke_token"
                | "oauth2_client_credentials_tokens"
                | "oauth2_refresh_token"
        ),
    }
}

/// Whether the service may have done the work before the failure.
fn is_ambiguous(step: &Value) -> bool {
    match (step["exception"].as_str(), step["status"].as_u64()) {
        (Some(exception), _) => !matches!(exception, "ConnectTimeout" | "SSLError" | "ProxyError"),
        (None, Some(status)) => matches!(status, 500 | 502 | 504),
        (None, None) => false,
    }
}

fn retry_after_header(step: &Value) -> Option<&str> {
    let headers = step["headers"].as_object()?;
    headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("retry-after"))?.1.as_str()
}

/// A number, perhaps with sign, fraction and blanks around it, or an HTTP date. `None`: as if absent.
fn wait_asked(text: &str, now: Timestamp) -> Option<f64> {
    let text = text.trim();
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_number = digits.contains(|c: char| c.is_ascii_digit())
        && digits.chars().all(|c| c.is_ascii_digit() || c == '.')
        && digits.matches('.').count() < 2;
    let seconds: f64 = if is_number {
        text.parse().unwrap()
    } else {
        let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
        date.duration_since(now).as_secs_f64()
    };
    (seconds > 0.0).then_some(seconds)
}

/// `int(text)` of Python, where it is not 0.
fn python_wait(text: &str) -> Option<f64> {
    let text = text.trim();
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let grouped =
        digits.split('_').all(|group| !group.is_empty() && group.chars().all(|c| c.is_ascii_digit()));
    let seconds: f64 = grouped.then(|| text.replace('_', "").parse().unwrap())?;
    (seconds != 0.0).then_some(seconds)
}

struct Settings {
    max_retries: usize,
    max_sleep: f64,
    constant_backoff: Option<f64>,
    transient: Vec<u64>,
    retry_after: Vec<u64>,
    expired: Vec<u64>,
}

impl Settings {
    fn of(config: &Value) -> Self {
        let list = |name: &str, default: &[u64]| match config[name].as_array() {
            Some(list) => list.iter().map(|status| status.as_u64().unwrap()).collect(),
            None => default.to_vec(),
        };
        Self {
            max_retries: config["max_retries"].as_u64().map_or(5, |n| usize::try_from(n).unwrap()),
            max_sleep: config["max_sleep"].as_f64().unwrap_or(10.0),
            constant_backoff: config["constant_backoff"].as_f64(),
            transient: list("transient_error_status_codes", &[429, 500, 502, 503, 504]),
            retry_after: list("retry_after_status_codes", &[429, 503]),
            expired: list("expired_authorization_status_codes", &[401]),
        }
    }
}

/// Plays a script by the rules.
struct Model<'a> {
    case: &'a Case,
    script: VecDeque<Value>,
    /// Whether a renewal counts as an attempt.
    renewal_counts: bool,
    token: Option<String>,
    refresh_token: String,
    observed: Observed,
}

enum Next {
    Again(f64),
    End,
    EndSayingHowLong,
}

impl<'a> Model<'a> {
    fn new(case: &'a Case, renewal_counts: bool) -> Self {
        let authorizer = &case.whole["authorizer"];
        // A token that has expired is as good as none.
        let good = authorizer["expires_at"].as_i64().is_some_and(|expiry| expiry > START + 60);
        Self {
            case,
            script: script(case).into(),
            renewal_counts,
            token: good.then(|| authorizer["access_token"].as_str().unwrap().to_owned()),
            refresh_token: "RT_OLD".to_owned(),
            observed: Observed {
                requests: Vec::new(),
                token_requests: 0,
                sleeps: Vec::new(),
                outcome: Value::Null,
                says_how_long: false,
            },
        }
    }

    fn play(mut self) -> Observed {
        let outcome = self.call().unwrap_or_else(|failed| failed);
        self.observed.outcome = outcome;
        self.observed
    }

    /// The service's own call. A failed renewal is the `Err`.
    fn call(&mut self) -> Result<Value, Value> {
        let settings = Settings::of(&self.case.whole["retry_config"]);
        let mut request = self.service_request();
        let (mut attempt, mut renewed, mut logged_in) = (0, false, false);
        loop {
            if is_renewing(self.case) {
                if self.token.is_none() {
                    self.renew(&self.token_request())?;
                }
                request["authorization"] = json!(format!("Bearer {}", self.token.as_deref().unwrap()));
            }
            let step = self.send(request.clone());
            let expired = step["status"].as_u64().is_some_and(|status| settings.expired.contains(&status));
            if expired && is_renewing(self.case) && !renewed {
                renewed = true;
                self.token = None;
                if attempt < settings.max_retries {
                    attempt += usize::from(self.renewal_counts);
                    continue;
                }
            }
            let required = scopes_of_redrive(self.case, &step).filter(|_| !logged_in);
            if let Some(required) = required.filter(|_| attempt < settings.max_retries) {
                logged_in = true;
                self.renew(&self.login_request(&required))?;
                attempt += usize::from(self.renewal_counts);
                continue;
            }
            let service = self.service_error();
            if let Some(outcome) = self.judge(&settings, &step, attempt, &request, service) {
                return Ok(outcome);
            }
            attempt += 1;
        }
    }

    /// The token endpoint, with the login client's own retries.
    fn renew(&mut self, request: &Value) -> Result<(), Value> {
        let settings = Settings::of(&Value::Null);
        for attempt in 0.. {
            self.observed.token_requests += 1;
            let step = self.send(request.clone());
            if step["status"] == 200 {
                let answer = &step["json"];
                if answer["other_tokens"].as_array().is_some_and(|others| !others.is_empty()) {
                    return Err(json!({"ok": false, "error": "ValueError"}));
                }
                self.token = answer["access_token"].as_str().map(str::to_owned);
                if let Some(rotated) = answer["refresh_token"].as_str() {
                    rotated.clone_into(&mut self.refresh_token);
                }
                return Ok(());
            }
            if let Some(outcome) = self.judge(&settings, &step, attempt, request, "AuthAPIError") {
                return Err(outcome);
            }
        }
        unreachable!("the retries have an end")
    }

    fn send(&mut self, request: Value) -> Value {
        self.observed.requests.push(request);
        self.script.pop_front().unwrap_or_else(|| json!({"exception": "end of the script"}))
    }

    /// The outcome, or `None` after a sleep where another attempt follows.
    fn judge(
        &mut self,
        settings: &Settings,
        step: &Value,
        attempt: usize,
        request: &Value,
        service: &str,
    ) -> Option<Value> {
        let outcome = match (step["exception"].as_str(), step["status"].as_u64().unwrap_or(200)) {
            (None, status @ 200..400) => return Some(json!({"ok": true, "http_status": status})),
            (None, status) => json!({"ok": false, "error": service, "http_status": status}),
            (Some(exception), _) => json!({"ok": false, "error": match exception {
                "ConnectTimeout" => "GlobusConnectionTimeoutError",
                "ReadTimeout" => "GlobusTimeoutError",
                "ConnectionError" | "SSLError" | "ProxyError" => "GlobusConnectionError",
                _ => "NetworkError",
            }}),
        };
        match self.next(settings, step, attempt, request) {
            Next::Again(wait) if attempt < settings.max_retries => {
                self.observed.sleeps.push(wait);
                None
            }
            Next::EndSayingHowLong => {
                self.observed.says_how_long = true;
                Some(outcome)
            }
            Next::Again(_) | Next::End => Some(outcome),
        }
    }

    fn next(&self, settings: &Settings, step: &Value, attempt: usize, request: &Value) -> Next {
        let random = self.case.whole["random"].as_f64().unwrap();
        let growing = (0.25 + 0.5 * random) * 2_f64.powi(i32::try_from(attempt).unwrap());
        let backoff = settings.constant_backoff.unwrap_or(growing).min(settings.max_sleep);
        let may_be_done_twice = idempotent(self.case, request) || is_token_request(self.case, request);
        if let Some(exception) = step["exception"].as_str() {
            let hopeless = matches!(exception, "SSLError" | "TooManyRedirects");
            let again = !hopeless && (may_be_done_twice || !is_ambiguous(step));
            return if again { Next::Again(backoff) } else { Next::End };
        }
        let status = step["status"].as_u64().unwrap_or(200);
        if settings.retry_after.contains(&status) {
            let slept: f64 = self.observed.sleeps.iter().sum();
            let now = Timestamp::from_second(START).unwrap() + Duration::from_secs_f64(slept);
            return match retry_after_header(step).and_then(|text| wait_asked(text, now)) {
                Some(wait) if wait > MAX_WAIT => Next::EndSayingHowLong,
                Some(wait) => Next::Again(wait),
                None => Next::Again(backoff),
            };
        }
        let code = step["json"]["code"].as_str().unwrap_or_default();
        let behind_transfer = self.case.whole["client"] == "TransferClient"
            && (code.contains("ExternalError") || code.contains("EndpointError"));
        let again = settings.transient.contains(&status)
            && !behind_transfer
            && (may_be_done_twice || !is_ambiguous(step));
        if again { Next::Again(backoff) } else { Next::End }
    }

    fn service_request(&self) -> Value {
        let requests = self.case.whole["observed"]["requests"].as_array().unwrap();
        requests.iter().find(|request| !is_token_request(self.case, request)).unwrap().clone()
    }

    fn service_error(&self) -> &'static str {
        match self.case.whole["client"].as_str().unwrap() {
            "AuthClient" | "NativeAppAuthClient" | "ConfidentialAppAuthClient" => "AuthAPIError",
            "TransferClient" | "TransferClientV2" => "TransferAPIError",
            "GroupsClient" => "GroupsAPIError",
            "SearchClient" => "SearchAPIError",
            "FlowsClient" => "FlowsAPIError",
            "TimersClient" => "TimersAPIError",
            "ComputeClientV2" | "ComputeClientV3" => "ComputeAPIError",
            "GCSClient" => "GCSAPIError",
            other => panic!("no such client: {other}"),
        }
    }

    fn token_request(&self) -> Value {
        let basic = "Basic MDAwMDAwMDAtMDAwMC00MDAwLTgwMDAtMDAwMDAwMDAwMDgxOnMzY3IzdA==";
        let (authorization, form) = match self.case.whole["authorizer"]["kind"].as_str().unwrap() {
            "refresh_token" => (
                Value::Null,
                json!([
                    ["client_id", "00000000-0000-4000-8000-000000000080"],
                    ["grant_type", "refresh_token"],
                    ["refresh_token", self.refresh_token],
                ]),
            ),
            "refresh_token_confidential" => (
                json!(basic),
                json!([["grant_type", "refresh_token"], ["refresh_token", self.refresh_token],]),
            ),
            "client_credentials" => (
                json!(basic),
                json!([
                    ["grant_type", "client_credentials"],
                    ["scope", "urn:globus:auth:scope:search.api.globus.org:search"],
                ]),
            ),
            "client_app" => {
                (json!(basic), json!([["grant_type", "client_credentials"], ["scope", self.scopes_of_app()]]))
            }
            other => panic!("{other} renews nothing"),
        };
        json!({
            "method": "POST", "host": "auth", "path": "/v2/oauth2/token",
            "authorization": authorization, "form": form,
        })
    }

    /// What an app needs for the service that is called: the scopes of the first token request.
    fn scopes_of_app(&self) -> String {
        let requests = self.case.whole["observed"]["requests"].as_array().unwrap();
        let first = requests.iter().find(|request| is_token_request(self.case, request)).unwrap();
        let form = first["form"].as_array().unwrap();
        form.iter().find(|pair| pair[0] == "scope").unwrap()[1].as_str().unwrap().to_owned()
    }

    /// The request of a login: for everything that the app needs, and what the service asks for.
    fn login_request(&self, required: &str) -> Value {
        let mut request = self.token_request();
        request["form"][1][1] = json!(format!("{} openid {required}", self.scopes_of_app()));
        request
    }
}
