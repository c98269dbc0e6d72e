//! Globus tokens in the keyring of the operating system: Secret Service on Linux and the BSDs (GNOME Keyring,
//! `KWallet`, `KeePassXC`), the login keychain on macOS, the Credential Manager on Windows.
//!
//! ```no_run
//! use globus_core::{RefreshTokenAuthorizer, Storage, TokenGrants};
//! use globus_storage_keyring::{Choice, KeyringTokenStorage};
//!
//! # async fn example(
//! #     login_client: impl TokenGrants + Clone, response: globus_core::TokenResponse,
//! # ) -> Result<(), Box<dyn std::error::Error>> {
//! // The keyring, or a file on machines without one. Leave `or_file` out to refuse such machines.
//! let keyring = KeyringTokenStorage::new("my-app").or_file("/home/ada/.my-app/tokens.json");
//! if keyring.choice().await? == Choice::File {
//!     println!("There is no keyring here: your login is kept in a file that only you can read.");
//! }
//!
//! // After a login:
//! let storage = Storage::from(keyring.clone());
//! storage.store_response(&response).await?;
//!
//! // In every later run; renewed tokens go back to where they came from.
//! let token = storage.get("transfer.api.globus.org").await?.ok_or("log in first")?;
//! let authorizer = RefreshTokenAuthorizer::from_tokens(&token, &login_client)?.on_refresh(keyring).build()?;
//!
//! // At a logout, for each resource server; when it answers, the entry is gone.
//! storage.remove("transfer.api.globus.org").await?;
//! # drop(authorizer);
//! # Ok(())
//! # }
//! ```
//!
//! # How it is kept
//!
//! Each token is an entry of its own, small enough for every system, with the application's name as its service
//! and `namespace/resource server/version` as its user. Which entries count is in an *index*, a private file
//! without secrets, `~/.globus/keyring/<application>.json`. Entries are never changed: a store makes new ones, then
//! replaces the index in one step, then deletes the old ones. So several tokens are stored as a whole or not at
//! all, processes do not overwrite each other, and a program that dies at any moment leaves the old tokens or the
//! new ones; entries that it left half-way are deleted by later writes.
//!
//! The index belongs to the keyring like a table of contents. If it is lost the tokens are as good as lost (log in
//! again; the entries can be deleted with the system's own program), and if the keyring is emptied the records
//! count as damaged until the next login.
//!
//! # What it protects, and what it does not
//!
//! The keyring is encrypted on the disk and opens with the user's login. While it is open, on Linux any program of
//! the user can read it, and so can the administrator. When the keyring writes to the disk is its own affair, so
//! the storage does not declare that tokens outlive a power failure.
//!
//! # When it cannot be used
//!
//! A keyring that is locked may wait for a prompt that nobody sees. Therefore each call to it has a
//! [time limit](KeyringTokenStorage::time_limit), and neither the end of an async runtime nor the end of the
//! program waits for a call. A call that did not come back in time changes nothing any more, even if it comes
//! back later.
//!
//! | what is wrong | [kind of the error](globus_core::storage::StorageErrorKind) |
//! |---|---|
//! | no session bus, no Secret Service, no keyring in it: usual on servers and over SSH | `Unavailable` |
//! | the keyring is locked, the prompt was dismissed, or there was no answer in time | `KeyringLocked` |
//! | the keyring or the bus refuses this program | `Denied` |
//! | the record is larger than the [limit](KeyringTokenStorage::size_limit) | `TooLarge` |
//!
//! The source of the error says what to do. The storage never changes to a file on its own;
//! [`KeyringTokenStorage::or_file`] is the program's own decision.
//!
//! There is no option to keep refresh tokens alone: a record without an access token is no record, and one with
//! something in its place would be taken for a token.

mod calls;
mod failure;
#[cfg(test)]
mod fake;
mod index;
mod jobs;
mod or_file;
mod records;
mod storage;
mod system;

pub use or_file::{Choice, KeyringOrFile};
pub use storage::KeyringTokenStorage;
