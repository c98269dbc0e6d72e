//! `/v2/api/policies`.

use axum::Json;
use axum::extract::Path;
use http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Document, id, manager, not_found, readable, writable};
use crate::call::Call;
use crate::failure::Failure;
use crate::world::World;
use crate::world::developer::Policy;
use crate::world::tokens::Bearer;

/// The policies of the projects that the caller administers.
pub(super) async fn list(call: Call) -> Result<Json<Value>, Failure> {
    let bearer = manager(&call)?;
    let documents: Vec<Value> = call.app.world.read(|world| {
        let own = |policy: &&Policy| readable(world, &bearer, &policy.project_id).is_ok();
        world.policies.values().filter(own).map(Policy::document).collect()
    });
    Ok(Json(json!({"policies": documents})))
}

/// The policy, for somebody who administers its project. Where that is none of the emulator's projects, nobody
/// does.
fn find<'w>(world: &'w World, bearer: &Bearer, policy: &str) -> Result<&'w Policy, Failure> {
    let policy = world.policies.get(&id(policy)).ok_or_else(|| not_found("policy"))?;
    match readable(world, bearer, &policy.project_id) {
        Ok(_) => Ok(policy),
        Err(_) => {
            Err(Failure::forbidden("FORBIDDEN", "Only administrators of the policy's project may do this"))
        }
    }
}

pub(super) async fn show(call: Call, Path(id): Path<String>) -> Result<Json<Value>, Failure> {
    let bearer = manager(&call)?;
    call.app.world.read(|world| Ok(Json(json!({"policy": find(world, &bearer, &id)?.document()}))))
}

pub(super) async fn create(call: Call) -> Result<(StatusCode, Json<Value>), Failure> {
    let bearer = manager(&call)?;
    let now = call.app.now();
    let mut wanted = Document::of(&call, "policy")?;
    let mut policy = Policy {
        id: Uuid::new_v4().to_string(),
        project_id: wanted.required_uuid("project_id"),
        display_name: wanted.required_text("display_name"),
        description: wanted.required_prose("description"),
        high_assurance: wanted.boolean("high_assurance").unwrap_or(false),
        authentication_assurance_timeout: None,
        required_mfa: false,
        domain_constraints_include: None,
        domain_constraints_exclude: None,
        added: true,
    };
    read_conditions(&mut wanted, &mut policy);
    wanted.check()?;
    call.app.world.change(|world| {
        writable(world, &bearer, &policy.project_id, now)?;
        let document = policy.document();
        world.policies.insert(policy.id.clone(), policy);
        Ok((StatusCode::CREATED, Json(json!({"policy": document}))))
    })
}

pub(super) async fn update(call: Call, Path(id): Path<String>) -> Result<Json<Value>, Failure> {
    let bearer = manager(&call)?;
    let now = call.app.now();
    call.app.world.change(|world| {
        let mut policy = find(world, &bearer, &id)?.clone();
        writable(world, &bearer, &policy.project_id, now)?;
        let mut wanted = Document::of(&call, "policy")?;
        if let Some(project) = wanted.uuid("project_id") {
            writable(world, &bearer, &project, now)?;
            policy.project_id = project;
        }
        policy.display_name = wanted.text("display_name").unwrap_or(policy.display_name);
        policy.description = wanted.prose("description").unwrap_or(policy.description);
        if wanted.boolean("high_assurance").is_some_and(|wanted| wanted != policy.high_assurance) {
            wanted.fault("high_assurance", "cannot be changed; make another policy");
        }
        read_conditions(&mut wanted, &mut policy);
        wanted.check()?;
        let document = policy.document();
        world.policies.insert(policy.id.clone(), policy);
        Ok(Json(json!({"policy": document})))
    })
}

fn read_conditions(wanted: &mut Document, policy: &mut Policy) {
    wanted.put_seconds("authentication_assurance_timeout", &mut policy.authentication_assurance_timeout);
    policy.required_mfa = wanted.boolean("required_mfa").unwrap_or(policy.required_mfa);
    if policy.required_mfa && !policy.high_assurance {
        wanted.fault("required_mfa", "can be true for high assurance policies only");
    }
    wanted.put_domains("domain_constraints_include", &mut policy.domain_constraints_include);
    wanted.put_domains("domain_constraints_exclude", &mut policy.domain_constraints_exclude);
}

pub(super) async fn delete(call: Call, Path(id): Path<String>) -> Result<Json<Value>, Failure> {
    let bearer = manager(&call)?;
    let now = call.app.now();
    call.app.world.change(|world| {
        let policy = find(world, &bearer, &id)?.clone();
        writable(world, &bearer, &policy.project_id, now)?;
        world.policies.retain(|known, _| known != policy.id);
        Ok(Json(json!({"policy": policy.document()})))
    })
}
