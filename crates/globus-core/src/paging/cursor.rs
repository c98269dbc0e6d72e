//! From one page to the next.

use http::Method;

use super::continuation::Place;
use super::page::{Page, query_of};
use crate::call::{Call, List, Paging};
use crate::error::{Error, Result};

/// Where a listing stands, and how it goes on.
#[derive(Debug, Clone)]
pub(super) struct Cursor {
    /// The call as the caller made it.
    call: Call,
    list: List,
    place: Place,
    capped: bool,
    /// The caller's own `limit` and `offset`.
    limit: Option<u64>,
    offset: u64,
}

impl Cursor {
    pub(super) fn new(call: Call, list: List) -> Self {
        let given = |name| number_in(&call, name);
        let (limit, offset) = (given("limit"), given("offset").unwrap_or(0));
        Self { call, list, place: Place::Start, capped: true, limit, offset }
    }

    pub(super) fn list(&self) -> &List {
        &self.list
    }

    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    pub(super) fn start_at(&mut self, place: Place) {
        self.place = place;
    }

    pub(super) fn lift_cap(&mut self) {
        self.capped = false;
    }

    fn cap(&self) -> u64 {
        match self.list.paging.by_offset() {
            Some((_, cap)) if self.capped => cap,
            _ => u64::MAX,
        }
    }

    fn offset(&self) -> u64 {
        match self.place {
            Place::Offset(offset) => offset,
            _ => self.offset,
        }
    }

    /// The call for the page at the place where the listing stands; `None` past the cap.
    pub(super) fn call(&self) -> Option<Call> {
        let call = self.call.clone();
        let Some((page_size, _)) = self.list.paging.by_offset() else {
            return Some(match &self.place {
                Place::Start | Place::Offset(_) => call,
                Place::Marker(marker) => with(call, self.list.paging.parameter(), Parameter::Text(marker)),
                Place::Query(query) => call.replace_query(query.clone()),
            });
        };
        let offset = self.offset();
        let left = self.cap().checked_sub(offset).filter(|left| *left > 0)?;
        let limit = self.limit.unwrap_or(page_size).min(left);
        let call = with(call, "limit", Parameter::Number(limit));
        // The first page of all is asked for without an offset, unless the caller gave one.
        Some(if self.place == Place::Start { call } else { with(call, "offset", Parameter::Number(offset)) })
    }

    /// Moves past a page; false when it was the last one.
    pub(super) fn advance<P: Page>(&mut self, page: &P) -> Result<bool> {
        let following = page.following(&self.list);
        let said = |what: Option<bool>, member: &str| {
            what.ok_or_else(|| {
                Error::unexpected_answer(format!(
                    "the answer has no `{member}`, so it cannot be told whether the list goes on"
                ))
            })
        };
        let next = self.offset().saturating_add(page.counted(&self.list));
        let (more, place) = match self.list.paging {
            Paging::None => (false, None),
            Paging::HasNext { .. } => {
                (said(following.has_next_page, "has_next_page")?, Some(Place::Offset(next)))
            }
            Paging::LimitOffsetTotal { .. } => {
                (said(following.total.map(|total| next < total), "total")?, Some(Place::Offset(next)))
            }
            Paging::Marker | Paging::LastKey => {
                let marker = following.marker.filter(|marker| !marker.as_str().is_empty());
                (
                    following.has_next_page == Some(true),
                    marker.map(|marker| Place::Marker(marker.to_string())),
                )
            }
            Paging::NullableMarker { .. } | Paging::NextToken => {
                let marker = following.marker.filter(|marker| !marker.as_str().is_empty());
                (marker.is_some(), marker.map(|marker| Place::Marker(marker.to_string())))
            }
            Paging::Links => {
                let query = following.next_link.and_then(|link| query_of(&link, self.call.base_url()));
                (query.is_some(), query.map(Place::Query))
            }
        };
        // A page without items, no place to go on from or the same place again would lead nowhere, for ever.
        match place.filter(|place| more && *place != self.place && !page.items(&self.list).is_empty()) {
            Some(place) if next < self.cap() || self.list.paging.by_offset().is_none() => {
                self.place = place;
                Ok(true)
            }
            _ => Ok(false),
        }
    }
}

enum Parameter<'a> {
    Number(u64),
    Text(&'a str),
}

/// Sets a parameter of paging where the operation takes it.
fn with(call: Call, name: &'static str, value: Parameter<'_>) -> Call {
    match (call.method() == Method::POST, value) {
        (true, Parameter::Number(number)) => call.member(name, number),
        (true, Parameter::Text(text)) => call.member(name, text),
        (false, Parameter::Number(number)) => call.set_query(name, number),
        (false, Parameter::Text(text)) => call.set_query(name, text),
    }
}

/// A number that the caller gave.
fn number_in(call: &Call, name: &str) -> Option<u64> {
    if call.method() == Method::POST {
        return call.member_value(name)?.as_u64();
    }
    call.query_value(name)?.parse().ok()
}
