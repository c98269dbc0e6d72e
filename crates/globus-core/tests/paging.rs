//! Lists over many pages: where they end, what an error leaves, and how they are taken up again.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[allow(dead_code, reason = "a part of what the tests of calls use")]
#[path = "call/support.rs"]
mod support;

use std::pin::pin;

use futures_util::{FutureExt, StreamExt};
use globus_core::paging::{Continuation, Items, List, Pages, Paging};
use globus_core::{Call, ManualClock};
use http::Method;
use serde_json::{Value, json};
use support::{Reply, START, Service, builder, json as answer, status};

const BY_OFFSET: List = List::new("DATA", Paging::LimitOffsetTotal { page_size: 3, cap: 7 });
const BY_MARKER: List = List::new("DATA", Paging::NullableMarker { member: "next_marker" });

fn call(service: &Service, method: Method) -> Call {
    builder(service, &ManualClock::at(START)).build().unwrap().request(method, "/list")
}

fn items(service: &Service, list: List) -> Items<Value> {
    call(service, Method::GET).items(list)
}

fn page(numbers: std::ops::Range<u64>, more: &Value) -> Reply {
    let mut body = more.clone();
    body["DATA"] = numbers.collect();
    answer(200, Box::leak(body.to_string().into_boxed_str()))
}

fn offsets(service: &Service) -> Vec<String> {
    service.requests().iter().map(|request| request.url.query().unwrap_or_default().to_owned()).collect()
}

async fn all(mut items: Items<Value>) -> Vec<u64> {
    let mut found = Vec::new();
    while let Some(item) = items.next().await {
        found.push(item.unwrap().as_u64().unwrap());
    }
    found
}

#[tokio::test]
async fn the_services_cap_stands_until_it_is_lifted() {
    let pages = || {
        (0..4).map(|page_number| page(3 * page_number..(3 * page_number + 3).min(10), &json!({"total": 10})))
    };
    let service = Service::replies(pages());
    assert_eq!(all(items(&service, BY_OFFSET)).await, [0, 1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(offsets(&service), ["limit=3", "limit=3&offset=3", "limit=1&offset=6"]);

    let service = Service::replies(pages());
    assert_eq!(all(items(&service, BY_OFFSET).without_cap()).await, (0..10).collect::<Vec<_>>());
    assert_eq!(offsets(&service), ["limit=3", "limit=3&offset=3", "limit=3&offset=6", "limit=3&offset=9"]);
}

#[tokio::test]
async fn an_empty_page_and_a_repeated_place_end_a_list_that_claims_more() {
    let service = Service::replies([page(0..3, &json!({"total": 100})), page(0..0, &json!({"total": 100}))]);
    assert_eq!(all(items(&service, BY_OFFSET)).await, [0, 1, 2]);
    assert_eq!(service.requests().len(), 2);

    let again = || page(0..2, &json!({"next_marker": "m"}));
    let service = Service::replies([again(), again(), again()]);
    assert_eq!(all(items(&service, BY_MARKER)).await, [0, 1, 0, 1]);
    assert_eq!(offsets(&service), ["", "marker=m"]);
}

#[tokio::test]
async fn a_page_that_does_not_say_whether_there_are_more_is_an_error_and_not_the_end() {
    let service = Service::replies([page(0..3, &json!({}))]);
    let error = items(&service, BY_OFFSET).try_collect().await.unwrap_err();
    assert!(error.is_decode() && error.to_string().contains("`total`"), "{error}");
    let odd = Service::replies([answer(200, r#"{"DATA": {"0": 1}, "total": 1}"#)]);
    let error = items(&odd, BY_OFFSET).try_collect().await.unwrap_err();
    assert!(error.is_decode() && error.to_string().contains("`DATA`"), "{error}");
}

#[tokio::test]
async fn an_error_ends_the_listing_and_leaves_the_place_to_go_on_from() {
    let service = Service::replies([page(0..3, &json!({"total": 6})), status(404)]);
    let mut listing = items(&service, BY_OFFSET);
    for number in 0..3_u64 {
        assert_eq!(listing.next().await.unwrap().unwrap(), number);
    }
    assert!(listing.next().await.unwrap().unwrap_err().is_not_found());
    assert!(listing.next().await.is_none());

    let kept = serde_json::to_string(&listing.continuation().unwrap()).unwrap();
    let continuation: Continuation = serde_json::from_str(&kept).unwrap();
    let service = Service::replies([page(3..6, &json!({"total": 6}))]);
    assert_eq!(all(items(&service, BY_OFFSET).resume(continuation)).await, [3, 4, 5]);
    assert_eq!(offsets(&service), ["limit=3&offset=3"]);
}

#[tokio::test]
async fn a_listing_is_taken_up_at_the_very_item() {
    for list in [BY_OFFSET, BY_MARKER] {
        let pages = |first: u64| {
            (first..3).map(|number| {
                let marker = if number < 2 { json!(format!("m{}", number + 1)) } else { Value::Null };
                page(2 * number..2 * number + 2, &json!({"total": 6, "next_marker": marker}))
            })
        };
        for taken in 0..=6_u64 {
            let service = Service::replies(pages(0));
            let mut listing = items(&service, list);
            for number in 0..taken {
                assert_eq!(listing.next().await.unwrap().unwrap(), number);
            }
            let Some(continuation) = listing.continuation() else {
                assert_eq!(taken, 6, "only a list that has ended has no place to go on from");
                continue;
            };
            // The rest comes once, and from the page that it is on.
            let page = if taken == 0 { 0 } else { (taken - 1) / 2 + u64::from(taken % 2 == 0) };
            let service = Service::replies(pages(page));
            let rest = all(items(&service, list).resume(continuation)).await;
            assert_eq!(rest, (taken..6).collect::<Vec<_>>(), "{list:?} after {taken}");
        }
    }
}

#[tokio::test]
async fn a_listing_that_has_ended_has_no_continuation() {
    let service = Service::replies([page(0..2, &json!({"total": 2}))]);
    let mut listing = items(&service, BY_OFFSET);
    while let Some(item) = listing.next().await {
        item.unwrap();
    }
    assert_eq!(listing.continuation(), None);
    assert!(listing.next().await.is_none() && service.requests().len() == 1);
}

#[tokio::test]
async fn dropping_a_future_that_waits_for_a_page_loses_nothing() {
    let service = Service::replies([status(503), page(0..2, &json!({"total": 2}))]);
    let client = builder(&service, &ManualClock::at(START)).build().unwrap();
    let mut pages: Pages<Value> = client.request(Method::GET, "/list").pages(BY_OFFSET);
    // The manual clock's wait yields once, so the page is not there at the first look.
    assert!(pin!(pages.next()).now_or_never().is_none());
    let page = pages.next().await.unwrap().unwrap();
    assert_eq!(page["DATA"], json!([0, 1]));
    assert_eq!(service.requests().len(), 2, "the page under way was waited for, not asked for again");
}

#[tokio::test]
async fn lists_are_streams() {
    let service =
        Service::replies([page(0..2, &json!({"next_marker": 5})), page(2..3, &json!({"next_marker": null}))]);
    let found: Vec<_> =
        items(&service, BY_MARKER).map(|item| item.unwrap().as_u64().unwrap()).collect().await;
    assert_eq!(found, [0, 1, 2]);
    assert_eq!(offsets(&service), ["", "marker=5"]);
}

#[tokio::test]
async fn a_post_carries_its_paging_in_the_body() {
    let list = List::new("DATA", Paging::HasNext { page_size: 2, cap: 100 });
    let service = Service::replies([
        page(0..2, &json!({"has_next_page": true})),
        page(2..3, &json!({"has_next_page": false})),
    ]);
    let listing = call(&service, Method::POST).member("q", "x").items::<Value>(list);
    assert_eq!(all(listing).await, [0, 1, 2]);
    let bodies: Vec<Value> =
        service.requests().iter().map(|request| serde_json::from_slice(&request.body).unwrap()).collect();
    assert_eq!(bodies, [json!({"q": "x", "limit": 2}), json!({"q": "x", "limit": 2, "offset": 2})]);
}

#[test]
fn lists_can_be_kept_in_structs_and_sent_to_other_threads() {
    static_assertions::assert_impl_all!(Pages<Value>: Send, Unpin, std::fmt::Debug);
    static_assertions::assert_impl_all!(Items<Value>: Send, Unpin, std::fmt::Debug);
}
