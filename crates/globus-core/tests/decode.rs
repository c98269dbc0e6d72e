//! The rules of decoding, one by one.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    unreachable_pub,
    clippy::needless_pass_by_value
)]

use std::collections::{BTreeMap, HashMap};

use globus_core::decode::{Decode, DecodeError, Extra, Kind, Reader, Text, Time, from_slice};
use serde_json::{Value, json};
use uuid::Uuid;

globus_core::string_enum! {
    /// For the tests.
    pub enum EntryType {
        /// A file.
        File = "file",
    }
}

globus_core::document! {
    /// For the tests.
    pub struct Entry {
        /// Text.
        pub name: Text,
        /// Another name on the wire.
        pub kind as "type": EntryType,
        /// A number.
        pub size: u64,
        /// With a default of its own.
        pub limit: u32 = 100,
        /// May be absent.
        pub owner: Option<Uuid>,
        /// May be absent.
        pub changed: Option<Time>,
        /// Documents inside.
        pub parts: Vec<Entry>,
    }
}

globus_core::document! {
    /// For the tests.
    pub struct Page {
        /// Entries.
        pub data as "DATA": Vec<Entry>,
        /// A map.
        pub counts: BTreeMap<String, u64>,
    }
}

globus_core::document! {
    /// Everything is extra.
    pub struct Empty {}
}

fn entry(body: &str) -> Entry {
    from_slice(body.as_bytes()).unwrap()
}

#[test]
fn a_member_that_is_missing_or_null_has_its_default() {
    for body in [
        "{}",
        r#"{"name":null,"type":null,"size":null,"limit":null,"owner":null,"changed":null,"parts":null}"#,
        r#" { "size" : null } "#,
    ] {
        let entry = entry(body);
        assert_eq!(entry, Entry::default());
        assert_eq!((entry.name.as_str(), entry.size, entry.limit, entry.owner), ("", 0, 100, None));
        assert_eq!(entry.kind, EntryType::Other("".into()));
        assert!(entry.extra.is_empty());
    }
}

#[test]
fn members_are_found_in_whatever_order_they_come_and_however_their_names_are_written() {
    let members = [
        (["\"name\":", "\"n\\u0061me\" :"], "\"a\""),
        (["\"type\":", " \"type\"\n:"], "\"file\""),
        (["\"size\":", "\"size\"\t: "], "1"),
        (["\"limit\":", "\"limi\\u0074\":"], "2"),
        (["\"unknown\":", "\"unknown\" :"], "3"),
        (["\"siz\":", "\"sizes\":"], "4"),
    ];
    // A list, as the order of one document is what is looked for first in the next.
    let mut bodies = Vec::new();
    for start in 0..members.len() {
        for step in [1, 5] {
            for written in [0, 1] {
                let turn = |at: usize| &members[(start + step * at) % members.len()];
                let body: Vec<_> = (0..members.len()).map(|at| (turn(at).0[written], turn(at).1)).collect();
                let body: Vec<_> = body.iter().map(|(name, value)| format!("{name}{value}")).collect();
                bodies.push(format!("{{{}}}", body.join(",")));
            }
        }
    }
    let entries: Vec<Entry> = from_slice(format!("[{}]", bodies.join(",")).as_bytes()).unwrap();
    assert_eq!(entries.len(), bodies.len());
    for (entry, body) in entries.iter().zip(&bodies) {
        assert_eq!((entry.name.as_str(), entry.size, entry.limit), ("a", 1, 2), "{body}");
        assert!(matches!(entry.kind, EntryType::File), "{body}");
        let unknown: Vec<_> = entry.extra.values().collect();
        assert_eq!((unknown, entry.extra.len()), (vec![&json!(4), &json!(3)], 2), "{body}");
    }
}

#[test]
fn a_long_list_is_made_as_large_as_the_body_has_items() {
    let page = |items: usize| {
        let entries: Vec<_> = (0..items).map(|item| format!(r#"{{"name":"{item:09}"}}"#)).collect();
        let page: Page = from_slice(format!(r#"{{"DATA":[{}]}}"#, entries.join(",")).as_bytes()).unwrap();
        assert_eq!(page.data.len(), items);
        assert!((0..items).zip(&page.data).all(|(item, entry)| entry.name == format!("{item:09}").as_str()));
        page.data.capacity()
    };
    for items in [0, 10, 31, 32, 33, 64, 1000, 10_000] {
        let capacity = page(items);
        assert!(capacity <= 2 * items.max(32), "{capacity} for {items}");
    }
    let numbers = format!("[{}]", vec!["1234567"; 5000].join(","));
    let numbers: Vec<u64> = from_slice(numbers.as_bytes()).unwrap();
    assert!((5000..5000 + 5000 / 15).contains(&numbers.capacity()), "{}", numbers.capacity());
    // The rest of the body belongs to other lists.
    let inner = format!("[{}]", vec!["1"; 40].join(","));
    let lists = format!("[[{}]]", vec![inner.as_str(); 100].join(","));
    let lists: Vec<Vec<Vec<u64>>> = from_slice(lists.as_bytes()).unwrap();
    assert!(lists[0].iter().all(|list| list.len() == 40 && list.capacity() <= 80));
    // One long string after many short items is not taken for items.
    let text = format!(r#"[{},"{}"]"#, vec![r#""a""#; 40].join(","), "x".repeat(1 << 20));
    let texts: Vec<Text> = from_slice(text.as_bytes()).unwrap();
    assert!(texts.len() == 41 && texts.capacity() <= 2 * text.len() / size_of::<Text>() + 64);
}

#[test]
fn integers_up_to_the_last_digit() {
    for text in [
        "0",
        "7",
        "-7",
        "9999999999999999999",
        "18446744073709551615",
        "18446744073709551616",
        "18446744073709551625",
        "36893488147419103239",
        "99999999999999999999",
        "100000000000000000000000000000",
        "-9223372036854775808",
        "-9223372036854775809",
        "9223372036854775807",
        "9223372036854775808",
        "340282366920938463463374607431768211463",
    ] {
        assert_eq!(from_slice::<u64>(text.as_bytes()).ok(), serde_json::from_str(text).ok(), "{text}");
        assert_eq!(from_slice::<i64>(text.as_bytes()).ok(), serde_json::from_str(text).ok(), "{text}");
        assert_eq!(from_slice::<u8>(text.as_bytes()).ok(), serde_json::from_str(text).ok(), "{text}");
    }
}

#[test]
fn the_last_of_two_members_counts() {
    assert_eq!(entry(r#"{"size":1,"size":2}"#).size, 2);
    assert_eq!(entry(r#"{"limit":1,"limit":null}"#).limit, 100);
    assert_eq!(entry(r#"{"owner":"00000000-0000-4000-8000-000000000001","owner":null}"#).owner, None);
    assert_eq!(entry(r#"{"new":1,"new":2}"#).extra["new"], 2);

    let odd_last = entry(r#"{"size":1,"size":"many"}"#);
    assert_eq!((odd_last.size, &odd_last.extra["size"]), (0, &json!("many")));
    let odd_first = entry(r#"{"size":"many","size":1}"#);
    assert_eq!((odd_first.size, odd_first.extra.len()), (1, 0));
    let odd_then_null = entry(r#"{"limit":"many","limit":null}"#);
    assert_eq!((odd_then_null.limit, odd_then_null.extra.len()), (100, 0));
}

#[test]
fn unknown_members_are_kept() {
    let entry = entry(r#"{"size":1,"new":{"a":[1,2.5,"x",true,null]},"neu\u00e9":18446744073709551616}"#);
    assert_eq!(entry.extra.get("new"), Some(&json!({"a": [1, 2.5, "x", true, null]})));
    assert_eq!(entry.extra.get("neué"), Some(&json!(18_446_744_073_709_551_616.0)));
    let all: Empty = from_slice(br#"{"a":1,"b":[]}"#).unwrap();
    assert_eq!(*all.extra, *json!({"a": 1, "b": []}).as_object().unwrap());
}

#[test]
fn a_member_of_another_type_is_kept_and_the_rest_is_there() {
    let body = r#"{"DATA":[{"name":"a","size":1},{"name":["odd"],"size":-1,"limit":1.0,"owner":"me",
        "changed":12,"type":false,"parts":{"a":1}},{"name":"c","size":3}]}"#;
    let page: Page = from_slice(body.as_bytes()).unwrap();
    assert_eq!(page.data.iter().map(|entry| entry.size).collect::<Vec<_>>(), [1, 0, 3]);
    let odd = &page.data[1];
    assert_eq!(*odd, Entry { extra: odd.extra.clone(), ..Entry::default() });
    let kept = json!({"name": ["odd"], "size": -1, "limit": 1.0, "owner": "me", "changed": 12, "type": false,
        "parts": {"a": 1}});
    assert_eq!(*odd.extra, *kept.as_object().unwrap());
    assert!(page.extra.is_empty() && page.data[2].extra.is_empty());
}

#[test]
fn an_odd_item_makes_its_list_odd() {
    let page: Page = from_slice(br#"{"DATA":[{"size":1},7],"counts":{"a":1,"b":"x"}}"#).unwrap();
    assert_eq!((page.data.len(), page.counts.len()), (0, 0));
    assert_eq!(
        *page.extra,
        *json!({"DATA": [{"size": 1}, 7], "counts": {"a": 1, "b": "x"}}).as_object().unwrap()
    );
}

#[test]
fn only_objects_are_documents() {
    for (body, found) in [
        (r#"["name","file"]"#, Kind::Array),
        ("null", Kind::Null),
        ("7", Kind::Number),
        (r#""text""#, Kind::String),
        ("true", Kind::Boolean),
    ] {
        let error = from_slice::<Entry>(body.as_bytes()).unwrap_err();
        assert_eq!((error.expected(), error.found(), error.is_syntax()), ("an object", found, false));
    }
}

#[test]
fn keys_with_escapes_match() {
    let entry = entry(r#"{"n\u0061me":"a\tb","\u0073ize":5}"#);
    assert_eq!((entry.name.as_str(), entry.size, entry.extra.len()), ("a\tb", 5, 0));
}

#[test]
fn values_of_every_type() {
    fn all<T: Decode + PartialEq + std::fmt::Debug>(body: &str, expected: T) {
        assert_eq!(from_slice::<T>(body.as_bytes()).unwrap(), expected);
        assert_eq!(from_slice::<Option<T>>(body.as_bytes()).unwrap().as_ref(), Some(&expected));
        assert_eq!(from_slice::<Option<T>>(b" null ").unwrap(), None);
        assert_eq!(
            from_slice::<Vec<T>>(format!("[{body} , {body}]").as_bytes()).unwrap().last(),
            Some(&expected)
        );
        assert_eq!(*from_slice::<Box<T>>(body.as_bytes()).unwrap(), expected);
    }
    all("true", true);
    all("false", false);
    all("255", u8::MAX);
    all("65535", u16::MAX);
    all("4294967295", u32::MAX);
    all("18446744073709551615", u64::MAX);
    all("0", 0usize);
    all("-128", i8::MIN);
    all("-32768", i16::MIN);
    all("-2147483648", i32::MIN);
    all("-9223372036854775808", i64::MIN);
    all("9223372036854775807", isize::MAX);
    all("-2.5e-1", -0.25f64);
    all("7", 7.0f64);
    all(r#""\ud83d\ude00""#, "😀".to_owned());
    all(r#""é""#, Text::from("é"));
    all(r#""2026-01-31 08:05:00Z""#, Time::from("2026-01-31 08:05:00Z"));
    all(r#""00000000-0000-4000-8000-00000000000a""#, Uuid::from_u128(0x4000_8000_0000_0000_000a));
    all(r#"{"a":[]}"#, json!({"a": []}));
    all(r#"{"a":1,"a":2}"#, BTreeMap::from([(Text::from("a"), 2u8)]));
    all(r#"{"a":"odd","b":[],"b":1,"a":2}"#, BTreeMap::from([(Text::from("a"), 2u8), (Text::from("b"), 1)]));
    all(r#"{"\u0061":1}"#, HashMap::<String, u8>::from([("a".to_owned(), 1)]));
    all(r#"{"a":null}"#, json!({"a": null}).as_object().unwrap().clone());
    all("[]", Vec::<u8>::new());
}

#[test]
fn values_that_do_not_fit() {
    fn unfit<T: Decode + std::fmt::Debug>(bodies: &[&str]) {
        for body in bodies {
            let error = from_slice::<T>(body.as_bytes()).unwrap_err();
            assert!(!error.is_syntax(), "{body}: {error}");
        }
    }
    unfit::<u8>(&["256", "-1", "-0", "1.0", "1e0", "\"1\"", "null", "[]", "18446744073709551616"]);
    unfit::<u64>(&["18446744073709551616", "99999999999999999999999999", "-1"]);
    unfit::<i64>(&["9223372036854775808", "-9223372036854775809", "-0"]);
    unfit::<i8>(&["128", "-129"]);
    unfit::<f64>(&["\"1\"", "null", "{}"]);
    unfit::<bool>(&["0", "\"true\"", "null"]);
    unfit::<Uuid>(&["\"\"", "\"00000000-0000-4000-8000-00000000000\"", "1"]);
    unfit::<Vec<u8>>(&["{}", "[1,null]", "[[1]]"]);
    unfit::<BTreeMap<String, u8>>(&["[]", "{\"a\":null}", "{\"a\":1,\"a\":\"odd\"}"]);
    unfit::<Text>(&["1", "null", "[\"a\"]"]);
}

#[test]
fn broken_bodies_are_broken() {
    for body in [
        "",
        " ",
        "{",
        "}",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[",
        "[1",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{,}",
        "{\"a\":1 \"b\":2}",
        "{a:1}",
        "{1:1}",
        "{\"a\":1}}",
        "{} x",
        "nul",
        "tru",
        "nulll",
        "01",
        "-",
        "-a",
        "1.",
        ".5",
        "+1",
        "1e",
        "\"",
        "\"a",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\ud800\"",
        "\"\\udc00\"",
        "\"\\ud800\\u0041\"",
        "\"\n\"",
        "\"\t\"",
        "\u{feff}{}",
        "1e400",
        "'a'",
        "\u{a0}1",
        "//",
        "[1}",
        "{\"a\":1]",
    ] {
        let error = from_slice::<Value>(body.as_bytes()).unwrap_err();
        assert!(error.is_syntax(), "{body}: {error}");
        assert!(from_slice::<Empty>(body.as_bytes()).is_err(), "{body}");
        assert!(from_slice::<Empty>(format!("{{\"a\":{body}}}").as_bytes()).is_err(), "{body}");
    }
}

#[test]
fn serialize_writes_what_decodes_to_the_same_document() {
    let body = r#"{"name":"a","type":"pipe","size":"odd","changed":"2026-01-31 08:05:00.50+00:00","new":[1],
        "parts":[{"size":2}]}"#;
    let document = entry(body);
    let written = serde_json::to_value(&document).unwrap();
    let part =
        json!({"name": "", "type": "", "size": 2, "limit": 100, "owner": null, "changed": null, "parts": []});
    assert_eq!(
        written,
        json!({"name": "a", "type": "pipe", "size": "odd", "limit": 100, "owner": null,
            "changed": "2026-01-31 08:05:00.50+00:00", "new": [1], "parts": [part]})
    );
    let text = serde_json::to_string(&document).unwrap();
    assert_eq!(text.matches("\"size\"").count(), 2, "one for the document, one for its part: {text}");
    assert_eq!(entry(&text), document);
}

#[test]
fn documents_stand_inside_types_of_serde() {
    #[derive(serde::Deserialize)]
    struct Mine {
        entry: Entry,
        time: Time,
        kind: EntryType,
        more: Extra,
    }
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Flat {
        mine: u8,
        #[serde(flatten)]
        entry: Entry,
    }
    let body =
        r#"{"entry":{"size":"odd","limit":null,"name":"a"},"time":"now","kind":"file","more":{"a":1}}"#;
    let mine: Mine = serde_json::from_str(body).unwrap();
    assert_eq!((mine.entry.name.as_str(), mine.entry.limit, mine.entry.size), ("a", 100, 0));
    assert_eq!(mine.entry.extra["size"], "odd");
    assert_eq!((mine.time, mine.kind, mine.more.len()), (Time::from("now"), EntryType::File, 1));

    let flat: Flat = serde_json::from_str(r#"{"mine":1,"size":2,"name":7,"new":3}"#).unwrap();
    assert_eq!((flat.mine, flat.entry.size, flat.entry.extra.len()), (1, 2, 2));
    let written = serde_json::to_value(&flat).unwrap();
    assert_eq!((&written["mine"], &written["size"], &written["name"]), (&json!(1), &json!(2), &json!(7)));

    let array = serde_json::from_str::<Entry>(r#"["a","file"]"#).unwrap_err().to_string();
    assert!(array.starts_with("unexpected document: expected an object, found an array"), "{array}");
    let quoted = serde_json::from_str::<Entry>(r#""s3cr3t""#).unwrap_err().to_string();
    assert!(!quoted.contains("s3cr3t"), "{quoted}");
}

#[test]
fn the_reader_goes_back() {
    let mut reader = Reader::new(br#"[[{"a":1}], 2]"#).unwrap();
    reader.begin_array().unwrap();
    let mut first = true;
    assert!(reader.item(&mut first).unwrap());
    let mark = reader.save();
    assert!(from_list(&mut reader).is_err());
    reader.rewind(mark);
    assert_eq!(reader.offset(), 1);
    assert_eq!(reader.value().unwrap(), json!([{"a": 1}]));
    assert!(reader.item(&mut first).unwrap());
    assert_eq!(reader.peek(), Kind::Number);
    assert_eq!(reader.integer::<u8>("a number").unwrap(), 2);
    assert!(!reader.item(&mut first).unwrap());
    reader.end().unwrap();
}

fn from_list(reader: &mut Reader<'_>) -> Result<Vec<u64>, DecodeError> {
    Decode::decode(reader)
}
