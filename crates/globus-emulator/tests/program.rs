//! The program `globus-emulator`, as the system runs it.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod serving;
mod support;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use serving::{Serving, program, refusal, run};
use support::{http, text};
use tempfile::NamedTempFile;

fn names(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

fn entries(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn the_ready_line_tells_what_is_needed_and_stdout_nothing_else() {
    let serving = Serving::start(&["--until-stdin-closes"]);
    assert!(serving.line.ends_with("}\n"));
    assert_eq!(
        names(&serving.ready),
        [
            "client_id",
            "client_secret",
            "collections",
            "control_url",
            "env",
            "native_client_id",
            "url",
            "user"
        ]
    );
    let url = serving.text("url");
    let (address, random) =
        url.strip_prefix("http://127.0.0.1:").unwrap().trim_end_matches('/').split_once('/').unwrap();
    assert!(address.parse::<u16>().unwrap() > 0);
    assert!(random.len() == 32 && random.bytes().all(|byte| byte.is_ascii_hexdigit()));
    assert_eq!(serving.text("control_url"), format!("{url}_emulator/"));
    let user = &serving.ready["user"];
    assert_eq!(names(user), ["id", "username"]);
    for id in [&serving.ready["client_id"], &serving.ready["native_client_id"], &user["id"]] {
        assert!(text(id).parse::<uuid::Uuid>().is_ok(), "{id}");
    }
    let directory = serving.files.path().canonicalize().unwrap();
    let laptop = &serving.ready["collections"]["laptop"];
    assert_eq!((names(laptop), laptop["dir"].as_str()), (vec!["dir", "id"], directory.to_str()));
    let env = &serving.ready["env"];
    assert_eq!(env["GLOBUS_SDK_ENVIRONMENT"], "emulator");
    assert_eq!(env["GLOBUS_SDK_SERVICE_URL_AUTH"], format!("{url}auth/"));
    assert_eq!(env["GLOBUS_SDK_SERVICE_URL_TIMER"], format!("{url}timers/"));
    assert_eq!(serving.close_stdin(), 0);
}

#[tokio::test]
async fn a_client_can_use_it() {
    let serving = Serving::start(&[]);
    let token = serving.token().await;
    assert_eq!(serving.list(&token).await.unwrap(), ["hello.txt"]);
    assert_eq!(serving.list("AgNoSuchToken").await, Err(401));
    assert_eq!(serving.token_answer("wrong").await.status(), 401);
}

#[tokio::test]
async fn an_open_one_has_an_address_to_type() {
    let serving = Serving::start(&["--open"]);
    let url = url::Url::parse(&serving.text("url")).unwrap();
    assert_eq!(url.as_str(), format!("http://127.0.0.1:{}/", url.port().unwrap()));
    assert_eq!(serving.list(&serving.token().await).await.unwrap(), ["hello.txt"]);
}

#[tokio::test]
async fn collections_and_tokens_are_as_they_were_asked_for() {
    let cluster = tempfile::tempdir().unwrap();
    let collection = format!("cluster={}", cluster.path().display());
    let serving = Serving::start(&[
        "-c",
        &collection,
        "--entity-type",
        "GCSv5_mapped_collection",
        "--access-token-lifetime",
        "90",
    ]);
    let answer: Value = serving.token_answer(&serving.text("client_secret")).await.json().await.unwrap();
    assert_eq!(answer["expires_in"], 90);
    let id = text(&serving.ready["collections"]["cluster"]["id"]);
    let url = serving.url(&format!("transfer/v0.10/endpoint/{id}"));
    let endpoint = http().get(url).bearer_auth(text(&answer["access_token"])).send().await.unwrap();
    let endpoint: Value = endpoint.json().await.unwrap();
    assert_eq!(
        (&endpoint["entity_type"], &endpoint["display_name"]),
        (&json!("GCSv5_mapped_collection"), &json!("cluster"))
    );
}

#[tokio::test]
async fn it_asks_people_on_a_page_when_it_is_told_to() {
    for (mode, status) in [("interactive", 200), ("scripted", 400), ("auto", 302)] {
        let serving = Serving::start(&["--consent", mode]);
        let query = [
            ("client_id", serving.text("client_id")),
            ("redirect_uri", "http://localhost:1/callback".to_owned()),
            ("scope", "openid".to_owned()),
            ("response_type", "code".to_owned()),
        ];
        let answer = http().get(serving.url("auth/v2/oauth2/authorize")).query(&query).send().await.unwrap();
        assert_eq!(answer.status(), status, "{mode}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_restart_keeps_ids_secrets_and_tokens() {
    let data = tempfile::tempdir().unwrap();
    let arguments = ["--data-dir", data.path().to_str().unwrap(), "--port"];
    let first = Serving::start(&[arguments.as_slice(), &["0"]].concat());
    let token = first.token().await;
    let (before, port) = (first.ready.clone(), url::Url::parse(&first.text("url")).unwrap().port().unwrap());
    assert_eq!(first.terminate(), 0);

    let second = Serving::start(&[arguments.as_slice(), &[&port.to_string()]].concat());
    for name in ["url", "control_url", "client_id", "client_secret", "native_client_id", "user", "env"] {
        assert_eq!(second.ready[name], before[name], "{name}");
    }
    assert_eq!(second.ready["collections"]["laptop"]["id"], before["collections"]["laptop"]["id"]);
    assert_eq!(second.list(&token).await.unwrap(), ["hello.txt"]);
}

#[cfg(unix)]
#[tokio::test]
async fn signals_end_it_cleanly() {
    use rustix::process::Signal;
    for signal in [Signal::TERM, Signal::INT] {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("ready.json");
        let serving = Serving::start(&["--ready-file", file.to_str().unwrap()]);
        let url = serving.url("auth/jwk.json");
        assert_eq!(http().get(&url).send().await.unwrap().status(), 200);
        assert_eq!(entries(directory.path()), ["ready.json"]);
        assert_eq!(serving.signal(signal), 0, "{signal:?}");
        assert!(entries(directory.path()).is_empty());
        assert!(http().get(&url).send().await.is_err());
    }
}

#[cfg(unix)]
#[test]
fn the_ready_file_is_private_and_goes_with_its_emulator() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("ready.json");
    // What a killed emulator may have left, readable for everybody.
    fs::write(&file, "{}").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let arguments = ["--until-stdin-closes", "--ready-file", file.to_str().unwrap()];
    let first = Serving::start(&arguments);
    assert_eq!(fs::read_to_string(&file).unwrap(), first.line);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);

    let second = Serving::start(&arguments);
    let line = second.line.clone();
    assert_eq!(first.close_stdin(), 0);
    assert_eq!(fs::read_to_string(&file).unwrap(), line, "the first removed what the second wrote");
    assert_eq!(second.close_stdin(), 0);
    assert!(entries(directory.path()).is_empty());
}

#[test]
fn a_ready_file_takes_the_place_of_plain_files_only() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_str().unwrap();
    assert!(refusal(&["serve", "--ready-file", path], 1).contains("other than a plain file"));
    let missing = directory.path().join("missing/ready.json");
    let said = refusal(&["serve", "--ready-file", missing.to_str().unwrap()], 1);
    assert!(said.contains("in a directory that exists"), "{said}");
    assert!(entries(directory.path()).is_empty());
}

#[test]
fn wrong_command_lines_are_told_what_to_write() {
    let cases: [(&[&str], &str); 12] = [
        (&["serve", "--collection", "laptop"], "there is no '='; write NAME=DIR"),
        (&["serve", "--collection", "=/tmp"], "the name is empty"),
        (&["serve", "--collection", "laptop="], "the directory is empty"),
        (&["serve", "--collection", "lap\ntop=/tmp"], "control characters"),
        (&["serve", "-c", "laptop=/", "-c", "laptop=/tmp"], "two collections are called \"laptop\""),
        (&["serve", "--port", "65536"], "65535"),
        (&["serve", "--entity-type", "GCP"], "GCP_mapped_collection"),
        (&["serve", "--access-token-lifetime", "0"], "1..="),
        (&["serve", "surplus"], "surplus"),
        (&["start"], "start"),
        (&["env", "--format", "sh"], "--control <URL>"),
        (&["env", "--control", "http://127.0.0.1:1/", "--format", "xml"], "dotenv"),
    ];
    for (arguments, expected) in cases {
        let said = refusal(arguments, 2);
        assert!(said.contains(expected) && said.contains("--help"), "{arguments:?}: {said}");
    }
    let bare = run(&[]);
    assert_eq!(bare.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&bare.stderr).contains("Usage: globus-emulator"));
}

#[test]
fn help_shows_examples_and_ends_well() {
    for arguments in [&["--help"][..], &["serve", "--help"], &["env", "--help"]] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(0));
        assert!(output.stderr.is_empty());
        assert!(String::from_utf8(output.stdout).unwrap().contains("Usage: globus-emulator"));
    }
    assert!(String::from_utf8(run(&["--help"]).stdout).unwrap().contains("serve --collection laptop="));
    let version = String::from_utf8(run(&["--version"]).stdout).unwrap();
    assert_eq!(version, concat!("globus-emulator ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn what_is_not_there_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let missing = format!("laptop={}", directory.path().join("missing").display());
    assert!(refusal(&["serve", "-c", &missing], 1).contains("make it first, or give another"));
    let file = directory.path().join("file");
    File::create(&file).unwrap();
    let said = refusal(&["serve", "-c", &format!("laptop={}", file.display())], 1);
    assert!(said.contains("make it first, or give another"), "{said}");
    let said = refusal(&["serve", "--data-dir", file.to_str().unwrap()], 1);
    assert!(said.contains("data directory cannot be used"), "{said}");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let said = refusal(&["serve", "--port", &port], 1);
    assert!(said.contains(&format!("127.0.0.1:{port}; choose another port or none")), "{said}");
}

#[cfg(unix)]
#[test]
fn a_directory_that_json_cannot_name_is_refused() {
    use std::os::unix::ffi::OsStrExt as _;
    let directory = tempfile::tempdir().unwrap();
    let odd = directory.path().join(std::ffi::OsStr::from_bytes(b"odd\xff"));
    fs::create_dir(&odd).unwrap();
    let link = directory.path().join("link");
    std::os::unix::fs::symlink(&odd, &link).unwrap();
    let said = refusal(&["serve", "-c", &format!("laptop={}", link.display())], 1);
    assert!(said.contains("its path is not UTF-8"), "{said}");
}

#[cfg(unix)]
#[test]
fn a_closed_stdout_is_a_failure_and_leaves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("ready.json");
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = program();
    command.args(["serve", "--ready-file"]).arg(&file).stdout(writer);
    let output = command.stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("keep stdout open"));
    assert!(entries(directory.path()).is_empty());
}

#[cfg(unix)]
#[tokio::test]
async fn two_cannot_share_a_data_directory() {
    let data = tempfile::tempdir().unwrap();
    let arguments = ["--data-dir", data.path().to_str().unwrap()];
    let first = Serving::start(&arguments);
    let said = refusal(&["serve", arguments[0], arguments[1]], 1);
    assert!(said.contains("another emulator is using this data directory; stop it"), "{said}");
    assert_eq!(first.list(&first.token().await).await.unwrap(), ["hello.txt"]);
    assert_eq!(first.terminate(), 0);
    assert_eq!(Serving::start(&arguments).terminate(), 0);
}

#[cfg(unix)]
#[tokio::test]
async fn secrets_are_in_the_ready_line_alone() {
    let data = tempfile::tempdir().unwrap();
    let serving = Serving::start(&["-vvv", "--data-dir", data.path().to_str().unwrap()]);
    let token = serving.token().await;
    assert_eq!(serving.list(&token).await.unwrap(), ["hello.txt"]);
    assert_eq!(serving.token_answer("WrongSecretOfSomebody").await.status(), 401);
    let (address, secret) = (serving.text("url"), serving.text("client_secret"));
    let random = address.trim_end_matches('/').rsplit('/').next().unwrap();
    let control = serving.text("control_url");
    let shown = run(&["-vvv", "env", "--control", &control, "--format", "json"]);
    assert_eq!(shown.status.code(), Some(0));

    let said = serving.said();
    assert_eq!(said.matches("path=\"/v2/oauth2/token\" status=200").count(), 1, "{said}");
    for hidden in [&token, &secret, random, "WrongSecretOfSomebody"] {
        assert!(!said.contains(hidden), "{hidden} is in {said}");
        assert!(!String::from_utf8_lossy(&shown.stderr).contains(hidden));
    }
    assert!(!String::from_utf8(shown.stdout).unwrap().contains(&secret));
    for control in [control.replace("_emulator", "_other"), control.replace("http", "ftp")] {
        assert!(!refusal(&["-vvv", "env", "--control", &control], 1).contains(random));
    }
    assert_eq!(serving.terminate(), 0);
}

#[cfg(unix)]
#[tokio::test]
async fn nothing_is_written_but_where_it_was_told_to() {
    let elsewhere = tempfile::tempdir().unwrap();
    let data = tempfile::tempdir().unwrap();
    let serving = Serving::start_with(&["--data-dir", data.path().to_str().unwrap()], |command| {
        let command = command.current_dir(elsewhere.path());
        let variables = ["HOME", "TMPDIR", "XDG_RUNTIME_DIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"];
        variables.into_iter().fold(command, |command, name| command.env(name, elsewhere.path()))
    });
    let token = serving.token().await;
    assert_eq!(serving.list(&token).await.unwrap(), ["hello.txt"]);
    assert!(entries(elsewhere.path()).is_empty());
    let files = serving.files.path().to_owned();
    assert_eq!(entries(&files), ["hello.txt"]);
    assert_eq!(serving.terminate(), 0);
    assert!(entries(elsewhere.path()).is_empty());
    // The database has put its journal away.
    assert_eq!(entries(data.path()), ["emulator.sqlite"]);
}

/// What a shell has under this name after it has read the text.
#[cfg(unix)]
fn in_a_shell(text: &str, name: &str) -> String {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    let script = r#"set -a; . "$1"; printenv "$2""#;
    let shell = Command::new("sh").args(["-c", script, "sh"]).arg(file.path()).arg(name).output().unwrap();
    assert!(shell.status.success(), "{text}");
    String::from_utf8(shell.stdout).unwrap().strip_suffix('\n').unwrap().to_owned()
}

fn env(control: &str, format: &str) -> String {
    let output = run(&["env", "--control", control, "--format", format]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[cfg(unix)]
#[test]
fn the_variables_of_a_running_one_come_in_every_format() {
    let serving = Serving::start(&[]);
    let control = serving.text("control_url");
    let expected: BTreeMap<String, String> = serde_json::from_value(serving.ready["env"].clone()).unwrap();
    let parsed: BTreeMap<String, String> = serde_json::from_str(&env(&control, "json")).unwrap();
    assert_eq!(parsed, expected);
    let formats = [env(&control, "sh"), env(&control, "dotenv")];
    for (name, value) in &expected {
        for text in &formats {
            assert_eq!(in_a_shell(text, name), *value);
        }
    }
    let fish = expected.iter().map(|(name, value)| format!("set -gx {name} '{value}'"));
    assert!(env(&control, "fish").lines().eq(fish));

    // Without a slash at the end, from a variable, and in the form for shells when none is named.
    let mut command = program();
    command.arg("env").env("GLOBUS_EMULATOR_CONTROL", control.trim_end_matches('/'));
    assert_eq!(String::from_utf8(command.output().unwrap().stdout).unwrap(), formats[0]);
}

/// The address of something that answers one request with this text.
fn answering(text: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = BufReader::new(stream.try_clone().unwrap());
        let mut line = String::new();
        while request.read_line(&mut line).unwrap() > 2 {
            line.clear();
        }
        // The reader may have had enough before the end.
        drop(stream.write_all(text.as_bytes()));
    });
    format!("http://{address}/")
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

#[cfg(unix)]
#[test]
fn odd_values_survive_the_quotes() {
    let values =
        ["", "a b", "it's", r#"say "x""#, "$HOME `id` $(id)", r"back\slash\n", "#no comment", "two\nlines"];
    let all = values.join(r#"' " \ $x ` "#);
    for value in values.into_iter().chain([all.as_str()]) {
        let body = ok(&json!({"variables": {"ODD_VALUE": value}}).to_string());
        let ask = |format: &str| env(&answering(body.clone()), format);
        assert_eq!(in_a_shell(&ask("sh"), "ODD_VALUE"), value);
        assert_eq!(in_a_shell(&ask("dotenv"), "ODD_VALUE"), value);
        assert_eq!(serde_json::from_str::<Value>(&ask("json")).unwrap()["ODD_VALUE"], value);
    }
}

#[test]
fn what_is_no_emulator_gives_no_variables() {
    // Nobody listens on the port of TCPMUX.
    let said = refusal(&["env", "--control", "http://127.0.0.1:1/"], 1);
    assert!(said.contains("nothing answers at 127.0.0.1:1; start the emulator"), "{said}");
    for control in ["laptop", "https://127.0.0.1:1/", "http:", "data:x"] {
        assert!(refusal(&["env", "--control", control], 1).contains("no http address"), "{control}");
    }
    let injected = json!({"variables": {"X; touch /tmp/x; Y": "1"}}).to_string();
    let answers = [
        ("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_owned(), "status 404"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{".to_owned(), "broke off"),
        (ok(&" ".repeat(2_000_000)), "broke off"),
        ("SSH-2.0\r\n".to_owned(), "speaks no HTTP"),
        (String::new(), "speaks no HTTP"),
        (ok("<html>"), "lists no variables"),
        (ok("{}"), "lists no variables"),
        (ok(r#"{"variables": {}}"#), "lists no variables"),
        (ok(&injected), "lists no variables"),
    ];
    for (answer, expected) in answers {
        let said = refusal(&["env", "--control", &answering(answer)], 1);
        assert!(said.contains("is no emulator") && said.contains(expected), "{said}");
    }
}
