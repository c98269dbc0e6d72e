//! One page of a list.

use serde_json::Value;
use url::Url;

use super::marker::Marker;
use crate::call::{List, Paging};
use crate::decode::Decode;
use crate::error::{Error, Result};

/// What a page says about those after it. Which of it counts is a matter of the list's
/// [`Paging`](super::Paging).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Following {
    /// Whether there are more.
    pub has_next_page: Option<bool>,
    /// How many items the whole list has.
    pub total: Option<u64>,
    /// Where the next page begins, in the service's own terms: a marker, token or key.
    pub marker: Option<Marker>,
    /// The address of the next page.
    pub next_link: Option<String>,
}

impl Following {
    /// What a page with this `has_next_page` says.
    pub fn has_next_page(has_next_page: Option<bool>) -> Self {
        Self { has_next_page, ..Self::default() }
    }

    /// What a page with this `total` says.
    pub fn total(total: Option<u64>) -> Self {
        Self { total, ..Self::default() }
    }

    /// What a page with this marker, token or key says.
    pub fn marker(marker: Option<Marker>) -> Self {
        Self { marker, ..Self::default() }
    }
}

/// A document that is a page of a list. The SDK's list documents are; a `serde_json::Value` is one too.
pub trait Page: Decode + Send + 'static {
    /// What the list holds.
    type Item: Send + 'static;

    /// The items.
    fn items(&self, list: &List) -> &[Self::Item];

    /// Takes the items out.
    fn into_items(self, list: &List) -> Vec<Self::Item>;

    /// What the page says about those after it.
    fn following(&self, list: &List) -> Following;

    /// How far the page moves the offset: its number of items, unless the service counts otherwise.
    fn counted(&self, list: &List) -> u64 {
        u64::try_from(self.items(list).len()).unwrap_or(u64::MAX)
    }

    /// Fails where what should be the list is something else: a document sets an odd member aside, and would
    /// look empty.
    ///
    /// # Errors
    ///
    /// A decode error that names the member.
    fn check(&self, list: &List) -> Result<()>;
}

/// The error of [`Page::check`].
#[doc(hidden)]
pub fn no_list(list: &List) -> Error {
    Error::unexpected_answer(format!(
        "the answer's `{}` is not the list expected; read it with the client's `request`",
        list.items
    ))
}

/// An untyped page. Its items are whatever its list holds.
impl Page for Value {
    type Item = Self;

    fn items(&self, list: &List) -> &[Self] {
        self.get(list.items).and_then(Self::as_array).map_or(&[], Vec::as_slice)
    }

    fn into_items(mut self, list: &List) -> Vec<Self> {
        match self.get_mut(list.items).map(Self::take) {
            Some(Self::Array(items)) => items,
            _ => Vec::new(),
        }
    }

    fn following(&self, list: &List) -> Following {
        let marker = match list.paging {
            Paging::NullableMarker { member } => self.get(member),
            paging => self.get(paging.parameter()),
        };
        let next_link = self.get("links").and_then(|links| links.get("next")?.as_str());
        Following {
            has_next_page: self.get("has_next_page").and_then(Self::as_bool),
            total: self.get("total").and_then(Self::as_u64),
            marker: marker.and_then(|marker| match marker {
                Self::String(text) => Some(text.as_str().into()),
                Self::Number(number) => Some(number.to_string().into()),
                _ => None,
            }),
            next_link: next_link.map(str::to_owned),
        }
    }

    /// The member `count`, which Globus Search has, or the number of items.
    fn counted(&self, list: &List) -> u64 {
        let items = u64::try_from(self.items(list).len()).unwrap_or(u64::MAX);
        self.get("count").and_then(Self::as_u64).unwrap_or(items)
    }

    fn check(&self, list: &List) -> Result<()> {
        match self {
            Self::Object(page)
                if page.get(list.items).is_none_or(|items| items.is_array() || items.is_null()) =>
            {
                Ok(())
            }
            _ => Err(no_list(list)),
        }
    }
}

/// Makes a [`document!`](crate::document) a [`Page`]: names the field with the items, and how the page says what
/// follows.
///
/// ```
/// use globus_core::paging::{Following, Page};
///
/// globus_core::document! {
///     /// A page of names.
///     pub struct Names {
///         /// The names.
///         pub data as "DATA": Vec<String>,
///         /// How many there are in all.
///         pub total: Option<u64>,
///     }
/// }
///
/// globus_core::page!(Names, data: String, |page| Following::total(page.total));
/// ```
#[macro_export]
macro_rules! page {
    ($page:ty, $items:ident: $item:ty $(, |$this:ident| $following:expr)?) => {
        impl $crate::paging::Page for $page {
            type Item = $item;

            fn items(&self, _: &$crate::paging::List) -> &[$item] {
                &self.$items
            }

            fn into_items(self, _: &$crate::paging::List) -> ::std::vec::Vec<$item> {
                self.$items
            }

            #[allow(unreachable_code, reason = "a list in one answer says nothing about more")]
            fn following(&self, _: &$crate::paging::List) -> $crate::paging::Following {
                $(let $this = self; return $following;)?
                ::core::default::Default::default()
            }

            fn check(&self, list: &$crate::paging::List) -> $crate::Result<()> {
                if self.extra.contains_key(list.items) {
                    return ::core::result::Result::Err($crate::paging::private::no_list(list));
                }
                ::core::result::Result::Ok(())
            }
        }
    };
}

/// The query of a next link, without what is blank; the link may be relative.
pub(super) fn query_of(link: &str, base: &Url) -> Option<Vec<(String, String)>> {
    let url = base.join(link).ok()?;
    Some(url.query_pairs().into_owned().filter(|(_, value)| !value.is_empty()).collect())
}
