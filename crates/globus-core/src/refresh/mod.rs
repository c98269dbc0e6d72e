//! How a renewing authorizer keeps its token good: one renewal at a time, stored before it is used.
//!
//! A token is *fresh*, then *advisory* (it is still sent while one task renews it in the background), then
//! *mandatory* (callers wait for the renewal). [`RefreshWindows`] says when each begins.
//!
//! A renewal is one *flight*: a task of its own that outlives the caller who started it. It takes the
//! storage's refresh lease, looks whether another process has renewed already, asks the token endpoint, hands
//! the answer to the storage, and only then gives the new token out.

mod engine;
mod errand;
mod on_refresh;
mod renewal;
mod state;
mod turn;
mod windows;

pub(crate) use self::engine::{Engine, RenewalGrant};
pub use self::on_refresh::OnRefresh;
pub use self::state::{HeldTokens, PendingPersist};
pub use self::windows::RefreshWindows;
