use std::collections::HashSet;
use std::fmt;

use globus_core::Scope;

use super::ConsentForest;
use super::requirement::Requirements;

/// A consent that is missing to meet a requirement. From [`ConsentForest::missing`].
///
/// `Display` says in one line what is missing and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingConsent {
    requirement: Scope,
    path: Vec<String>,
    name: String,
    reason: MissingReason,
}

/// Why a consent is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MissingReason {
    /// There is none for this scope.
    NotGiven,
    /// There is one, but not where it is needed: below other consents only, or below none of them.
    Elsewhere,
    /// There is one below another consent for the same scope. Separate consents do not add up.
    InAnotherTree,
}

impl MissingConsent {
    /// The whole scope that was required. To get what is missing, have the user log in with it.
    pub fn requirement(&self) -> &Scope {
        &self.requirement
    }

    /// The names of the scopes that there are consents for, from the root to where one is missing. Empty where even
    /// the root is.
    pub fn path(&self) -> &[String] {
        &self.path
    }

    /// The name of the scope that a consent is missing for.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Why it is missing.
    pub fn reason(&self) -> MissingReason {
        self.reason
    }
}

impl fmt::Display for MissingConsent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = shown(&self.name);
        let path: Vec<String> = self.path.iter().map(|name| shown(name)).collect();
        let path = path.join(" > ");
        if path.is_empty() {
            write!(f, "missing: {name} because ")?;
            return match self.reason {
                MissingReason::NotGiven => f.write_str("there is no consent for it"),
                _ => f.write_str("the consent for it belongs to another scope, and does not count by itself"),
            };
        }
        write!(
            f,
            "missing: {path} > {name} because there is a consent for {path}, but none for {name} below it"
        )?;
        match self.reason {
            MissingReason::NotGiven => Ok(()),
            MissingReason::Elsewhere => f.write_str("; the one that there is for it stands elsewhere"),
            MissingReason::InAnotherTree => f.write_str(
                "; the one that there is for it belongs to another consent of this kind, and separate consents do \
                 not add up",
            ),
        }
    }
}

/// A name as it may be shown: nothing that a terminal obeys. Consents come from outside.
fn shown(name: &str) -> String {
    name.chars().filter(|character| !character.is_control()).collect()
}

pub(super) fn missing(forest: &ConsentForest, scopes: &[Scope]) -> Vec<MissingConsent> {
    let mut requirements = Requirements::of(forest);
    let mut all = Vec::new();
    for scope in scopes {
        if requirements.is_met(scope) {
            continue;
        }
        let roots: Vec<i64> = requirements
            .of_name(scope.name())
            .iter()
            .copied()
            .filter(|id| requirements.is_root(*id))
            .collect();
        if let Some(root) = best(&mut requirements, scope, roots) {
            below(forest, &mut requirements, scope, root, &mut all);
            continue;
        }
        let reason = match requirements.of_name(scope.name()) {
            [] => MissingReason::NotGiven,
            _ => MissingReason::Elsewhere,
        };
        let name = scope.name().to_owned();
        all.push(MissingConsent { requirement: scope.clone(), path: Vec::new(), name, reason });
    }
    all
}

/// The consent that lacks the fewest direct dependencies; the first of equals.
fn best<'s>(requirements: &mut Requirements<'_, 's>, scope: &'s Scope, ids: Vec<i64>) -> Option<i64> {
    ids.into_iter().min_by_key(|id| {
        scope.dependencies().iter().filter(|dependency| !has_below(requirements, *id, dependency)).count()
    })
}

/// Whether what stands below a consent meets a dependency.
fn has_below<'s>(requirements: &mut Requirements<'_, 's>, id: i64, dependency: &'s Scope) -> bool {
    let children: Vec<i64> = requirements.children(id).collect();
    children.into_iter().any(|child| requirements.is_met_by(dependency, child))
}

/// What is missing below a consent that is there.
fn below<'s>(
    forest: &ConsentForest,
    requirements: &mut Requirements<'_, 's>,
    scope: &'s Scope,
    root: i64,
    all: &mut Vec<MissingConsent>,
) {
    let mut open = vec![(scope, root, vec![scope.name().to_owned()])];
    let mut seen = HashSet::new();
    while let Some((parent, id, path)) = open.pop() {
        for dependency in parent.dependencies() {
            if has_below(requirements, id, dependency) || !seen.insert((id, dependency.name())) {
                continue;
            }
            let named = forest.children(id).filter(|child| child.scope_name == dependency.name());
            let named: Vec<i64> = named.map(|child| child.id).collect();
            if let Some(child) = best(requirements, dependency, named) {
                let mut path = path.clone();
                path.push(dependency.name().to_owned());
                open.push((dependency, child, path));
                continue;
            }
            let is_in_another_tree = |other: &i64| {
                let parent = forest.get_node(*other).and_then(super::Consent::parent);
                let parent = parent.and_then(|parent| forest.get_node(parent));
                parent.is_some_and(|consent| {
                    Some(consent.scope_name.as_str()) == path.last().map(String::as_str)
                })
            };
            let reason = match requirements.of_name(dependency.name()) {
                [] => MissingReason::NotGiven,
                others if others.iter().any(is_in_another_tree) => MissingReason::InAnotherTree,
                _ => MissingReason::Elsewhere,
            };
            all.push(MissingConsent {
                requirement: scope.clone(),
                path: path.clone(),
                name: dependency.name().to_owned(),
                reason,
            });
        }
    }
}
