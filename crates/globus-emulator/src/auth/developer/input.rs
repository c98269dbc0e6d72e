//! The documents that developers send, read with every fault in them noted.

use std::collections::BTreeSet;

use http::StatusCode;
use serde_json::{Map, Value, json};
use url::{Host, Url};
use uuid::Uuid;

use crate::call::Call;
use crate::failure::Failure;

/// The document under the one member that a body has, such as `project`.
///
/// What is wrong in it is noted while it is read, and told all at once by [`Document::check`]. Members that are
/// not read are ignored.
pub(super) struct Document {
    kind: &'static str,
    members: Map<String, Value>,
    faults: Vec<(String, String)>,
    request_id: String,
}

impl Document {
    pub(super) fn of(call: &Call, kind: &'static str) -> Result<Self, Failure> {
        let mut body: Map<String, Value> = call.json()?;
        let Some(Value::Object(members)) = body.remove(kind) else {
            let message = format!("The body must be a JSON object with an object under {kind:?}");
            return Err(Failure::bad_request("BAD_REQUEST", message));
        };
        Ok(Self { kind, members, faults: Vec::new(), request_id: call.request_id.clone() })
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.members.contains_key(name)
    }

    pub(super) fn fault(&mut self, name: &str, message: impl Into<String>) {
        self.faults.push((name.to_owned(), message.into()));
    }

    /// Refuses the document if anything was wrong in it.
    pub(super) fn check(&self) -> Result<(), Failure> {
        if self.faults.is_empty() {
            return Ok(());
        }
        let kind = self.kind;
        let told: Vec<String> = self.faults.iter().map(|(name, fault)| format!("{name}: {fault}")).collect();
        let errors: Vec<Value> = self
            .faults
            .iter()
            .zip(&told)
            .map(|((name, _), told)| {
                json!({
                    "status": "422", "id": self.request_id, "code": "UNPROCESSABLE_ENTITY",
                    "title": format!("The {kind} is refused"), "detail": told,
                    "source": {"pointer": format!("/{kind}/{name}")},
                })
            })
            .collect();
        let failure = Failure::new(StatusCode::UNPROCESSABLE_ENTITY, "UNPROCESSABLE_ENTITY", told.join("; "));
        Err(failure.with("errors", errors))
    }

    /// What `read` makes of a member; nothing when it is not there, or is wrong.
    fn read<T>(&mut self, name: &str, expected: &str, read: impl FnOnce(&Value) -> Option<T>) -> Option<T> {
        let read = read(self.members.get(name)?);
        if read.is_none() {
            self.fault(name, format!("must be {expected}"));
        }
        read
    }

    /// Puts a member that may be null into its place; one that is not there changes nothing.
    fn put<T>(
        &mut self,
        name: &str,
        place: &mut Option<T>,
        expected: &str,
        read: impl FnOnce(&Value) -> Option<T>,
    ) {
        match self.members.get(name).map(|value| (value.is_null(), read(value))) {
            None => {}
            Some((true, _)) => *place = None,
            Some((false, None)) => self.fault(name, format!("must be {expected}, or null")),
            Some((false, read)) => *place = read,
        }
    }

    fn missing(&mut self, name: &str) {
        if !self.has(name) {
            self.fault(name, "is missing");
        }
    }

    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        self.read(name, "a text in one line that is not empty", line)
    }

    pub(super) fn required_text(&mut self, name: &str) -> String {
        self.missing(name);
        self.text(name).unwrap_or_default()
    }

    /// A text that may have several lines.
    pub(super) fn prose(&mut self, name: &str) -> Option<String> {
        self.read(name, "a text", |value| value.as_str().map(str::to_owned))
    }

    pub(super) fn required_prose(&mut self, name: &str) -> String {
        self.missing(name);
        self.prose(name).unwrap_or_default()
    }

    pub(super) fn email(&mut self, name: &str) -> Option<String> {
        self.read(name, "an email address", |value| {
            let address = line(value)?;
            let (user, domain) = address.rsplit_once('@')?;
            (!user.is_empty() && !domain.is_empty() && !address.contains(' ')).then_some(address)
        })
    }

    pub(super) fn required_email(&mut self, name: &str) -> String {
        self.missing(name);
        self.email(name).unwrap_or_default()
    }

    pub(super) fn boolean(&mut self, name: &str) -> Option<bool> {
        self.read(name, "true or false", Value::as_bool)
    }

    pub(super) fn one_of(&mut self, name: &str, allowed: &[&str]) -> Option<String> {
        let expected = format!("one of {}", allowed.join(", "));
        self.read(name, &expected, |value| {
            value.as_str().filter(|text| allowed.contains(text)).map(str::to_owned)
        })
    }

    pub(super) fn put_seconds(&mut self, name: &str, place: &mut Option<i64>) {
        let positive = |value: &Value| value.as_i64().filter(|seconds| *seconds > 0);
        self.put(name, place, "a whole number of seconds above 0", positive);
    }

    pub(super) fn uuid(&mut self, name: &str) -> Option<String> {
        self.read(name, "a UUID", uuid)
    }

    pub(super) fn required_uuid(&mut self, name: &str) -> String {
        self.missing(name);
        self.uuid(name).unwrap_or_default()
    }

    pub(super) fn put_uuid(&mut self, name: &str, place: &mut Option<String>) {
        self.put(name, place, "a UUID", uuid);
    }

    /// UUIDs, each once; null counts as none.
    pub(super) fn put_uuids(&mut self, name: &str, place: &mut Vec<String>) {
        let mut ids = Some(std::mem::take(place));
        self.put(name, &mut ids, "a list of UUIDs", |value| list(value, uuid));
        let mut known = BTreeSet::new();
        place.extend(ids.into_iter().flatten().filter(|id| known.insert(id.clone())));
    }

    /// Domains in lower case.
    pub(super) fn put_domains(&mut self, name: &str, place: &mut Option<Vec<String>>) {
        self.put(name, place, "a list of domains", |value| list(value, domain));
    }

    /// Addresses that people may be sent back to.
    pub(super) fn redirect_uris(&mut self, name: &str) -> Option<Vec<String>> {
        let expected = "a list of https addresses without fragment; http only on localhost";
        self.read(name, expected, |value| list(value, redirect_uri))
    }

    /// The two pages of a client, both or none.
    pub(super) fn links(&mut self) -> Option<[Option<String>; 2]> {
        let expected = "an object with addresses, or nulls, as both terms_and_conditions and privacy_policy";
        self.read("links", expected, |value| {
            let page = |name: &str| match value.get(name) {
                None => None,
                Some(Value::Null) => Some(None),
                Some(page) => web_page(page).map(Some),
            };
            let (terms, privacy) = (page("terms_and_conditions")?, page("privacy_policy")?);
            (terms.is_some() == privacy.is_some()).then_some([terms, privacy])
        })
    }

    /// The elements of a list of objects, for the caller to read.
    pub(super) fn objects(&mut self, name: &str) -> Option<Vec<Map<String, Value>>> {
        self.read(name, "a list of objects", |value| list(value, |item| item.as_object().cloned()))
    }
}

fn list<T>(value: &Value, read: impl Fn(&Value) -> Option<T>) -> Option<Vec<T>> {
    value.as_array()?.iter().map(read).collect()
}

fn line(value: &Value) -> Option<String> {
    let text = value.as_str()?.trim();
    (!text.is_empty() && !text.contains(char::is_control)).then(|| text.to_owned())
}

pub(super) fn uuid(value: &Value) -> Option<String> {
    Uuid::try_parse(value.as_str()?).ok().map(|id| id.to_string())
}

fn domain(value: &Value) -> Option<String> {
    let domain = value.as_str()?.to_ascii_lowercase();
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_*".contains(&byte);
    (!domain.is_empty() && domain.bytes().all(allowed)).then_some(domain)
}

fn web_page(value: &Value) -> Option<String> {
    let url = Url::parse(value.as_str()?).ok()?;
    matches!(url.scheme(), "http" | "https").then(|| value.as_str().map(str::to_owned))?
}

fn redirect_uri(value: &Value) -> Option<String> {
    let text = value.as_str()?;
    let url = Url::parse(text).ok()?;
    let here = match url.host()? {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(ip) => ip.is_loopback(),
        Host::Ipv6(ip) => ip.is_loopback(),
    };
    let safe = url.scheme() == "https" || (url.scheme() == "http" && here);
    (safe && url.fragment().is_none()).then(|| text.to_owned())
}
