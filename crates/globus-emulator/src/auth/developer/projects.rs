//! `/v2/api/projects`.

use axum::Json;
use axum::extract::Path;
use http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Document, conflict, manager, readable, writable};
use crate::call::Call;
use crate::failure::Failure;
use crate::world::World;
use crate::world::developer::Project;

pub(super) async fn list(call: Call) -> Result<Json<Value>, Failure> {
    let bearer = manager(&call)?;
    let documents: Vec<Value> = call.app.world.read(|world| {
        let own = |project: &&Project| world.administers(bearer.identity(), project);
        world.projects.values().filter(own).map(|project| world.project_document(project)).collect()
    });
    Ok(Json(json!({"projects": documents})))
}

pub(super) async fn show(call: Call, Path(id): Path<String>) -> Result<Json<Value>, Failure> {
    let bearer = manager(&call)?;
    call.app.world.read(|world| {
        let project = readable(world, &bearer, &id)?;
        Ok(Json(json!({"project": world.project_document(project)})))
    })
}

/// Makes a project. Whoever makes it administers it only if they say so.
pub(super) async fn create(call: Call) -> Result<(StatusCode, Json<Value>), Failure> {
    manager(&call)?;
    let mut wanted = Document::of(&call, "project")?;
    let mut project = Project {
        id: Uuid::new_v4().to_string(),
        display_name: wanted.required_text("display_name"),
        contact_email: wanted.required_email("contact_email"),
        admin_ids: Vec::new(),
        admin_group_ids: Vec::new(),
    };
    call.app.world.change(|world| {
        read_administrators(world, &mut wanted, &mut project);
        wanted.check()?;
        let document = world.project_document(&project);
        world.projects.insert(project.id.clone(), project);
        Ok((StatusCode::CREATED, Json(json!({"project": document}))))
    })
}

pub(super) async fn update(call: Call, Path(id): Path<String>) -> Result<Json<Value>, Failure> {
    let bearer = manager(&call)?;
    let now = call.app.now();
    call.app.world.change(|world| {
        let mut project = writable(world, &bearer, &id, now)?.clone();
        let mut wanted = Document::of(&call, "project")?;
        project.display_name = wanted.text("display_name").unwrap_or(project.display_name);
        project.contact_email = wanted.email("contact_email").unwrap_or(project.contact_email);
        read_administrators(world, &mut wanted, &mut project);
        wanted.check()?;
        let document = world.project_document(&project);
        world.projects.insert(project.id.clone(), project);
        Ok(Json(json!({"project": document})))
    })
}

fn read_administrators(world: &World, wanted: &mut Document, project: &mut Project) {
    wanted.put_uuids("admin_ids", &mut project.admin_ids);
    if wanted.has("admin_ids") {
        for unknown in project.admin_ids.iter().filter(|id| world.identities.get(id).is_none()) {
            wanted.fault("admin_ids", format!("there is no identity {unknown}"));
        }
    }
    wanted.put_uuids("admin_group_ids", &mut project.admin_group_ids);
    if project.admin_ids.is_empty() && project.admin_group_ids.is_empty() {
        wanted.fault("admin_ids", "Either admin_ids or admin_group_ids has to be defined");
    }
}

/// Removes a project with its policies. One that has clients stays.
pub(super) async fn delete(call: Call, Path(id): Path<String>) -> Result<Json<Value>, Failure> {
    let bearer = manager(&call)?;
    let now = call.app.now();
    call.app.world.change(|world| {
        let project = writable(world, &bearer, &id, now)?.clone();
        let clients =
            world.clients.values().filter(|client| client.project.as_ref() == Some(&project.id)).count();
        if clients > 0 {
            return Err(conflict(format!("The project has clients ({clients}); delete them first")));
        }
        let document = world.project_document(&project);
        world.remove_project(&project.id);
        Ok(Json(json!({"project": document})))
    })
}
