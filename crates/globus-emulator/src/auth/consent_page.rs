//! The page on which a person decides: who they are, and what they allow.

use axum::response::Response;
use http::StatusCode;
use maud::{Markup, html};
use url::Host;

use super::authorize::{self, Request, decide};
use super::pages;
use super::scopes::{self, ScopeTree};
use super::script::Decision;
use super::sign_in::Required;
use super::tickets::Pending;
use super::words;
use crate::call::Call;
use crate::world::World;
use crate::world::accounts::Identity;
use crate::world::consents::Place;

/// The most people to choose from; others can be named in `emulator_user`.
const MOST_PEOPLE: usize = 100;

/// Shows the page to the person that the request names, or to the emulator's user.
pub(super) fn show(call: &Call, request: Request, trees: Vec<ScopeTree>) -> Response {
    let title = format!("{} asks for access", request.client.name);
    let allowed = form_action(&request);
    let page = call.app.world.read(|world| {
        let default = world.settings.user.to_string();
        let person = world.find_identity(authorize::named(call).unwrap_or(&default))?;
        let place = Place::root(&request.client.id, &person.id);
        let mut parts = Parts { world, choices: Vec::new() };
        let asked = parts.list(&trees, Some(&place), &mut Vec::new());
        let choices = parts.choices;
        let session = session(world, &request);
        let people = people(world, call, person);
        let label = request.query.get("prefill_named_grant").map(shortened);
        let pending = Pending { request, trees, identity: person.id.clone(), choices };
        let ticket = call.app.tickets.give(pending, call.app.now());
        Some(html! {
            @if let Some(label) = label { p { "It calls itself " strong { (label) } "." } }
            (people)
            form method="post" action={ (call.service_url(call.service)) "v2/web/consent" } {
                input type="hidden" name="ticket" value=(ticket);
                h2 { "What you allow" }
                (asked)
                (session)
                p {
                    button type="submit" name="choice" value="approve" { "Approve" }
                    " "
                    button type="submit" name="choice" value="deny" { "Deny" }
                }
            }
        })
    });
    match page {
        Some(body) => pages::form(&title, &body, &allowed),
        None => pages::error("There is no such person."),
    }
}

/// Does what the person chose on the page.
pub(super) async fn decided(call: Call) -> Response {
    let form = call.form();
    let now = call.app.now();
    let pending = form.get("ticket").and_then(|ticket| call.app.tickets.take(ticket, now));
    let Some(Pending { request, trees, identity, choices }) = pending else {
        return pages::error("This page was answered before, or is too old. Start the login again.");
    };
    let mut decision = match form.get("choice") {
        Some("approve") => Decision::approve(),
        Some("deny") => Decision::deny(),
        _ => return pages::error("Neither Approve nor Deny was chosen. Start the login again."),
    };
    decision = decision.as_user(identity);
    let kept: Vec<&str> = form.all("part").collect();
    let trees = scopes::pruned(trees, &|position, _| {
        let position = written(position);
        !choices.contains(&position) || kept.contains(&position.as_str())
    });
    let outcome = call.app.world.change(|world| {
        let required = Required::by(&request.query);
        if required.mfa(&required.policies(world)?) {
            decision.mfa = Some(form.get("mfa").is_some());
        }
        decide(world, now, &request, trees, &decision)
    });
    request.answer(outcome, StatusCode::SEE_OTHER)
}

/// A position as the form has it.
fn written(position: &[usize]) -> String {
    position.iter().map(usize::to_string).collect::<Vec<_>>().join(".")
}

/// Where the page's form may lead: here, and from here to the client. A browser follows no other redirect.
fn form_action(request: &Request) -> String {
    let redirect = &request.redirect;
    match (redirect.scheme(), redirect.host()) {
        // The language of these policies has no words for such hosts.
        ("http" | "https", Some(Host::Ipv6(_)) | None) => {
            format!("{}:", redirect.scheme())
        }
        ("http" | "https", _) => redirect.origin().ascii_serialization(),
        (scheme, _) => format!("{scheme}:"),
    }
}

/// Text of a request, which may be of any length.
fn shortened(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(500).collect()
}

/// Who is deciding, and who else could.
fn people(world: &World, call: &Call, person: &Identity) -> Markup {
    let mut people: Vec<&Identity> =
        world.identities.values().filter(|identity| identity.identity_type == "login").collect();
    people.sort_by_key(|identity| (identity.id != person.id, identity.username.clone()));
    let primary = |identity: &Identity| {
        let other = identity.account != identity.id;
        world.identities.get(&identity.account).filter(|_| other).map(|primary| primary.username.clone())
    };
    html! {
        // The same request again, for somebody else.
        form method="get" action={ (call.service_url(call.service)) "v2/oauth2/authorize" } {
            @for (name, value) in call.query.iter().filter(|(name, _)| *name != "emulator_user") {
                input type="hidden" name=(name) value=(value);
            }
            fieldset {
                legend { "You are " strong { (person.name.as_deref().unwrap_or(&person.username)) } }
                @for identity in people.into_iter().take(MOST_PEOPLE) {
                    div {
                        label {
                            input type="radio" name="emulator_user" value=(identity.id) checked[identity.id == person.id];
                            " " (identity.name.as_deref().unwrap_or_default()) " (" (identity.username)
                            @if let Some(primary) = primary(identity) { ", linked to " (primary) }
                            ")"
                        }
                    }
                }
                p { button type="submit" { "Be this person" } }
            }
        }
    }
}

/// What is asked of the session, in words.
fn session(world: &World, request: &Request) -> Markup {
    let required = Required::by(&request.query);
    // An unknown policy is told when the form is sent, as in every other mode.
    let policies = required.policies(world).unwrap_or_default();
    let message = request.query.get("session_message").map(shortened);
    html! {
        @if let Some(message) = message { p class="message" { (message) } }
        @if !required.identities.is_empty() {
            p { "You sign in again as " (required.identities.join(" and ")) "." }
        }
        @if !required.domains.is_empty() {
            p { "You sign in again with an identity of " (required.domains.join(" or ")) "." }
        }
        @for policy in &policies {
            p { "You sign in again, to meet the policy " strong { (policy.display_name) } ". " (policy.description) }
        }
        @if required.mfa(&policies) {
            p { label { input type="checkbox" name="mfa" value="shown" checked; " I show a second factor" } }
        }
    }
}

/// The scopes as nested lists.
struct Parts<'w> {
    world: &'w World,
    choices: Vec<String>,
}

impl Parts<'_> {
    /// The trees at a place; nothing was consented to where there is no place.
    fn list(&mut self, trees: &[ScopeTree], place: Option<&Place>, position: &mut Vec<usize>) -> Markup {
        let mut items = Vec::new();
        for (number, tree) in trees.iter().enumerate() {
            position.push(number);
            items.push(self.item(tree, place, position));
            position.pop();
        }
        html! { @if !items.is_empty() { ul { @for item in items { li { (item) } } } } }
    }

    fn item(&mut self, tree: &ScopeTree, place: Option<&Place>, position: &mut Vec<usize>) -> Markup {
        let given = place.and_then(|place| self.world.consent_at(place, &tree.scope));
        let below = given.map(Place::below);
        let words = words::of_scope(self.world, &tree.scope);
        let choice = (tree.optional && given.is_none()).then(|| written(position));
        self.choices.extend(choice.clone());
        let dependencies = self.list(&tree.dependencies, below.as_ref(), position);
        html! {
            @if let Some(position) = choice {
                label { input type="checkbox" name="part" value=(position) checked; " " (words) } " (optional)"
            } @else {
                (words)
                @if given.is_some() { em { " – allowed before" } }
            }
            div { code { (tree.scope) } }
            (dependencies)
        }
    }
}
