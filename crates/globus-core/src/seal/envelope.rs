//! The bytes of a sealed content, as the module's own page describes them.

use super::passphrase::{Derivation, SALT_LENGTH};
use super::{Argon2Cost, SealContext, SealError};

const MAGIC: [u8; 6] = *b"GLSEAL";
/// The first six bytes in base64.
const TEXT_MAGIC: &str = "R0xTRUFM";
const VERSION: u8 = 1;
const OF_KEY: u8 = 0;
const OF_PASSPHRASE: u8 = 1;

pub(super) const NONCE_LENGTH: usize = 24;
pub(super) const TAG_LENGTH: usize = 16;

/// Whether the content claims to be sealed. It may still not open.
pub fn is_sealed(content: &[u8]) -> bool {
    content.starts_with(&MAGIC)
}

/// Whether the text claims to be sealed. It may still not open.
pub fn is_sealed_text(text: &str) -> bool {
    text.starts_with(TEXT_MAGIC)
}

/// The parts of a sealed content.
#[derive(Debug)]
pub(super) struct Envelope<'a> {
    /// All up to and with the nonce.
    pub(super) header: &'a [u8],
    pub(super) derivation: Option<Derivation>,
    pub(super) nonce: [u8; NONCE_LENGTH],
    /// With the tag.
    pub(super) content: &'a [u8],
}

/// The bytes up to and with the nonce.
pub(super) fn header(derivation: Option<Derivation>, nonce: &[u8; NONCE_LENGTH]) -> Vec<u8> {
    let mut header = Vec::from(MAGIC);
    header.push(VERSION);
    match derivation {
        None => header.push(OF_KEY),
        Some(Derivation { cost, salt }) => {
            header.push(OF_PASSPHRASE);
            for number in [cost.memory_kib, cost.passes, cost.lanes] {
                header.extend(number.to_be_bytes());
            }
            header.extend(salt);
        }
    }
    header.extend(nonce);
    header
}

/// What the cipher protects besides the content. The header says itself where it ends.
pub(super) fn associated_data(header: &[u8], context: &SealContext) -> Vec<u8> {
    [header, context.as_bytes()].concat()
}

impl<'a> Envelope<'a> {
    /// Takes it apart. Nothing is allocated and nothing derived on behalf of what it says.
    pub(super) fn parse(sealed: &'a [u8]) -> Result<Self, SealError> {
        let mut rest = sealed.strip_prefix(&MAGIC).ok_or(SealError::NotSealed)?;
        let [version] = take(&mut rest)?;
        if version != VERSION {
            return Err(SealError::UnknownVersion { version });
        }
        let derivation = match take(&mut rest)? {
            [OF_KEY] => None,
            [OF_PASSPHRASE] => {
                let [memory_kib, passes, lanes] =
                    [take(&mut rest)?, take(&mut rest)?, take(&mut rest)?].map(u32::from_be_bytes);
                let cost = Argon2Cost::checked(memory_kib, passes, lanes)?;
                Some(Derivation { cost, salt: take::<SALT_LENGTH>(&mut rest)? })
            }
            _ => return Err(SealError::CannotUnseal),
        };
        let nonce = take(&mut rest)?;
        if rest.len() < TAG_LENGTH {
            return Err(SealError::CannotUnseal);
        }
        Ok(Self { header: &sealed[..sealed.len() - rest.len()], derivation, nonce, content: rest })
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], SealError> {
    let (bytes, after) = rest.split_first_chunk().ok_or(SealError::CannotUnseal)?;
    *rest = after;
    Ok(*bytes)
}
