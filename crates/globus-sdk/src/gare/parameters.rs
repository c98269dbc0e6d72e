//! What a login is asked for.

use globus_core::Scopes;
use globus_core::decode::Extra;
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use super::members::texts;

/// What a login must be asked for, beyond the scopes that a program needs anyway.
///
/// They come from a service, in a [`Gare`](super::Gare), or are a program's own:
///
/// ```
/// use globus_sdk::GlobusAuthorizationParameters;
///
/// let parameters = GlobusAuthorizationParameters::default()
///     .prompt("login")
///     .session_required_single_domain(["example.edu"]);
/// assert_eq!(
///     serde_json::to_string(&parameters)?,
///     r#"{"session_required_single_domain":["example.edu"],"prompt":"login"}"#
/// );
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// All texts are the service's own, and nothing about them is checked: neither that an identity is a UUID nor that a
/// scope can be read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Value")]
#[non_exhaustive]
pub struct GlobusAuthorizationParameters {
    /// A text for the person who logs in. It is the service's; control characters in it have to be left out where it
    /// is shown.
    pub session_message: Option<String>,
    /// Identities that must all have logged in during the session.
    pub session_required_identities: Option<Vec<String>>,
    /// Policies that the session must all satisfy.
    pub session_required_policies: Option<Vec<String>>,
    /// Domains, of one of which an identity must have logged in.
    pub session_required_single_domain: Option<Vec<String>>,
    /// Whether the session must have used more than one factor.
    pub session_required_mfa: Option<bool>,
    /// Scopes that the user must consent to, perhaps with dependencies.
    pub required_scopes: Option<Vec<String>>,
    /// What the login page does: `login` asks the person to log in even if a session exists.
    pub prompt: Option<String>,
    /// What else the service asked for.
    pub extra: Extra,
}

/// Setters of lists.
macro_rules! lists {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        $($(#[$doc])*
        #[must_use]
        pub fn $name<T: Into<String>>(mut self, values: impl IntoIterator<Item = T>) -> Self {
            self.$name = Some(values.into_iter().map(Into::into).collect());
            self
        })*
    };
}

impl GlobusAuthorizationParameters {
    lists! {
        /// Identities that must all have logged in during the session.
        session_required_identities,
        /// Policies that the session must all satisfy.
        session_required_policies,
        /// Domains, of one of which an identity must have logged in.
        session_required_single_domain,
    }

    /// A text for the person who logs in.
    #[must_use]
    pub fn session_message(mut self, message: impl Into<String>) -> Self {
        self.session_message = Some(message.into());
        self
    }

    /// Whether the session must have used more than one factor.
    #[must_use]
    pub fn session_required_mfa(mut self, required: bool) -> Self {
        self.session_required_mfa = Some(required);
        self
    }

    /// Scopes that the user must consent to.
    #[must_use]
    pub fn required_scopes(mut self, scopes: impl Into<Scopes>) -> Self {
        self.required_scopes = Some(scopes.into().iter().map(str::to_owned).collect());
        self
    }

    /// What the login page does: `login` asks the person to log in even if a session exists.
    #[must_use]
    pub fn prompt(mut self, prompt: impl Into<String>) -> Self {
        self.prompt = Some(prompt.into());
        self
    }

    /// The scopes that the next login must ask for: `required_scopes`, and those of that name in
    /// [`extra`](Self::extra), where one of the legacy forms leaves them. Empty where none are required.
    pub fn scopes_to_request(&self) -> Scopes {
        let hidden = self.hidden_scopes();
        let scopes = self.required_scopes.iter().chain(&hidden).flatten();
        scopes.map(String::as_str).collect::<Vec<_>>().into()
    }

    /// Whether nothing is asked for that this type knows; a message alone asks for nothing. Lists that are empty and
    /// `session_required_mfa: false` ask for nothing either.
    pub fn is_empty(&self) -> bool {
        let lists = [
            &self.session_required_identities,
            &self.session_required_policies,
            &self.session_required_single_domain,
        ];
        lists.iter().all(|list| list.as_ref().is_none_or(Vec::is_empty))
            && self.session_required_mfa != Some(true)
            && self.prompt.is_none()
            && self.scopes_to_request().is_empty()
    }

    /// Adds scopes that are not there yet.
    pub(super) fn adopt_scopes(&mut self, scopes: impl IntoIterator<Item = String>) {
        for scope in scopes {
            let known = self.required_scopes.get_or_insert_default();
            if !known.contains(&scope) {
                known.push(scope);
            }
        }
    }

    /// Takes the scopes that are in `extra` to the field for them.
    pub(super) fn adopt_hidden_scopes(&mut self) {
        if let Some(scopes) = self.hidden_scopes() {
            self.extra.remove("required_scopes");
            self.adopt_scopes(scopes);
        }
    }

    fn hidden_scopes(&self) -> Option<Vec<String>> {
        self.extra.get("required_scopes").and_then(texts)
    }

    pub(super) fn including_extra(&self) -> impl Serialize + '_ {
        ParametersWithExtra(self)
    }

    /// Writes the fields that are set.
    fn serialize_fields<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        entry(map, "session_message", self.session_message.as_ref())?;
        entry(map, "session_required_identities", self.session_required_identities.as_ref())?;
        entry(map, "session_required_policies", self.session_required_policies.as_ref())?;
        entry(map, "session_required_single_domain", self.session_required_single_domain.as_ref())?;
        entry(map, "session_required_mfa", self.session_required_mfa.as_ref())?;
        entry(map, "required_scopes", self.required_scopes.as_ref())?;
        entry(map, "prompt", self.prompt.as_ref())
    }

    fn is_set(&self, name: &str) -> bool {
        match name {
            "session_message" => self.session_message.is_some(),
            "session_required_identities" => self.session_required_identities.is_some(),
            "session_required_policies" => self.session_required_policies.is_some(),
            "session_required_single_domain" => self.session_required_single_domain.is_some(),
            "session_required_mfa" => self.session_required_mfa.is_some(),
            "required_scopes" => self.required_scopes.is_some(),
            "prompt" => self.prompt.is_some(),
            _ => false,
        }
    }
}

impl From<&Self> for GlobusAuthorizationParameters {
    fn from(parameters: &Self) -> Self {
        parameters.clone()
    }
}

fn entry<M: SerializeMap>(map: &mut M, name: &str, value: Option<&impl Serialize>) -> Result<(), M::Error> {
    value.map_or(Ok(()), |value| map.serialize_entry(name, value))
}

/// Writes unknown members, without those of names that are written already.
pub(super) fn serialize_extra<M: SerializeMap>(
    extra: &Extra,
    is_written: impl Fn(&str) -> bool,
    map: &mut M,
) -> Result<(), M::Error> {
    for (name, value) in extra.iter().filter(|(name, _)| !is_written(name)) {
        map.serialize_entry(name, value)?;
    }
    Ok(())
}

/// The fields that are set, without `extra`.
impl Serialize for GlobusAuthorizationParameters {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.serialize_fields(&mut map)?;
        map.end()
    }
}

struct ParametersWithExtra<'a>(&'a GlobusAuthorizationParameters);

impl Serialize for ParametersWithExtra<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.0.serialize_fields(&mut map)?;
        serialize_extra(&self.0.extra, |name| self.0.is_set(name), &mut map)?;
        map.end()
    }
}
