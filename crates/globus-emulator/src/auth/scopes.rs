//! Scope strings as trees, and the resource server that each scope belongs to.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::failure::Failure;

/// A scope with the scopes that it is to be used with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ScopeTree {
    pub(crate) scope: String,
    /// Marked `*`: may be left out and withdrawn by itself.
    pub(crate) optional: bool,
    pub(crate) dependencies: Vec<Self>,
}

impl ScopeTree {
    /// A scope that depends on nothing.
    pub(crate) fn required(scope: &str) -> Self {
        Self { scope: scope.to_owned(), optional: false, dependencies: Vec::new() }
    }
}

/// As it is written in a scope string.
impl fmt::Display for ScopeTree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.optional {
            f.write_str("*")?;
        }
        f.write_str(&self.scope)?;
        for (position, dependency) in self.dependencies.iter().enumerate() {
            f.write_str(if position == 0 { "[" } else { " " })?;
            dependency.fmt(f)?;
        }
        if self.dependencies.is_empty() { Ok(()) } else { f.write_str("]") }
    }
}

/// The trees without the parts that `keep` refuses, which is asked with the position of each part: its number
/// among its neighbours, after those of the parts above it.
pub(crate) fn pruned(trees: Vec<ScopeTree>, keep: &dyn Fn(&[usize], &ScopeTree) -> bool) -> Vec<ScopeTree> {
    fn prune(
        trees: Vec<ScopeTree>,
        above: &mut Vec<usize>,
        keep: &dyn Fn(&[usize], &ScopeTree) -> bool,
    ) -> Vec<ScopeTree> {
        let mut kept = Vec::new();
        for (number, mut tree) in trees.into_iter().enumerate() {
            above.push(number);
            if keep(above, &tree) {
                tree.dependencies = prune(tree.dependencies, above, keep);
                kept.push(tree);
            }
            above.pop();
        }
        kept
    }
    prune(trees, &mut Vec::new(), keep)
}

/// How deep brackets may nest: more is no scope anyone asks for, and would exhaust the stack.
pub(crate) const MAX_DEPTH: usize = 32;

/// Parses a scope string, `a[b *c[d]] e`. Scopes that stand twice are joined.
pub(crate) fn parse(text: &str) -> Result<Vec<ScopeTree>, Failure> {
    let mut rest = text;
    let trees = parse_list(&mut rest, 0)?;
    if !rest.is_empty() {
        return Err(invalid("a closing bracket has no opening one"));
    }
    if trees.is_empty() {
        return Err(invalid("no scope is asked for"));
    }
    refuse_cycles(&trees, &mut Vec::new())?;
    refuse_unknown(&trees)?;
    Ok(trees)
}

pub(crate) fn invalid(reason: &str) -> Failure {
    Failure::oauth("invalid_scope", format!("The scope string is refused: {reason}"))
}

/// Parses until the end or an unmatched `]`, which is left in place.
fn parse_list(rest: &mut &str, depth: usize) -> Result<Vec<ScopeTree>, Failure> {
    if depth > MAX_DEPTH {
        return Err(invalid("brackets are nested too deeply"));
    }
    let mut trees: Vec<ScopeTree> = Vec::new();
    loop {
        *rest = rest.trim_start_matches(' ');
        if rest.is_empty() || rest.starts_with(']') {
            return Ok(trees);
        }
        let optional = rest.starts_with('*');
        if optional {
            *rest = &rest[1..];
        }
        let end = rest.find([' ', '[', ']', '*']).unwrap_or(rest.len());
        let (scope, after) = rest.split_at(end);
        if scope.is_empty() {
            return Err(invalid("a scope is missing after '*' or before '['"));
        }
        *rest = after;
        let mut dependencies = Vec::new();
        if let Some(inside) = rest.strip_prefix('[') {
            *rest = inside;
            dependencies = parse_list(rest, depth + 1)?;
            *rest = rest.strip_prefix(']').ok_or_else(|| invalid("an opening bracket is not closed"))?;
            if dependencies.is_empty() {
                return Err(invalid("brackets are empty"));
            }
        }
        if !(rest.is_empty() || rest.starts_with([' ', ']'])) {
            return Err(invalid("scopes must be parted by spaces"));
        }
        join(&mut trees, ScopeTree { scope: scope.to_owned(), optional, dependencies });
    }
}

/// Adds a tree to a list in which each scope stands once; what is required once is required.
pub(crate) fn join(trees: &mut Vec<ScopeTree>, tree: ScopeTree) {
    match trees.iter_mut().find(|known| known.scope == tree.scope) {
        Some(known) => {
            known.optional &= tree.optional;
            for dependency in tree.dependencies {
                join(&mut known.dependencies, dependency);
            }
        }
        None => trees.push(tree),
    }
}

fn refuse_cycles<'t>(trees: &'t [ScopeTree], above: &mut Vec<&'t str>) -> Result<(), Failure> {
    for tree in trees {
        if above.contains(&tree.scope.as_str()) {
            return Err(invalid("a scope depends on itself"));
        }
        above.push(&tree.scope);
        refuse_cycles(&tree.dependencies, above)?;
        above.pop();
    }
    Ok(())
}

fn refuse_unknown(trees: &[ScopeTree]) -> Result<(), Failure> {
    for tree in trees {
        if resource_server(&tree.scope).is_none() {
            return Err(unknown(&tree.scope));
        }
        refuse_unknown(&tree.dependencies)?;
    }
    Ok(())
}

/// The scope that allows to use the data of a collection.
pub(crate) fn data_access(collection: &str) -> String {
    format!("{URL}{collection}/data_access")
}

/// The collection whose data a scope allows to use.
pub(crate) fn data_access_collection(scope: &str) -> Option<&str> {
    scope.strip_prefix(URL)?.strip_suffix("/data_access")
}

/// There is no such scope.
pub(crate) fn unknown(scope: &str) -> Failure {
    let scope = shown(scope);
    Failure::oauth("invalid_scope", format!("unknown scope: {scope}")).with("unknown_scopes", vec![scope])
}

/// A scope as it may be repeated in an answer: printable and not long.
fn shown(scope: &str) -> String {
    scope.chars().filter(char::is_ascii_graphic).take(200).collect()
}

const AUTH: &str = "auth.globus.org";
const URN: &str = "urn:globus:auth:scope:";
const URL: &str = "https://auth.globus.org/scopes/";
const FLOWS: &str = "eec9b274-0c81-4334-bdc2-54e90e689b9a";
const COMPUTE: &str = "facd7ccc-c5f4-42aa-916b-a0e270e2c2a9";

/// The services whose scopes have the form of a URN.
const URN_SERVERS: [&str; 5] = [
    AUTH,
    "transfer.api.globus.org",
    "groups.api.globus.org",
    "search.api.globus.org",
    "nexus.api.globus.org",
];

/// The scopes of the services that other scopes may depend on by their ids.
pub(crate) const OF_SERVICES: [&str; 26] = [
    "openid",
    "profile",
    "email",
    "urn:globus:auth:scope:auth.globus.org:manage_projects",
    "urn:globus:auth:scope:auth.globus.org:view_authentications",
    "urn:globus:auth:scope:auth.globus.org:view_clients",
    "urn:globus:auth:scope:auth.globus.org:view_clients_and_scopes",
    "urn:globus:auth:scope:auth.globus.org:view_consents",
    "urn:globus:auth:scope:auth.globus.org:view_identities",
    "urn:globus:auth:scope:auth.globus.org:view_identity_set",
    "urn:globus:auth:scope:transfer.api.globus.org:all",
    "urn:globus:auth:scope:transfer.api.globus.org:gcp_install",
    "urn:globus:auth:scope:groups.api.globus.org:all",
    "urn:globus:auth:scope:groups.api.globus.org:view_my_groups_and_memberships",
    "urn:globus:auth:scope:search.api.globus.org:all",
    "urn:globus:auth:scope:search.api.globus.org:globus_connect_server",
    "urn:globus:auth:scope:search.api.globus.org:ingest",
    "urn:globus:auth:scope:search.api.globus.org:search",
    "https://auth.globus.org/scopes/524230d7-ea86-4a52-8312-86065a9e0417/timer",
    "https://auth.globus.org/scopes/facd7ccc-c5f4-42aa-916b-a0e270e2c2a9/all",
    "https://auth.globus.org/scopes/eec9b274-0c81-4334-bdc2-54e90e689b9a/all",
    "https://auth.globus.org/scopes/eec9b274-0c81-4334-bdc2-54e90e689b9a/manage_flows",
    "https://auth.globus.org/scopes/eec9b274-0c81-4334-bdc2-54e90e689b9a/run",
    "https://auth.globus.org/scopes/eec9b274-0c81-4334-bdc2-54e90e689b9a/run_manage",
    "https://auth.globus.org/scopes/eec9b274-0c81-4334-bdc2-54e90e689b9a/run_status",
    "https://auth.globus.org/scopes/eec9b274-0c81-4334-bdc2-54e90e689b9a/view_flows",
];

/// The scope that a client offers under a suffix.
pub(crate) fn of_client(client: &str, suffix: &str) -> String {
    format!("{URL}{client}/{suffix}")
}

/// Whether a client may register a scope with this suffix.
pub(crate) fn is_suffix(suffix: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    !suffix.is_empty() && suffix.bytes().all(allowed)
}

/// Whether the scope has the form of a URN, which no client registers.
pub(crate) fn is_urn(scope: &str) -> bool {
    scope.starts_with(URN)
}

/// The resource server of a scope, or nothing when there is no such scope.
///
/// Any UUID stands for a client, collection, endpoint or flow: their scopes need no registration.
pub(crate) fn resource_server(scope: &str) -> Option<String> {
    if matches!(scope, "openid" | "profile" | "email") {
        return Some(AUTH.to_owned());
    }
    if let Some((server, name)) = scope.strip_prefix(URN).and_then(|rest| rest.split_once(':')) {
        let known = URN_SERVERS.contains(&server) || Uuid::try_parse(server).is_ok();
        return (known && is_name(name)).then(|| server.to_owned());
    }
    let (client, suffix) = scope.strip_prefix(URL)?.split_once('/')?;
    if !is_name(suffix) || Uuid::try_parse(client).is_err() {
        return None;
    }
    Some(match client {
        FLOWS => "flows.globus.org".to_owned(),
        COMPUTE => "funcx_service".to_owned(),
        other => other.to_owned(),
    })
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
}

/// The scopes at the top of the trees, joined with spaces.
pub(crate) fn top_level(trees: &[ScopeTree]) -> String {
    trees.iter().map(|tree| tree.scope.as_str()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRANSFER: &str = "urn:globus:auth:scope:transfer.api.globus.org:all";
    const TIMER: &str = "https://auth.globus.org/scopes/524230d7-ea86-4a52-8312-86065a9e0417/timer";
    const DATA: &str = "https://auth.globus.org/scopes/11111111-2222-4333-8444-555555555555/data_access";

    #[test]
    fn trees_are_read_as_they_are_written() {
        let trees = parse(&format!("  openid {TIMER}[{TRANSFER}[ *{DATA} ]]   email")).unwrap();
        assert_eq!(trees.len(), 3);
        assert_eq!(trees[1].scope, TIMER);
        let transfer = &trees[1].dependencies[0];
        assert!(!transfer.optional);
        assert_eq!(transfer.dependencies[0].scope, DATA);
        assert!(transfer.dependencies[0].optional);
        assert_eq!(top_level(&trees), format!("openid {TIMER} email"));
    }

    #[test]
    fn a_scope_that_stands_twice_is_joined() {
        let trees = parse(&format!("{TRANSFER} {TRANSFER}[*{DATA}]")).unwrap();
        assert_eq!(trees.len(), 1);
        assert_eq!(trees[0].dependencies.len(), 1);
    }

    #[test]
    fn what_is_no_scope_string_is_refused() {
        for text in [
            "",
            "   ",
            "openid[",
            "openid]",
            "openid[]",
            "openid[email",
            "openid[email]]",
            "[email]",
            "*",
            "openid[email]profile",
            "openid*email",
            "openid[email[openid]]",
            "unknown",
            "urn:globus:auth:scope:other.example.org:all",
            "https://auth.globus.org/scopes/no-uuid/all",
            "https://auth.globus.org/scopes/524230d7-ea86-4a52-8312-86065a9e0417/",
        ] {
            let failure = parse(text).unwrap_err();
            assert_eq!(failure.oauth, Some("invalid_scope"), "{text}");
        }
        assert!(parse(&"openid[".repeat(10_000)).is_err());
    }

    #[test]
    fn every_scope_leads_to_its_resource_server() {
        for (scope, server) in [
            ("openid", "auth.globus.org"),
            (TRANSFER, "transfer.api.globus.org"),
            (TIMER, "524230d7-ea86-4a52-8312-86065a9e0417"),
            ("https://auth.globus.org/scopes/eec9b274-0c81-4334-bdc2-54e90e689b9a/all", "flows.globus.org"),
            ("https://auth.globus.org/scopes/facd7ccc-c5f4-42aa-916b-a0e270e2c2a9/all", "funcx_service"),
            (
                "urn:globus:auth:scope:11111111-2222-4333-8444-555555555555:manage_collections",
                "11111111-2222-4333-8444-555555555555",
            ),
        ] {
            assert_eq!(resource_server(scope).as_deref(), Some(server));
        }
    }
}
