//! The keyring of the operating system this was built for.

pub(crate) use platform::{ALLOW, START, UNLOCK, connect, kind_of};

/// Secret Service: GNOME Keyring, `KWallet`, `KeePassXC`.
#[cfg(all(unix, not(target_vendor = "apple")))]
mod platform {
    use std::error::Error;
    use std::sync::Arc;

    use globus_core::storage::StorageErrorKind;
    use keyring_core::CredentialStore;
    use secret_service::Error as Service;

    pub(crate) const START: &str = "no Secret Service answers on the session bus, or it has no keyring yet: \
        start one, such as gnome-keyring, in a session of its user (`dbus-run-session` makes one where there is \
        no desktop), or keep tokens in a file, as with `KeyringTokenStorage::or_file`";
    pub(crate) const UNLOCK: &str = "unlock the keyring, for example by answering the prompt on the desktop, or \
        give a longer `time_limit`; where nobody can unlock it keep tokens in a file, as with \
        `KeyringTokenStorage::or_file`";
    pub(crate) const ALLOW: &str = "the session bus or the Secret Service denies access: allow this program to \
        use it, or keep tokens in a file, as with `KeyringTokenStorage::or_file`";

    pub(crate) fn connect() -> keyring_core::Result<Arc<CredentialStore>> {
        Ok(zbus_secret_service_keyring_store::Store::new()?)
    }

    pub(crate) fn kind_of(cause: &(dyn Error + Send + Sync + 'static), no_access: bool) -> StorageErrorKind {
        match cause.downcast_ref::<Service>() {
            Some(Service::Locked | Service::Prompt | Service::PromptDisconnected) => {
                StorageErrorKind::KeyringLocked
            }
            // The text of an answer begins with the name of the error, which is part of the protocol.
            Some(error @ (Service::Zbus(_) | Service::ZbusFdo(_))) => {
                let text = error.to_string();
                if text.contains("Secret.Error.IsLocked") {
                    StorageErrorKind::KeyringLocked
                } else if ["DBus.Error.AccessDenied", "DBus.Error.AuthFailed"]
                    .iter()
                    .any(|name| text.contains(name))
                {
                    StorageErrorKind::Denied
                } else {
                    StorageErrorKind::Unavailable
                }
            }
            None if no_access => StorageErrorKind::Denied,
            // Among them `NoResult`: a daemon without any keyring, as where nobody has logged in to a desktop.
            _ => StorageErrorKind::Unavailable,
        }
    }
}

/// The login keychain.
#[cfg(target_os = "macos")]
mod platform {
    use std::error::Error;
    use std::sync::Arc;

    use globus_core::storage::StorageErrorKind;
    use keyring_core::CredentialStore;

    pub(crate) const START: &str = "the login keychain is not available: log in to the machine, or keep tokens \
        in a file, as with `KeyringTokenStorage::or_file`";
    pub(crate) const UNLOCK: &str = "unlock the login keychain, for example with `security unlock-keychain`, or \
        give a longer `time_limit`; where nobody can unlock it keep tokens in a file, as with \
        `KeyringTokenStorage::or_file`";
    pub(crate) const ALLOW: &str = "the keychain denies access: allow this program in Keychain Access, or keep \
        tokens in a file, as with `KeyringTokenStorage::or_file`";

    pub(crate) fn connect() -> keyring_core::Result<Arc<CredentialStore>> {
        Ok(apple_native_keyring_store::keychain::Store::new()?)
    }

    pub(crate) fn kind_of(cause: &(dyn Error + Send + Sync + 'static), no_access: bool) -> StorageErrorKind {
        let code = cause.downcast_ref::<security_framework::base::Error>().map(|error| error.code());
        match code {
            // The user cancelled the prompt, or no prompt may be shown.
            Some(-128 | -25308) => StorageErrorKind::KeyringLocked,
            // There is no keychain, or it is broken.
            Some(-25291 | -25294 | -25295) => StorageErrorKind::Unavailable,
            // The password was wrong.
            Some(-25293) => StorageErrorKind::Denied,
            _ if no_access => StorageErrorKind::Denied,
            _ => StorageErrorKind::Unavailable,
        }
    }
}

/// The Credential Manager.
#[cfg(windows)]
mod platform {
    use std::error::Error;
    use std::sync::Arc;

    use globus_core::storage::StorageErrorKind;
    use keyring_core::CredentialStore;

    pub(crate) const START: &str = "the Credential Manager is not available, as where the user has not logged \
        on: log on, or keep tokens in a file, as with `KeyringTokenStorage::or_file`";
    pub(crate) const UNLOCK: &str = "the Credential Manager does not answer: log on again, give a longer \
        `time_limit`, or keep tokens in a file, as with `KeyringTokenStorage::or_file`";
    pub(crate) const ALLOW: &str = "the Credential Manager denies access: allow it to this program, or keep \
        tokens in a file, as with `KeyringTokenStorage::or_file`";

    pub(crate) fn connect() -> keyring_core::Result<Arc<CredentialStore>> {
        Ok(windows_native_keyring_store::Store::new()?)
    }

    pub(crate) fn kind_of(_: &(dyn Error + Send + Sync + 'static), _: bool) -> StorageErrorKind {
        // The one refusal that the library tells apart is that there is no session of a user.
        StorageErrorKind::Unavailable
    }
}

/// No keyring is known here.
#[cfg(not(any(windows, target_os = "macos", all(unix, not(target_vendor = "apple")))))]
mod platform {
    use std::error::Error;
    use std::sync::Arc;

    use globus_core::storage::StorageErrorKind;
    use keyring_core::CredentialStore;

    pub(crate) const START: &str = "no keyring is known on this system: keep tokens in a file";
    pub(crate) const UNLOCK: &str = START;
    pub(crate) const ALLOW: &str = START;

    pub(crate) fn connect() -> keyring_core::Result<Arc<CredentialStore>> {
        Err(keyring_core::Error::NoDefaultStore)
    }

    pub(crate) fn kind_of(_: &(dyn Error + Send + Sync + 'static), _: bool) -> StorageErrorKind {
        StorageErrorKind::Unavailable
    }
}
