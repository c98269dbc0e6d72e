//! The document that asks for a transfer.

use globset::{Glob, GlobMatcher};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::paths::Below;
use crate::failure::Failure;

/// A transfer request. Members that do not matter here are ignored.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "the members of the service's document")]
pub(crate) struct TransferRequest {
    pub(crate) submission_id: Option<String>,
    pub(crate) source_endpoint: Option<String>,
    pub(crate) destination_endpoint: Option<String>,
    #[serde(default)]
    pub(crate) label: Option<String>,
    #[serde(default)]
    pub(crate) deadline: Option<String>,
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

fn refused(message: impl Into<String>) -> Failure {
    Failure::bad_request("ClientError.BadRequest", message)
}

impl TransferRequest {
    /// Refuses what can be seen to be wrong before anything moves.
    pub(super) fn check(&self, max_items: usize) -> Result<(), Failure> {
        if self.items.is_empty() {
            return Err(refused("DATA is empty: there is nothing to transfer"));
        }
        if self.items.len() > max_items {
            return Err(refused(format!("DATA has more than {max_items} items; split the transfer")));
        }
        if self.sync_level.is_some_and(|level| level > 3) {
            return Err(refused("sync_level must be 0, 1, 2 or 3"));
        }
        for item in &self.items {
            for path in [&item.source_path, &item.destination_path] {
                Below::parse(path).map_err(|problem| problem.failure("ClientError.NotFound"))?;
            }
            if let Some(algorithm) = &item.checksum_algorithm {
                super::verify::Algorithm::parse(algorithm)
                    .ok_or_else(|| refused("checksum_algorithm must be MD5, SHA1, SHA256 or SHA512"))?;
            }
        }
        self.deadline()?;
        self.rules().map(drop)
    }

    /// The deadline, if one is asked for. Without a zone it is in UTC.
    pub(super) fn deadline(&self) -> Result<Option<Timestamp>, Failure> {
        let Some(text) = &self.deadline else { return Ok(None) };
        let text = text.trim();
        let with_zone = text.parse::<Timestamp>().ok();
        let time = with_zone.or_else(|| {
            let civil = text.parse::<jiff::civil::DateTime>().ok()?;
            civil.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
        });
        time.map(Some).ok_or_else(|| refused("deadline is not a time like 2031-04-05 06:07:08+00:00"))
    }

    pub(super) fn rules(&self) -> Result<Rules, Failure> {
        let rules = self.filter_rules.iter().flatten().map(|rule| {
            let include = match rule.method.as_str() {
                "include" => true,
                "exclude" => false,
                _ => return Err(refused("the method of a filter rule must be include or exclude")),
            };
            let glob =
                Glob::new(&rule.name).map_err(|_| refused("the name of a filter rule is malformed"))?;
            Ok((include, rule.kind.clone(), glob.compile_matcher()))
        });
        Ok(Rules(rules.collect::<Result<_, _>>()?))
    }
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
