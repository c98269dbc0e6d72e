//! The storage.

use std::path::{Path, PathBuf};
use std::time::Duration;

use globus_core::OnRefresh;
use globus_core::seal::SealingKeys;
use globus_core::storage::{Durability, JsonTokenStorage, Storage};

use crate::encoding::SealedDocument;

/// Keeps tokens in one encrypted file, under a key file, a key from elsewhere or a passphrase.
///
/// It is a [`JsonTokenStorage`] whose document is [sealed](globus_core::seal) as a whole, and has all that that one
/// has: private files, writes in one step, leases between processes. Nobody without the key can read it or change it
/// unnoticed. Nothing helps against who can read the key too. Whoever can write the file can, without being noticed:
///
/// * put back an older content of it, and so undo a logout or the renewal of a token;
/// * delete it;
/// * put another file in its place that is sealed with the same key, such as another user's. Against that, give each
///   file a key of its own, or [bind](Self::bound_to) it to its owner.
///
/// A key file gives best speed, and belongs in another place than the tokens: in one backup with them it protects
/// nothing. With a passphrase the first use in each process takes about 0.15 seconds.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("tokens.sealed");
/// use globus_core::TokenData;
/// use globus_core::seal::SealingKey;
/// use globus_core::storage::{Storage, StoreKind};
/// use globus_storage_encrypted::EncryptedTokenStorage;
///
/// let key = SealingKey::from_passphrase("correct horse battery staple")?;
/// let storage = Storage::from(EncryptedTokenStorage::new(path, key));
///
/// let token = TokenData::new("auth.globus.org", "openid", "AgExample", 1_700_172_800);
/// storage.store(vec![token.clone()], StoreKind::Login).await?;
/// assert_eq!(storage.get("auth.globus.org").await?, Some(token));
/// # Ok(()) }
/// ```
///
/// # Another key
///
/// Open with `SealingKeys::from(new_key).with_older(old_key)`: the next write seals with the new key, and from then on
/// the old one is not needed. Where several processes share the file, none may meet what it has no key for: give all of
/// them `SealingKeys::from(old_key).with_older(new_key)` first, which still seals with the old one, then all of them
/// `SealingKeys::from(new_key).with_older(old_key)`, and the new key alone after the next write.
///
/// # A file that does not open
///
/// A wrong key and a changed file give the same error,
/// [`CannotUnseal`](globus_core::storage::StorageErrorKind::CannotUnseal), and reading and writing fail until that is
/// settled, a login too. Use the right key, or restore a backup. Where there is neither, the tokens are lost: move the file
/// away while no program uses it, and log in again.
///
/// There are no `inspect`, `restore_last_good` and `set_aside`, as [`JsonTokenStorage`] has them. Without the right key
/// nothing can be told about the file, and a good one would be set aside just because the key is wrong. A last good copy
/// is not kept, as it would stay under an old key after that has been replaced.
#[derive(Clone, Debug)]
pub struct EncryptedTokenStorage {
    json: JsonTokenStorage,
    document: SealedDocument,
}

impl EncryptedTokenStorage {
    /// A storage in this file, which is made by the first store, with its directories.
    pub fn new(path: impl Into<PathBuf>, keys: impl Into<SealingKeys>) -> Self {
        let document = SealedDocument::new(keys.into());
        Self { json: JsonTokenStorage::new(path).with_encoding(document.clone()), document }
    }

    /// Binds the file to a name, such as the id of the user whose tokens are in it: it opens only with the same one, so
    /// that nobody can put the file of another user in its place. For programs that keep a file for each user, all under
    /// one key. The name is not a secret, and is not in the file.
    ///
    /// A file that was made without a name, or with another one, does not open; a plain file is bound when it is
    /// [encrypted](Self::encrypt_existing).
    ///
    /// ```
    /// # let directory = tempfile::tempdir()?;
    /// # let (path, key) = (directory.path().join("anna.sealed"), globus_core::seal::SealingKey::from_bytes([7; 32]));
    /// use globus_storage_encrypted::EncryptedTokenStorage;
    ///
    /// let storage = EncryptedTokenStorage::new(path, key).bound_to("anna");
    /// # let _ = storage;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn bound_to(mut self, name: impl AsRef<str>) -> Self {
        self.document.bind_to(name.as_ref());
        self.json = self.json.with_encoding(self.document.clone());
        self
    }

    /// Allows that the file is a plain JSON file of tokens, which the next store or remove encrypts. By default such a
    /// file is refused with [`NotSealed`](globus_core::storage::StorageErrorKind::NotSealed).
    ///
    /// Only the encrypted file is left then: no plain backup is kept, and programs that shared the file cannot read it
    /// any more. (A file of format 1.0 is kept as `<name>.v1.bak`, encrypted too.) The plain content may still be found
    /// on the disk, in snapshots and in backups; to be sure, log out and in again, which makes those tokens useless.
    ///
    /// Allow it for the move only. While it is allowed, whoever can write the file can put tokens of theirs in its
    /// place.
    #[must_use]
    pub fn encrypt_existing(mut self, allow: bool) -> Self {
        self.document.takes_plain = allow;
        self.json = self.json.upgrade(allow).with_encoding(self.document.clone());
        self
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        self.json.path()
    }

    /// How sure a write is to outlive a power failure; [`Durability::Full`] by default.
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> Self {
        self.json = self.json.durability(durability);
        self
    }

    /// Whether the file may be a symbolic link; see [`JsonTokenStorage::follow_symlinks`].
    #[must_use]
    pub fn follow_symlinks(mut self, follow: bool) -> Self {
        self.json = self.json.follow_symlinks(follow);
        self
    }

    /// Whether writers use the advisory file lock of the operating system; see [`JsonTokenStorage::flock`].
    #[must_use]
    pub fn flock(mut self, flock: bool) -> Self {
        self.json = self.json.flock(flock);
        self
    }

    /// How long to wait for another process that writes or refreshes; 40 seconds by default.
    #[must_use]
    pub fn lock_wait(mut self, wait: Duration) -> Self {
        self.json = self.json.lock_wait(wait);
        self
    }

    /// How long a lease lasts after its holder died; 30 seconds by default. All who share the file must say the same.
    #[must_use]
    pub fn lease_time(mut self, time: Duration) -> Self {
        self.json = self.json.lease_time(time);
        self
    }
}

impl From<EncryptedTokenStorage> for Storage {
    fn from(storage: EncryptedTokenStorage) -> Self {
        storage.json.into()
    }
}

impl From<EncryptedTokenStorage> for OnRefresh {
    fn from(storage: EncryptedTokenStorage) -> Self {
        Storage::from(storage).into()
    }
}
