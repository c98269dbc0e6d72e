//! Listings, single files, names, and the collections that hold them.

use std::fs;
use std::time::Duration;

use globus_emulator::Decision;
use serde_json::json;

use crate::caller::{Caller, expect, names, write};
use crate::support::{TRANSFER, json, setup, text};

#[tokio::test]
async fn listings_are_filtered_ordered_and_paged() {
    let setup = setup().await;
    let caller = Caller::service(&setup).await;
    for (name, size) in [("a.bin", 10), ("b.txt", 30), (".hidden", 20)] {
        write(&setup.a.path().join(name), &vec![0; size]);
    }
    fs::create_dir(setup.a.path().join("d")).unwrap();
    assert_eq!(caller.names("").await, [".hidden", "a.bin", "b.txt", "d"]);
    assert_eq!(caller.names("show_hidden=0").await, ["a.bin", "b.txt", "d"]);
    assert_eq!(caller.names("filter=type:file&orderby=size%20DESC").await, ["b.txt", ".hidden", "a.bin"]);
    assert_eq!(caller.names("limit=1&offset=2").await, ["b.txt"]);

    let listing = json(caller.ls("path=/~/").await, 200).await;
    assert_eq!(listing["path"], "/");
    let file = &listing["DATA"][1];
    assert_eq!(
        (&file["type"], &file["size"], &file["DATA_TYPE"]),
        (&json!("file"), &json!(10), &json!("file"))
    );
    for member in ["permissions", "user", "group", "last_modified"] {
        assert!(file[member].is_string(), "{member}");
    }
    assert_eq!(json(caller.ls("path=/none").await, 404).await["code"], "ClientError.NotFound");
    assert_eq!(
        json(caller.ls("path=/a.bin").await, 502).await["code"],
        "ExternalError.DirListingFailed.NotDirectory"
    );

    let operation = format!("operation/endpoint/{}", setup.id("laptop"));
    let stat = json(caller.get(&format!("{operation}/stat?path=/a.bin")).await, 200).await;
    assert_eq!((&stat["name"], &stat["size"]), (&json!("a.bin"), &json!(10)));
    assert_eq!(
        json(caller.get(&format!("{operation}/stat?path=/none")).await, 404).await["code"],
        "NotFound"
    );
    let mkdir = format!("{operation}/mkdir");
    assert_eq!(
        json(caller.post(&mkdir, &json!({"path": "/new"})).await, 202).await["code"],
        "DirectoryCreated"
    );
    let exists = json(caller.post(&mkdir, &json!({"path": "/new"})).await, 502).await;
    assert_eq!(exists["code"], "ExternalError.MkdirFailed.Exists");
    assert_eq!(caller.post(&mkdir, &json!({"path": "/no/such/parent"})).await.status(), 404);
}

#[tokio::test]
async fn collections_are_shown_to_those_who_may_use_them() {
    let setup = setup().await;
    let caller = Caller::service(&setup).await;
    let id = setup.id("laptop");
    let endpoint = json(caller.get(&format!("endpoint/{id}")).await, 200).await;
    assert_eq!(endpoint["display_name"], "laptop");
    assert_eq!(endpoint["entity_type"], "GCP_mapped_collection");
    assert_eq!(endpoint["owner_id"], setup.emulator.confidential_client().id().to_string());
    let found = json(caller.get("endpoint_search?filter_fulltext=lap").await, 200).await;
    assert_eq!((&found["DATA"][0]["id"], &found["has_next_page"]), (&json!(id), &json!(false)));

    // The user may use them, a stranger may not, and tasks are their owner's.
    let user = text(&setup.login(TRANSFER).await["access_token"]);
    setup.emulator.script_consent([Decision::approve().as_user("jon@lab.example.org")]);
    let stranger = text(&setup.login(TRANSFER).await["access_token"]);
    write(&setup.a.path().join("f"), b"f");
    let task = caller.submit(&[("/f", "/f")], &json!({})).await;
    let (user, stranger) = (Caller { setup: &setup, token: user }, Caller { setup: &setup, token: stranger });
    assert_eq!(user.ls("").await.status(), 200);
    assert_eq!(json(stranger.ls("").await, 403).await["code"], "EndpointPermissionDenied");
    assert_eq!(json(user.get(&format!("task/{task}")).await, 404).await["code"], "TaskNotFound");
    let nobody = Caller { setup: &setup, token: "Agnobody".to_owned() };
    assert_eq!(json(nobody.ls("").await, 401).await["code"], "ClientError.AuthenticationFailed");
}

#[tokio::test]
async fn listings_take_every_form_of_filter_and_order() {
    let setup = setup().await;
    let caller = Caller::service(&setup).await;
    let root = setup.a.path();
    for (name, size, day) in [("a.bin", 10, 1), ("b.bin", 10, 2), ("c.txt", 300, 3), (".hidden", 20, 4)] {
        write(&root.join(name), &vec![0; size]);
        let time = std::time::UNIX_EPOCH + Duration::from_secs(day * 86_400);
        fs::File::options().append(true).open(root.join(name)).unwrap().set_modified(time).unwrap();
    }
    fs::create_dir(root.join("d")).unwrap();
    for (query, expected) in [
        ("filter=name:a.bin", &["a.bin"][..]),
        ("filter=name:%3Da.bin", &["a.bin"]),
        ("filter=name:~*.bin", &["a.bin", "b.bin"]),
        ("filter=name:*.bin", &["a.bin", "b.bin"]),
        ("filter=name:!a.bin/type:file", &[".hidden", "b.bin", "c.txt"]),
        ("filter=name:!~*.bin", &[".hidden", "c.txt", "d"]),
        ("filter=name:a.bin,c.txt", &["a.bin", "c.txt"]),
        ("filter=name:~[ab].*/size:10", &["a.bin", "b.bin"]),
        ("filter=type:dir&filter=name:~*.txt", &["c.txt", "d"]),
        ("filter=type:file/size:>10", &[".hidden", "c.txt"]),
        ("filter=type:file/size:<%3D20", &[".hidden", "a.bin", "b.bin"]),
        ("filter=last_modified:1970-01-03,1970-01-04", &["b.bin", "c.txt"]),
        ("filter=last_modified:,1970-01-02", &["a.bin"]),
        ("filter=type:file&orderby=size%20DESC,name%20DESC", &["c.txt", ".hidden", "b.bin", "a.bin"]),
        ("filter=type:file&orderby=last_modified%20desc", &[".hidden", "c.txt", "b.bin", "a.bin"]),
        ("orderby=type,name&show_hidden=false", &["d", "a.bin", "b.bin", "c.txt"]),
        ("show_hidden=True&limit=2", &[".hidden", "a.bin"]),
        ("show_hidden=0&limit=2&offset=3", &["d"]),
        ("offset=9", &[]),
        ("filter=", &[".hidden", "a.bin", "b.bin", "c.txt", "d"]),
    ] {
        assert_eq!(caller.names(query).await, expected, "{query}");
    }
    let page = json(caller.ls("limit=2&offset=1").await, 200).await;
    expect(&page, &json!({"DATA_TYPE": "file_list", "limit": 2, "offset": 1, "length": 2, "total": 5}));
    assert_eq!(json(caller.ls("limit=200000").await, 200).await["limit"], 100_000);
    let empty = json(caller.ls("path=/d").await, 200).await;
    expect(&empty, &json!({"path": "/d/", "absolute_path": "/d/", "DATA": [], "total": 0}));
    expect(&empty, &json!({"endpoint": setup.id("laptop")}));
    for wrong in ["filter=name", "filter=size:big", "filter=name:~["] {
        assert_eq!(json(caller.ls(wrong).await, 400).await["code"], "ClientError.BadRequest", "{wrong}");
    }
    assert_eq!(
        json(caller.ls("path=/a.bin/x").await, 502).await["code"],
        "ExternalError.DirListingFailed.NotDirectory"
    );
}

/// Everything that a file document must have.
const FILE_KEYS: [&str; 14] = [
    "DATA_TYPE",
    "name",
    "type",
    "size",
    "permissions",
    "user",
    "group",
    "last_modified",
    "link_target",
    "link_size",
    "link_user",
    "link_group",
    "link_last_modified",
    "DATA_TYPE",
];

#[cfg(unix)]
#[tokio::test]
async fn links_are_described_by_what_they_lead_to() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let setup = setup().await;
    let caller = Caller::service(&setup).await;
    let root = setup.a.path();
    write(&root.join("d/f"), b"12345");
    fs::set_permissions(root.join("d/f"), fs::Permissions::from_mode(0o640)).unwrap();
    symlink("f", root.join("d/1-link")).unwrap();
    symlink("..", root.join("d/2-up")).unwrap();
    symlink("nowhere", root.join("d/3-dangling")).unwrap();
    symlink("/etc", root.join("d/4-out")).unwrap();
    let listing = json(caller.ls("path=/d/").await, 200).await;
    let files = listing["DATA"].as_array().unwrap();
    for file in files {
        for key in FILE_KEYS {
            assert!(file.get(key).is_some(), "{key} is missing: {file}");
        }
    }
    expect(
        &files[0],
        &json!({"name": "1-link", "type": "file", "size": 5, "permissions": "0640", "link_target": "f", "link_size": 1}),
    );
    assert!(files[0]["link_user"].is_string() && files[0]["link_last_modified"].is_string());
    expect(&files[1], &json!({"name": "2-up", "type": "dir", "link_target": ".."}));
    expect(&files[2], &json!({"type": "invalid_symlink", "link_target": "nowhere"}));
    expect(&files[3], &json!({"type": "invalid_symlink", "link_target": "/etc"}));
    expect(&files[4], &json!({"name": "f", "type": "file", "link_target": null, "link_size": null}));

    let stat = async |path: &str, status: u16| {
        let path = caller.operation("laptop", &format!("stat?path={path}"));
        json(caller.get(&path).await, status).await
    };
    expect(&stat("/d/1-link", 200).await, &files[0]);
    expect(&stat("/d/2-up/d/f", 200).await, &files[4]);
    expect(&stat("/", 200).await, &json!({"name": "/", "type": "dir"}));
    expect(&stat("/d/", 200).await, &json!({"name": "d", "type": "dir"}));
    assert_eq!(stat("/d/3-dangling", 404).await["code"], "NotFound");
    assert_eq!(stat("/d/4-out", 403).await["code"], "EndpointPermissionDenied");
    assert_eq!(json(caller.ls("path=/d/3-dangling").await, 404).await["code"], "ClientError.NotFound");
}

#[tokio::test]
async fn names_are_changed_and_never_taken_twice() {
    let setup = setup().await;
    let caller = Caller::service(&setup).await;
    let root = setup.a.path();
    write(&root.join("f"), b"f");
    write(&root.join("taken"), b"t");
    write(&root.join("d/x"), b"x");
    let path = caller.operation("laptop", "rename");
    let rename = async |old: &str, new: &str, status: u16| {
        json(caller.post(&path, &json!({"old_path": old, "new_path": new})).await, status).await
    };
    expect(
        &rename("/f", "/~/d/g", 200).await,
        &json!({"DATA_TYPE": "rename_result", "code": "FileRenamed", "resource": format!("/{path}")}),
    );
    assert_eq!(names(&root.join("d")), ["g", "x"]);
    assert_eq!(rename("/d/", "/e", 200).await["code"], "FileRenamed");
    assert_eq!(names(root), ["e", "taken"]);

    let exists = "ExternalError.RenameFailed.Exists";
    for (old, new, status, code) in [
        ("/e/g", "/taken", 502, exists),
        ("/taken", "/e", 502, exists),
        ("/e", "/", 502, exists),
        ("/none", "/new", 404, "ClientError.NotFound"),
        ("/e/g", "/none/new", 404, "ClientError.NotFound"),
        ("/taken/x", "/new", 502, "ExternalError.RenameFailed.NotDirectory"),
        ("/e", "/e/sub", 502, "ExternalError.RenameFailed.IntoItself"),
        ("/", "/new", 403, "EndpointPermissionDenied"),
        ("/e/g", "/../new", 403, "EndpointPermissionDenied"),
        ("/../e", "/new", 403, "EndpointPermissionDenied"),
    ] {
        assert_eq!(rename(old, new, status).await["code"], code, "{old} {new}");
    }
    let incomplete = json(caller.post(&path, &json!({"old_path": "/e"})).await, 400).await;
    assert!(text(&incomplete["message"]).contains("new_path is missing"), "{incomplete}");
    assert_eq!(names(root), ["e", "taken"]);
    assert_eq!(fs::read(root.join("taken")).unwrap(), b"t");
}

#[cfg(unix)]
#[tokio::test]
async fn names_are_not_changed_through_links_that_lead_out() {
    use std::os::unix::fs::symlink;
    let setup = setup().await;
    let caller = Caller::service(&setup).await;
    let outside = tempfile::tempdir().unwrap();
    write(&outside.path().join("secret"), b"s");
    write(&setup.a.path().join("f"), b"f");
    symlink(outside.path(), setup.a.path().join("out")).unwrap();
    let path = caller.operation("laptop", "rename");
    for (old, new) in [("/f", "/out/f"), ("/out/secret", "/stolen")] {
        let refused = caller.post(&path, &json!({"old_path": old, "new_path": new})).await;
        assert_eq!(json(refused, 403).await["code"], "EndpointPermissionDenied", "{old} {new}");
    }
    // The link itself may be renamed.
    let renamed = caller.post(&path, &json!({"old_path": "/out", "new_path": "/elsewhere"})).await;
    assert_eq!(renamed.status(), 200);
    assert_eq!(names(setup.a.path()), ["elsewhere", "f"]);
    assert_eq!(names(outside.path()), ["secret"]);
}

/// Everything that the document of a collection must have.
const ENDPOINT_KEYS: [&str; 60] = [
    "DATA",
    "DATA_TYPE",
    "acl_available",
    "acl_editable",
    "activated",
    "canonical_name",
    "contact_email",
    "contact_info",
    "default_directory",
    "department",
    "description",
    "disable_anonymous_writes",
    "disable_verify",
    "display_name",
    "entity_type",
    "expire_time",
    "expires_in",
    "force_encryption",
    "force_verify",
    "french_english_bilingual",
    "gcp_connected",
    "gcp_paused",
    "gcs_manager_url",
    "globus_connect_setup_key",
    "high_assurance",
    "host_endpoint_id",
    "host_path",
    "id",
    "in_use",
    "info_link",
    "is_globus_connect",
    "keywords",
    "local_user_info_available",
    "mapped_collection_id",
    "max_concurrency",
    "max_parallelism",
    "mfa_required",
    "my_effective_roles",
    "myproxy_dn",
    "myproxy_server",
    "network_use",
    "non_functional",
    "non_functional_endpoint_display_name",
    "non_functional_endpoint_id",
    "oauth_server",
    "organization",
    "owner_id",
    "owner_string",
    "preferred_concurrency",
    "preferred_parallelism",
    "public",
    "s3_owner_activated",
    "s3_url",
    "shareable",
    "subscription_id",
    "tlsftp_server",
    "username",
    "host_endpoint",
    "storage_type",
    "user_message",
];

#[tokio::test]
async fn collections_have_every_key_and_are_found() {
    let setup = setup().await;
    let caller = Caller::service(&setup).await;
    let id = setup.id("laptop");
    let endpoint = json(caller.get(&format!("endpoint/{id}")).await, 200).await;
    for key in ENDPOINT_KEYS {
        assert!(endpoint.get(key).is_some(), "{key} is missing");
    }
    let server = &endpoint["DATA"][0];
    for key in ["DATA_TYPE", "hostname", "uri", "port", "scheme", "id", "subject"] {
        assert!(server.get(key).is_some(), "{key} is missing");
    }
    assert_eq!(endpoint["in_use"], false);
    let task = caller.submit(&[("/none", "/none")], &json!({})).await;
    assert_eq!(json(caller.get(&format!("endpoint/{id}")).await, 200).await["in_use"], true);
    caller.cancel(&task).await;
    let unknown = caller.get("endpoint/00000000-0000-4000-8000-000000000000").await;
    assert_eq!(json(unknown, 404).await["code"], "EndpointNotFound");

    let owner = text(&endpoint["owner_id"]);
    let search = async |query: &str| json(caller.get(&format!("endpoint_search?{query}")).await, 200).await;
    let found = search(&format!("filter_owner_id={owner}&limit=1")).await;
    expect(&found, &json!({"DATA_TYPE": "endpoint_list", "offset": 0, "limit": 1, "has_next_page": true}));
    for key in ENDPOINT_KEYS {
        assert!(found["DATA"][0].get(key).is_some(), "{key} is missing");
    }
    let found = search(&format!("filter_owner_id={owner}&limit=1&offset=1")).await;
    expect(&found, &json!({"offset": 1, "has_next_page": false}));
    assert_eq!(search("filter_scope=my-endpoints").await["DATA"].as_array().unwrap().len(), 2);
    assert_eq!(search("filter_fulltext=CLUST").await["DATA"][0]["display_name"], "cluster");
    let none = search("filter_fulltext=lap&filter_entity_type=GCSv5_endpoint").await;
    expect(&none, &json!({"DATA": [], "has_next_page": false}));
    assert_eq!(json(caller.get("endpoint_search").await, 400).await["code"], "ClientError.BadRequest");
}
