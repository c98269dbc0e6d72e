//! A list, item by item.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;

use super::continuation::{Continuation, Place};
use super::page::Page;
use super::pages::Pages;
use crate::call::{Call, List};
use crate::error::Result;

/// The items of a list, over all its pages. From a list operation's `items()`.
///
/// One page is in memory at a time, and room for the body of the next.
///
/// ```no_run
/// # use globus_core::{Result, paging::{Items, Page}};
/// # async fn example<P: Page>(mut items: Items<P>) -> Result<()> {
/// let mut count = 0;
/// while let Some(item) = items.next().await {
///     item?;
///     count += 1;
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "a list does nothing until its items are asked for"]
pub struct Items<P: Page> {
    pages: Pages<P>,
    page: std::vec::IntoIter<P::Item>,
    /// Where the page in hand begins.
    place: Place,
    /// How many of its items were handed out.
    taken: u64,
    /// How many items of the next page were handed out before, by another listing.
    skip: u64,
}

impl<P: Page> Items<P> {
    /// The items that begin with those of the answer to `call`.
    pub(crate) fn new(call: Call, list: List) -> Self {
        let (pages, page) = (Pages::new(call, list), Vec::new().into_iter());
        Self { pages, page, place: Place::Start, taken: 0, skip: 0 }
    }

    /// Goes on where another listing of the same operation with the same filters stood, with the item that
    /// would have come next.
    pub fn resume(mut self, continuation: Continuation) -> Self {
        self.skip = continuation.skip;
        self.pages = self.pages.resume(continuation);
        self
    }

    /// Goes on past the number of results at which the SDK stops by default, for as long as the service
    /// answers. A service that does not page so far answers with an error or with an empty page.
    pub fn without_cap(mut self) -> Self {
        self.pages = self.pages.without_cap();
        self
    }

    /// The next item; `None` at the end.
    ///
    /// Dropping the future that this answers loses nothing.
    ///
    /// # Errors
    ///
    /// As the operation's `send`. An error ends the listing; [`continuation`](Self::continuation) says where.
    pub async fn next(&mut self) -> Option<Result<P::Item>> {
        poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }

    /// All items that are left, in memory.
    ///
    /// # Errors
    ///
    /// The first error of the listing. What was read up to there is given up; read with [`next`](Self::next) to
    /// keep it.
    pub async fn try_collect(mut self) -> Result<Vec<P::Item>> {
        let mut items = Vec::new();
        while let Some(item) = self.next().await {
            items.push(item?);
        }
        Ok(items)
    }

    /// The place of the next item; `None` when the list has ended.
    pub fn continuation(&self) -> Option<Continuation> {
        if self.page.len() > 0 {
            return Some(Continuation { place: self.place.clone(), skip: self.taken });
        }
        self.pages.continuation().map(|next| Continuation { skip: self.skip, ..next })
    }
}

impl<P: Page> Stream for Items<P> {
    type Item = Result<P::Item>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if let Some(item) = this.page.next() {
                this.taken += 1;
                return Poll::Ready(Some(Ok(item)));
            }
            // Freed before the next page is read, not after: one page in memory, and room for it at once.
            this.page = Vec::new().into_iter();
            let place = this.pages.place();
            match ready!(Pin::new(&mut this.pages).poll_next(context)) {
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                Some(Ok(page)) => {
                    let (page, body) = page.into_parts();
                    this.pages.reuse(body);
                    this.page = page.into_items(this.pages.list()).into_iter();
                    this.place = place;
                    this.taken = std::mem::take(&mut this.skip);
                    for _ in 0..this.taken {
                        drop(this.page.next());
                    }
                }
            }
        }
    }
}

impl<P: Page> Unpin for Items<P> {}

impl<P: Page> fmt::Debug for Items<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Items")
            .field("pages", &self.pages)
            .field("taken", &self.taken)
            .finish_non_exhaustive()
    }
}
