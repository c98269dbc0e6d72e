//! Direct operations that make and change names: `mkdir` and `rename`.

use std::ffi::OsStr;

use axum::Json;
use axum::extract::Path;
use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use super::listing::{blocking, open};
use super::paths::{Below, Directory};
use super::problem::{Operation, Problem};
use crate::call::Call;
use crate::failure::Failure;

#[derive(Debug, Deserialize)]
struct NewDirectory {
    path: String,
}

pub(super) async fn mkdir(call: Call, Path(id): Path<String>) -> Result<(StatusCode, Json<Value>), Failure> {
    let collection = open(&call, &id)?;
    let NewDirectory { path } = call.json()?;
    let path = Below::parse(&path).map_err(|problem| problem.failure(Operation::MakeDirectory))?;
    blocking(Operation::MakeDirectory, move || {
        // The root itself exists.
        let (parent, name) = collection.root().parent(&path)?.ok_or(Problem::Exists)?;
        parent.handle.create_dir(name).map_err(Problem::from)
    })
    .await?;
    let message = "The directory was created successfully";
    Ok((StatusCode::ACCEPTED, Json(call.result("mkdir_result", "DirectoryCreated", message))))
}

#[derive(Debug, Deserialize)]
struct NewName {
    old_path: String,
    new_path: String,
}

pub(super) async fn rename(call: Call, Path(id): Path<String>) -> Result<Json<Value>, Failure> {
    let collection = open(&call, &id)?;
    let NewName { old_path, new_path } = call.json()?;
    let parse = |path: &str| Below::parse(path).map_err(|problem| problem.failure(Operation::Rename));
    let (old, new) = (parse(&old_path)?, parse(&new_path)?);
    blocking(Operation::Rename, move || {
        let root = collection.root();
        // The root has no name that could be changed.
        let (from, name) = root.parent(&old)?.ok_or(Problem::Denied)?;
        let (to, new_name) = root.parent(&new)?.ok_or(Problem::Exists)?;
        let found = from.find(&name)?.ok_or(Problem::Missing)?;
        if found.is_dir() && to.real.starts_with(&from.real.join(&name)) {
            return Err(Problem::IntoItself);
        }
        // A link is renamed itself, wherever it leads.
        give_name(&from, &name, &to, &new_name)
    })
    .await?;
    let message = "The file or directory was renamed successfully";
    Ok(Json(call.result("rename_result", "FileRenamed", message)))
}

/// Renames in one step, unless the new name is taken.
#[cfg(any(target_os = "linux", target_vendor = "apple"))]
fn give_name(from: &Directory, name: &OsStr, to: &Directory, new_name: &OsStr) -> Result<(), Problem> {
    use rustix::fs::{RenameFlags, renameat_with};
    use rustix::io::Errno;
    match renameat_with(&from.handle, name, &to.handle, new_name, RenameFlags::NOREPLACE) {
        // This file system cannot do it in one step.
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => give_free_name(from, name, to, new_name),
        outcome => outcome.map_err(|error| std::io::Error::from(error).into()),
    }
}

#[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
fn give_name(from: &Directory, name: &OsStr, to: &Directory, new_name: &OsStr) -> Result<(), Problem> {
    give_free_name(from, name, to, new_name)
}

/// Renames after looking whether the new name is free.
fn give_free_name(from: &Directory, name: &OsStr, to: &Directory, new_name: &OsStr) -> Result<(), Problem> {
    if to.find(new_name)?.is_some() {
        return Err(Problem::Exists);
    }
    Ok(from.handle.rename(name, &to.handle, new_name)?)
}
