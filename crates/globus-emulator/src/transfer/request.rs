//! The documents that ask for a task.

use globset::GlobMatcher;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::paths::Below;
use super::pattern::matcher;
use super::problem::Operation;
use crate::failure::Failure;

/// What a task is to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Request {
    Transfer(TransferRequest),
    Delete(DeleteRequest),
}

/// A transfer request. Members that do not matter here are ignored.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "the members of the service's document")]
pub(crate) struct TransferRequest {
    pub(crate) source_endpoint: String,
    pub(crate) destination_endpoint: String,
    #[serde(default)]
    pub(crate) source_local_user: Option<String>,
    #[serde(default)]
    pub(crate) destination_local_user: Option<String>,
    #[serde(default)]
    pub(crate) sync_level: Option<u8>,
    #[serde(default = "yes")]
    pub(crate) verify_checksum: bool,
    #[serde(default)]
    pub(crate) preserve_timestamp: bool,
    #[serde(default)]
    pub(crate) encrypt_data: bool,
    #[serde(default)]
    pub(crate) skip_source_errors: bool,
    #[serde(default)]
    pub(crate) fail_on_quota_errors: bool,
    #[serde(default)]
    pub(crate) delete_destination_extra: bool,
    #[serde(default)]
    pub(crate) recursive_symlinks: Symlinks,
    #[serde(default)]
    pub(crate) filter_rules: Option<Vec<FilterRule>>,
    #[serde(rename = "DATA", default)]
    pub(crate) items: Vec<TransferItem>,
}

fn yes() -> bool {
    true
}

/// What happens to links inside a directory that is transferred.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Symlinks {
    #[default]
    Ignore,
    Keep,
    Copy,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct TransferItem {
    pub(crate) source_path: String,
    pub(crate) destination_path: String,
    #[serde(default)]
    pub(crate) recursive: Option<bool>,
    #[serde(default)]
    pub(crate) external_checksum: Option<String>,
    #[serde(default)]
    pub(crate) checksum_algorithm: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct FilterRule {
    #[serde(default = "exclude")]
    pub(crate) method: String,
    pub(crate) name: String,
    #[serde(rename = "type", default)]
    pub(crate) kind: Option<String>,
}

fn exclude() -> String {
    "exclude".to_owned()
}

/// A request to delete.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct DeleteRequest {
    pub(crate) endpoint: String,
    #[serde(default)]
    pub(crate) local_user: Option<String>,
    #[serde(default)]
    pub(crate) recursive: bool,
    #[serde(default)]
    pub(crate) ignore_missing: bool,
    #[serde(default)]
    pub(crate) interpret_globs: bool,
    #[serde(rename = "DATA", default)]
    pub(crate) items: Vec<DeleteItem>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct DeleteItem {
    pub(crate) path: String,
}

pub(super) fn refused(message: impl Into<String>) -> Failure {
    Failure::bad_request("ClientError.BadRequest", message)
}

impl Request {
    /// The collections that it works on.
    pub(crate) fn endpoints(&self) -> Vec<&str> {
        match self {
            Self::Transfer(request) => vec![&request.source_endpoint, &request.destination_endpoint],
            Self::Delete(request) => vec![&request.endpoint],
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Transfer(request) => request.items.len(),
            Self::Delete(request) => request.items.len(),
        }
    }

    /// Refuses what can be seen to be wrong before anything is done.
    pub(super) fn check(&self, max_items: usize) -> Result<(), Failure> {
        if self.len() == 0 {
            return Err(refused("DATA is empty: there is nothing to do"));
        }
        if self.len() > max_items {
            return Err(refused(format!("DATA has more than {max_items} items; split the task")));
        }
        match self {
            Self::Transfer(request) => request.check(),
            Self::Delete(request) => request.check(),
        }
    }
}

fn path(text: &str) -> Result<Below, Failure> {
    Below::parse(text).map_err(|problem| problem.failure(Operation::Submit))
}

impl TransferRequest {
    fn check(&self) -> Result<(), Failure> {
        if self.sync_level.is_some_and(|level| level > 3) {
            return Err(refused("sync_level must be 0, 1, 2 or 3"));
        }
        for item in &self.items {
            path(&item.source_path)?;
            path(&item.destination_path)?;
            if let Some(algorithm) = &item.checksum_algorithm {
                super::verify::Algorithm::parse(algorithm)
                    .ok_or_else(|| refused("checksum_algorithm must be MD5, SHA1, SHA256 or SHA512"))?;
            }
        }
        self.rules().map(drop)
    }

    pub(super) fn rules(&self) -> Result<Rules, Failure> {
        let rules = self.filter_rules.iter().flatten().map(|rule| {
            let include = match rule.method.as_str() {
                "include" => true,
                "exclude" => false,
                _ => return Err(refused("the method of a filter rule must be include or exclude")),
            };
            if !matches!(rule.kind.as_deref(), None | Some("file" | "dir")) {
                return Err(refused("the type of a filter rule must be file or dir; leave it out for both"));
            }
            let glob = matcher(&rule.name)
                .map_err(|_| refused("a class in the name of a filter rule is not closed with ]"))?;
            Ok((include, rule.kind.clone(), glob))
        });
        Ok(Rules(rules.collect::<Result<_, _>>()?))
    }
}

impl DeleteRequest {
    fn check(&self) -> Result<(), Failure> {
        for item in &self.items {
            if path(&item.path)?.is_root() {
                return Err(refused("the root of a collection cannot be deleted; name what is in it"));
            }
        }
        Ok(())
    }
}

/// The time of a `deadline` member. Without a zone it is in UTC; it must be to come.
pub(super) fn deadline(text: &str, now: Timestamp) -> Result<Timestamp, Failure> {
    let text = text.trim();
    let with_zone = text.parse::<Timestamp>().ok();
    let time = with_zone.or_else(|| {
        let civil = text.parse::<jiff::civil::DateTime>().ok()?;
        civil.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
    });
    let time = time.ok_or_else(|| refused("deadline is not a time like 2031-04-05 06:07:08+00:00"))?;
    if time <= now {
        return Err(refused("deadline is in the past; give a later one"));
    }
    Ok(time)
}

/// Filter rules: the first that matches decides, and without a match an entry is included.
#[derive(Debug, Default)]
pub(super) struct Rules(Vec<(bool, Option<String>, GlobMatcher)>);

impl Rules {
    pub(super) fn include(&self, name: &std::ffi::OsStr, is_directory: bool) -> bool {
        let own = if is_directory { "dir" } else { "file" };
        self.0
            .iter()
            .find(|(_, kind, glob)| kind.as_deref().is_none_or(|kind| kind == own) && glob.is_match(name))
            .is_none_or(|(include, _, _)| *include)
    }
}
