//! Patterns of names, as filters, filter rules and deletions take them.

use globset::{GlobBuilder, GlobMatcher};

/// What matches a pattern: `*`, `?` and `[…]` stand for others, everything else for itself, braces and backslashes
/// included.
pub(super) fn matcher(text: &str) -> Result<GlobMatcher, globset::Error> {
    let glob = GlobBuilder::new(&without_alternatives(text)).backslash_escape(false).build()?;
    Ok(glob.compile_matcher())
}

/// Where a pattern is read.
#[derive(Clone, Copy)]
enum Place {
    Outside,
    /// After `[`.
    ClassBegins,
    /// After `[!` or `[^`.
    ClassNegated,
    InClass,
}

/// The pattern with braces that stand for themselves, as they do for the service.
fn without_alternatives(pattern: &str) -> String {
    let mut text = String::new();
    let mut place = Place::Outside;
    for character in pattern.chars() {
        if let (Place::Outside, '{' | '}') = (place, character) {
            text.extend(['[', character, ']']);
            continue;
        }
        text.push(character);
        place = match (place, character) {
            (Place::Outside, '[') => Place::ClassBegins,
            (Place::ClassBegins, '!' | '^') => Place::ClassNegated,
            // As its first member `]` stands for itself.
            (Place::Outside, _) | (Place::InClass, ']') => Place::Outside,
            _ => Place::InClass,
        };
    }
    text
}

#[cfg(test)]
mod tests {
    use super::matcher;

    #[test]
    fn only_wildcards_and_classes_stand_for_others() {
        for (text, matching, others) in [
            ("*.{a,b}", vec!["x.{a,b}"], vec!["x.a", "x.b"]),
            ("a{b", vec!["a{b"], vec!["ab"]),
            (r"a\*", vec![r"a\x"], vec!["a*"]),
            ("[{}]?", vec!["{x", "}x"], vec!["x{"]),
            ("[]{]", vec!["]", "{"], vec!["x"]),
            ("[!]]}", vec!["x}"], vec!["]}", "x"]),
            ("[!!]{", vec!["x{"], vec!["!{"]),
        ] {
            let matcher = matcher(text).unwrap();
            assert!(matching.iter().all(|name| matcher.is_match(name)), "{text}");
            assert!(!others.iter().any(|name| matcher.is_match(name)), "{text}");
        }
        assert!(matcher("[a").is_err());
    }
}
