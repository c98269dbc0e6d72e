//! What a renewal is for, and what it comes to.

use crate::authorizer::Authorization;
use crate::error::Result;
use crate::flight;

/// What a flight is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Errand {
    /// Store what is not stored yet, then renew if that is still due.
    Renew,
    /// Only store.
    Store,
}

/// What a flight comes to. `None` before it has, and for good when it brings no header.
pub(super) type Outcome = Option<Result<Authorization>>;

/// A renewal under way.
pub(super) type Flight = flight::Flight<Result<Authorization>>;
