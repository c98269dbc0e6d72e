//! A passphrase, and the keys that were made of it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use zeroize::Zeroizing;

use super::{Argon2Cost, SealError};

pub(super) const SALT_LENGTH: usize = 16;

/// From which a passphrase makes a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Derivation {
    pub(super) cost: Argon2Cost,
    pub(super) salt: [u8; SALT_LENGTH],
}

pub(super) type Key = Zeroizing<[u8; 32]>;

/// How many keys are remembered. One file needs one; there are more after others have sealed it anew.
const REMEMBERED: usize = 8;

pub(super) struct Passphrase {
    text: Zeroizing<String>,
    cost: Argon2Cost,
    keys: Mutex<Keys>,
}

#[derive(Default)]
struct Keys {
    /// The last used one last.
    known: Vec<(Derivation, Key)>,
    /// The one that sealing uses.
    sealing: Option<Derivation>,
}

impl Keys {
    /// Deriving happens under the lock, so that those who need the same key wait for it instead of making it too.
    fn key(&mut self, passphrase: &str, derivation: Derivation) -> Result<Key, SealError> {
        let known = self.known.iter().position(|(known, _)| *known == derivation);
        let entry = match known {
            Some(place) => self.known.remove(place),
            None => (derivation, derivation.cost.derive(passphrase, &derivation.salt)?),
        };
        let key = entry.1.clone();
        if self.known.len() >= REMEMBERED {
            self.known.remove(0);
        }
        self.known.push(entry);
        Ok(key)
    }
}

impl Passphrase {
    pub(super) fn new(text: Zeroizing<String>, cost: Argon2Cost) -> Self {
        Self { text, cost, keys: Mutex::default() }
    }

    fn keys(&self) -> MutexGuard<'_, Keys> {
        // Every step leaves it whole.
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The key of something that was sealed.
    pub(super) fn key(&self, derivation: Derivation) -> Result<Key, SealError> {
        self.keys().key(&self.text, derivation)
    }

    /// The key has opened something. What is sealed from now on uses the same one, if it costs what it should: a salt
    /// of its own for each seal would mean to derive a key for each, and the nonce differs anyway.
    pub(super) fn has_opened(&self, derivation: Derivation) {
        if derivation.cost == self.cost {
            self.keys().sealing = Some(derivation);
        }
    }

    pub(super) fn sealing_key(&self) -> Result<(Derivation, Key), SealError> {
        let mut keys = self.keys();
        let derivation = match keys.sealing {
            Some(derivation) => derivation,
            None => Derivation { cost: self.cost, salt: random()? },
        };
        let key = keys.key(&self.text, derivation)?;
        keys.sealing = Some(derivation);
        Ok((derivation, key))
    }
}

/// Random bytes.
pub(super) fn random<const N: usize>() -> Result<[u8; N], SealError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| SealError::NoRandomNumbers)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cheap() -> Argon2Cost {
        Argon2Cost::new(8, 1).unwrap()
    }

    #[test]
    fn keys_are_remembered_but_not_without_end() {
        let passphrase = Passphrase::new(Zeroizing::new("p".to_owned()), cheap());
        for salt in 0..20 {
            passphrase.key(Derivation { cost: cheap(), salt: [salt; SALT_LENGTH] }).unwrap();
        }
        let known: Vec<u8> = passphrase.keys().known.iter().map(|(known, _)| known.salt[0]).collect();
        assert_eq!(known, (12..20).collect::<Vec<_>>());
        passphrase.key(Derivation { cost: cheap(), salt: [12; SALT_LENGTH] }).unwrap();
        assert_eq!(passphrase.keys().known.last().unwrap().0.salt[0], 12);
        assert_eq!(passphrase.keys().known.len(), REMEMBERED);
    }

    #[test]
    fn sealing_keeps_to_the_salt_that_has_opened() {
        let passphrase = Passphrase::new(Zeroizing::new("p".to_owned()), cheap());
        let (first, _) = passphrase.sealing_key().unwrap();
        assert_eq!(passphrase.sealing_key().unwrap().0, first);
        let other = Derivation { cost: cheap(), salt: [1; SALT_LENGTH] };
        passphrase.has_opened(other);
        assert_eq!(passphrase.sealing_key().unwrap().0, other);
        let weaker = Derivation { cost: Argon2Cost::new(9, 1).unwrap(), salt: [2; SALT_LENGTH] };
        passphrase.has_opened(weaker);
        assert_eq!(passphrase.sealing_key().unwrap().0, other, "never at another cost than asked for");
    }
}
