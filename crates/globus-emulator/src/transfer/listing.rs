//! Looking into directories: `ls` and `stat`.

use std::borrow::Cow;

use axum::Json;
use axum::extract::Path;
use cap_std::fs::Metadata;
use http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;

use super::access;
use super::collection::CollectionRecord;
use super::copy::sorted_entries;
use super::filter::{self, Document, Filter, Member};
use super::paths::{Below, Directory, Root};
use super::problem::{Operation, Problem};
use crate::call::Call;
use crate::clock;
use crate::failure::Failure;

/// The longest listing that is answered.
const MAX_ENTRIES: usize = 100_000;

/// The collection of a direct operation, if the caller may use it.
pub(super) fn open(call: &Call, id: &str) -> Result<CollectionRecord, Failure> {
    let bearer = super::caller(call)?;
    call.app.world.read(|world| access::usable(world, id, &bearer, call.app.now()))
}

/// Runs file system work where it may block.
pub(super) async fn blocking<R: Send + 'static>(
    operation: Operation,
    work: impl FnOnce() -> Result<R, Problem> + Send + 'static,
) -> Result<R, Failure> {
    let done = tokio::task::spawn_blocking(work).await.map_err(|_| {
        Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", "The operation ended unexpectedly")
    })?;
    done.map_err(|problem| problem.failure(operation))
}

/// A file as Transfer describes it: a link by what it leads to, if that is inside.
#[derive(Debug, Serialize)]
pub(super) struct File {
    #[serde(rename = "DATA_TYPE")]
    data_type: &'static str,
    name: String,
    #[serde(rename = "type")]
    kind: &'static str,
    size: u64,
    permissions: String,
    user: String,
    group: String,
    last_modified: Option<String>,
    link_target: Option<String>,
    link_size: Option<u64>,
    link_user: Option<String>,
    link_group: Option<String>,
    link_last_modified: Option<String>,
}

impl Document for File {
    fn member(&self, name: &str) -> Member<'_> {
        let text = match name {
            "size" => return Member::Number(self.size),
            "name" => &self.name,
            "type" => self.kind,
            "permissions" => &self.permissions,
            "user" => &self.user,
            "group" => &self.group,
            "last_modified" => self.last_modified.as_deref().unwrap_or_default(),
            "link_target" => self.link_target.as_deref().unwrap_or_default(),
            _ => return Member::None,
        };
        Member::Text(Cow::Borrowed(text))
    }
}

#[derive(Debug, Serialize)]
pub(super) struct Listing {
    #[serde(rename = "DATA_TYPE")]
    data_type: &'static str,
    endpoint: String,
    path: String,
    absolute_path: String,
    rename_supported: bool,
    symlink_supported: bool,
    offset: usize,
    limit: usize,
    length: usize,
    total: usize,
    #[serde(rename = "DATA")]
    data: Vec<File>,
}

pub(super) async fn ls(call: Call, Path(id): Path<String>) -> Result<Json<Listing>, Failure> {
    let collection = open(&call, &id)?;
    let query = call.query;
    let refused = |problem: Problem| problem.failure(Operation::List);
    let path = Below::parse(query.get("path").unwrap_or("/~/")).map_err(refused)?;
    let filter = Filter::parse(&query)?;
    let show_hidden = query.boolean("show_hidden").unwrap_or(true);
    let limit = query.number("limit").unwrap_or(MAX_ENTRIES).min(MAX_ENTRIES);
    let offset = query.number("offset").unwrap_or(0);
    let shown = path.shown_directory();
    let orderby = query.get("orderby").unwrap_or("name").to_owned();
    let root = collection.root();
    let (total, data) = blocking(Operation::List, move || {
        let mut files = files(&root, &path)?;
        files.retain(|file| (show_hidden || !file.name.starts_with('.')) && filter.accepts(file));
        filter::sort(&mut files, Some(&orderby));
        let total = files.len();
        Ok((total, files.into_iter().skip(offset).take(limit).collect::<Vec<_>>()))
    })
    .await?;
    Ok(Json(Listing {
        data_type: "file_list",
        endpoint: collection.id,
        absolute_path: shown.clone(),
        path: shown,
        rename_supported: true,
        symlink_supported: false,
        offset,
        limit,
        length: data.len(),
        total,
        data,
    }))
}

fn files(root: &Root, path: &Below) -> Result<Vec<File>, Problem> {
    let directory = root.directory(path)?;
    let mut files = Vec::new();
    for (name, _) in sorted_entries(&directory)? {
        // What vanished since its name was read is not there.
        let Some(found) = directory.find(&name)? else { continue };
        match file(root, &directory, &name, &found) {
            Ok(file) => files.push(file),
            Err(Problem::Missing) => {}
            Err(problem) => return Err(problem),
        }
    }
    Ok(files)
}

pub(super) async fn stat(call: Call, Path(id): Path<String>) -> Result<Json<File>, Failure> {
    let collection = open(&call, &id)?;
    let refused = |problem: Problem| problem.failure(Operation::Stat);
    let path = Below::parse(call.query.get("path").unwrap_or("/~/")).map_err(refused)?;
    let found = blocking(Operation::Stat, move || {
        let root = collection.root();
        let Some((directory, name)) = root.parent(&path)? else {
            let (_, found) = root.target(&path)?;
            return Ok(File::new("/", &found, kind(&found)));
        };
        let found = directory.find(&name)?.ok_or(Problem::Missing)?;
        if found.is_symlink() {
            // A link that leads out is refused, and not described.
            root.resolve(&path)?;
        }
        file(&root, &directory, &name, &found)
    });
    Ok(Json(found.await?))
}

fn file(root: &Root, directory: &Directory, name: &std::ffi::OsStr, own: &Metadata) -> Result<File, Problem> {
    let shown = name.to_string_lossy();
    if !own.is_symlink() {
        return Ok(File::new(&shown, own, kind(own)));
    }
    let mut file = match root.target(&directory.real.join(name)) {
        Ok((_, target)) => File::new(&shown, &target, kind(&target)),
        Err(_) => File::new(&shown, own, "invalid_symlink"),
    };
    let (user, group) = owner(own);
    let target = directory.handle.read_link_contents(name)?;
    file.link_target = Some(target.to_string_lossy().into_owned());
    file.link_size = Some(own.len());
    file.link_user = Some(user);
    file.link_group = Some(group);
    file.link_last_modified = modified(own);
    Ok(file)
}

impl File {
    fn new(name: &str, found: &Metadata, kind: &'static str) -> Self {
        let (user, group) = owner(found);
        Self {
            data_type: "file",
            name: name.to_owned(),
            kind,
            size: found.len(),
            permissions: permissions(found),
            user,
            group,
            last_modified: modified(found),
            link_target: None,
            link_size: None,
            link_user: None,
            link_group: None,
            link_last_modified: None,
        }
    }
}

fn kind(metadata: &Metadata) -> &'static str {
    if metadata.is_dir() {
        "dir"
    } else if metadata.is_file() {
        "file"
    } else {
        "other"
    }
}

fn modified(metadata: &Metadata) -> Option<String> {
    let time = Timestamp::try_from(metadata.modified().ok()?.into_std()).ok()?;
    Some(clock::listing_text(time))
}

#[cfg(unix)]
fn permissions(metadata: &Metadata) -> String {
    use cap_std::fs::PermissionsExt as _;
    format!("{:04o}", metadata.permissions().mode() & 0o7777)
}

#[cfg(not(unix))]
fn permissions(metadata: &Metadata) -> String {
    if metadata.permissions().readonly() { "0444" } else { "0644" }.to_owned()
}

/// User and group by number: their names would need the system's databases.
#[cfg(unix)]
fn owner(metadata: &Metadata) -> (String, String) {
    use cap_std::fs::MetadataExt as _;
    (metadata.uid().to_string(), metadata.gid().to_string())
}

#[cfg(not(unix))]
fn owner(_metadata: &Metadata) -> (String, String) {
    ("user".to_owned(), "group".to_owned())
}
