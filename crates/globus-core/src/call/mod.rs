//! One call: a request under construction, the attempts to get an answer, and the answer.
//!
//! The way of a call: [`Call`] collects method, path, query, body and options; the attempts
//! (`attempts.rs`) ask the authorizer for a header, send, and decide about another attempt; redirects and
//! origins (`origin.rs`) are checked before anything leaves; the answer becomes a [`Response`] or an
//! [`Error`](crate::Error).

mod attempts;
mod client;
mod origin;
mod request;
mod response;

pub use self::client::{BaseClient, ClientBuilder};
pub use self::request::Call;
pub use self::response::{RawResponse, Response};
