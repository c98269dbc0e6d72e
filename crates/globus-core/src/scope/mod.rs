//! Scopes: what tokens are asked for, and what people consent to.
//!
//! A scope names what a program may do with a service, such as `urn:globus:auth:scope:transfer.api.globus.org:all`. It can
//! have *dependencies*: what that service may do with others to do its work. In text they stand in brackets, and those
//! that the user may refuse or withdraw by themselves have a star:
//!
//! ```text
//! openid urn:globus:auth:scope:transfer.api.globus.org:all[*https://auth.globus.org/scopes/…/data_access]
//! ```
//!
//! [`Scope`] is one such tree. [`Scopes`] is what requests carry: a text of any number of them. Whatever takes scopes takes
//! `impl Into<Scopes>`: a text, a [`Scope`], or a list of either.
//!
//! ```
//! use globus_core::scope::{Scope, Scopes};
//!
//! # fn example() -> Result<(), globus_core::scope::ScopeParseError> {
//! let transfer = Scope::new("urn:globus:auth:scope:transfer.api.globus.org:all")?;
//! let data_access = Scope::new("https://auth.globus.org/scopes/f1d4b5a2/data_access")?;
//! let asked = Scopes::from([transfer.with_dependency(data_access.optional()), Scope::new("openid")?]);
//!
//! for scope in asked.parse()? {
//!     println!("{} with {} dependencies", scope.name(), scope.dependencies().len());
//! }
//! # Ok(())
//! # }
//! # example().unwrap();
//! ```
//!
//! # Reading a text
//!
//! [`Scopes::parse`] reads a text as Globus Auth does. Each scope stands in the result once (once required and once
//! optional at most); what depends on a name belongs to the name, wherever it was said: `a[b] c[a]` is `a[b] c[a[b]]`. Of a
//! required and an optional dependency of the same name the required one counts. The order is that of first mention, so
//! that equal texts give equal results in every process.
//!
//! Texts come from services, too, so there are limits: [`MAX_TEXT`] to read, [`MAX_DEPTH`] levels, and [`MAX_EXPANDED`]
//! to write. Trees share what is equal in them, so that a short text with many ways to the same scope costs little.

mod error;
mod merge;
mod parse;
mod scopes;
mod tree;

pub use self::error::{ScopeErrorKind, ScopeParseError};
pub use self::scopes::Scopes;
pub use self::tree::Scope;

/// The longest text that is read as scopes, in bytes: 64 KiB.
pub const MAX_TEXT: usize = 64 << 10;

/// How many levels of dependencies a scope that was read may have: 128.
pub const MAX_DEPTH: usize = 128;

/// How long scopes that were read may be when they are written out again, in bytes: 4 MiB.
pub const MAX_EXPANDED: usize = 4 << 20;
