//! What opens, what does not, and what is refused before anything is tried.

use super::*;
use crate::seal::{Argon2Cost, is_sealed};

const CONTENT: &[u8] = br#"{"naive": "\u2603"}"#;

fn context() -> SealContext {
    SealContext::new("golden").with("client_id", "abc").with("base_url", "https://auth.globus.org")
}

fn key(byte: u8) -> SealingKeys {
    SealingKey::from_bytes([byte; 32]).into()
}

fn passphrase(text: &str) -> SealingKey {
    SealingKey::from_passphrase_with_cost(text, Argon2Cost::new(64, 2).unwrap()).unwrap()
}

fn golden_key() -> SealingKeys {
    let mut key = [0; 32];
    for (byte, value) in key.iter_mut().zip(0..) {
        *byte = value;
    }
    SealingKey::from_bytes(key).into()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap()).collect()
}

// Both were made with PyNaCl (libsodium) and argon2-cffi (the reference Argon2), after the page of the module.
const GOLDEN_KEY: &str = concat!(
    "474c5345414c0100000102030405060708090a0b0c0d0e0f1011121314151617",
    "e5e0611ef9a4e88c09640492be609ed878655541ea8373ef1617f3f20869bd7e597d5e"
);
const GOLDEN_PASSPHRASE: &str = concat!(
    "474c5345414c0101000000400000000200000001",
    "6465666768696a6b6c6d6e6f70717273",
    "000102030405060708090a0b0c0d0e0f1011121314151617",
    "05d2006e269e8e291ce903b054c66a17443eda2c1f5c0329137166c8f559f57fc51b7c"
);

#[test]
fn the_format_is_the_one_that_is_described() {
    let mut nonce = [0; 24];
    for (byte, value) in nonce.iter_mut().zip(0..) {
        *byte = value;
    }
    assert_eq!(golden_key().seal_with_nonce(&context(), CONTENT, nonce).unwrap(), unhex(GOLDEN_KEY));
    assert_eq!(*golden_key().open(&context(), &unhex(GOLDEN_KEY)).unwrap(), CONTENT);

    let keys = SealingKeys::from(passphrase("correct horse"));
    assert_eq!(*keys.open(&context(), &unhex(GOLDEN_PASSPHRASE)).unwrap(), CONTENT);
    // Sealing goes on with the salt that has opened.
    assert_eq!(keys.seal_with_nonce(&context(), CONTENT, nonce).unwrap(), unhex(GOLDEN_PASSPHRASE));
}

#[test]
fn a_sealed_content_shows_nothing_and_differs_each_time() {
    let sealed = key(1).seal(&context(), CONTENT).unwrap();
    assert!(is_sealed(&sealed));
    assert!(!sealed.windows(5).any(|part| part == b"naive"));
    assert_ne!(sealed, key(1).seal(&context(), CONTENT).unwrap());
    assert_eq!(*key(1).open(&context(), &key(1).seal(&context(), b"").unwrap()).unwrap(), b"");
}

#[test]
fn any_flipped_bit_is_noticed() {
    for golden in [GOLDEN_KEY, GOLDEN_PASSPHRASE] {
        // The costly numbers are flipped too; those beyond the limits are refused at once.
        let keys = SealingKeys::from(passphrase("correct horse")).with_older(golden_first());
        let good = unhex(golden);
        assert!(keys.open(&context(), &good).is_ok());
        for at in 0..good.len() {
            for bit in 0..8 {
                let mut changed = good.clone();
                changed[at] ^= 1 << bit;
                // A version or an origin of the key that is changed is told as such, or not; never opened.
                let error = keys.open(&context(), &changed).unwrap_err();
                match at {
                    0..6 => assert!(matches!(error, SealError::NotSealed), "{at} {error:?}"),
                    6 => assert!(matches!(error, SealError::UnknownVersion { .. }), "{at} {error:?}"),
                    7..20 => assert!(
                        matches!(error, SealError::CannotUnseal | SealError::TooCostly { .. }),
                        "{at} {error:?}"
                    ),
                    _ => assert!(matches!(error, SealError::CannotUnseal), "{at} {error:?}"),
                }
            }
        }
    }
}

fn golden_first() -> SealingKey {
    golden_key().0[0].clone()
}

#[test]
fn any_flipped_bit_of_the_text_form_is_noticed() {
    let good = key(1).seal_text(&context(), CONTENT).unwrap();
    assert_eq!(*key(1).open_text(&context(), &good).unwrap(), CONTENT);
    assert!(is_sealed_text(&good));
    for at in 0..good.len() {
        for bit in 0..7 {
            let mut changed = good.clone().into_bytes();
            changed[at] ^= 1 << bit;
            let changed = String::from_utf8(changed).unwrap();
            assert!(key(1).open_text(&context(), &changed).is_err(), "{at}");
        }
    }
    for more in ["=", "A", "\n", " "] {
        assert!(key(1).open_text(&context(), &format!("{good}{more}")).is_err());
    }
}

#[test]
fn any_cut_is_noticed() {
    let good = unhex(GOLDEN_KEY);
    for length in 0..good.len() {
        let error = golden_key().open(&context(), &good[..length]).unwrap_err();
        let expected = if length < 6 { SealError::NotSealed } else { SealError::CannotUnseal };
        assert_eq!(error.to_string(), expected.to_string(), "{length}");
    }
    let good = unhex(GOLDEN_PASSPHRASE);
    let keys = SealingKeys::from(passphrase("correct horse"));
    for length in 6..good.len() {
        assert!(matches!(keys.open(&context(), &good[..length]), Err(SealError::CannotUnseal)), "{length}");
    }
}

#[test]
fn another_key_or_context_does_not_open_and_cannot_be_told_from_a_change() {
    let sealed = key(1).seal(&context(), CONTENT).unwrap();
    let wrong_key = key(2).open(&context(), &sealed).unwrap_err().to_string();
    let wrong_context = key(1).open(&context().with("x", ""), &sealed).unwrap_err().to_string();
    let mut changed = sealed.clone();
    changed[40] ^= 1;
    let was_changed = key(1).open(&context(), &changed).unwrap_err().to_string();
    let no_passphrase = SealingKeys::from(passphrase("p")).open(&context(), &sealed).unwrap_err().to_string();
    assert_eq!([&wrong_context, &was_changed, &no_passphrase], [&wrong_key; 3]);
    let other = SealingKeys::from(passphrase("wrong"));
    assert!(matches!(other.open(&context(), &unhex(GOLDEN_PASSPHRASE)), Err(SealError::CannotUnseal)));
}

#[test]
fn keys_are_replaced_one_after_the_other() {
    let (old, new) = (SealingKey::from_bytes([1; 32]), SealingKey::from_bytes([2; 32]));
    let before = SealingKeys::from(old.clone());
    let during = SealingKeys::from(new.clone()).with_older(passphrase("older")).with_older(old);
    let after = SealingKeys::from(new);

    let sealed = before.seal(&context(), CONTENT).unwrap();
    let (by_first, content) = during.open_by(&context(), &sealed).unwrap();
    assert_eq!((by_first, content.as_slice()), (false, CONTENT));
    assert!(after.open(&context(), &sealed).is_err());

    let sealed = during.seal(&context(), CONTENT).unwrap();
    assert!(before.open(&context(), &sealed).is_err());
    assert!(after.open_by(&context(), &sealed).unwrap().0);
}

#[test]
fn what_would_cost_too_much_is_refused_before_it_is_tried() {
    let keys = SealingKeys::from(passphrase("correct horse"));
    for (memory, passes, lanes) in [
        (u32::MAX, 2, 1),
        (256 * 1024 + 1, 2, 1),
        (64, 17, 1),
        (64, 0, 1),
        (64, 2, 17),
        (64, 2, 0),
        (7, 1, 1),
        (0, 1, 1),
    ] {
        let mut changed = unhex(GOLDEN_PASSPHRASE);
        for (place, number) in [(8, memory), (12, passes), (16, lanes)] {
            changed[place..place + 4].copy_from_slice(&number.to_be_bytes());
        }
        match keys.open(&context(), &changed) {
            Err(SealError::TooCostly { memory_kib, passes: p, lanes: l }) => {
                assert_eq!((memory_kib, p, l), (memory, passes, lanes));
            }
            other => panic!("{memory} {passes} {lanes} {other:?}"),
        }
    }
    assert!(Argon2Cost::new(256 * 1024, 16).is_ok());
    assert!(Argon2Cost::new(256 * 1024 + 1, 1).is_err());
    assert!(Argon2Cost::new(64 * 1024, 17).is_err());
}

#[test]
fn a_cheaper_derivation_in_the_header_does_not_open() {
    let keys = SealingKeys::from(passphrase("correct horse"));
    let mut changed = unhex(GOLDEN_PASSPHRASE);
    changed[8..12].copy_from_slice(&8_u32.to_be_bytes());
    changed[12..16].copy_from_slice(&1_u32.to_be_bytes());
    assert!(matches!(keys.open(&context(), &changed), Err(SealError::CannotUnseal)));
    // Nor does it make us seal more cheaply.
    let sealed = keys.seal(&context(), CONTENT).unwrap();
    assert_eq!(sealed[8..16], [0, 0, 0, 64, 0, 0, 0, 2]);
}

#[test]
fn debug_shows_no_key() {
    let keys = SealingKeys::from(SealingKey::from_bytes([0x41; 32])).with_older(passphrase("correct horse"));
    let shown = format!("{keys:?} {keys:#?}");
    for secret in ["65", "41", "AAAA", "correct", "horse"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}
