//! The ways in which services hand out long lists.

/// The list in an answer: where its items are, and how the service pages it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct List {
    /// The member of the answer that holds the items: `DATA`.
    pub items: &'static str,
    /// How the service pages.
    pub paging: Paging,
}

impl List {
    /// A list whose items are in this member.
    pub const fn new(items: &'static str, paging: Paging) -> Self {
        Self { items, paging }
    }
}

/// How a service hands out a list. [`paging`](crate::paging) goes by it.
///
/// Parameters go into the query of a GET, and into the JSON object that a POST sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Paging {
    /// All in one answer.
    None,
    /// By `limit` and `offset`, for as long as the page's `has_next_page` is true.
    HasNext {
        /// The `limit`, unless the caller sets one.
        page_size: u64,
        /// How many results of a listing the service answers.
        cap: u64,
    },
    /// By `limit` and `offset`, up to the page's `total`.
    LimitOffsetTotal {
        /// The `limit`, unless the caller sets one.
        page_size: u64,
        /// How many results of a listing the service answers.
        cap: u64,
    },
    /// By the page's `marker`, for as long as its `has_next_page` is true.
    Marker,
    /// By a marker in this member of the page, which is null at the end.
    NullableMarker {
        /// `marker` or `next_marker`.
        member: &'static str,
    },
    /// By the page's `next_token`, which is null at the end.
    NextToken,
    /// By the page's `last_key`, for as long as its `has_next_page` is true.
    LastKey,
    /// By the address in `links.next` (JSON:API), whose query takes the place of the whole query.
    Links,
}

impl Paging {
    /// The parameter that leads to the next page.
    pub(crate) const fn parameter(self) -> &'static str {
        match self {
            Self::HasNext { .. } | Self::LimitOffsetTotal { .. } => "offset",
            Self::Marker | Self::NullableMarker { .. } => "marker",
            Self::NextToken => "next_token",
            Self::LastKey => "last_key",
            Self::Links | Self::None => "",
        }
    }

    /// Page size and cap of a list that goes by `limit` and `offset`.
    pub(crate) const fn by_offset(self) -> Option<(u64, u64)> {
        match self {
            Self::HasNext { page_size, cap } | Self::LimitOffsetTotal { page_size, cap } => {
                Some((page_size, cap))
            }
            _ => None,
        }
    }
}
