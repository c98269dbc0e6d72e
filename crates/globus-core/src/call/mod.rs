//! One call: a request under construction, the attempts to get an answer, and the answer.
//!
//! The way of a call: [`Call`] collects method, path, query, body and options; the attempts
//! (`attempts.rs`) ask the authorizer for a header, send, and decide about another attempt; redirects and
//! origins (`origin.rs`) are checked before anything leaves; the answer becomes a [`Response`] or an
//! [`Error`](crate::Error). What is the same for every call of an operation is in its [`OperationInfo`].

mod attempts;
mod client;
mod comma_list;
mod list;
mod operation;
mod origin;
mod payload;
mod request;
mod response;

pub use self::client::{BaseClient, ClientBuilder};
pub use self::comma_list::CommaList;
pub use self::list::{List, Paging};
pub use self::operation::OperationInfo;
pub use self::request::Call;
pub use self::response::{RawResponse, Response};
