//! What is said about a body that cannot be decoded, and bodies made to do harm.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, unreachable_pub)]

use std::collections::BTreeMap;

use globus_core::decode::{Decode, DecodeError, Kind, Reader, Text, from_slice};
use serde_json::Value;
use uuid::Uuid;

/// Stands in every body where a value or a foreign name may stand; must not come out.
const SENTINEL: &str = "s3nt1nel";

globus_core::document! {
    /// For the tests.
    pub struct Entry {
        /// Text.
        pub name: Text,
        /// A number.
        pub size: u64,
        /// Another one.
        pub owner: Option<Uuid>,
        /// Documents inside.
        pub parts: Vec<Entry>,
        /// A map.
        pub tags: BTreeMap<String, f64>,
    }
}

globus_core::document! {
    /// For the tests.
    pub struct Page {
        /// Entries.
        pub data as "DATA": Vec<Entry>,
        /// One.
        pub first: Option<Entry>,
    }
}

fn refused<T: Decode>(body: &[u8]) -> DecodeError {
    let error = from_slice::<T>(body).err().unwrap();
    for shown in [error.to_string(), format!("{error:?}"), format!("{error:#?}"), error.path()] {
        assert!(!shown.contains(SENTINEL), "{shown}");
    }
    assert!(std::error::Error::source(&error).is_none());
    error
}

#[test]
fn the_path_leads_to_the_place() {
    let many = format!(r#"{{"size":1,"other":"{SENTINEL}"}},"#).repeat(57);
    for (body, path, at) in [
        (format!(r#"{{"DATA":[{many}{{"name":"{SENTINEL}\ud800"}}]}}"#), "DATA[57].name", r"\ud800"),
        (format!(r#"{{"DATA":[{many}{{"size":01,"name":"{SENTINEL}"}}]}}"#), "DATA[57].size", "01"),
        (
            format!(r#"{{"first":{{"parts":[{{}},{{"owner":"{SENTINEL}\q"}}]}}}}"#),
            "first.parts[1].owner",
            r"\q",
        ),
        (format!(r#"{{"first":{{"tags":{{"{SENTINEL}":1e400}}}}}}"#), "first.tags.*", "1e400"),
        (format!(r#"{{"{SENTINEL}":[1,{{"{SENTINEL}":[2,x]}}]}}"#), "*[1].*[1]", "x]"),
        (format!(r#"{{"DATA":[{many}"{SENTINEL}]}}"#), "DATA[57]", "end"),
        (format!(r#"{{"DATA":[{many}{{}};{SENTINEL}]}}"#), "DATA[58]", ";"),
        (format!(r#"{{"DATA":[]}} {SENTINEL}"#), "", SENTINEL),
        (format!(r#"{{"first":nul,"{SENTINEL}":1}}"#), "first", "nul"),
        (format!(r#"{{"size":"{SENTINEL}","first" 1}}"#), "", "1}"),
        (SENTINEL.to_owned(), "", SENTINEL),
    ] {
        let error = refused::<Page>(body.as_bytes());
        assert_eq!(error.path(), path, "{body}");
        let offset = if at == "end" { body.len() } else { body.rfind(at).unwrap() };
        // Of a bad escape serde_json tells the place up to the byte where it gave up.
        let slack = if at.starts_with('\\') { at.len() } else { 0 };
        assert!((offset..=offset + slack).contains(&error.offset()), "{error}: expected at {offset}");
        assert!(error.is_syntax());
    }
}

#[test]
fn another_kind_of_document_is_told() {
    let error = refused::<Page>(format!(r#" ["{SENTINEL}"]"#).as_bytes());
    assert_eq!((error.expected(), error.found(), error.offset()), ("an object", Kind::Array, 1));
    assert_eq!(
        error.to_string(),
        "unexpected document (byte 1): expected an object, found an array; read it as plain JSON instead"
    );

    let error = refused::<Vec<Page>>(format!(r#"[{{}},"{SENTINEL}"]"#).as_bytes());
    assert_eq!((error.path().as_str(), error.found(), error.offset()), ("[1]", Kind::String, 4));

    let error = refused::<BTreeMap<String, Vec<u8>>>(format!(r#"{{"{SENTINEL}":[1,256]}}"#).as_bytes());
    assert_eq!(
        error.to_string(),
        "unexpected document at *[1] (byte 15): expected an unsigned 8-bit integer, found a number that is none; \
         read it as plain JSON instead"
    );

    // What only looks like a value is damage, and so is damage after a value of another kind.
    for body in [format!("not found: {SENTINEL}"), format!("true {SENTINEL}"), format!(r#"["{SENTINEL}""#)] {
        assert!(refused::<Page>(body.as_bytes()).is_syntax(), "{body}");
    }

    let error = refused::<Vec<Uuid>>(format!(r#"["{SENTINEL}"]"#).as_bytes());
    assert_eq!((error.expected(), error.found(), error.offset()), ("a UUID", Kind::String, 1));
}

#[test]
fn a_body_that_is_cut_off_says_so() {
    let error = refused::<Page>(format!(r#"{{"DATA":[{{"name":"{SENTINEL}"#).as_bytes());
    assert_eq!(
        error.to_string(),
        "the body is no valid JSON at DATA[0].name (byte 26): expected the end of a string, found the end of the \
         body; it may be damaged or cut off: ask again"
    );
    for body in ["", " ", "{", r#"{"DATA":"#, r#"{"DATA":["#, r#"{"DATA":[{}"#, r#"{"a":{"b":"#] {
        let error = refused::<Page>(body.as_bytes());
        assert_eq!(
            (error.found(), error.is_syntax(), error.offset()),
            (Kind::End, true, body.len()),
            "{body}"
        );
    }
}

#[test]
fn bad_utf8_is_found_wherever_it_is() {
    for (before, after, path) in [
        (r#"{"DATA":[{},{"name":""#, r#""}]}"#, "DATA[1].name"),
        (r#"{"DATA":[{"other":{"#, "}}]}", "DATA[0].*"),
        (r#"{"other":""#, r#""}"#, "*"),
        (r#"{"n"#, r#"":1}"#, ""),
        (r#"{"DATA":[]}"#, "", ""),
    ] {
        for bad in [&b"\xff"[..], b"\xc3", b"\xed\xa0\x80", b"\xc0\xaf"] {
            let body = [before.as_bytes(), bad, after.as_bytes()].concat();
            let error = refused::<Page>(&body);
            assert_eq!(
                (error.path().as_str(), error.offset(), error.is_syntax()),
                (path, before.len(), true)
            );
        }
    }
}

/// On a stack that a document of a million levels would run over many times.
fn on_a_small_stack(test: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(256 * 1024).spawn(test).unwrap().join().unwrap();
}

#[test]
fn a_million_levels_are_refused() {
    on_a_small_stack(|| {
        let depth = 1_000_000;
        for (open, close) in [("[", "]"), (r#"{"a":"#, "}"), (r#"{"parts":["#, "]}"), ("[{\"a\":", "}]")] {
            let deep = format!("{}0{}", open.repeat(depth), close.repeat(depth));
            let unclosed = open.repeat(depth);
            for nested in [deep, unclosed] {
                for body in [
                    nested.clone(),
                    format!(r#"{{"unknown":{nested}}}"#),
                    format!(r#"{{"first":{nested}}}"#),
                    format!(r#"{{"DATA":[{nested}]}}"#),
                    format!(r#"{{"DATA":[{{"size":{nested}}}]}}"#),
                ] {
                    assert!(from_slice::<Value>(body.as_bytes()).unwrap_err().is_syntax());
                    let page = from_slice::<Page>(body.as_bytes()).unwrap_err();
                    assert!(page.is_syntax(), "{page}");
                    assert!(page.to_string().len() < 2_000);
                }
            }
        }
    });
}

#[test]
fn as_many_levels_as_allowed_need_little_stack() {
    on_a_small_stack(|| {
        let nested = format!("{}{}", r#"{"parts":["#.repeat(62), "]}".repeat(62));
        let page = from_slice::<Page>(format!(r#"{{"first":{nested}}}"#).as_bytes()).unwrap();
        assert_eq!(page.first.unwrap().parts.len(), 1);
        let nested = format!("{}{}", "[".repeat(126), "]".repeat(126));
        let page = from_slice::<Page>(format!(r#"{{"first":{nested}}}"#).as_bytes()).unwrap();
        assert!(page.extra["first"].is_array());
    });
}

#[test]
fn odd_members_at_every_level_are_read_again_only_once() {
    // Were a part read again for every level around it, this would be 2^60 reads.
    let nested = format!("{}{}", r#"{"size":[],"parts":["#.repeat(60), "]}".repeat(60));
    let page = from_slice::<Page>(format!(r#"{{"first":{nested}}}"#).as_bytes()).unwrap();
    assert!(page.first.unwrap().extra.contains_key("size"));
    // The innermost part is odd, so its list is, and no other.
    let nested = format!("{}7{}", r#"{"parts":["#.repeat(60), "]}".repeat(60));
    let mut entry = from_slice::<Page>(format!(r#"{{"first":{nested}}}"#).as_bytes()).unwrap().first.unwrap();
    let mut depth = 1;
    while let Some(part) = entry.parts.pop() {
        assert!(entry.extra.is_empty());
        entry = part;
        depth += 1;
    }
    assert_eq!((depth, &entry.extra["parts"]), (60, &serde_json::json!([7])));
}

#[test]
fn numbers_at_the_edges() {
    let page: Page =
        from_slice(br#"{"big":18446744073709551616,"first":{"size":18446744073709551616}}"#).unwrap();
    assert_eq!(page.extra["big"], 18_446_744_073_709_551_616.0);
    let first = page.first.unwrap();
    assert_eq!((first.size, &first.extra["size"]), (0, &Value::from(18_446_744_073_709_551_616.0)));
    assert!(refused::<Page>(br#"{"big":1e400}"#).is_syntax());
    assert!(refused::<Page>(br#"{"first":{"size":1e400}}"#).is_syntax());
    let digits = format!(r#"{{"first":{{"size":{}}}}}"#, "9".repeat(200));
    assert!(from_slice::<Page>(digits.as_bytes()).unwrap().first.unwrap().extra.contains_key("size"));
}

#[test]
fn a_byte_order_mark_is_refused() {
    let error = refused::<Page>(b"\xef\xbb\xbf{}");
    assert_eq!((error.offset(), error.is_syntax(), error.found()), (0, true, Kind::Other));
}

#[test]
fn the_readers_debug_shows_no_body() {
    let shown = format!("{:?}", Reader::of(SENTINEL));
    assert!(!shown.contains(SENTINEL), "{shown}");
    let page: Page = from_slice(format!(r#"{{"other":"{SENTINEL}"}}"#).as_bytes()).unwrap();
    assert!(!format!("{page:?}").contains(SENTINEL));
}
