//! Filters and orders of listings.

use std::borrow::Cow;
use std::cmp::Ordering;

use globset::GlobMatcher;
use serde_json::Value;

use super::pattern::matcher;
use crate::call::Params;
use crate::failure::Failure;

/// A member of a document, as filters and orders see it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Member<'d> {
    /// Not there, or null.
    None,
    Number(u64),
    Text(Cow<'d, str>),
}

/// A document whose members can be asked for by name.
pub(super) trait Document {
    fn member(&self, name: &str) -> Member<'_>;
}

impl Document for Value {
    fn member(&self, name: &str) -> Member<'_> {
        match self.get(name) {
            Some(Self::String(text)) => Member::Text(text.into()),
            Some(Self::Number(number)) => number.as_u64().map_or(Member::None, Member::Number),
            Some(Self::Bool(value)) => Member::Number(u64::from(*value)),
            _ => Member::None,
        }
    }
}

/// The `filter` parameters of a listing: a document passes if one of them accepts it.
#[derive(Debug)]
pub(super) struct Filter(Vec<Vec<Clause>>);

#[derive(Debug)]
struct Clause {
    field: String,
    test: Test,
}

#[derive(Debug)]
enum Test {
    /// Any of the patterns, or none of them when negated.
    Patterns { patterns: Vec<Pattern>, negated: bool },
    /// A number compared.
    Number { order: &'static [Ordering], bound: u64 },
    /// From and to, both included, as texts of times.
    Range { from: String, to: String },
}

#[derive(Debug)]
enum Pattern {
    Exact(String),
    Glob(Box<GlobMatcher>),
}

impl Pattern {
    fn accepts(&self, text: &str) -> bool {
        match self {
            Self::Exact(wanted) => wanted == text,
            Self::Glob(glob) => glob.is_match(text),
        }
    }
}

fn refused(what: &str) -> Failure {
    Failure::bad_request("ClientError.BadRequest", format!("The filter is not understood: {what}"))
}

impl Filter {
    pub(super) fn parse(query: &Params) -> Result<Self, Failure> {
        let alternatives: Result<Vec<_>, Failure> =
            query.all("filter").map(|text| text.split('/').map(clause).collect()).collect();
        Ok(Self(alternatives?))
    }

    pub(super) fn accepts(&self, document: &impl Document) -> bool {
        self.0.is_empty()
            || self.0.iter().any(|clauses| clauses.iter().all(|clause| clause.accepts(document)))
    }
}

fn clause(text: &str) -> Result<Clause, Failure> {
    let (field, value) = text.split_once(':').ok_or_else(|| refused("a clause has no colon"))?;
    let condition = match field {
        "size" => number(value)?,
        "last_modified" | "request_time" | "completion_time" => {
            let (from, to) = value.split_once(',').unwrap_or((value, ""));
            Test::Range { from: normal_time(from), to: normal_time(to) }
        }
        "name" | "label" => patterns(value)?,
        _ => Test::Patterns {
            patterns: value.split(',').map(|value| Pattern::Exact(value.to_owned())).collect(),
            negated: false,
        },
    };
    Ok(Clause { field: field.to_owned(), test: condition })
}

fn number(value: &str) -> Result<Test, Failure> {
    let (order, rest): (&[Ordering], &str) = if let Some(rest) = value.strip_prefix(">=") {
        (&[Ordering::Greater, Ordering::Equal], rest)
    } else if let Some(rest) = value.strip_prefix("<=") {
        (&[Ordering::Less, Ordering::Equal], rest)
    } else if let Some(rest) = value.strip_prefix('>') {
        (&[Ordering::Greater], rest)
    } else if let Some(rest) = value.strip_prefix('<') {
        (&[Ordering::Less], rest)
    } else {
        (&[Ordering::Equal], value.strip_prefix('=').unwrap_or(value))
    };
    Ok(Test::Number { order, bound: rest.parse().map_err(|_| refused("a size is no number"))? })
}

fn patterns(value: &str) -> Result<Test, Failure> {
    let (negated, value) = value.strip_prefix('!').map_or((false, value), |rest| (true, rest));
    let (exact, value) = value.strip_prefix('=').map_or((false, value), |rest| (true, rest));
    let value = if exact { value } else { value.strip_prefix('~').unwrap_or(value) };
    let patterns = value
        .split(',')
        .map(|text| {
            if exact || !text.contains(['*', '?', '[']) {
                return Ok(Pattern::Exact(text.to_owned()));
            }
            let glob = matcher(text).map_err(|_| refused("a class in a pattern is not closed with ]"))?;
            Ok(Pattern::Glob(Box::new(glob)))
        })
        .collect::<Result<_, Failure>>()?;
    Ok(Test::Patterns { patterns, negated })
}

/// A time so that texts compare like times: `T` or a space, the zone left out, fractions too.
fn normal_time(text: &str) -> String {
    text.trim().replace('T', " ").chars().take("2031-04-05 06:07:08".len()).collect()
}

impl Clause {
    fn accepts(&self, document: &impl Document) -> bool {
        let member = document.member(&self.field);
        match (&self.test, member) {
            (Test::Patterns { patterns, negated }, Member::Text(text)) => {
                patterns.iter().any(|pattern| pattern.accepts(&text)) != *negated
            }
            (Test::Patterns { patterns, negated }, Member::Number(number)) => {
                patterns.iter().any(|pattern| pattern.accepts(&number.to_string())) != *negated
            }
            (Test::Patterns { negated, .. }, Member::None) => *negated,
            (Test::Number { order, bound }, Member::Number(number)) => order.contains(&number.cmp(bound)),
            (Test::Range { from, to }, Member::Text(time)) => {
                let time = normal_time(&time);
                (from.is_empty() || time >= *from)
                    && (to.is_empty() || time <= *to || time.starts_with(to.as_str()))
            }
            (Test::Number { .. } | Test::Range { .. }, _) => false,
        }
    }
}

/// Sorts documents as `orderby` says: `size DESC,name`.
pub(super) fn sort<D: Document>(documents: &mut [D], orderby: Option<&str>) {
    let keys: Vec<(&str, bool)> = orderby
        .unwrap_or_default()
        .split(',')
        .filter_map(|key| {
            let mut words = key.split_whitespace();
            let field = words.next()?;
            Some((field, words.next().is_some_and(|word| word.eq_ignore_ascii_case("desc"))))
        })
        .collect();
    documents.sort_by(|one, other| {
        keys.iter()
            .map(|(field, descending)| {
                let order = one.member(field).cmp(&other.member(field));
                if *descending { order.reverse() } else { order }
            })
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn accepts(query: &str, document: &Value) -> bool {
        Filter::parse(&Params::parse(query.as_bytes())).unwrap().accepts(document)
    }

    #[test]
    fn clauses_are_all_needed_and_parameters_are_alternatives() {
        let file = json!({"name": "a.bin", "type": "file", "size": 120, "last_modified": "2031-04-05 06:07:08+00:00"});
        for (query, expected) in [
            ("", true),
            ("filter=type:dir", false),
            ("filter=type:dir&filter=name:~*.bin", true),
            ("filter=type:dir,file", true),
            ("filter=type:file/name:b", false),
            ("filter=name:!a.bin", false),
            ("filter=name:!~*.txt", true),
            ("filter=name:%3D*.bin", false),
            ("filter=name:*.bin,x", true),
            ("filter=size:>100", true),
            ("filter=size:<%3D100", false),
            ("filter=last_modified:2031-04-01,2031-04-05", true),
            ("filter=last_modified:2031-04-06,", false),
        ] {
            assert_eq!(accepts(query, &file), expected, "{query}");
        }
        assert!(Filter::parse(&Params::parse(b"filter=nonsense")).is_err());
        assert!(Filter::parse(&Params::parse(b"filter=size:>x")).is_err());
    }

    #[test]
    fn orders_are_by_several_fields() {
        let mut documents = vec![
            json!({"name": "b", "size": 1}),
            json!({"name": "a", "size": 1}),
            json!({"name": "c", "size": 10}),
        ];
        sort(&mut documents, Some("size DESC,name"));
        let names: Vec<&str> = documents.iter().map(|document| document["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["c", "a", "b"]);
    }
}
