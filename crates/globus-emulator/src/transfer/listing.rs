//! Direct operations on directories: `ls`, `stat`, `mkdir`.

use std::fs::{self, Metadata};
use std::path::Path as FilePath;

use axum::Json;
use axum::extract::Path;
use http::StatusCode;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::collection::{self, CollectionRecord};
use super::filter::{self, Filter};
use super::paths::{Below, Problem, Root};
use crate::call::Call;
use crate::clock;
use crate::failure::Failure;

/// The longest listing that is answered.
const MAX_ENTRIES: usize = 100_000;

fn open(call: &Call, id: &str) -> Result<CollectionRecord, Failure> {
    let bearer = super::caller(call)?;
    call.app.world.read(|world| collection::usable(world, id, &bearer))
}

/// Runs file system work where it may block.
async fn blocking<R: Send + 'static>(work: impl FnOnce() -> R + Send + 'static) -> Result<R, Failure> {
    tokio::task::spawn_blocking(work).await.map_err(|_| {
        Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", "The operation ended unexpectedly")
    })
}

pub(super) async fn ls(call: Call, Path(id): Path<String>) -> Result<Json<Value>, Failure> {
    let collection = open(&call, &id)?;
    let query = &call.query;
    let missing = "ClientError.NotFound";
    let path =
        Below::parse(query.get("path").unwrap_or("/~/")).map_err(|problem| problem.failure(missing))?;
    let filter = Filter::parse(query)?;
    let show_hidden = query.boolean("show_hidden").unwrap_or(true);
    let limit = query.number("limit").unwrap_or(MAX_ENTRIES).min(MAX_ENTRIES);
    let offset = query.number("offset").unwrap_or(0);
    let (root, directory) = (collection.root(), path.clone());
    let mut entries =
        blocking(move || entries(&root, &directory)).await?.map_err(|problem| problem.failure(missing))?;
    entries.retain(|entry| {
        let hidden = entry["name"].as_str().is_some_and(|name| name.starts_with('.'));
        (show_hidden || !hidden) && filter.accepts(entry)
    });
    filter::sort(&mut entries, Some(query.get("orderby").unwrap_or("name")));
    let total = entries.len();
    let page: Vec<Value> = entries.into_iter().skip(offset).take(limit).collect();
    Ok(Json(json!({
        "DATA_TYPE": "file_list", "endpoint": collection.id, "path": path.shown_directory(),
        "absolute_path": path.shown_directory(), "rename_supported": true, "symlink_supported": false,
        "offset": offset, "limit": limit, "length": page.len(), "total": total, "DATA": page,
    })))
}

fn entries(root: &Root, path: &Below) -> Result<Vec<Value>, Problem> {
    let directory = root.existing(path)?;
    let mut entries = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        // What vanished since it was read is not there.
        if let Some(document) = document(root, &entry.path(), &entry.file_name().to_string_lossy()) {
            entries.push(document);
        }
    }
    Ok(entries)
}

pub(super) async fn stat(call: Call, Path(id): Path<String>) -> Result<Json<Value>, Failure> {
    let collection = open(&call, &id)?;
    let path = Below::parse(call.query.get("path").unwrap_or("/~/"))
        .map_err(|problem| problem.failure("NotFound"))?;
    let found = blocking(move || {
        let root = collection.root();
        let real = root.existing(&path)?;
        let shown = path.shown();
        let name = shown.rsplit('/').next().unwrap_or_default();
        document(&root, &real, name).ok_or(Problem::Missing)
    });
    let mut found = found.await?.map_err(|problem| problem.failure("NotFound"))?;
    if found["name"] == "" {
        found["name"] = json!("/");
    }
    Ok(Json(found))
}

/// One file as Transfer describes it: a link by what it leads to, if that is inside.
fn document(root: &Root, path: &FilePath, name: &str) -> Option<Value> {
    let own = fs::symlink_metadata(path).ok()?;
    let mut body = json!({
        "DATA_TYPE": "file", "name": name, "link_target": null, "link_size": null, "link_user": null,
        "link_group": null, "link_last_modified": null,
    });
    if !own.is_symlink() {
        describe(&mut body, &own, kind(&own));
        return Some(body);
    }
    body["link_target"] = json!(fs::read_link(path).ok()?.to_string_lossy());
    body["link_size"] = json!(own.len());
    body["link_last_modified"] = json!(modified(&own));
    let (user, group) = owner(&own);
    body["link_user"] = json!(user);
    body["link_group"] = json!(group);
    match root.target_inside(path).ok().and_then(|real| fs::symlink_metadata(real).ok()) {
        Some(target) => describe(&mut body, &target, kind(&target)),
        None => describe(&mut body, &own, "invalid_symlink"),
    }
    Some(body)
}

fn describe(body: &mut Value, metadata: &Metadata, kind: &str) {
    let (user, group) = owner(metadata);
    body["type"] = json!(kind);
    body["size"] = json!(metadata.len());
    body["permissions"] = json!(permissions(metadata));
    body["user"] = json!(user);
    body["group"] = json!(group);
    body["last_modified"] = json!(modified(metadata));
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
    let time = Timestamp::try_from(metadata.modified().ok()?).ok()?;
    Some(clock::listing_text(time))
}

#[cfg(unix)]
fn permissions(metadata: &Metadata) -> String {
    use std::os::unix::fs::PermissionsExt as _;
    format!("{:04o}", metadata.permissions().mode() & 0o7777)
}

#[cfg(not(unix))]
fn permissions(metadata: &Metadata) -> String {
    if metadata.permissions().readonly() { "0444" } else { "0644" }.to_owned()
}

/// User and group by number: their names would need the system's databases.
#[cfg(unix)]
fn owner(metadata: &Metadata) -> (String, String) {
    use std::os::unix::fs::MetadataExt as _;
    (metadata.uid().to_string(), metadata.gid().to_string())
}

#[cfg(not(unix))]
fn owner(_metadata: &Metadata) -> (String, String) {
    ("user".to_owned(), "group".to_owned())
}

#[derive(Debug, Deserialize)]
struct NewDirectory {
    path: String,
}

pub(super) async fn mkdir(call: Call, Path(id): Path<String>) -> Result<(StatusCode, Json<Value>), Failure> {
    let collection = open(&call, &id)?;
    let NewDirectory { path } = call.json()?;
    let missing = "ClientError.NotFound";
    let path = Below::parse(&path).map_err(|problem| problem.failure(missing))?;
    let made = blocking(move || {
        // The root itself exists.
        let (parent, name) = path.split().ok_or(Problem::Exists)?;
        let parent = collection.root().existing(&parent)?;
        fs::create_dir(parent.join(name)).map_err(Problem::from)
    });
    made.await?.map_err(|problem| problem.failure(missing))?;
    let body = json!({
        "DATA_TYPE": "mkdir_result", "code": "DirectoryCreated",
        "message": "The directory was created successfully", "resource": format!("/operation/endpoint/{id}/mkdir"),
        "request_id": "",
    });
    Ok((StatusCode::ACCEPTED, Json(body)))
}
