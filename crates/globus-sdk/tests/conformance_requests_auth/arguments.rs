//! Recorded arguments in the types that the builders take. `None`: the types have no place for such a value.

use std::str::FromStr;

use globus_sdk::auth::DependentScope;
use serde_json::Value;

pub(crate) fn string(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

pub(crate) fn strings(value: &Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(string).collect()
}

pub(crate) fn flag(value: &Value) -> Option<bool> {
    value.as_bool()
}

pub(crate) fn number(value: &Value) -> Option<u64> {
    value.as_u64()
}

pub(crate) fn id<T: FromStr>(value: &Value) -> Option<T> {
    value.as_str()?.parse().ok()
}

/// One id or several.
pub(crate) fn ids<T: FromStr>(value: &Value) -> Option<Vec<T>> {
    match value {
        Value::Array(ids) => ids.iter().map(id).collect(),
        one => Some(vec![id(one)?]),
    }
}

pub(crate) fn dependent_scopes(value: &Value) -> Option<Vec<DependentScope>> {
    let one = |spec: &Value| {
        let args = if spec["$payload"] == "DependentScopeSpec" { &spec["args"] } else { spec };
        let scope: globus_sdk::ScopeId = id(&args["scope"])?;
        let dependent = DependentScope::new(scope).optional(args["optional"].as_bool()?);
        Some(dependent.requires_refresh_token(args["requires_refresh_token"].as_bool()?))
    };
    value.as_array()?.iter().map(one).collect()
}

/// Calls the setter of each argument that is given. A null goes to the setter that says so, where there is one, and
/// else through `field`.
macro_rules! given {
    ($request:ident, $args:expr; $($name:ident: $convert:expr $(, or $clear:ident)?;)*) => {$(
        $request = match $args.get(stringify!($name)) {
            None => $request,
            Some(Value::Null) => given!(@null $request, $name $($clear)?),
            Some(value) => match $convert(value) {
                Some(value) => $request.$name(value),
                None => return Called::Unexpressible,
            },
        };
    )*};
    (@null $request:ident, $name:ident) => { $request.field(stringify!($name), Value::Null) };
    (@null $request:ident, $name:ident $clear:ident) => { $request.$clear() };
}

/// An argument that must be there; else the call does not compile.
macro_rules! needed {
    ($args:expr, $name:literal, $convert:expr) => {
        match $convert(&$args[$name]) {
            Some(value) => value,
            None => return Called::Unexpressible,
        }
    };
}

pub(crate) use {given, needed};
