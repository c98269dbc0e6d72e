//! Calls whose answers are lists.

use super::items::Items;
use super::page::Page;
use super::pages::Pages;
use crate::call::{Call, List, Response};
use crate::error::Result;

impl Call {
    /// Sends the call; the answer as a page of a list.
    ///
    /// # Errors
    ///
    /// As [`send_document`](Self::send_document), and a decode error when what should be the list is none.
    pub async fn send_page<P: Page>(self, list: List) -> Result<Response<P>> {
        self.send_and(|raw| {
            let page: Response<P> = raw.decode()?;
            page.check(&list)?;
            Ok(page)
        })
        .await
    }

    /// The pages of a list that begins with the answer to this call. Untyped pages are
    /// `serde_json::Value`s.
    pub fn pages<P: Page>(self, list: List) -> Pages<P> {
        Pages::new(self, list)
    }

    /// The items of a list that begins with the answer to this call.
    pub fn items<P: Page>(self, list: List) -> Items<P> {
        Items::new(self, list)
    }
}
