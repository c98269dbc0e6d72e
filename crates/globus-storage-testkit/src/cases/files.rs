//! Files that hold tokens are their owner's alone.

use globus_core::storage::StoreKind;

use crate::sample::{stored_number, token};
use crate::{Backend, Place};

/// New files are private; files that others could read become so with the next write.
#[cfg(unix)]
pub async fn loose_files_become_private<B: Backend>(place: &Place<B>) {
    use std::os::unix::fs::PermissionsExt;

    let storage = place.open().await;
    storage.store(vec![token("rs", 1)], StoreKind::Login).await.unwrap();
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    for path in place.backend().files(place.text()) {
        assert_eq!(mode(&path), 0o600, "{} is private when it is new", path.display());
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    }
    let storage = place.open().await;
    assert_eq!(stored_number(&storage, "rs").await, Some(1), "a loose file is read");
    storage.store(vec![token("rs", 2)], StoreKind::Login).await.unwrap();
    for path in place.backend().files(place.text()) {
        assert_eq!(mode(&path), 0o600, "{} is private after a write", path.display());
    }
}

/// Where there are no modes there is nothing to see.
#[cfg(not(unix))]
pub async fn loose_files_become_private<B: Backend>(_: &Place<B>) {}

/// A file of tokens that is a symbolic link is neither read nor written, and its target stays as it is.
#[cfg(unix)]
pub async fn a_symbolic_link_is_refused<B: Backend>(place: &Place<B>) {
    use globus_core::storage::StorageErrorKind;

    place.open().await.store(vec![token("rs", 1)], StoreKind::Login).await.unwrap();
    for path in place.backend().files(place.text()) {
        let target = path.with_extension("elsewhere");
        std::fs::rename(&path, &target).unwrap();
        let before = std::fs::read(&target).unwrap();
        std::os::unix::fs::symlink(&target, &path).unwrap();
        let storage = place.open().await;
        let refused = [
            storage.get_fresh("rs").await.map(drop).unwrap_err(),
            storage.store(vec![token("rs", 2)], StoreKind::Login).await.unwrap_err(),
        ];
        for error in refused {
            assert_eq!(*error.kind(), StorageErrorKind::Symlink, "{error}");
        }
        assert_eq!(std::fs::read(&target).unwrap(), before);
    }
}

/// Where there are no symbolic links there is nothing to see.
#[cfg(not(unix))]
pub async fn a_symbolic_link_is_refused<B: Backend>(_: &Place<B>) {}

/// Where everybody may exchange the file of tokens, it is neither read nor written.
#[cfg(unix)]
pub async fn a_directory_that_is_open_to_all_is_refused<B: Backend>(place: &Place<B>) {
    use std::os::unix::fs::PermissionsExt;

    use globus_core::storage::StorageErrorKind;

    place.open().await.store(vec![token("rs", 1)], StoreKind::Login).await.unwrap();
    for path in place.backend().files(place.text()) {
        let directory = path.parent().unwrap();
        let before = std::fs::metadata(directory).unwrap().permissions();
        std::fs::set_permissions(directory, std::fs::Permissions::from_mode(0o777)).unwrap();
        let storage = place.open().await;
        let refused = [
            storage.get_fresh("rs").await.map(drop).unwrap_err(),
            storage.store(vec![token("rs", 2)], StoreKind::Login).await.unwrap_err(),
        ];
        std::fs::set_permissions(directory, before).unwrap();
        for error in refused {
            assert!(matches!(error.kind(), StorageErrorKind::UnsafeDirectory { .. }), "{error}");
        }
        assert_eq!(stored_number(&place.open().await, "rs").await, Some(1));
    }
}

/// Where there are no modes there is nothing to see.
#[cfg(not(unix))]
pub async fn a_directory_that_is_open_to_all_is_refused<B: Backend>(_: &Place<B>) {}
