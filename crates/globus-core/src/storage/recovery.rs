//! Going on after a file of tokens was damaged: looking, going back to the last good copy, or starting anew.
//!
//! A storage never does any of this by itself. A file that cannot be read stays where it is, and everything that
//! would read or write it fails, until the user has decided.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use jiff::Timestamp;

use super::file::{Read, TokenFile};
use super::{Namespace, StorageError};
use crate::token::ResourceServer;

/// The resource servers whose tokens a file holds, by namespace.
pub type Holdings = BTreeMap<Namespace, BTreeSet<ResourceServer>>;

/// What was found out about a file of tokens; it holds no secret.
///
/// From [`JsonTokenStorage::inspect`](super::JsonTokenStorage::inspect) and its like.
#[derive(Debug)]
#[non_exhaustive]
pub struct Inspection {
    /// Where the file is.
    pub path: PathBuf,
    /// Whether there is a file.
    pub exists: bool,
    /// Why the file cannot be read; `None` where it can, or where there is none.
    pub damage: Option<StorageError>,
    /// The tokens that can be read in it.
    pub holds: Holdings,
    /// What there is to go back to.
    pub last_good: Option<LastGoodCopy>,
    /// Damaged files that were set aside before, the oldest first. Delete them when they are of no use any more.
    pub set_aside: Vec<PathBuf>,
}

impl Inspection {
    /// Whether the file is there and cannot be read.
    pub fn is_damaged(&self) -> bool {
        self.damage.is_some()
    }
}

/// The content that a file of tokens had before its last write.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LastGoodCopy {
    /// Where it is.
    pub path: PathBuf,
    /// When this content was written.
    pub written_at: Timestamp,
    /// The tokens in it.
    pub holds: Holdings,
}

impl TokenFile {
    pub(super) fn inspect(&self, read: Read<'_, Holdings>) -> Result<Inspection, StorageError> {
        let content = self.read()?;
        let mut inspection = Inspection {
            path: self.path().to_owned(),
            exists: content.is_some(),
            damage: None,
            holds: Holdings::default(),
            // A copy that cannot be read is none.
            last_good: self.last_good(read).ok().flatten().map(|found| LastGoodCopy {
                path: found.path,
                written_at: found.written_at,
                holds: found.holds,
            }),
            set_aside: self.set_aside_before()?,
        };
        match content.as_deref().map(|content| read(content)) {
            Some(Ok(holds)) => inspection.holds = holds,
            Some(Err(error)) if error.is_damaged() => inspection.damage = Some(self.explained(error, read)),
            Some(Err(error)) => return Err(error.with_path(self.path())),
            None => {}
        }
        Ok(inspection)
    }

    /// The error with its path and, where the file is damaged, what there is to go back to.
    pub(super) fn explained(&self, error: StorageError, read: Read<'_, Holdings>) -> StorageError {
        let error = if error.path().is_some() { error } else { error.with_path(self.path()) };
        if error.is_damaged() {
            let written_at = self.last_good(read).ok().flatten().map(|found| found.written_at);
            error.with_last_good(written_at)
        } else {
            error
        }
    }
}

/// Writes the methods of a storage that has its file in `self.file` and judges a content with `Self::holdings`.
macro_rules! recovery {
    () => {
        /// Looks at the file: whether it can be read, and what there is to go back to. Nothing is changed.
        ///
        /// # Errors
        ///
        /// When the operating system refuses, or the file is another program's.
        pub fn inspect(
            &self,
        ) -> impl Future<Output = Result<crate::storage::Inspection, StorageError>> + Send + use<> {
            let file = self.file.clone();
            run_blocking(move || file.inspect(&Self::holdings))
        }

        /// Puts the last good copy in the place of a damaged file, or of one that is gone, in one step. The
        /// damaged file is kept as `<name>.damaged-<time>`, where the answer says.
        ///
        /// The copy is from before the last write. What was stored by that write is not in it: a resource
        /// server that replaces refresh tokens may ask for a new login.
        ///
        /// # Errors
        ///
        /// [`NotDamaged`](crate::storage::StorageErrorKind::NotDamaged) when the file can be read,
        /// [`NoLastGoodCopy`](crate::storage::StorageErrorKind::NoLastGoodCopy) when there is nothing to go back to. Nothing is
        /// changed then.
        pub fn restore_last_good(
            &self,
        ) -> impl Future<Output = Result<Option<PathBuf>, StorageError>> + Send + use<> {
            let file = self.file.clone();
            run_blocking(move || file.restore_last_good(&Self::holdings))
        }

        /// Moves a damaged file away, so that the storage is empty, and answers where the file is now:
        /// `<name>.damaged-<time>` beside it. The last good copy stays.
        ///
        /// # Errors
        ///
        /// [`NotDamaged`](crate::storage::StorageErrorKind::NotDamaged) when the file can be read. Nothing is changed then.
        pub fn set_aside(&self) -> impl Future<Output = Result<PathBuf, StorageError>> + Send + use<> {
            let file = self.file.clone();
            run_blocking(move || file.set_aside(&Self::holdings))
        }
    };
}
pub(super) use recovery;
