//! Scopes: what recorded cases do not show. Limits, order, and texts that nobody means well with.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use globus_core::scope::{MAX_DEPTH, MAX_EXPANDED, MAX_TEXT, ScopeErrorKind};
use globus_core::{Scope, Scopes};
use proptest::prelude::*;

fn printed(text: &str) -> String {
    Scopes::from(Scopes::from(text).parse().unwrap()).as_str().to_owned()
}

fn kind(text: &str) -> ScopeErrorKind {
    Scopes::from(text).parse().unwrap_err().kind()
}

/// `count` diamonds on top of each other: twice as many ways to the last scope with each.
fn diamonds(count: usize) -> String {
    (0..count).map(|n| format!("a{n}[l{n}[a{0}] r{n}[a{0}]]", n + 1)).collect::<Vec<_>>().join(" ")
}

#[test]
fn the_order_is_that_of_first_mention() {
    assert_eq!(printed("z a m[z y] a[q b] m[*b]"), "z a[q b] m[z y *b]");
    assert_eq!(printed("*x x *x"), "*x x");
}

#[test]
fn what_is_shared_is_built_once() {
    let scopes = Scopes::from(diamonds(12)).parse().unwrap();
    let [left, right] = scopes[0].dependencies() else { panic!("a diamond has two sides") };
    let (left, right) = (&left.dependencies()[0], &right.dependencies()[0]);
    assert!(std::ptr::eq(left.dependencies(), right.dependencies()));
    assert_eq!(left, right);
}

#[test]
fn sixteen_diamonds_are_read_and_printed() {
    let scopes = Scopes::from(diamonds(16)).parse().unwrap();
    assert!(scopes[0].to_string().len() > 1_000_000);
}

#[test]
fn what_would_grow_without_bounds_is_refused() {
    assert_eq!(kind(&diamonds(24)), ScopeErrorKind::TooLarge);
    assert_eq!(kind(&diamonds(300)), ScopeErrorKind::TooLarge);
    assert_eq!(kind(&"a".repeat(MAX_TEXT + 1)), ScopeErrorKind::TooLarge);
    assert_eq!(kind(&"a[".repeat(MAX_TEXT / 2)), ScopeErrorKind::TooLarge);
    let chain =
        |length: usize| (0..length).map(|n| format!("c{n}[c{}]", n + 1)).collect::<Vec<_>>().join(" ");
    assert!(Scopes::from(chain(MAX_DEPTH)).parse().is_ok());
    assert_eq!(kind(&chain(MAX_DEPTH + 1)), ScopeErrorKind::TooLarge);
    assert_eq!(kind(&chain(5_000)), ScopeErrorKind::TooLarge);
    let ring = format!("{} c5000[c0]", chain(5_000));
    assert_eq!(kind(&ring), ScopeErrorKind::Cycle);
    let error = Scopes::from(diamonds(24)).parse().unwrap_err().to_string();
    assert!(error.contains(&MAX_EXPANDED.to_string()), "{error}");
}

#[test]
fn a_fault_is_told_with_its_place() {
    let error = |text: &str| Scopes::from(text).parse().unwrap_err().to_string();
    assert_eq!(
        error("öä b[c"),
        "the scopes cannot be read, at character 6: an opening bracket is not closed; they are written like a[b *c[d]] e"
    );
    assert!(error("a b*c").contains("at character 4: a star stands in a name"));
    assert!(error("a]").contains("at character 2: a closing bracket has no opening one"));
    assert_eq!(error("x[\u{1b}y[x]]"), "the scope x depends on itself");
}

#[test]
fn one_scope_is_one() {
    assert_eq!(
        Scope::parse("a b").unwrap_err().to_string(),
        "one scope is wanted here, and the text holds 2"
    );
    assert_eq!(Scope::parse(" ").unwrap_err().kind(), ScopeErrorKind::NotOneScope);
    let error = Scope::new("a b\u{7}").unwrap_err();
    assert_eq!(error.kind(), ScopeErrorKind::InvalidName);
    assert!(!error.to_string().contains('\u{7}'));
}

#[test]
fn the_normal_form_knows_no_order() {
    let normal = |text: &str| Scope::parse(text).unwrap().normalized().unwrap();
    assert_eq!(normal("a[c[*d e] b]"), normal("a[b c[e *d]]"));
    assert_ne!(normal("a[*b]"), normal("a[b]"));
    let twice = Scope::constant("a")
        .with_dependency(Scope::constant("b").optional())
        .with_dependency(Scope::constant("b"));
    assert_eq!(twice.normalized().unwrap().to_string(), "a[b]");
}

#[test]
fn a_scope_is_shared_between_threads() {
    fn check<T: Send + Sync + Clone>() {}
    check::<Scope>();
    check::<Scopes>();
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "[ab\\[\\]* \t*]{0,40}") {
        if let Ok(scopes) = Scopes::from(text.as_str()).parse() {
            // What was read means itself, but for the blanks that are cut off the end of a text only.
            if !text.contains('\t') {
                prop_assert_eq!(Scopes::from(&scopes).parse().unwrap(), scopes);
            }
        }
    }

    #[test]
    fn merging_is_the_same_in_any_grouping(a in "[abc]( [abc](\\[[def]\\])?){0,3}", b in "[abc]( \\*?[abc](\\[\\*?[def]\\])?){0,3}") {
        let both = Scopes::from(a.as_str()).merge(b.as_str()).unwrap();
        prop_assert_eq!(both.merge(b.as_str()).unwrap(), both.clone());
        prop_assert_eq!(Scopes::from(format!("{a} {b}")).parse().unwrap(), both.parse().unwrap());
    }
}
