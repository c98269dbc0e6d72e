//! How the body of an error is read. Services write three formats (JSON:API, a flat document with `code` and
//! `message`, and neither); Auth, Flows and Timers have habits of their own.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::service::Service;
use super::{Document, SubError};

const MESSAGE_FIELDS: &[&str] = &["message", "detail", "title"];
const JSON_API_FIELDS: &[&str] = &["detail", "title"];
const TIMERS_FIELDS: &[&str] = &["msg"];
const JSON_API: &str = "application/vnd.api+json";

/// What was found in the body of an error.
#[derive(Clone, Default)]
pub(super) struct Findings {
    pub(super) code: Option<String>,
    pub(super) messages: Vec<String>,
    pub(super) request_id: Option<String>,
    pub(super) sub_errors: SubErrors,
}

/// Where in the body the sub-documents are, and which of their members hold a message.
#[derive(Clone, Copy, Default)]
pub(super) struct SubErrors {
    place: Place,
    fields: &'static [&'static str],
}

#[derive(Clone, Copy, Default)]
enum Place {
    #[default]
    Nowhere,
    /// The body as a whole.
    Body,
    /// A member of the body: an object, or a list of them.
    Member(&'static str),
}

impl SubErrors {
    fn member(name: &'static str, fields: &'static [&'static str]) -> Self {
        Self { place: Place::Member(name), fields }
    }

    /// The rule for everything but JSON:API: the list `errors` if it is one of objects, else the body itself.
    fn usual(body: &Document) -> Self {
        let place =
            if is_list_of_objects(body.get("errors")) { Place::Member("errors") } else { Place::Body };
        Self { place, fields: MESSAGE_FIELDS }
    }

    pub(super) fn read<'a>(&self, body: &'a Document) -> Vec<SubError<'a>> {
        let documents: Vec<&Document> = match self.place {
            Place::Nowhere => Vec::new(),
            Place::Body => vec![body],
            Place::Member(name) => match body.get(name) {
                Some(Value::Object(document)) => vec![document],
                Some(Value::Array(list)) => list.iter().filter_map(Value::as_object).collect(),
                _ => Vec::new(),
            },
        };
        documents.into_iter().map(|raw| SubError::read(raw, self.fields)).collect()
    }
}

impl<'a> SubError<'a> {
    fn read(raw: &'a Document, fields: &[&str]) -> Self {
        let message = fields.iter().find_map(|field| text_of(raw, field));
        Self { code: text_of(raw, "code"), message, raw }
    }
}

impl Findings {
    pub(super) fn read(service: Service, media_type: &str, body: &Document) -> Self {
        let is_json_api = media_type.eq_ignore_ascii_case(JSON_API);
        let mut findings = if is_json_api && has_errors(body) {
            Self::from_sub_errors(SubErrors::member("errors", JSON_API_FIELDS), body)
        } else if let Some(flat) = (!is_json_api).then(|| Self::flat(body)).flatten() {
            flat
        } else {
            match service {
                Service::Flows => Self::flows(body),
                Service::Timers => Self::timers(body),
                _ => None,
            }
            .unwrap_or_else(|| Self::undefined(body))
        };
        if service == Service::Auth {
            findings.take_error_id(body);
        }
        findings.take_oauth2(body);
        findings
    }

    /// Code and messages from the sub-documents alone.
    fn from_sub_errors(sub_errors: SubErrors, body: &Document) -> Self {
        let documents = sub_errors.read(body);
        Self { code: shared_code(&documents), messages: messages(&documents), request_id: None, sub_errors }
    }

    /// The flat document, where `code` and `message` are texts and so is `request_id` if it is there.
    fn flat(body: &Document) -> Option<Self> {
        let code = text_of(body, "code")?;
        let message = text_of(body, "message")?;
        let request_id = match body.get("request_id") {
            None => None,
            Some(id) => Some(id.as_str()?.to_owned()),
        };
        Some(Self {
            code: Some(code.to_owned()),
            messages: vec![message.to_owned()],
            request_id,
            sub_errors: SubErrors::usual(body),
        })
    }

    fn undefined(body: &Document) -> Self {
        let mut findings = Self::from_sub_errors(SubErrors::usual(body), body);
        if let Some(code) = text_of(body, "code") {
            findings.code = Some(code.to_owned());
        }
        if findings.sub_errors.read(body).is_empty() {
            findings.messages = messages(&[SubError::read(body, MESSAGE_FIELDS)]);
        }
        findings
    }

    /// Flows: an object `error`, whose `detail` may be a list of validation errors.
    fn flows(body: &Document) -> Option<Self> {
        let error = body.get("error")?.as_object()?;
        let mut findings = Self::from_sub_errors(SubErrors::member("error", JSON_API_FIELDS), body);
        if let Some(details) = list_of_objects(error.get("detail")) {
            findings.messages =
                details.filter_map(|detail| text_of(detail, "msg")).map(str::to_owned).collect();
        }
        Some(findings)
    }

    /// Timers: an object `error`, or a list `detail` of validation errors.
    fn timers(body: &Document) -> Option<Self> {
        if body.get("error").is_some_and(Value::is_object) {
            return Some(Self::from_sub_errors(SubErrors::member("error", JSON_API_FIELDS), body));
        }
        let details = list_of_objects(body.get("detail"))?;
        let mut findings = Self::from_sub_errors(SubErrors::member("detail", TIMERS_FIELDS), body);
        findings.messages = details.filter_map(located_message).collect();
        Some(findings)
    }

    /// Auth: the id that all sub-documents share is the id of the request.
    fn take_error_id(&mut self, body: &Document) {
        let documents = self.sub_errors.read(body);
        let mut ids =
            documents.iter().filter_map(|document| document.raw.get("id")).filter(|id| !id.is_null());
        if let Some(Value::String(first)) = ids.next()
            && ids.all(|id| id == first)
        {
            self.request_id = Some(first.clone());
        }
    }

    /// The error document of OAuth2 (RFC 6749, section 5.2), where nothing else was found.
    fn take_oauth2(&mut self, body: &Document) {
        if self.code.is_none() && self.messages.is_empty() {
            self.code = text_of(body, "error").map(str::to_owned);
            self.messages = text_of(body, "error_description").map(str::to_owned).into_iter().collect();
        }
    }
}

fn located_message(detail: &Document) -> Option<String> {
    let message = text_of(detail, "msg")?;
    let path: Option<Vec<_>> = detail.get("loc")?.as_array()?.iter().map(Value::as_str).collect();
    Some(format!("{message}: {}", path?.join(".")))
}

fn text_of<'a>(document: &'a Document, name: &str) -> Option<&'a str> {
    document.get(name)?.as_str()
}

fn list_of_objects(value: Option<&Value>) -> Option<impl Iterator<Item = &Document>> {
    let list = value?.as_array()?;
    list.iter().all(Value::is_object).then(|| list.iter().filter_map(Value::as_object))
}

fn is_list_of_objects(value: Option<&Value>) -> bool {
    list_of_objects(value).is_some()
}

fn has_errors(body: &Document) -> bool {
    list_of_objects(body.get("errors")).is_some_and(|mut errors| errors.next().is_some())
}

fn shared_code(documents: &[SubError<'_>]) -> Option<String> {
    let mut codes = documents.iter().filter_map(|document| document.code);
    let first = codes.next()?;
    codes.all(|code| code == first).then(|| first.to_owned())
}

fn messages(documents: &[SubError<'_>]) -> Vec<String> {
    documents.iter().filter_map(|document| document.message).map(str::to_owned).collect()
}

/// The media type of a `Content-Type`, without parameters and blanks.
pub(super) fn media_type(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or_default().trim()
}

/// Whether a body of this media type is read as JSON.
pub(super) fn is_json(media_type: &str) -> bool {
    let media_type = media_type.to_ascii_lowercase();
    media_type == "application/json"
        || (media_type.starts_with("application/") && media_type.ends_with("+json"))
}

/// The body as an object, if it is one.
pub(super) fn object(body: Option<&Value>) -> Option<&Map<String, Value>> {
    body.and_then(Value::as_object)
}

/// The body as text: in the charset that the content type names, else UTF-8. Plain and HTML text that is no
/// UTF-8 is ISO 8859-1, and bytes that fit nowhere become U+FFFD. A byte order mark is dropped only where the
/// content type leaves the charset open.
pub(super) fn text<'a>(content_type: &str, body: &'a [u8]) -> Cow<'a, str> {
    const MARK: &[u8] = "\u{feff}".as_bytes();
    let media_type = media_type(content_type).to_ascii_lowercase();
    match charset(content_type).as_deref() {
        Some("iso-8859-1" | "latin1" | "latin-1" | "iso8859-1") => latin1(body).into(),
        None if media_type.starts_with("text/") => {
            std::str::from_utf8(body).map_or_else(|_| latin1(body).into(), Cow::Borrowed)
        }
        None if media_type != "application/json" => {
            String::from_utf8_lossy(body.strip_prefix(MARK).unwrap_or(body))
        }
        _ => String::from_utf8_lossy(body),
    }
}

fn charset(content_type: &str) -> Option<String> {
    content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let value = value.trim().trim_matches(['"', '\'']);
        name.trim().eq_ignore_ascii_case("charset").then(|| value.to_ascii_lowercase())
    })
}

fn latin1(body: &[u8]) -> String {
    body.iter().copied().map(char::from).collect()
}
