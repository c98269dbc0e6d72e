//! Keys from files, texts and passphrases.
#![cfg(all(feature = "seal", unix))]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use globus_core::seal::{Argon2Cost, KeyFileProblem, SealContext, SealError, SealingKey, SealingKeys};

fn opens(key: &SealingKey, other: &SealingKey) -> bool {
    let context = SealContext::new("test");
    let sealed = SealingKeys::from(key.clone()).seal(&context, b"content").unwrap();
    SealingKeys::from(other.clone()).open(&context, &sealed).is_ok()
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn problem(path: &Path) -> KeyFileProblem {
    match SealingKey::from_key_file(path) {
        Err(SealError::KeyFile { path: named, problem, .. }) => {
            assert_eq!(named, path);
            problem
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_key_is_read_from_base64_of_any_kind() {
    // Bytes for which the two alphabets differ.
    let key = SealingKey::from_bytes([0xfb; 32]);
    for text in [
        "+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/s=",
        "+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/s",
        "-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_s",
        " \t+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/s=\r\n",
    ] {
        assert!(opens(&key, &SealingKey::from_base64(text).unwrap()), "{text}");
    }
    for text in [
        "",
        "hunter2",
        "+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+w==",
        "+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7",
        "+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7",
        "+/v7+/v7+/v7+/v7+/v7+/v7 +/v7+/v7+/v7+/v7+/s=",
        "+_v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/s=",
    ] {
        let error = SealingKey::from_base64(text).unwrap_err();
        assert!(matches!(error, SealError::InvalidKey), "{text} {error:?}");
        assert!(text.is_empty() || !format!("{error} {error:?}").contains(text));
    }
}

#[test]
fn a_key_file_is_private_and_read_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tokens.key");
    let key = SealingKey::create_key_file(&path).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
    assert!(opens(&key, &SealingKey::from_key_file(&path).unwrap()));
    let other = SealingKey::create_key_file(directory.path().join("other.key")).unwrap();
    assert!(!opens(&key, &other), "each is another one");
    let files = std::fs::read_dir(directory.path()).unwrap().count();
    assert_eq!(files, 2, "nothing is left beside them");
}

#[test]
fn a_key_file_is_never_overwritten() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tokens.key");
    let key = SealingKey::create_key_file(&path).unwrap();
    let error = SealingKey::create_key_file(&path).unwrap_err();
    assert!(matches!(error, SealError::KeyFile { problem: KeyFileProblem::AlreadyExists, .. }), "{error:?}");
    assert!(opens(&key, &SealingKey::from_key_file(&path).unwrap()));
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn of_many_that_make_a_key_file_one_does() {
    let directory = tempfile::tempdir().unwrap();
    let path = &directory.path().join("tokens.key");
    let made: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| SealingKey::create_key_file(path))).collect();
        threads.into_iter().filter_map(|thread| thread.join().unwrap().ok()).collect()
    });
    let [key] = made.as_slice() else { panic!("{made:?}") };
    assert!(opens(key, &SealingKey::from_key_file(path).unwrap()));
}

#[test]
fn a_key_file_that_others_could_read_is_refused_with_advice() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tokens.key");
    SealingKey::create_key_file(&path).unwrap();
    for mode in [0o604, 0o640, 0o620, 0o644, 0o666, 0o601] {
        set_mode(&path, mode);
        let problem = problem(&path);
        assert!(
            matches!(problem, KeyFileProblem::OpenToOthers { mode: found, .. } if found == mode),
            "{problem:?}"
        );
        assert!(problem.to_string().contains("chmod 600"), "{problem}");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o7777, mode, "left as it is");
    }
    for mode in [0o600, 0o400, 0o700] {
        set_mode(&path, mode);
        SealingKey::from_key_file(&path).unwrap();
    }
}

#[test]
fn what_is_no_key_file_is_told_as_such() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tokens.key");
    assert!(
        matches!(problem(&path), KeyFileProblem::Io(error) if error.kind() == std::io::ErrorKind::NotFound)
    );
    assert!(matches!(problem(directory.path()), KeyFileProblem::NotAFile));
    for content in [&b"AgSecretButNoKey"[..], b"", b"\xff\xfe", &vec![b'A'; 100_000]] {
        std::fs::write(&path, content).unwrap();
        set_mode(&path, 0o600);
        let problem = problem(&path);
        assert!(matches!(problem, KeyFileProblem::NotAKey), "{problem:?}");
        assert!(!format!("{problem} {problem:?}").contains("AgSecret"));
    }
    // Nobody writes to it, and it is not waited for.
    let pipe = directory.path().join("pipe");
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::from_raw_mode(0o600)).unwrap();
    assert!(matches!(problem(&pipe), KeyFileProblem::NotAFile));
    assert!(SealingKey::create_key_file(directory.path().join("no such").join("key")).is_err());
}

#[test]
fn a_key_file_may_be_a_link_as_mounted_secrets_are() {
    let directory = tempfile::tempdir().unwrap();
    let (path, link) = (directory.path().join("tokens.key"), directory.path().join("link"));
    let key = SealingKey::create_key_file(&path).unwrap();
    symlink(&path, &link).unwrap();
    assert!(opens(&key, &SealingKey::from_key_file(&link).unwrap()));
    set_mode(&path, 0o644);
    assert!(matches!(problem(&link), KeyFileProblem::OpenToOthers { .. }));
}

#[test]
fn a_passphrase_opens_what_was_sealed_elsewhere() {
    let cost = Argon2Cost::new(64, 1).unwrap();
    let key = |text: &str| SealingKey::from_passphrase_with_cost(text, cost).unwrap();
    assert!(opens(&key("correct horse"), &key("correct horse")));
    assert!(!opens(&key("correct horse"), &key("correct horse ")));
    // Whatever it cost there.
    assert!(opens(&key("correct horse"), &SealingKey::from_passphrase("correct horse").unwrap()));
    assert!(matches!(SealingKey::from_passphrase(""), Err(SealError::EmptyPassphrase)));
}

#[test]
fn a_passphrase_with_a_salt_is_a_key() {
    let derive = |text: &str, salt: &str| SealingKey::from_passphrase_and_salt(text, salt);
    let key = derive("correct horse", "portal.example.org").unwrap();
    assert!(opens(&key, &derive("correct horse", "portal.example.org").unwrap()));
    assert!(!opens(&key, &derive("correct horse", "portal.example.com").unwrap()));
    assert!(!opens(&key, &derive("battery staple", "portal.example.org").unwrap()));
    assert!(matches!(derive("correct horse", "short"), Err(SealError::ShortSalt)));
    assert!(matches!(derive("", "portal.example.org"), Err(SealError::EmptyPassphrase)));
    assert_eq!(format!("{key:?}"), "SealingKey(redacted)");
}

#[test]
fn each_problem_of_a_key_or_a_seal_is_told_as_what_it_is() {
    use globus_core::StorageError;
    use globus_core::storage::StorageErrorKind as Kind;

    let open = |sealed: &[u8]| {
        let keys = SealingKeys::from(SealingKey::from_passphrase("correct horse").unwrap());
        keys.open(&SealContext::new("test"), sealed).unwrap_err()
    };
    let key_file = SealingKey::from_key_file("/no/such/key").unwrap_err();
    let problems = [
        (open(b"GLSEAL\x01\x02"), Kind::CannotUnseal),
        (open(b"plain"), Kind::NotSealed),
        (open(&[b"GLSEAL\x01\x01".as_slice(), &[0xff; 100]].concat()), Kind::SealTooCostly),
        (SealingKey::from_base64("hunter2").unwrap_err(), Kind::UnusableKey),
        (SealingKey::from_passphrase("").unwrap_err(), Kind::UnusableKey),
        (key_file, Kind::UnusableKey),
    ];
    for (problem, kind) in problems {
        let text = problem.to_string();
        let error = StorageError::from(problem);
        assert_eq!(*error.kind(), kind);
        assert_eq!(std::error::Error::source(&error).unwrap().to_string(), text);
    }
    let newer = StorageError::from(open(b"GLSEAL\x02"));
    assert!(matches!(newer.kind(), Kind::UnknownSealVersion { version: 2, .. }), "{newer:?}");
    assert!(newer.to_string().contains("update this program"), "{newer}");
}
