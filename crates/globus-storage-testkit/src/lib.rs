//! The contract of [`TokenStorage`](globus_core::storage::TokenStorage) as a test suite that any backend runs.
//!
//! A backend says how a place for tokens is made and opened ([`Backend`]); the macro [`storage_contract!`] makes
//! one test of each case of the contract. The cases open the place several times, from several tasks and from
//! several processes, let processes die at every step of a write, and drop futures at every point where they wait.
//!
//! ```
//! use globus_core::storage::{Capabilities, JsonTokenStorage, Storage};
//! use globus_storage_testkit::{Backend, Options};
//!
//! /// A file in a directory of its own.
//! #[derive(Debug)]
//! struct JsonFile;
//!
//! impl Backend for JsonFile {
//!     fn capabilities(&self) -> Capabilities {
//!         Capabilities::minimal().with_atomic_batch().with_cas().with_list().with_shared().with_durable()
//!     }
//!
//!     async fn make_place(&self) -> String {
//!         let directory = tempfile::tempdir().unwrap().keep();
//!         directory.join("tokens.json").display().to_string()
//!     }
//!
//!     async fn open(&self, place: &str, options: Options) -> Storage {
//!         let storage = JsonTokenStorage::new(place);
//!         storage.lease_time(options.lease_time).lock_wait(options.lock_wait).into()
//!     }
//!
//!     async fn remove_place(&self, place: &str) {
//!         std::fs::remove_dir_all(std::path::Path::new(place).parent().unwrap()).unwrap();
//!     }
//! }
//!
//! globus_storage_testkit::storage_contract!(JsonFile);
//! # fn main() {}
//! ```
//!
//! For use from tests only: the cases panic where the contract is broken.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a test fails by panicking"
)]
#![allow(clippy::print_stdout, reason = "what is not checked is said in the output of the test")]

pub mod cases;
mod child;
mod place;
pub mod sample;

use std::fmt::Debug;
use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use globus_core::storage::{Capabilities, Storage};

pub use child::child_process;
pub use place::Place;

/// A storage under test.
pub trait Backend: Debug + Send + Sync + 'static {
    /// What the storage is expected to declare. A case that needs more is not run, so this says what is tested.
    fn capabilities(&self) -> Capabilities;

    /// Makes an empty place for tokens and describes it in one line, from which another process can open it.
    fn make_place(&self) -> impl Future<Output = String> + Send;

    /// Opens a place as another program would, with nothing shared in memory (unless the storage lives there).
    fn open(&self, place: &str, options: Options) -> impl Future<Output = Storage> + Send;

    /// Removes a place with all that is in it.
    fn remove_place(&self, place: &str) -> impl Future<Output = ()> + Send {
        let _ = place;
        async {}
    }

    /// Whether there are namespaces; some older formats have one only.
    fn has_namespaces(&self) -> bool {
        true
    }

    /// Whether the identity that logged in is kept; some older formats have no place for it.
    fn keeps_identity(&self) -> bool {
        true
    }

    /// The names of the steps of a write, as the storage gives them to
    /// [`failpoint::reach`](globus_core::failpoint::reach), in order. Where the process dies at one, the old or the
    /// new content is there afterwards.
    fn steps(&self) -> &'static [&'static str] {
        &[]
    }

    /// The same for the steps of a removal.
    fn removal_steps(&self) -> &'static [&'static str] {
        &[]
    }

    /// The files of a place that must be private: those with tokens in them.
    fn files(&self, place: &str) -> Vec<PathBuf> {
        let _ = place;
        Vec::new()
    }

    /// Makes what is stored unreadable, with this text somewhere in it, which no error may then show. Answers
    /// whether that could be done.
    fn damage(&self, place: &str, text: &str) -> impl Future<Output = bool> + Send {
        let _ = (place, text);
        async { false }
    }

    /// All that is kept, as the bytes of a backup. A storage that seals has no secret in it. `None` where nothing is
    /// sealed.
    fn sealed_dump(&self, place: &str) -> impl Future<Output = Option<Vec<u8>>> + Send {
        let _ = place;
        async { None }
    }

    /// Keeps everybody else from writing for as long as the answer lives, as a program does that holds a lock of
    /// the database. `None` where there is no such lock.
    fn lock_out(&self, place: &str) -> impl Future<Output = Option<Box<dyn Send>>> + Send {
        let _ = place;
        async { None }
    }
}

/// How a place is opened.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Options {
    /// How long a lease lasts after its holder died.
    pub lease_time: Duration,
    /// How long to wait for a lease or a lock.
    pub lock_wait: Duration,
}

impl Default for Options {
    /// As the storages have it: 30 and 40 seconds.
    fn default() -> Self {
        Self { lease_time: Duration::from_secs(30), lock_wait: Duration::from_secs(40) }
    }
}

/// Makes one test of each case of the contract, in a module `contract`.
///
/// `storage_contract!(backend)` takes an expression that makes the [`Backend`]. A second use in the same file needs
/// a name for its module: `storage_contract!(sealed: backend)`.
#[macro_export]
macro_rules! storage_contract {
    ($backend:expr) => { $crate::storage_contract!(contract: $backend); };
    ($module:ident: $backend:expr) => {
        mod $module {
            #[allow(unused_imports, reason = "the expression may need what is imported around it")]
            use super::*;

            /// What the cases with several processes start; on its own it does nothing.
            #[test]
            fn child_process() {
                $crate::child_process(&$backend);
            }

            $crate::contract_cases!($crate::storage_contract; @cases $backend;);
        }
    };
    (@cases $backend:expr; $($case:ident),* $(,)?) => {
        $(
            #[test]
            fn $case() {
                $crate::cases::run(concat!(module_path!(), "::child_process"), $backend, $crate::cases::$case);
            }
        )*
    };
}

/// Calls a macro with the names of all cases, which are the functions of the module [`cases`], for those who run them
/// in a harness of their own: the item `contract_cases!(tests; before);` becomes `tests! { before round_trip, … }`.
#[macro_export]
macro_rules! contract_cases {
    ($callback:path; $($before:tt)*) => {
        $callback! { $($before)*
            declares_what_it_can, round_trip, unusual_names_and_texts, namespaces_are_apart,
            a_store_leaves_other_records_alone, a_refresh_keeps_what_its_answer_lacks,
            a_login_replaces_the_record, unknown_members_stay, removing, listing,
            readers_never_see_half_a_batch, a_batch_with_a_conflict_stores_nothing,
            a_changed_record_is_a_conflict, a_removed_record_is_a_conflict,
            storing_again_is_no_conflict, sixty_four_tasks_count_to_sixty_four, one_of_many_persons_gets_in,
            sixty_four_writers_lose_nothing, one_lease_at_a_time, a_dropped_lease_is_given_back,
            fencing_grows, a_busy_lease_is_told_as_one, an_extended_lease_is_kept,
            an_abandoned_wait_takes_no_lease, processes_lose_nothing, processes_count_together,
            the_lease_of_a_killed_process_ends, a_crash_at_any_step_leaves_old_or_new,
            a_failure_at_any_step_leaves_the_old, a_removal_that_is_cut_short_leaves_the_others, a_dropped_store_is_done_or_not,
            a_dropped_lease_request_blocks_nobody, loose_files_become_private,
            a_symbolic_link_is_refused, a_directory_that_is_open_to_all_is_refused,
            a_storage_that_is_locked_says_so,
            errors_and_debug_show_no_secret, a_dump_of_a_sealed_storage_holds_no_secret,
        }
    };
}
