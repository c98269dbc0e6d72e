//! Faults: requests that are refused, slowed down, cut off or spoilt on purpose.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use regex::Regex;
use serde_json::Value;

use crate::service::Service;

/// A fault that the emulator commits on requests that match it.
///
/// Without a matcher it meets every request to a service; without [`times`](Self::times) it meets them until
/// it is removed. The first fault that matches a request wins.
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
/// # runtime.block_on(async {
/// use globus_emulator::{Emulator, Fault, Service};
///
/// let emulator = Emulator::builder().start().await?;
/// emulator.faults().add(Fault::status(503).service(Service::Transfer).header("Retry-After", "2").times(1));
/// # Ok::<(), globus_emulator::StartError>(()) }).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct Fault {
    service: Option<Service>,
    method: Option<String>,
    path: Option<Regex>,
    client: Option<String>,
    grant_type: Option<String>,
    left: Option<u64>,
    after: u64,
    probability: Option<f64>,
    pub(crate) effect: Effect,
}

/// What a fault does to a request that it meets.
#[derive(Debug, Clone, Default)]
pub(crate) struct Effect {
    pub(crate) kind: Kind,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) content_type: Option<String>,
    pub(crate) body: Option<Value>,
    pub(crate) latency: Duration,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The request is processed; latency, headers and body of the fault apply.
    #[default]
    Pass,
    /// The request is not processed and this status is answered.
    Status(u16),
    /// The connection ends before the request is processed.
    CutBefore,
    /// The request is processed and the connection ends before it is answered.
    CutAfter,
    /// The request is processed and the connection ends after so many bytes of the body.
    Truncate(usize),
}

impl Fault {
    fn new(kind: Kind) -> Self {
        Self {
            service: None,
            method: None,
            path: None,
            client: None,
            grant_type: None,
            left: None,
            after: 0,
            probability: None,
            effect: Effect { kind, ..Effect::default() },
        }
    }

    /// Answers a status without processing the request, in the service's own error shape unless a
    /// [`body`](Self::body) is given.
    pub fn status(status: u16) -> Self {
        Self::new(Kind::Status(status))
    }

    /// Processes the request, and answers after waiting so long. The wait is real time, not emulated time.
    pub fn latency(latency: Duration) -> Self {
        Self::new(Kind::Pass).delayed(latency)
    }

    /// Cuts the connection before the request has an effect.
    pub fn cut_before() -> Self {
        Self::new(Kind::CutBefore)
    }

    /// Cuts the connection after the request had its effect: the caller cannot know that it had.
    pub fn cut_after() -> Self {
        Self::new(Kind::CutAfter)
    }

    /// Processes the request and cuts the connection after so many bytes of the answer's body.
    pub fn truncate(bytes: usize) -> Self {
        Self::new(Kind::Truncate(bytes))
    }

    /// Processes the request and answers this content type in place of the true one.
    pub fn content_type(content_type: impl Into<String>) -> Self {
        let mut fault = Self::new(Kind::Pass);
        fault.effect.content_type = Some(content_type.into());
        fault
    }

    /// Processes the request and answers this body in place of the true one. A text is answered as it is,
    /// anything else as JSON.
    pub fn replace_body(body: impl Into<Value>) -> Self {
        Self::new(Kind::Pass).body(body)
    }

    /// Only requests to this service.
    #[must_use]
    pub fn service(mut self, service: Service) -> Self {
        self.service = Some(service);
        self
    }

    /// Only requests with this method.
    #[must_use]
    pub fn method(mut self, method: impl Into<String>) -> Self {
        self.method = Some(method.into());
        self
    }

    /// Only requests whose path, without the service's prefix, matches a regular expression.
    ///
    /// # Panics
    ///
    /// When the text is no regular expression.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test's own constant; the panic is documented")]
    pub fn path(mut self, pattern: &str) -> Self {
        self.path = Some(Regex::new(pattern).expect("a regular expression for paths"));
        self
    }

    /// Only requests of this client.
    #[must_use]
    pub fn client(mut self, client: impl Into<String>) -> Self {
        self.client = Some(client.into());
        self
    }

    /// Only token requests with this grant type.
    #[must_use]
    pub fn grant_type(mut self, grant_type: impl Into<String>) -> Self {
        self.grant_type = Some(grant_type.into());
        self
    }

    /// Ends after meeting so many requests.
    #[must_use]
    pub fn times(mut self, count: u64) -> Self {
        self.left = Some(count);
        self
    }

    /// Lets so many matching requests pass first.
    #[must_use]
    pub fn after(mut self, count: u64) -> Self {
        self.after = count;
        self
    }

    /// Meets a matching request only with this probability, 0 to 1; see [`Faults::seed`].
    #[must_use]
    pub fn probability(mut self, probability: f64) -> Self {
        self.probability = Some(probability);
        self
    }

    /// Adds a header to the answer.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.effect.headers.push((name.into(), value.into()));
        self
    }

    /// Sets the answer's body. A text is answered as it is, anything else as JSON.
    #[must_use]
    pub fn body(mut self, body: impl Into<Value>) -> Self {
        self.effect.body = Some(body.into());
        self
    }

    /// Waits so long (real time) before the answer, or before the cut.
    #[must_use]
    pub fn delayed(mut self, latency: Duration) -> Self {
        self.effect.latency = latency;
        self
    }

    pub(crate) fn set_content_type(mut self, content_type: impl Into<String>) -> Self {
        self.effect.content_type = Some(content_type.into());
        self
    }

    pub(crate) fn with_path(mut self, path: Regex) -> Self {
        self.path = Some(path);
        self
    }

    fn matches(&self, met: &Met<'_>) -> bool {
        self.left != Some(0)
            && self.service.is_none_or(|service| service == met.service)
            && self.method.as_deref().is_none_or(|method| method.eq_ignore_ascii_case(met.method))
            && self.path.as_ref().is_none_or(|path| path.is_match(met.path))
            && self.client.as_deref().is_none_or(|client| met.client == Some(client))
            && self.grant_type.as_deref().is_none_or(|grant| met.grant_type == Some(grant))
    }
}

impl Effect {
    /// The headers that the fault adds. Names or values that HTTP does not allow are left out.
    pub(crate) fn header_map(&self) -> HeaderMap {
        let content_type = self.content_type.iter().map(|value| ("content-type", value.as_str()));
        let given = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        given
            .chain(content_type)
            .filter_map(|(name, value)| {
                Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?))
            })
            .collect()
    }
}

/// What a request shows to the matchers.
#[derive(Debug)]
pub(crate) struct Met<'r> {
    pub(crate) service: Service,
    pub(crate) method: &'r str,
    pub(crate) path: &'r str,
    pub(crate) client: Option<&'r str>,
    pub(crate) grant_type: Option<&'r str>,
}

/// The faults of one emulator.
#[derive(Debug, Default)]
pub struct Faults(Mutex<Active>);

#[derive(Debug, Default)]
struct Active {
    next_id: u64,
    chance: u64,
    faults: Vec<(u64, Fault)>,
}

impl Faults {
    /// Adds a fault after those that are there; answers its number.
    pub fn add(&self, fault: Fault) -> u64 {
        let mut active = self.lock();
        active.next_id += 1;
        let id = active.next_id;
        active.faults.push((id, fault));
        id
    }

    /// Removes a fault by its number; answers whether it was there.
    pub fn remove(&self, id: u64) -> bool {
        let mut active = self.lock();
        let before = active.faults.len();
        active.faults.retain(|(known, _)| *known != id);
        active.faults.len() < before
    }

    /// Removes every fault.
    pub fn clear(&self) {
        self.lock().faults.clear();
    }

    /// How many faults are waiting for requests.
    pub fn len(&self) -> usize {
        self.lock().faults.len()
    }

    /// Whether no fault is waiting.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Makes the probabilities repeatable: the same seed and the same requests meet the same faults.
    pub fn seed(&self, seed: u64) {
        self.lock().chance = seed;
    }

    /// The number of every fault, and how many requests it will still meet (nothing: until removed).
    pub(crate) fn list(&self) -> Vec<(u64, Option<u64>)> {
        self.lock().faults.iter().map(|(id, fault)| (*id, fault.left)).collect()
    }

    /// The fault that this request meets, counted.
    pub(crate) fn meet(&self, met: &Met<'_>) -> Option<(u64, Effect)> {
        let mut active = self.lock();
        let Active { chance, faults, .. } = &mut *active;
        let place = faults.iter_mut().position(|(_, fault)| {
            if !fault.matches(met) {
                return false;
            }
            if fault.after > 0 {
                fault.after -= 1;
                return false;
            }
            fault.probability.is_none_or(|probability| draw(chance) < probability)
        })?;
        let (id, fault) = &mut faults[place];
        let hit = (*id, fault.effect.clone());
        if let Some(left) = &mut fault.left {
            *left = left.saturating_sub(1);
            if *left == 0 {
                faults.remove(place);
            }
        }
        Some(hit)
    }

    fn lock(&self) -> MutexGuard<'_, Active> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The next number from 0 to 1 of a seeded sequence (the generator `SplitMix64`).
fn draw(state: &mut u64) -> f64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^= mixed >> 31;
    let top = u32::try_from(mixed >> 32).unwrap_or(u32::MAX);
    f64::from(top) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn met(path: &str) -> Met<'_> {
        Met { service: Service::Auth, method: "POST", path, client: Some("c"), grant_type: Some("g") }
    }

    #[test]
    fn a_fault_meets_only_what_it_names_and_so_often() {
        let faults = Faults::default();
        faults.add(Fault::status(500).service(Service::Transfer));
        faults
            .add(Fault::status(503).path("^/v2/oauth2/token$").client("c").grant_type("g").after(1).times(1));
        assert!(faults.meet(&met("/other")).is_none());
        assert!(faults.meet(&met("/v2/oauth2/token")).is_none());
        assert_eq!(faults.meet(&met("/v2/oauth2/token")).unwrap().1.kind, Kind::Status(503));
        assert!(faults.meet(&met("/v2/oauth2/token")).is_none());
        assert_eq!(faults.len(), 1);
    }

    #[test]
    fn a_seed_repeats_the_chances() {
        let run = |seed| {
            let faults = Faults::default();
            faults.seed(seed);
            faults.add(Fault::cut_before().probability(0.5));
            (0..64).map(|_| faults.meet(&met("/")).is_some()).collect::<Vec<_>>()
        };
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
        assert!(run(7).contains(&true) && run(7).contains(&false));
    }
}
