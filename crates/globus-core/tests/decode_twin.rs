//! The reader against `serde_json` on tens of thousands of documents, most of them damaged. The documents come
//! from a fixed seed, so that every run sees the same ones.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    unreachable_pub,
    clippy::default_trait_access
)]
#![allow(clippy::field_reassign_with_default, reason = "documents are non-exhaustive")]

mod decode_oracle;

use decode_oracle::compare;

/// Marsaglia's xorshift: the same numbers on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % limit
    }

    fn pick<'t>(&mut self, from: &[&'t str]) -> &'t str {
        from[self.below(from.len())]
    }
}

const NAMES: &[&str] = &[
    "name",
    "type",
    "size",
    "link_size",
    "last_modified",
    "permissions",
    "owner",
    "ratio",
    "offset",
    "small",
    "deleted",
    "tags",
    "note",
    "comment",
    "children",
    "DATA",
    "first",
    "totals",
    "meta",
    "marker",
    "n\\u0061me",
    "\\u0044ATA",
    "other",
    "",
    "é",
    "extra",
    "nam",
    "names",
];

const SCALARS: &[&str] = &[
    "null",
    "true",
    "false",
    "0",
    "-0",
    "1",
    "-1",
    "127",
    "128",
    "-128",
    "-129",
    "65535",
    "65536",
    "4294967295",
    "4294967296",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "-9223372036854775809",
    "18446744073709551615",
    "18446744073709551616",
    "99999999999999999999999",
    "1.0",
    "0.1",
    "-2.5e-3",
    "1e3",
    "1E+2",
    "1e400",
    "-1e400",
    "1e-400",
    "0.30000000000000004",
    "123456789012345678.5",
    "\"\"",
    "\"file\"",
    "\"dir\"",
    "\"socket\"",
    "\"a\\u00e9\\n\\\"\"",
    "\"\\ud83d\\ude00\"",
    "\"a text of more than twenty-four bytes\"",
    "\"2026-01-31 08:05:00+00:00\"",
    "\"2026-01-31T08:05:00.25Z\"",
    "\"2026-02-30T08:05:00Z\"",
    "\"00000000-0000-4000-8000-00000000000a\"",
    "\"{00000000-0000-4000-8000-00000000000A}\"",
    "\"é😀\"",
    "[]",
    "{}",
];

/// What valid JSON does not have, or not there.
const DAMAGE: &[&str] = &[
    ",", ":", "[", "]", "{", "}", "\"", "\\", "\\u", "\\ud800", "\\udc00", "\\x", "00", "01", "-", "+1",
    ".5", "1.", "1e", "nul", "truee", "NaN", "'", "\u{0}", "\u{1f}", "\u{7f}", "\u{feff}", " ", "\n", "\t\r",
    "/**/", "null", "0", "\"\"", "é",
];

/// The depth that is left at the top of a body.
const PAGE: usize = 4;

fn value(random: &mut Random, depth: usize, into: &mut String) {
    match random.below(if depth == 0 { 6 } else { 10 }) {
        6 | 7 => object(random, depth - 1, into),
        8 | 9 => {
            into.push('[');
            for item in 0..random.below(4) {
                into.push_str(if item > 0 { "," } else { "" });
                // Mostly documents, so that lists of documents have a chance.
                if random.below(4) > 0 {
                    object(random, depth - 1, into);
                } else {
                    value(random, depth - 1, into);
                }
            }
            into.push(']');
        }
        _ => into.push_str(random.pick(SCALARS)),
    }
}

fn object(random: &mut Random, depth: usize, into: &mut String) {
    into.push('{');
    for member in 0..random.below(6) {
        into.push_str(if member > 0 { "," } else { "" });
        into.push_str(if random.below(8) == 0 { " \n" } else { "" });
        // Mostly pages of entries, which have the most to go wrong in.
        let name = if depth == PAGE && random.below(3) == 0 { "DATA" } else { random.pick(NAMES) };
        into.extend(["\"", name, "\"", if random.below(8) == 0 { "\t:" } else { ":" }]);
        match name {
            "DATA" | "children" if depth > 0 && random.below(4) > 0 => {
                into.push('[');
                for item in 0..random.below(4) {
                    into.push_str(if item > 0 { " , " } else { "" });
                    object(random, depth - 1, into);
                }
                into.push(']');
            }
            _ => value(random, depth, into),
        }
    }
    into.push('}');
}

fn damage(random: &mut Random, body: &mut Vec<u8>) {
    let at = random.below(body.len() + 1);
    let until = (at + random.below(6)).min(body.len());
    match random.below(7) {
        0 => body.truncate(at),
        1 => drop(body.drain(at..until)),
        2 => drop(body.splice(at..at, random.pick(DAMAGE).bytes())),
        3 => drop(body.splice(at..until, random.pick(DAMAGE).bytes())),
        4 if at < body.len() => body[at] ^= 1 << random.below(8),
        5 => drop(body.splice(at..at, body[at..until].to_vec())),
        _ => body.insert(at, u8::try_from(random.below(256)).unwrap()),
    }
}

#[test]
fn the_reader_and_serde_json_agree() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let (mut accepted, mut refused, mut set_aside, mut entries) = (0, 0, 0, 0);
    for _ in 0..30_000 {
        let mut body = String::new();
        object(&mut random, PAGE, &mut body);
        let mut body = body.into_bytes();
        for _ in 0..3 {
            match compare(&body) {
                Some(page) => {
                    accepted += 1;
                    entries += page.data.len();
                    set_aside += usize::from(page.data.iter().any(|entry| entry.extra.contains_key("size")));
                }
                None => refused += 1,
            }
            damage(&mut random, &mut body);
        }
    }
    // The bodies are worth something only if both verdicts, entries and odd members are among them.
    assert!(accepted > 20_000 && refused > 20_000, "{accepted} accepted, {refused} refused");
    assert!(entries > 5_000 && set_aside > 200, "{entries} entries, {set_aside} pages with an odd size");
}

#[test]
fn every_scalar_in_every_member() {
    for name in NAMES {
        for scalar in SCALARS.iter().chain(DAMAGE) {
            compare(format!(r#"{{"{name}": {scalar}}}"#).as_bytes());
            compare(format!(r#"{{"DATA": [{{"{name}": {scalar}, "size": 1}}]}}"#).as_bytes());
            for later in ["null", "1", "\"x\"", "[]"] {
                compare(format!(r#"{{"DATA": [{{"{name}": {scalar}, "{name}":{later}}}]}}"#).as_bytes());
            }
        }
    }
    for scalar in SCALARS.iter().chain(DAMAGE) {
        compare(scalar.as_bytes());
        compare(format!("{{}}{scalar}").as_bytes());
        compare(format!("{scalar}{{}}").as_bytes());
    }
}

#[test]
fn nesting_ends_where_serde_json_ends_it() {
    for depth in 120..140 {
        for (before, after) in [("[", "]"), (r#"{"a":"#, "}")] {
            let (open, close) = (before.repeat(depth), after.repeat(depth));
            for member in ["note", "other", "size", "tags", "marker"] {
                compare(format!(r#"{{"{member}": {open}0{close}}}"#).as_bytes());
                compare(format!(r#"{{"DATA": [{{"{member}": {open}0{close}}}]}}"#).as_bytes());
            }
        }
        let (open, close) = (r#"{"children":["#.repeat(depth / 2), "]}".repeat(depth / 2));
        compare(format!(r#"{{"first": {open}{close}}}"#).as_bytes());
    }
}
