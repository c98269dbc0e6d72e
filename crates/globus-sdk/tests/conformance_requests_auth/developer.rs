//! What developers do: projects, policies, clients, credentials, scopes.

use globus_sdk::auth::{ClientKind, ClientType, CreateClient};
use globus_sdk::{
    AuthClient, ClientId, CredentialId, GroupId, IdentityId, IdentityProviderId, PolicyId, ProjectId, ScopeId,
};
use serde_json::Value;

use crate::arguments::{dependent_scopes, flag, given, id, ids, needed, number, string, strings};
use crate::compare::comma_lists;
use crate::playback::text_of;
use crate::requests::{only, pairs};
use crate::user_calls::{lists, query_params};
use crate::{Called, map};

pub(crate) async fn call(client: &AuthClient, method: &str, args: &Value) -> Called {
    match method {
        "get_projects" | "get_policies" | "get_clients" | "get_client_credentials" | "get_scopes" => {
            listed(client, method, args).await
        }
        "get_client" => read_client(client, args).await,
        "create_project" | "update_project" => project(client, method, args).await,
        "create_policy" | "update_policy" => policy(client, method, args).await,
        "create_client" => {
            let project = needed!(args, "project", id::<ProjectId>);
            let Some(kind) = kind(args) else { return Called::Unexpressible };
            let request = client.create_client(needed!(args, "name", string), project, kind);
            created_client(request, args, &["project"]).await
        }
        "update_client" => updated_client(client, args).await,
        "create_scope" | "update_scope" => scope(client, method, args).await,
        "create_client_credential" => {
            only(args, &["client_id", "name"]);
            let client_id = needed!(args, "client_id", id::<ClientId>);
            let request = client.create_client_credential(client_id, needed!(args, "name", string));
            Called::Answered(request.send().await.map(drop))
        }
        _ => by_id(client, method, args).await,
    }
}

async fn listed(client: &AuthClient, method: &str, args: &Value) -> Called {
    Called::Answered(match method {
        "get_projects" => {
            only(args, &[]);
            client.get_projects().send().await.map(drop)
        }
        "get_policies" => {
            only(args, &[]);
            client.get_policies().send().await.map(drop)
        }
        "get_clients" => {
            only(args, &[]);
            client.get_clients().send().await.map(drop)
        }
        "get_client_credentials" => {
            only(args, &["client_id"]);
            client.get_client_credentials(needed!(args, "client_id", id::<ClientId>)).send().await.map(drop)
        }
        _ => {
            only(args, &["scope_strings", "ids", "query_params"]);
            let mut request = client.get_scopes();
            lists!(request, args, scope_strings, ids);
            query_params!(request, args);
            request.send().await.map(drop)
        }
    })
}

/// What takes nothing but ids.
async fn by_id(client: &AuthClient, method: &str, args: &Value) -> Called {
    macro_rules! of {
        ($method:ident, $($name:literal: $id:ty),*) => {{
            only(args, &[$($name),*]);
            client.$method($(needed!(args, $name, id::<$id>)),*).send().await.map(drop)
        }};
    }
    Called::Answered(match method {
        "get_project" => of!(get_project, "project_id": ProjectId),
        "delete_project" => of!(delete_project, "project_id": ProjectId),
        "get_policy" => of!(get_policy, "policy_id": PolicyId),
        "delete_policy" => of!(delete_policy, "policy_id": PolicyId),
        "delete_client" => of!(delete_client, "client_id": ClientId),
        "delete_client_credential" => {
            of!(delete_client_credential, "client_id": ClientId, "credential_id": CredentialId)
        }
        "get_scope" => of!(get_scope, "scope_id": ScopeId),
        "delete_scope" => of!(delete_scope, "scope_id": ScopeId),
        _ => return Called::NoSuchMethod,
    })
}

async fn project(client: &AuthClient, method: &str, args: &Value) -> Called {
    if method == "create_project" {
        only(args, &["display_name", "contact_email", "admin_ids", "admin_group_ids"]);
        let mut request = client
            .create_project(needed!(args, "display_name", string), needed!(args, "contact_email", string));
        given! { request, args; admin_ids: ids::<IdentityId>; admin_group_ids: ids::<GroupId>; }
        return Called::Answered(request.send().await.map(drop));
    }
    only(args, &["project_id", "display_name", "contact_email", "admin_ids", "admin_group_ids"]);
    let mut request = client.update_project(needed!(args, "project_id", id::<ProjectId>));
    given! { request, args;
        display_name: string; contact_email: string; admin_ids: ids::<IdentityId>; admin_group_ids: ids::<GroupId>;
    }
    Called::Answered(request.send().await.map(drop))
}

async fn policy(client: &AuthClient, method: &str, args: &Value) -> Called {
    if method == "create_policy" {
        only(
            args,
            &[
                "project_id",
                "display_name",
                "description",
                "high_assurance",
                "authentication_assurance_timeout",
                "required_mfa",
                "domain_constraints_include",
                "domain_constraints_exclude",
            ],
        );
        let mut request = client.create_policy(
            needed!(args, "project_id", id::<ProjectId>),
            needed!(args, "display_name", string),
            needed!(args, "description", string),
        );
        given! { request, args;
            high_assurance: flag;
            authentication_assurance_timeout: number;
            required_mfa: flag;
            domain_constraints_include: strings, or clear_domain_constraints_include;
            domain_constraints_exclude: strings, or clear_domain_constraints_exclude;
        }
        return Called::Answered(request.send().await.map(drop));
    }
    only(
        args,
        &[
            "policy_id",
            "project_id",
            "authentication_assurance_timeout",
            "required_mfa",
            "display_name",
            "description",
            "domain_constraints_include",
            "domain_constraints_exclude",
        ],
    );
    let mut request = client.update_policy(needed!(args, "policy_id", id::<PolicyId>));
    given! { request, args;
        project_id: id::<ProjectId>;
        authentication_assurance_timeout: number;
        required_mfa: flag;
        display_name: string;
        description: string;
        domain_constraints_include: strings, or clear_domain_constraints_include;
        domain_constraints_exclude: strings, or clear_domain_constraints_exclude;
    }
    Called::Answered(request.send().await.map(drop))
}

/// By its id, or by its host name; there is a method for each.
async fn read_client(client: &AuthClient, args: &Value) -> Called {
    only(args, &["client_id", "fqdn"]);
    Called::Answered(match (args.get("client_id"), args.get("fqdn")) {
        (Some(_), None) => {
            client.get_client(needed!(args, "client_id", id::<ClientId>)).send().await.map(drop)
        }
        (None, Some(_)) => client.get_client_by_fqdn(needed!(args, "fqdn", string)).send().await.map(drop),
        _ => return Called::Unexpressible,
    })
}

/// Exactly one of two arguments says what kind of client is made.
pub(crate) fn kind(args: &Value) -> Option<ClientKind> {
    match (args.get("public_client"), args.get("client_type")) {
        (Some(Value::Bool(true)), None) => Some(ClientKind::Public),
        (Some(Value::Bool(false)), None) => Some(ClientKind::Confidential),
        (None, Some(Value::String(client_type))) => Some(ClientType::from(client_type.as_str()).into()),
        _ => None,
    }
}

pub(crate) async fn created_client(mut request: CreateClient, args: &Value, more: &[&str]) -> Called {
    let known = [
        "name",
        "public_client",
        "client_type",
        "visibility",
        "redirect_uris",
        "terms_and_conditions",
        "privacy_policy",
        "required_idp",
        "preselect_idp",
        "additional_fields",
    ];
    only(args, &[&known, more].concat());
    given! { request, args;
        visibility: Value::as_str; redirect_uris: strings; required_idp: id::<IdentityProviderId>; preselect_idp: id::<IdentityProviderId>;
    }
    match (args.get("terms_and_conditions"), args.get("privacy_policy")) {
        (None, None) => {}
        (Some(Value::String(terms)), Some(Value::String(privacy))) => request = request.links(terms, privacy),
        _ => return Called::Unexpressible,
    }
    for (name, value) in map(args, "additional_fields") {
        request = request.field(name, value.clone());
    }
    Called::Answered(request.send().await.map(drop))
}

async fn updated_client(client: &AuthClient, args: &Value) -> Called {
    only(
        args,
        &[
            "client_id",
            "name",
            "visibility",
            "redirect_uris",
            "terms_and_conditions",
            "privacy_policy",
            "required_idp",
            "preselect_idp",
            "additional_fields",
        ],
    );
    let mut request = client.update_client(needed!(args, "client_id", id::<ClientId>));
    given! { request, args;
        name: string;
        visibility: Value::as_str;
        redirect_uris: strings;
        required_idp: id::<IdentityProviderId>, or clear_required_idp;
        preselect_idp: id::<IdentityProviderId>, or clear_preselect_idp;
    }
    match (args.get("terms_and_conditions"), args.get("privacy_policy")) {
        (None, None) => {}
        (Some(Value::Null), Some(Value::Null)) => request = request.clear_links(),
        (Some(Value::String(terms)), Some(Value::String(privacy))) => request = request.links(terms, privacy),
        _ => return Called::Unexpressible,
    }
    for (name, value) in map(args, "additional_fields") {
        request = request.field(name, value.clone());
    }
    Called::Answered(request.send().await.map(drop))
}

async fn scope(client: &AuthClient, method: &str, args: &Value) -> Called {
    let options = ["required_domains", "dependent_scopes", "advertised", "allows_refresh_token"];
    let named = ["name", "description", "scope_suffix"];
    if method == "create_scope" {
        only(args, &[&options[..], &named, &["client_id"]].concat());
        let mut request = client.create_scope(
            needed!(args, "client_id", id::<ClientId>),
            needed!(args, "name", string),
            needed!(args, "description", string),
            needed!(args, "scope_suffix", string),
        );
        given! { request, args;
            required_domains: strings;
            dependent_scopes: dependent_scopes;
            advertised: flag;
            allows_refresh_token: flag;
        }
        return Called::Answered(request.send().await.map(drop));
    }
    only(args, &[&options[..], &named, &["scope_id"]].concat());
    let mut request = client.update_scope(needed!(args, "scope_id", id::<ScopeId>));
    given! { request, args;
        name: string;
        description: string;
        scope_suffix: string;
        required_domains: strings;
        dependent_scopes: dependent_scopes;
        advertised: flag;
        allows_refresh_token: flag;
    }
    Called::Answered(request.send().await.map(drop))
}
