//! Control of people, sessions, consents and the rules of collections.

use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{ControlRequest, OneOrMany, Refused};
use crate::auth::{ConsentMode, Decision};
use crate::error::RulesError;
use crate::governing;
use crate::person::Person;
use crate::transfer::access::CollectionRules;
use crate::world::sessions::Session;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Withdrawal {
    /// Username or id.
    identity: String,
    scope: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mode {
    mode: ConsentMode,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DataAccess {
    /// Name or id.
    collection: String,
    required: bool,
}

impl From<RulesError> for Refused {
    fn from(error: RulesError) -> Self {
        let status = match error {
            RulesError::NoCollection => StatusCode::NOT_FOUND,
            RulesError::NoDataAccess => StatusCode::BAD_REQUEST,
        };
        Self(status, error.to_string())
    }
}

impl ControlRequest<'_> {
    /// Answers what concerns people, or nothing if the path is another's.
    pub(super) fn route_people(&self, method: &Method, path: &str) -> Option<Result<Value, Refused>> {
        Some(match (method.as_str(), path) {
            ("POST", "/v1/people") => self.add_people(),
            ("GET", "/v1/sessions") => Ok(self.sessions()),
            ("GET", "/v1/consents") => Ok(self.consents()),
            ("POST", "/v1/consents/revoke") => self.withdraw(),
            ("PUT", "/v1/authorize/mode") => self.set_mode(),
            ("POST", "/v1/authorize/script") => self.add_decisions(),
            ("DELETE", "/v1/authorize/script") => {
                self.app.world.change_anyway(|world| world.script.clear());
                Ok(json!({"waiting": 0}))
            }
            ("POST", "/v1/collections/require_data_access") => self.require_data_access(),
            ("PATCH", path) if path.starts_with("/v1/collections/") => self.change_rules(path),
            _ => return None,
        })
    }

    fn add_people(&self) -> Result<Value, Refused> {
        let people = self.json::<OneOrMany<Person>>()?.into_vec();
        let is_name = |name: &String| {
            let parts = name.split_once('@');
            parts.is_some_and(|(user, domain)| !user.is_empty() && !domain.is_empty())
                && !name.contains(char::is_control)
        };
        if let Some(name) = people.iter().flat_map(Person::usernames).find(|name| !is_name(name)) {
            return Err(Refused::bad(format!("{name:?} is no username; write it as name@domain")));
        }
        let added: Vec<Value> = self.app.world.change_anyway(|world| {
            let add = |person: &Person| world.add_person(person, true);
            let users = people.iter().map(add).collect::<Vec<_>>();
            users
                .iter()
                .map(|users| {
                    users.iter().map(|user| json!({"id": user.id, "username": user.username})).collect()
                })
                .collect()
        });
        Ok(json!({"people": added}))
    }

    fn sessions(&self) -> Value {
        let document = |session: &Session, info: Value| json!({"client": session.client, "account": session.account, "session_info": info});
        let sessions: Vec<Value> = self.app.world.read(|world| {
            world
                .sessions
                .values()
                .map(|session| document(session, world.session_info(&session.id)))
                .collect()
        });
        json!({"sessions": sessions})
    }

    fn consents(&self) -> Value {
        let consents: Vec<Value> = self
            .app
            .world
            .read(|world| world.consents.values().map(|consent| world.consent_document(consent)).collect());
        json!({"consents": consents})
    }

    fn withdraw(&self) -> Result<Value, Refused> {
        let Withdrawal { identity, scope } = self.json()?;
        let gone = self.app.world.change_anyway(|world| governing::withdraw(world, &identity, &scope));
        Ok(json!({"revoked": gone}))
    }

    fn set_mode(&self) -> Result<Value, Refused> {
        let Mode { mode } = self.json()?;
        self.app.world.change_anyway(|world| world.settings.consent_mode = mode);
        Ok(json!({"mode": mode}))
    }

    fn add_decisions(&self) -> Result<Value, Refused> {
        let decisions: OneOrMany<Decision> = self.json()?;
        let waiting = self.app.world.change_anyway(|world| {
            world.script.extend(decisions.into_vec());
            world.script.len()
        });
        Ok(json!({"waiting": waiting}))
    }

    fn require_data_access(&self) -> Result<Value, Refused> {
        let DataAccess { collection, required } = self.json()?;
        let change = |rules: &mut CollectionRules| rules.require_data_access = required;
        Ok(json!(self.app.world.change_anyway(|world| governing::change_rules(
            world,
            &collection,
            change
        ))?))
    }

    fn change_rules(&self, path: &str) -> Result<Value, Refused> {
        let collection = path.trim_start_matches("/v1/collections/");
        let change: serde_json::Map<String, Value> = self.json()?;
        self.app.world.change_anyway(|world| {
            let rules = governing::rules(world, collection)?;
            let mut changed = json!(rules);
            for (member, value) in change {
                changed[member] = value;
            }
            let changed: CollectionRules = serde_json::from_value(changed)
                .map_err(|error| Refused::bad(format!("the body is refused: {error}")))?;
            Ok(json!(governing::change_rules(world, collection, |rules| *rules = changed)?))
        })
    }
}
