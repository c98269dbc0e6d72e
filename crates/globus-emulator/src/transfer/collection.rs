//! Collections: directories of this machine under an id.

use std::path::PathBuf;

use axum::Json;
use axum::extract::Path;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::access::{Rules, may_use};
use super::paths::Root;
use super::record::Status;
use crate::call::Call;
use crate::failure::Failure;
use crate::world::World;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct CollectionRecord {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) directory: PathBuf,
    pub(crate) entity_type: String,
    pub(crate) owner: String,
    #[serde(default)]
    pub(crate) rules: Rules,
}

impl CollectionRecord {
    pub(crate) fn root(&self) -> Root {
        Root::new(&self.directory)
    }

    /// The endpoint document, with every key that the service's has.
    fn document(&self, world: &World, caller: &str, port: u16) -> Value {
        let owner = world.identities.get(&self.owner).map(|identity| identity.username.clone());
        let roles = if world.linked(&self.owner).iter().any(|identity| identity.id == caller) {
            json!(["administrator"])
        } else {
            json!([])
        };
        let personal = self.entity_type.starts_with("GCP_");
        let mut body = json!({
            "DATA_TYPE": "endpoint", "id": self.id, "display_name": self.name, "name": self.name,
            "canonical_name": format!("{}#{}", self.owner, self.id), "entity_type": self.entity_type,
            "owner_id": self.owner, "owner_string": owner, "username": owner, "is_globus_connect": personal,
            "gcp_connected": personal.then_some(true), "gcp_paused": personal.then_some(false),
            "default_directory": "/", "public": false, "shareable": false, "force_encryption": false,
            "force_verify": false, "disable_verify": false, "disable_anonymous_writes": false,
            "my_effective_roles": roles,
            "acl_available": false, "acl_editable": false, "network_use": "normal", "in_use": self.is_in_use(world),
            "max_concurrency": 4, "preferred_concurrency": 2, "max_parallelism": 8, "preferred_parallelism": 4,
            // Nothing has to be activated any more; these are what is left of it.
            "activated": true, "expired": false, "expires_in": -1, "expire_time": null,
            "s3_owner_activated": false, "french_english_bilingual": false, "non_functional": false,
            "local_user_info_available": true,
        });
        for member in NOT_SET {
            body[member] = Value::Null;
        }
        self.show_rules(world, &mut body);
        body["DATA"] = json!([{
            "DATA_TYPE": "server", "id": 1, "hostname": "127.0.0.1", "port": port, "scheme": "http",
            "uri": format!("http://127.0.0.1:{port}"), "subject": null,
        }]);
        body
    }

    /// Whether a task works on it.
    fn is_in_use(&self, world: &World) -> bool {
        let active = world.tasks.values().filter(|task| task.status == Status::Active);
        active.flat_map(|task| task.request.endpoints()).any(|id| id.eq_ignore_ascii_case(&self.id))
    }
}

/// Members of an endpoint that this kind of collection has no value for. They are there all the same.
const NOT_SET: [&str; 33] = [
    "acl_max_expiration_period_mins",
    "contact_email",
    "contact_info",
    "department",
    "description",
    "gcs_manager_url",
    "gcs_version",
    "globus_connect_setup_key",
    "host_endpoint",
    "host_endpoint_display_name",
    "host_endpoint_id",
    "host_path",
    "https_server",
    "info_link",
    "keywords",
    "last_accessed_time",
    "mapped_collection_display_name",
    "mapped_collection_id",
    "myproxy_dn",
    "myproxy_server",
    "non_functional_endpoint_display_name",
    "non_functional_endpoint_id",
    "oauth_server",
    "organization",
    "s3_url",
    "sharing_target_endpoint",
    "sharing_target_root_path",
    "storage_type",
    "subscription_id",
    "tlsftp_server",
    "user_message",
    "user_message_link",
    "acl_expiration_mins",
];

/// A collection that exists.
pub(super) fn known<'w>(world: &'w World, id: &str) -> Result<&'w CollectionRecord, Failure> {
    world
        .collections
        .get(&id.to_ascii_lowercase())
        .ok_or_else(|| Failure::not_found("EndpointNotFound", "No such collection; check the id"))
}

pub(super) async fn show(call: Call, Path(id): Path<String>) -> Result<Json<Value>, Failure> {
    let bearer = super::caller(&call)?;
    call.app
        .world
        .read(|world| Ok(Json(known(world, &id)?.document(world, bearer.identity(), call.app.port))))
}

/// The longest page of a search.
const MAX_FOUND: usize = 1000;

pub(super) async fn search(call: Call) -> Result<Json<Value>, Failure> {
    let bearer = super::caller(&call)?;
    let query = &call.query;
    let text = query.get("filter_fulltext").map(str::to_lowercase);
    let scope = query.get("filter_scope").unwrap_or("all");
    if scope == "all" && text.is_none() && query.get("filter_owner_id").is_none() {
        return Err(Failure::bad_request(
            "ClientError.BadRequest",
            "filter_scope=all needs filter_fulltext or filter_owner_id",
        ));
    }
    let (offset, limit) =
        (query.number("offset").unwrap_or(0), query.number("limit").unwrap_or(100).min(MAX_FOUND));
    let found: Vec<Value> = call.app.world.read(|world| {
        let me = bearer.identity();
        world
            .collections
            .values()
            .filter(|collection| may_use(world, collection, me))
            .filter(|collection| {
                text.as_ref().is_none_or(|text| {
                    collection.name.to_lowercase().contains(text) || collection.id == *text
                }) && query.get("filter_owner_id").is_none_or(|owner| owner == collection.owner)
                    && query.get("filter_entity_type").is_none_or(|kind| kind == collection.entity_type)
                    && (scope != "my-endpoints" || collection.owner == me)
            })
            .map(|collection| collection.document(world, me, call.app.port))
            .collect()
    });
    let total = found.len();
    let page: Vec<Value> = found.into_iter().skip(offset).take(limit).collect();
    Ok(Json(json!({
        "DATA_TYPE": "endpoint_list", "offset": offset, "limit": limit,
        "has_next_page": offset + page.len() < total, "DATA": page,
    })))
}
