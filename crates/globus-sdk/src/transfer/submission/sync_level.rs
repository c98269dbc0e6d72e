use serde_json::Value;

/// When a file at the destination counts as up to date and is not copied again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SyncLevel {
    /// When it exists.
    Exists,
    /// When it exists and has the same size.
    Size,
    /// When it has the same size and is not older.
    Mtime,
    /// When it has the same checksum.
    Checksum,
}

impl SyncLevel {
    /// The number that the service uses.
    pub const fn as_number(self) -> u8 {
        match self {
            Self::Exists => 0,
            Self::Size => 1,
            Self::Mtime => 2,
            Self::Checksum => 3,
        }
    }
}

impl From<SyncLevel> for Value {
    fn from(level: SyncLevel) -> Self {
        level.as_number().into()
    }
}
