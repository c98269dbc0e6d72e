//! Checksums of files.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};

use aws_lc_rs::digest;
use md5::{Digest as _, Md5};
use serde::{Deserialize, Serialize};

use crate::random;

/// How much is read at a time: enough to make calls rare, little enough to stay in the processor's cache.
pub(super) const PIECE: usize = 256 * 1024;

/// The algorithms that a transfer item may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Algorithm {
    Md5,
    Sha1,
    Sha256,
    Sha512,
}

impl Algorithm {
    /// The fastest of them on current machines: good enough to see that a copy went wrong.
    pub(super) const FASTEST: Self = Self::Sha1;

    pub(super) fn parse(name: &str) -> Option<Self> {
        match name.to_ascii_uppercase().replace('-', "").as_str() {
            "MD5" => Some(Self::Md5),
            "SHA1" => Some(Self::Sha1),
            "SHA256" => Some(Self::Sha256),
            "SHA512" => Some(Self::Sha512),
            _ => None,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
            Self::Sha512 => "SHA512",
        }
    }

    pub(super) fn begin(self) -> Checksum {
        match self {
            Self::Md5 => Checksum::Md5(Md5::new()),
            Self::Sha1 => Checksum::Sha(digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY)),
            Self::Sha256 => Checksum::Sha(digest::Context::new(&digest::SHA256)),
            Self::Sha512 => Checksum::Sha(digest::Context::new(&digest::SHA512)),
        }
    }
}

/// A checksum that grows with the file.
pub(super) enum Checksum {
    Md5(Md5),
    Sha(digest::Context),
}

impl Checksum {
    pub(super) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Md5(context) => context.update(bytes),
            Self::Sha(context) => context.update(bytes),
        }
    }

    /// The checksum as lowercase hexadecimal digits.
    pub(super) fn finish(self) -> String {
        match self {
            Self::Md5(context) => random::hex(&context.finalize()),
            Self::Sha(context) => random::hex(context.finish().as_ref()),
        }
    }
}

/// The checksum of a whole file, from its start; nothing when `stop` says so in the middle.
pub(super) fn of_file(
    file: &mut File,
    algorithm: Algorithm,
    stop: &dyn Fn() -> bool,
) -> io::Result<Option<String>> {
    file.seek(SeekFrom::Start(0))?;
    let mut checksum = algorithm.begin();
    let mut buffer = vec![0; PIECE];
    loop {
        if stop() {
            return Ok(None);
        }
        match file.read(&mut buffer)? {
            0 => return Ok(Some(checksum.finish())),
            count => checksum.update(&buffer[..count]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn checksums_are_those_of_the_standards() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"abc").unwrap();
        for (name, expected) in [
            ("MD5", "900150983cd24fb0d6963f7d28e17f72"),
            ("SHA1", "a9993e364706816aba3e25717850c26c9cd0d89d"),
            ("sha-256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ] {
            let algorithm = Algorithm::parse(name).unwrap();
            assert_eq!(of_file(&mut file, algorithm, &|| false).unwrap().unwrap(), expected);
        }
        assert_eq!(Algorithm::parse("CRC32"), None);
    }
}
