//! What it costs to derive a key from a passphrase.

use argon2::{Algorithm, Argon2, Params, Version};
use zeroize::Zeroizing;

use super::SealError;

/// What it costs to make a key of a passphrase, for us and for whoever tries passphrases.
///
/// It is kept with what is sealed, so a change of it concerns only what is sealed from then on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Argon2Cost {
    pub(super) memory_kib: u32,
    pub(super) passes: u32,
    pub(super) lanes: u32,
}

impl Argon2Cost {
    /// 64 MiB and 3 passes: about 0.15 seconds on one core. RFC 9106 recommends this where memory is scarce.
    pub const DEFAULT: Self = Self { memory_kib: 64 * 1024, passes: 3, lanes: 1 };

    const MAX_MEMORY_KIB: u32 = 256 * 1024;
    const MAX_PASSES: u32 = 16;
    const MAX_LANES: u32 = 16;

    /// A cost of one's own: the memory in KiB, up to 262144 (256 MiB), and how often it is passed over, up to
    /// 16 times.
    ///
    /// # Errors
    ///
    /// [`TooCostly`](SealError::TooCostly) beyond those limits, and when there is less than 8 KiB or no pass.
    pub fn new(memory_kib: u32, passes: u32) -> Result<Self, SealError> {
        Self::checked(memory_kib, passes, 1)
    }

    /// What a sealed content asks for. Whoever made it must not be able to keep us busy or take our memory.
    pub(super) fn checked(memory_kib: u32, passes: u32, lanes: u32) -> Result<Self, SealError> {
        let is_good = (1..=Self::MAX_LANES).contains(&lanes)
            && (1..=Self::MAX_PASSES).contains(&passes)
            && (8 * lanes..=Self::MAX_MEMORY_KIB).contains(&memory_kib);
        if is_good {
            Ok(Self { memory_kib, passes, lanes })
        } else {
            Err(SealError::TooCostly { memory_kib, passes, lanes })
        }
    }

    pub(super) fn derive(self, passphrase: &str, salt: &[u8]) -> Result<Zeroizing<[u8; 32]>, SealError> {
        let Self { memory_kib, passes, lanes } = self;
        // The limits above are well within those of Argon2, so what fails is the memory.
        let refused = |_| SealError::TooCostly { memory_kib, passes, lanes };
        let params = Params::new(memory_kib, passes, lanes, Some(32)).map_err(refused)?;
        let mut key = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.as_bytes(), salt, key.as_mut_slice())
            .map_err(refused)?;
        Ok(key)
    }
}

impl Default for Argon2Cost {
    fn default() -> Self {
        Self::DEFAULT
    }
}
