//! A list, page by page.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use futures_core::Stream;

use super::continuation::{Continuation, Place};
use super::cursor::Cursor;
use super::page::Page;
use crate::call::{Call, List, Response};
use crate::error::Result;

type Answer<P> = Pin<Box<dyn Future<Output = Result<Response<P>>> + Send>>;

/// The pages of a list, asked for one after the other. From a list operation's `pages()`.
///
/// ```no_run
/// # use globus_core::{Result, paging::{Page, Pages}};
/// # async fn example<P: Page>(mut pages: Pages<P>) -> Result<()> {
/// while let Some(page) = pages.next().await {
///     println!("a page of {} bytes", page?.raw().len());
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "a list does nothing until its pages are asked for"]
pub struct Pages<P> {
    cursor: Cursor,
    state: State<P>,
    /// Memory for the next page.
    room: BytesMut,
}

enum State<P> {
    /// The next page is to be asked for.
    Ready,
    Fetching(Answer<P>),
    /// The list has ended.
    Ended,
    /// An error has ended the listing before the list did.
    Failed,
}

impl<P: Page> Pages<P> {
    /// The pages that begin with the answer to `call`.
    pub(crate) fn new(call: Call, list: List) -> Self {
        Self { cursor: Cursor::new(call, list), state: State::Ready, room: BytesMut::new() }
    }

    /// Goes on where another listing of the same operation with the same filters stood. A page is not cut: a
    /// continuation from the middle of a page begins with that whole page; [`Items`](super::Items) begin with
    /// the very item.
    pub fn resume(mut self, continuation: Continuation) -> Self {
        self.cursor.start_at(continuation.place);
        self
    }

    /// Goes on past the number of results at which the SDK stops by default, for as long as the service
    /// answers. A service that does not page so far answers with an error or with an empty page.
    pub fn without_cap(mut self) -> Self {
        self.cursor.lift_cap();
        self
    }

    /// The next page; `None` at the end.
    ///
    /// Dropping the future that this answers loses nothing: the next call goes on waiting for the same page.
    ///
    /// # Errors
    ///
    /// As the operation's `send`. An error ends the listing; [`continuation`](Self::continuation) says where.
    pub async fn next(&mut self) -> Option<Result<Response<P>>> {
        poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }

    /// Where the next page begins; `None` when the list has ended.
    pub fn continuation(&self) -> Option<Continuation> {
        match self.state {
            State::Ended => None,
            _ => Some(Continuation { place: self.place(), skip: 0 }),
        }
    }

    pub(super) fn list(&self) -> &List {
        self.cursor.list()
    }

    /// Takes the body of a page that nobody reads any more, to read the next one into.
    pub(super) fn reuse(&mut self, body: Bytes) {
        self.room = body.try_into_mut().unwrap_or_default();
    }

    /// Where the next page begins.
    pub(super) fn place(&self) -> Place {
        self.cursor.place().clone()
    }
}

impl<P: Page> Stream for Pages<P> {
    type Item = Result<Response<P>>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if matches!(this.state, State::Ready) {
            let Some(call) = this.cursor.call() else {
                this.state = State::Ended;
                return Poll::Ready(None);
            };
            let call = call.with_room(std::mem::take(&mut this.room));
            this.state = State::Fetching(Box::pin(call.send_page(*this.cursor.list())));
        }
        let State::Fetching(answer) = &mut this.state else { return Poll::Ready(None) };
        let outcome = ready!(answer.as_mut().poll(context)).and_then(|page| {
            let more = this.cursor.advance(&*page)?;
            Ok((page, more))
        });
        match outcome {
            Ok((page, more)) => {
                this.state = if more { State::Ready } else { State::Ended };
                Poll::Ready(Some(Ok(page)))
            }
            Err(error) => {
                this.state = State::Failed;
                Poll::Ready(Some(Err(error)))
            }
        }
    }
}

impl<P> fmt::Debug for Pages<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages").field("cursor", &self.cursor).finish_non_exhaustive()
    }
}
