//! Listings run to their end, as recorded from the Python SDK: by the typed operations where there are any, and all
//! of them through untyped calls, which shows every kind of paging.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

#[path = "conformance_support/compare.rs"]
mod compare;
#[path = "../../globus-core/tests/conformance/mod.rs"]
mod conformance;
mod playback;
#[path = "conformance_support/requests.rs"]
mod requests;

use compare::{PRODUCTION, comma_lists, recorded_pairs, request_difference};
use conformance::{Case, Outcome};
use globus_sdk::paging::{Items, List, Page, Pages, Paging};
use globus_sdk::transfer::{
    EndpointSearch, TaskEventList, TaskList, TaskSkippedErrors, TaskSuccessfulTransfers,
};
use globus_sdk::{AccessTokenAuthorizer, BaseClient, Result, TaskId, TransferClient};
use playback::{Playback, Step, text_of, wait};
use requests::{only, text};
use serde_json::{Value, json};

#[test]
fn conformance_of_paging() {
    conformance::run("paging.json", |case| match case.whole["client"].as_str().unwrap() {
        "TransferClient" => wait(typed(case)),
        _ => Outcome::Pending,
    });
}

/// The same cases, and those of services that have no client yet, through untyped calls.
#[test]
fn conformance_of_every_kind_of_paging_untyped() {
    conformance::run("paging.json", |case| wait(untyped(case)));
}

fn answers(case: &Case) -> Playback {
    let steps = case.whole["steps"].as_array().unwrap();
    Playback::new(steps.iter().map(|step| Step::json(200, &step["response_json"])))
}

async fn typed(case: &Case) -> Outcome {
    /// An operation with the case's arguments, as pages and as items.
    macro_rules! run {
        ($operation:expr $(, $name:ident: $value:expr)*) => {{
            let args = &case.whole["args"];
            only(args, &["task_id", $(stringify!($name)),*]);
            #[allow(unused_mut, reason = "not every operation has arguments")]
            let mut operation = $operation;
            $(if let Some(value) = args.get(stringify!($name)) {
                operation = operation.$name($value(value));
            })*
            operation
        }};
    }
    let number = |value: &Value| value.as_u64().unwrap();
    let short = |value: &Value| u32::try_from(value.as_u64().unwrap()).unwrap();
    let task = || text(&case.whole["args"], "task_id").parse::<TaskId>().unwrap();
    match case.whole["method"].as_str().unwrap() {
        "task_list" => {
            let make = |client: &TransferClient| run!(client.task_list(), limit: short, offset: number, orderby: comma_lists, filter: text_of);
            judge(case, |c| make(c).pages(), |c| TaskList::items(make(c))).await
        }
        "task_event_list" => {
            let make =
                |client: &TransferClient| run!(client.task_event_list(task()), limit: short, offset: number);
            judge(case, |c| make(c).pages(), |c| TaskEventList::items(make(c))).await
        }
        "task_successful_transfers" => {
            let make =
                |client: &TransferClient| run!(client.task_successful_transfers(task()), marker: text_of);
            judge(case, |c| make(c).pages(), |c| TaskSuccessfulTransfers::items(make(c))).await
        }
        "task_skipped_errors" => {
            let make = |client: &TransferClient| run!(client.task_skipped_errors(task()), marker: text_of);
            judge(case, |c| make(c).pages(), |c| TaskSkippedErrors::items(make(c))).await
        }
        "endpoint_search" => {
            let make = |client: &TransferClient| {
                run!(
                    client.endpoint_search(), filter_fulltext: text_of, filter_scope: text_of,
                    filter_owner_id: text_of, limit: short, offset: number
                )
            };
            judge(case, |c| make(c).pages(), |c| EndpointSearch::items(make(c))).await
        }
        _ => Outcome::Pending,
    }
}

/// Runs a case twice: page by page, and item by item.
async fn judge<P: Page>(
    case: &Case,
    pages: impl FnOnce(&TransferClient) -> Pages<P>,
    items: impl FnOnce(&TransferClient) -> Items<P>,
) -> Outcome
where
    P::Item: serde::Serialize,
{
    let client = |playback: &Playback| {
        TransferClient::builder()
            .authorizer(AccessTokenAuthorizer::new(requests::ACCESS_TOKEN))
            .transport(playback.clone())
            .build()
            .unwrap()
    };
    let by_page = answers(case);
    let found = count_pages(pages(&client(&by_page))).await;
    let by_item = answers(case);
    let listed = collect(items(&client(&by_item))).await;
    compare(case, found, listed, &by_page, &by_item)
}

async fn untyped(case: &Case) -> Outcome {
    let whole = &case.whole;
    let first = &whole["steps"][0]["expected_request"];
    let host = first["host"].as_str().unwrap();
    let production = PRODUCTION.iter().find(|(service, _)| *service == host);
    let base = format!("https://{}/", production.map_or(host, |(_, production)| *production));
    let list = List::new(leaked(whole["items_key"].as_str().unwrap_or("data")), paging(whole));
    let call = |playback: &Playback| {
        let client = BaseClient::builder()
            .base_url(&base)
            .authorizer(AccessTokenAuthorizer::new(requests::ACCESS_TOKEN))
            .transport(playback.clone())
            .build()
            .unwrap();
        let method = first["method"].as_str().unwrap().parse().unwrap();
        let mut call = client.request(method, first["path"].as_str().unwrap());
        // What the paginator adds is left to ours; what the caller gave is in the arguments.
        let caller = |name: &str| whole["args"].get(name).cloned();
        let added = ["limit", "offset", "marker", "last_key", "next_token"];
        for (name, value) in recorded_pairs(&first["query"]) {
            match (added.contains(&name.as_str()), caller(&name)) {
                (false, _) => call = call.query(name, value),
                (true, Some(given)) => call = call.query(name, text_of(&given)),
                (true, None) => {}
            }
        }
        if let Some(body) = first["json"].as_object() {
            for (name, value) in body.iter().filter(|(name, _)| !added.contains(&name.as_str())) {
                call = call.member(name, value.clone());
            }
            for name in added {
                if let Some(given) = caller(name) {
                    call = call.member(name, given);
                }
            }
        }
        call
    };
    let by_page = answers(case);
    let found = count_pages(call(&by_page).pages::<Value>(list)).await;
    let by_item = answers(case);
    let listed = collect(call(&by_item).items::<Value>(list)).await;
    compare(case, found, listed, &by_page, &by_item)
}

/// A member's name for as long as the process runs: the SDK's own names are constants.
fn leaked(name: &str) -> &'static str {
    name.to_owned().leak()
}

fn paging(whole: &Value) -> Paging {
    let settings = &whole["paginator_settings"];
    let number = |name: &str| settings[name].as_u64().unwrap();
    match whole["paginator"].as_str().unwrap() {
        "HasNextPaginator" => {
            Paging::HasNext { page_size: number("page_size"), cap: number("max_total_results") }
        }
        "LimitOffsetTotalPaginator" => {
            // The record leaves the settings of one operation out; they are those of its fellows.
            if settings.is_null() {
                return Paging::LimitOffsetTotal { page_size: 1000, cap: 1000 };
            }
            Paging::LimitOffsetTotal { page_size: number("page_size"), cap: number("max_total_results") }
        }
        "MarkerPaginator" => Paging::Marker,
        "NullableMarkerPaginator" => {
            Paging::NullableMarker { member: leaked(settings["marker_key"].as_str().unwrap_or("marker")) }
        }
        "NextTokenPaginator" => Paging::NextToken,
        "LastKeyPaginator" => Paging::LastKey,
        "JSONAPIPaginator" => Paging::Links,
        other => panic!("no such paginator: {other}"),
    }
}

async fn count_pages<P: Page>(mut pages: Pages<P>) -> Result<usize> {
    let mut count = 0;
    while let Some(page) = pages.next().await {
        page?;
        count += 1;
    }
    Ok(count)
}

/// The ids of the items.
async fn collect<P: Page>(items: Items<P>) -> Result<Vec<Value>>
where
    P::Item: serde::Serialize,
{
    let items = items.try_collect().await?;
    Ok(items.iter().map(|item| json!(item)["id"].clone()).collect())
}

fn compare(
    case: &Case,
    pages: Result<usize>,
    items: Result<Vec<Value>>,
    by_page: &Playback,
    by_item: &Playback,
) -> Outcome {
    let (pages, items) = match (pages, items) {
        (Ok(pages), Ok(items)) => (pages, items),
        (Err(error), _) | (_, Err(error)) => return Outcome::Failed(format!("{error:?}")),
    };
    let expected = Expected::of(case, pages);
    if pages != expected.requests.len() {
        return Outcome::Failed(format!("expected {} pages, found {pages}", expected.requests.len()));
    }
    if items != expected.ids {
        return Outcome::Failed(format!("expected items {:?}, found {items:?}", expected.ids));
    }
    for sent in [by_page.sent(), by_item.sent()] {
        if sent.len() != expected.requests.len() {
            return Outcome::Failed(format!(
                "expected {} requests, found {}",
                expected.requests.len(),
                sent.len()
            ));
        }
        let differs =
            expected.requests.iter().zip(&sent).enumerate().find_map(|(index, (expected, sent))| {
                request_difference(expected, sent, &[])
                    .map(|difference| format!("request {index}: {difference}"))
            });
        if differs.is_some() {
            return Outcome::of(differs);
        }
    }
    Outcome::Passed
}

/// What a case must lead to, by the rules for deliberate differences.
struct Expected {
    requests: Vec<Value>,
    ids: Vec<Value>,
}

impl Expected {
    fn of(case: &Case, pages: usize) -> Self {
        let whole = &case.whole;
        let steps = whole["steps"].as_array().unwrap();
        let has_rule = |rule: &str| {
            whole["differs"].as_array().is_some_and(|rules| rules.iter().any(|other| other == rule))
        };
        let mut requests: Vec<Value> = steps.iter().map(|step| step["expected_request"].clone()).collect();
        let mut count = requests.len();
        if has_rule("caller-limit-offset") {
            // The caller's limit every time; the offset grows from the caller's. A total below it ends the list.
            let mut offset = whole["args"]["offset"].as_u64().unwrap_or(0);
            for (index, (request, step)) in requests.iter_mut().zip(steps).enumerate() {
                let given = |name: &str| whole["args"].get(name).filter(|value| !value.is_null());
                let offset_is_sent = index > 0 || given("offset").is_some();
                let setting = |name: &str| whole["paginator_settings"][name].as_u64();
                let limit = given("limit").and_then(Value::as_u64).or(setting("page_size")).unwrap();
                let left = setting("max_total_results").unwrap_or(u64::MAX).saturating_sub(offset);
                set_parameter(request, "limit", Some(json!(limit.min(left))));
                set_parameter(request, "offset", offset_is_sent.then(|| json!(offset)));
                offset += counted(whole, step);
            }
            if whole["paginator"] == "LimitOffsetTotalPaginator" {
                count = 1;
            }
        }
        if has_rule("repeated-request-ends") {
            let repeated = (1..requests.len()).find(|index| requests[*index] == requests[index - 1]);
            if let Some(repeated) = repeated {
                match marker_before(whole, steps, repeated) {
                    // Ending there and going on with the marker as it stands are both allowed.
                    Some(marker) if pages > repeated => {
                        let pairs = requests[repeated]["query"].as_array_mut().unwrap();
                        pairs.retain(|pair| pair[0] != "marker");
                        pairs.push(json!(["marker", marker]));
                    }
                    _ => count = repeated,
                }
            }
        }
        requests.truncate(count);
        let ids = steps[..count].iter().flat_map(|step| items_of(whole, step)).map(|item| item["id"].clone());
        Self { ids: ids.collect(), requests }
    }
}

/// Puts a parameter into a recorded request, where its kind has it: the query, or the body of a POST.
fn set_parameter(request: &mut Value, name: &str, value: Option<Value>) {
    if let Some(body) = request["json"].as_object_mut() {
        body.remove(name);
        if let Some(value) = value {
            body.insert(name.to_owned(), value);
        }
        return;
    }
    let pairs = request["query"].as_array_mut().unwrap();
    pairs.retain(|pair| pair[0] != name);
    if let Some(value) = value {
        pairs.push(json!([name, text_of(&value)]));
    }
}

/// How far a page moves the offset.
fn counted(whole: &Value, step: &Value) -> u64 {
    let items = items_of(whole, step).len() as u64;
    step["response_json"]["count"].as_u64().unwrap_or(items)
}

/// The marker that the page before a request gave, where it is one that can be sent.
fn marker_before(whole: &Value, steps: &[Value], request: usize) -> Option<String> {
    let key = whole["paginator_settings"]["marker_key"].as_str().unwrap_or("marker");
    let marker = &steps[request - 1]["response_json"][key];
    (!marker.is_null()).then(|| text_of(marker))
}

/// The items of a step; JSON:API pages hold theirs in `data`.
fn items_of(whole: &Value, step: &Value) -> Vec<Value> {
    let key = whole["items_key"].as_str().unwrap_or("data");
    step["response_json"][key].as_array().cloned().unwrap_or_default()
}
