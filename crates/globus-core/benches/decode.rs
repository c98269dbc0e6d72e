//! A directory listing of 10,000 entries with 13 members each: the reader, and `serde_json` with derived
//! types as the yardstick. Criterion prints the throughput; `cargo bench -p globus-core --bench decode`.

#![allow(missing_docs, unreachable_pub, clippy::unwrap_used)]

use std::fmt::Write as _;
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use globus_core::decode::{self, Text, Time};
use serde::Deserialize;

const ENTRIES: usize = 10_000;

globus_core::string_enum! {
    /// What an entry is.
    pub enum EntryType {
        /// A file.
        File = "file",
        /// A directory.
        Dir = "dir",
    }
}

globus_core::string_enum! {
    /// Types of document.
    pub enum DataType {
        /// An entry.
        File = "file",
        /// A listing.
        FileList = "file_list",
    }
}

globus_core::document! {
    /// An entry as the SDK has it.
    pub struct Entry {
        /// 1
        pub data_type as "DATA_TYPE": DataType,
        /// 2
        pub name: Text,
        /// 3
        pub kind as "type": EntryType,
        /// 4
        pub size: u64,
        /// 5
        pub last_modified: Option<Time>,
        /// 6
        pub permissions: Text,
        /// 7
        pub user: Option<Text>,
        /// 8
        pub group: Option<Text>,
        /// 9
        pub link_target: Option<Text>,
        /// 10
        pub link_user: Option<Text>,
        /// 11
        pub link_group: Option<Text>,
        /// 12
        pub link_size: Option<u64>,
        /// 13
        pub link_last_modified: Option<Time>,
    }
}

globus_core::document! {
    /// A listing.
    pub struct Listing {
        /// Entries.
        pub data as "DATA": Vec<Entry>,
        /// Path.
        pub path: Text,
    }
}

globus_core::document! {
    /// An entry whose strings are all `String`.
    pub struct StringEntry {
        /// 1
        pub data_type as "DATA_TYPE": String,
        /// 2
        pub name: String,
        /// 3
        pub kind as "type": String,
        /// 4
        pub size: u64,
        /// 5
        pub last_modified: Option<String>,
        /// 6
        pub permissions: String,
        /// 7
        pub user: Option<String>,
        /// 8
        pub group: Option<String>,
        /// 9
        pub link_target: Option<String>,
        /// 10
        pub link_user: Option<String>,
        /// 11
        pub link_group: Option<String>,
        /// 12
        pub link_size: Option<u64>,
        /// 13
        pub link_last_modified: Option<String>,
    }
}

globus_core::document! {
    /// A listing of such.
    pub struct StringListing {
        /// Entries.
        pub data as "DATA": Vec<StringEntry>,
        /// Path.
        pub path: String,
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
#[allow(dead_code, reason = "only decoded")]
struct Derived {
    #[serde(rename = "DATA_TYPE")]
    data_type: String,
    name: String,
    #[serde(rename = "type")]
    kind: String,
    size: u64,
    last_modified: Option<String>,
    permissions: String,
    user: Option<String>,
    group: Option<String>,
    link_target: Option<String>,
    link_user: Option<String>,
    link_group: Option<String>,
    link_size: Option<u64>,
    link_last_modified: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct DerivedListing {
    #[serde(rename = "DATA")]
    data: Vec<Derived>,
}

fn listing(unknown_member: bool) -> String {
    let mut body = String::from(r#"{"DATA_TYPE":"file_list","DATA":["#);
    for entry in 0..ENTRIES {
        let comma = if entry > 0 { "," } else { "" };
        let kind = if entry % 8 == 0 { "dir" } else { "file" };
        let unknown = if unknown_member { r#","unknown":"a value that is new""# } else { "" };
        let (size, minute) = (entry * 7919, entry % 60);
        write!(
            body,
            r#"{comma}{{"DATA_TYPE":"file","group":"staff","last_modified":"2026-01-31 08:{minute:02}:00+00:00","link_group":null,"link_last_modified":null,"link_size":null,"link_target":null,"link_user":null,"name":"measurement-{entry:05}.dat","permissions":"0644","size":{size},"type":"{kind}","user":"researcher"{unknown}}}"#
        )
        .unwrap();
    }
    body.push_str(r#"],"path":"/~/data/"}"#);
    body
}

fn benches(criterion: &mut Criterion) {
    let (plain, unknown) = (listing(false), listing(true));
    assert_eq!(decode::from_slice::<Listing>(plain.as_bytes()).unwrap().data.len(), ENTRIES);
    assert_eq!(decode::from_slice::<StringListing>(plain.as_bytes()).unwrap().data.len(), ENTRIES);
    assert_eq!(serde_json::from_slice::<DerivedListing>(plain.as_bytes()).unwrap().data.len(), ENTRIES);

    for (name, body) in [("listing of 10000", plain), ("listing of 10000, one unknown member each", unknown)]
    {
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_function("serde_json derive", |bencher| {
            bencher.iter(|| serde_json::from_slice::<DerivedListing>(black_box(body.as_bytes())).unwrap());
        });
        group.bench_function("reader, String", |bencher| {
            bencher.iter(|| decode::from_slice::<StringListing>(black_box(body.as_bytes())).unwrap());
        });
        group.bench_function("reader, Text, enums, times", |bencher| {
            bencher.iter(|| decode::from_slice::<Listing>(black_box(body.as_bytes())).unwrap());
        });
        group.finish();
    }
}

criterion_group!(decode_listing, benches);
criterion_main!(decode_listing);
