//! Long lists, fetched page by page.
//!
//! A list operation answers one page when it is sent. Its `pages()` and `items()` go on to the end: they ask
//! for the next page when the one before is used up, and hold one page at a time.
//!
//! ```no_run
//! # use globus_core::{BaseClient, Result, paging::{List, Paging}};
//! # async fn example(client: BaseClient) -> Result<()> {
//! # let list = List::new("DATA", Paging::LimitOffsetTotal { page_size: 1000, cap: 1000 });
//! let mut tasks = client.request(http::Method::GET, "/v0.10/task_list").items::<serde_json::Value>(list);
//! while let Some(task) = tasks.next().await {
//!     println!("{}", task?["task_id"]);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! * Both are streams ([`futures_core::Stream`]) too, and both can be dropped at any point: a page under way is
//!   given up, nothing else.
//! * An error ends the listing. [`Items::continuation`] and [`Pages::continuation`] say where it stood, so that
//!   it can be taken up there, also by another process ([`Items::resume`]).
//! * Some services answer only the first so many results of a listing. The SDK stops there, as the other
//!   Globus SDKs do; [`Items::without_cap`] goes on for as long as the service answers.
//! * A service that claims more pages but answers an empty one, or the same place again, ends the listing.

mod calls;
mod continuation;
mod cursor;
mod items;
mod marker;
mod page;
mod pages;

pub use self::continuation::Continuation;
pub use self::items::Items;
pub use self::marker::Marker;
pub use self::page::{Following, Page};
pub use self::pages::Pages;
pub use crate::call::{List, Paging};

#[doc(inline)]
pub use crate::page;

/// What the macro of this module refers to. No part of the public interface.
#[doc(hidden)]
pub mod private {
    pub use super::page::no_list;
}
