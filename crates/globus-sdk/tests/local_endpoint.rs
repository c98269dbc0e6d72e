//! Endpoints on this machine, from files in directories of the tests' own.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod playback;

use std::fs;
use std::path::Path;

use globus_sdk::auth::Identity;
use globus_sdk::config::Variables;
use globus_sdk::config::paths::Platform;
use globus_sdk::local_endpoint::GlobusConnectPersonalOwner;
use globus_sdk::{AuthClient, LocalGlobusConnectPersonal, LocalGlobusConnectServer};
use playback::{Playback, Step, wait};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A configuration directory with this file among the data.
fn with_data(name: &str, content: impl AsRef<[u8]>) -> (TempDir, LocalGlobusConnectPersonal) {
    let directory = TempDir::new().unwrap();
    let data = if cfg!(windows) { directory.path().to_owned() } else { directory.path().join("lta") };
    fs::create_dir_all(&data).unwrap();
    fs::write(data.join(name), content).unwrap();
    let local = LocalGlobusConnectPersonal::in_directory(directory.path());
    (directory, local)
}

mod personal {
    use super::*;

    #[test]
    fn the_usual_directory_is_below_the_home_directory() {
        let variables = Variables::from_iter([("HOME", "/home/ada"), ("LOCALAPPDATA", r"C:\Local")]);
        let directory = |platform| {
            let local = LocalGlobusConnectPersonal::new().with_variables(variables.clone(), platform);
            local.config_directory().unwrap().to_str().unwrap().to_owned()
        };
        assert_eq!(directory(Platform::Unix), "/home/ada/.globusonline");
        assert_eq!(directory(Platform::Windows), r"C:\Local\Globus Connect");
    }

    #[test]
    fn a_home_directory_that_is_not_known_is_a_usage_error_on_first_use() {
        for platform in [Platform::Unix, Platform::Windows] {
            let local = LocalGlobusConnectPersonal::new().with_variables(Variables::none(), platform);
            assert!(local.endpoint_id().unwrap_err().is_usage());
            assert!(local.owner_info().unwrap_err().is_usage());
        }
    }

    #[test]
    fn an_empty_directory_name_means_the_usual_one() {
        let variables = Variables::from_iter([("HOME", "/home/ada")]);
        let local = LocalGlobusConnectPersonal::in_directory("").with_variables(variables, Platform::Unix);
        assert_eq!(local.config_directory().unwrap(), Path::new("/home/ada/.globusonline"));
    }

    #[test]
    fn on_windows_the_data_is_beside_the_configuration() {
        let directory = TempDir::new().unwrap();
        fs::write(directory.path().join("client-id.txt"), "beside").unwrap();
        fs::create_dir(directory.path().join("lta")).unwrap();
        fs::write(directory.path().join("lta/client-id.txt"), "below").unwrap();
        for (platform, expected) in [(Platform::Windows, "beside"), (Platform::Unix, "below")] {
            let local = LocalGlobusConnectPersonal::in_directory(directory.path())
                .with_variables(Variables::none(), platform);
            assert_eq!(local.endpoint_id().unwrap().as_deref(), Some(expected));
        }
    }

    #[test]
    fn the_id_is_trimmed_and_kept_until_reset() {
        let (directory, local) = with_data("client-id.txt", " 8a1f2c3d \r\n");
        assert_eq!(local.endpoint_id().unwrap().as_deref(), Some("8a1f2c3d"));
        fs::remove_dir_all(directory.path()).unwrap();
        assert_eq!(local.endpoint_id().unwrap().as_deref(), Some("8a1f2c3d"));
        local.reset();
        assert_eq!(local.endpoint_id().unwrap(), None);
    }

    #[test]
    fn an_id_that_is_not_there_is_looked_for_again() {
        let (directory, local) = with_data("client-id.txt", "");
        assert_eq!(local.endpoint_id().unwrap(), None);
        let file = local
            .config_directory()
            .unwrap()
            .join(if cfg!(windows) { "" } else { "lta" })
            .join("client-id.txt");
        fs::remove_file(&file).unwrap();
        assert_eq!(local.endpoint_id().unwrap(), None);
        fs::write(&file, "now").unwrap();
        assert_eq!(local.endpoint_id().unwrap().as_deref(), Some("now"));
        drop(directory);
    }

    #[test]
    fn what_cannot_be_read_is_an_error_with_its_path() {
        let directory = TempDir::new().unwrap();
        let data = directory.path().join("lta");
        fs::create_dir_all(data.join("client-id.txt")).unwrap();
        fs::write(data.join("gridmap"), b"\xff").unwrap();
        let local = LocalGlobusConnectPersonal::in_directory(directory.path())
            .with_variables(Variables::none(), Platform::Unix);
        assert!(local.endpoint_id().unwrap_err().to_string().contains("client-id.txt"));
        assert!(local.owner_info().unwrap_err().to_string().contains("gridmap"));
        fs::write(data.join("gridmap"), vec![b' '; (1 << 20) + 1]).unwrap();
        assert!(local.owner_info().is_err());
    }

    const PREFIX: &str = "\"/C=US/O=Globus Consortium/OU=Globus Connect User/CN=";

    fn owner(gridmap: &str) -> Option<GlobusConnectPersonalOwner> {
        let (_directory, local) = with_data("gridmap", gridmap);
        local.owner_info().unwrap()
    }

    fn username_of(rest: &str) -> Option<String> {
        let owner = owner(&format!("{PREFIX}{rest}\n"))?;
        assert_eq!(owner.id(), None);
        owner.username().map(str::to_owned)
    }

    #[test]
    fn the_owner_is_a_username() {
        for (rest, expected) in [
            ("foo\" auser", "foo"),
            ("U_PXW2PTAHPMI6ZIJXM5JD5T75JM\" auser", "U_PXW2PTAHPMI6ZIJXM5JD5T75JM"),
            ("u_abc\" x", "u_abc"),
            ("u_11111111111111111111111111\" x", "u_11111111111111111111111111"),
            ("a=b\" x", "a=b"),
            ("foo\" 'a b'", "foo"),
        ] {
            assert_eq!(
                username_of(rest).as_deref(),
                Some(format!("{expected}@globusid.org").as_str()),
                "{rest}"
            );
        }
    }

    #[test]
    fn the_owner_is_an_id() {
        for rest in ["u_pxw2ptahpmi6zijxm5jd5t75jm\" auser", "u_PXW2ptahpmi6zijxm5jd5t75jm\" auser"] {
            let owner = owner(&format!("{PREFIX}{rest}")).unwrap();
            assert_eq!(owner.id().unwrap().to_string(), "7deda7cc-077b-11ec-a137-67523ecffd4b");
            assert_eq!(owner.username(), None);
        }
    }

    #[test]
    fn a_malformed_line_says_nothing() {
        for rest in ["foo\"", "foo\" a b", "foo auser", "foo\" x # c", "foo\" x\\"] {
            assert_eq!(username_of(rest), None, "{rest}");
        }
        let without_quote = &PREFIX[1..];
        assert_eq!(owner(&format!("{without_quote}foo auser")), None);
        assert_eq!(owner(&format!(" {PREFIX}foo\" auser")), None);
        assert_eq!(owner(""), None);
    }

    #[test]
    fn the_first_line_that_begins_so_counts() {
        let lines = format!("# map\r\n {PREFIX}no\" x\r\n{PREFIX}first\" x\r\n{PREFIX}second\" x\r\n");
        assert_eq!(owner(&lines).unwrap().username(), Some("first@globusid.org"));
        assert_eq!(owner(&format!("{PREFIX}broken\"\n{PREFIX}second\" x")), None);
    }

    #[test]
    fn without_a_map_nobody_is_known() {
        let (_directory, local) = with_data("other", "");
        assert_eq!(local.owner_info().unwrap(), None);
    }

    fn look_up(gridmap: &str, answer: Step) -> (globus_sdk::Result<Option<Identity>>, Playback) {
        let (_directory, local) = with_data("gridmap", gridmap);
        let playback = Playback::new([answer]);
        let auth = AuthClient::builder().transport(playback.clone()).build().unwrap();
        (wait(local.look_up_owner(&auth)), playback)
    }

    fn identities(identities: &Value) -> Step {
        Step::json(200, &json!({"identities": identities}))
    }

    #[test]
    fn the_owner_is_looked_up_by_what_is_known() {
        let found = json!([{"id": "7deda7cc-077b-11ec-a137-67523ecffd4b", "username": "ada@example.org"}, {"id": "x"}]);
        for (rest, query) in [
            ("u_pxw2ptahpmi6zijxm5jd5t75jm\" auser", "ids=7deda7cc-077b-11ec-a137-67523ecffd4b"),
            ("foo\" auser", "usernames=foo%40globusid.org&provision=false"),
        ] {
            let (identity, playback) = look_up(&format!("{PREFIX}{rest}"), identities(&found));
            assert_eq!(identity.unwrap().unwrap().username, "ada@example.org");
            let sent = playback.sent();
            assert_eq!(sent[0].request.url.query(), Some(query));
        }
    }

    #[test]
    fn nobody_is_found() {
        let (identity, _) = look_up(&format!("{PREFIX}foo\" auser"), identities(&json!([])));
        assert!(identity.unwrap().is_none());
        let (identity, playback) = look_up("", identities(&json!([])));
        assert!(identity.unwrap().is_none());
        assert!(playback.sent().is_empty());
        let (identity, _) = look_up(&format!("{PREFIX}foo\" auser"), Step::json(403, &json!({})));
        assert!(identity.unwrap_err().is_forbidden());
    }
}

mod server {
    use super::*;

    fn with_info(content: impl AsRef<[u8]>) -> (TempDir, LocalGlobusConnectServer) {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("info.json");
        fs::write(&path, content).unwrap();
        (directory, LocalGlobusConnectServer::with_info_path(path))
    }

    #[test]
    fn the_document_is_kept_until_reset() {
        let info = json!({"endpoint_id": "e", "domain_name": "abc.data.globus.org", "more": [1]});
        let (directory, local) = with_info(info.to_string());
        assert_eq!(Value::from(local.info().unwrap().unwrap()), info);
        fs::remove_file(directory.path().join("info.json")).unwrap();
        assert_eq!(local.endpoint_id().unwrap().as_deref(), Some("e"));
        assert_eq!(local.domain_name().unwrap().as_deref(), Some("abc.data.globus.org"));
        local.reset();
        assert_eq!(local.info().unwrap(), None);
        assert_eq!(local.endpoint_id().unwrap(), None);
    }

    #[test]
    fn what_is_no_object_is_none_and_read_again() {
        for content in [&b""[..], b"[1]", b"\"text\"", b"null", b"{", b"{\"a\": \"\xff\"}"] {
            let (directory, local) = with_info(content);
            assert_eq!(local.info().unwrap(), None, "{content:?}");
            fs::write(directory.path().join("info.json"), r#"{"endpoint_id": "e"}"#).unwrap();
            assert_eq!(local.endpoint_id().unwrap().as_deref(), Some("e"));
        }
    }

    #[test]
    fn a_member_of_a_wrong_type_is_none() {
        let (_directory, local) = with_info(r#"{"endpoint_id": 1, "domain_name": null}"#);
        assert_eq!(local.endpoint_id().unwrap(), None);
        assert_eq!(local.domain_name().unwrap(), None);
        assert!(local.info().unwrap().is_some());
    }

    #[test]
    fn what_is_no_regular_file_is_none() {
        let directory = TempDir::new().unwrap();
        let info = |path: &Path| LocalGlobusConnectServer::with_info_path(path).info().unwrap();
        assert_eq!(info(directory.path()), None);
        assert_eq!(info(&directory.path().join("missing")), None);
        fs::write(directory.path().join("file"), "{}").unwrap();
        assert_eq!(info(&directory.path().join("file/below")), None);
    }

    #[test]
    fn what_cannot_be_read_is_an_error_with_its_path() {
        let path = format!("/{}", "x".repeat(300));
        let error = LocalGlobusConnectServer::with_info_path(&path).info().unwrap_err();
        assert!(error.to_string().contains("xxx"), "{error}");
        let (_directory, local) = with_info(vec![b' '; (1 << 20) + 1]);
        assert!(local.info().unwrap_err().to_string().contains("info.json"));
    }
}
