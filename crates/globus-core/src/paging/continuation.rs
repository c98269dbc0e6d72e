//! A place in a list to go on from.

use serde::{Deserialize, Serialize};

/// A place in a list to go on from.
///
/// It can be kept as text through serde and used by another process, with the same operation and the same
/// filters. Lists that go by offset shift when entries come or go meanwhile.
///
/// ```
/// use globus_core::paging::Continuation;
///
/// # fn example(continuation: &Continuation) -> serde_json::Result<()> {
/// let kept = serde_json::to_string(continuation)?;
/// let continuation: Continuation = serde_json::from_str(&kept)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Continuation {
    pub(super) place: Place,
    /// How many items of the page there were handed out already.
    pub(super) skip: u64,
}

/// Where a page begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Place {
    /// Where the caller's own parameters say.
    Start,
    Offset(u64),
    /// A marker, token or key.
    Marker(String),
    /// The whole query of a next link.
    Query(Vec<(String, String)>),
}
