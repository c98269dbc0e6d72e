//! Who has set up Globus Connect Personal, by its map of users.

use globus_core::IdentityId;
use uuid::Uuid;

use super::shell_words;

/// Who has set up Globus Connect Personal on this machine. From
/// [`LocalGlobusConnectPersonal::owner_info`](super::LocalGlobusConnectPersonal::owner_info).
#[doc(alias = "GlobusConnectPersonalOwnerInfo")]
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum GlobusConnectPersonalOwner {
    /// The identity with this id.
    Id(IdentityId),
    /// The identity with this name, of which older versions made a note.
    Username(String),
}

/// How a line begins that says it; the quote is part of it.
const PREFIX: &str = "\"/C=US/O=Globus Consortium/OU=Globus Connect User/CN=";

impl GlobusConnectPersonalOwner {
    /// The id, if that is known.
    pub fn id(&self) -> Option<IdentityId> {
        match self {
            Self::Id(id) => Some(*id),
            Self::Username(_) => None,
        }
    }

    /// The name, if that is known in place of the id.
    pub fn username(&self) -> Option<&str> {
        match self {
            Self::Id(_) => None,
            Self::Username(name) => Some(name),
        }
    }

    /// Reads a map of users. Its first line that begins as it should counts, and if that is malformed, none.
    pub(super) fn of_gridmap(gridmap: &str) -> Option<Self> {
        let line = gridmap.split(['\n', '\r']).find(|line| line.starts_with(PREFIX))?;
        let words: [String; 2] = shell_words::split(line.trim())?.try_into().ok()?;
        let user = words[0].splitn(5, '=').nth(4)?;
        Some(match id_of(user) {
            Some(id) => Self::Id(id),
            None => Self::Username(format!("{user}@globusid.org")),
        })
    }
}

/// The id in a name like `u_pxw2ptahpmi6zijxm5jd5t75jm`: 16 bytes in base 32 without padding.
fn id_of(user: &str) -> Option<IdentityId> {
    let digits = user.strip_prefix("u_")?;
    if digits.len() != 26 {
        return None;
    }
    let mut id = 0_u128;
    for (place, digit) in digits.bytes().enumerate() {
        let value = match digit.to_ascii_uppercase() {
            letter @ b'A'..=b'Z' => letter - b'A',
            number @ b'2'..=b'7' => number - b'2' + 26,
            _ => return None,
        };
        // 26 digits have two bits more than 16 bytes.
        let (bits, value) = if place == 25 { (3, value >> 2) } else { (5, value) };
        id = id << bits | u128::from(value);
    }
    Some(Uuid::from_u128(id).into())
}
