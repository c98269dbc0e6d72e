//! Logins that are begun in one place and finished in another.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use globus_sdk::login::{LoginRequest, ResumedLogin, SuspendedLogin, SuspendedLoginError};
use globus_sdk::seal::{Argon2Cost, SealingKey};
use globus_sdk::{ConfidentialAppAuthClient, LoginError, ManualClock, NativeAppAuthClient};
use tempfile::TempDir;

use crate::playback::Playback;
use crate::support::{confidential, parameter, parameters, sent_code, tokens};

const HOUR: Duration = Duration::from_secs(3600);

fn key() -> SealingKey {
    SealingKey::from_bytes([7; 32])
}

/// A client of the process that finishes.
fn client(playback: &Playback, clock: &ManualClock) -> NativeAppAuthClient {
    NativeAppAuthClient::builder("cid").transport(playback.clone()).clock(clock.clone()).build().unwrap()
}

struct Begun {
    directory: TempDir,
    path: PathBuf,
    clock: ManualClock,
    /// Of the token endpoint.
    playback: Playback,
    state: String,
    login: SuspendedLogin,
}

impl Begun {
    /// A login that was begun and saved.
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("login.sealed");
        let (playback, clock) = (Playback::new([tokens()]), ManualClock::at(1_000_000));
        let request =
            LoginRequest::new(client(&playback, &clock), parameters()).prefill_named_grant("AgSecretLabel");
        let started = request.start().unwrap();
        let login = started.suspend(key(), HOUR).await.unwrap();
        login.save(&path).await.unwrap();
        Self { directory, path, clock, playback, state: started.state().to_owned(), login }
    }

    async fn resume(&self) -> Result<ResumedLogin, SuspendedLoginError> {
        SuspendedLogin::load(&self.path).await?.resume(key(), client(&self.playback, &self.clock)).await
    }

    fn used(&self) -> PathBuf {
        self.directory.path().join("login.sealed.used")
    }
}

fn suspended(done: Result<impl Sized, LoginError>) -> SuspendedLoginError {
    match done {
        Err(LoginError::Suspended(error)) => error,
        Err(error) => panic!("{error:?}"),
        Ok(_) => panic!("it was finished"),
    }
}

#[tokio::test]
async fn another_process_finishes_with_the_proof_key_of_the_first() {
    let begun = Begun::new().await;
    let resumed = begun.resume().await.unwrap();
    assert_eq!(resumed.state(), begun.state);
    assert_eq!(parameter(resumed.authorize_url(), "state").unwrap(), begun.state);
    assert_eq!(resumed.ends_at().as_second(), 1_003_600);
    resumed.finish(" CODE\n").await.unwrap();
    assert_eq!(sent_code(&begun.playback), "CODE");

    let sent = &begun.playback.sent()[0];
    let verifier = sent.form_field("code_verifier").unwrap();
    let challenge = parameter(resumed.authorize_url(), "code_challenge").unwrap();
    let by_hand = NativeAppAuthClient::new("cid").unwrap();
    let same =
        by_hand.oauth2_start_flow("openid").verifier(verifier).start().unwrap().authorize_url().unwrap();
    assert_eq!(parameter(&same, "code_challenge").unwrap(), challenge);
}

#[cfg(unix)]
#[tokio::test]
async fn the_file_is_private_and_says_nothing_without_the_key() {
    use std::os::unix::fs::PermissionsExt;
    let begun = Begun::new().await;
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(&begun.path), 0o600);
    let names: Vec<_> =
        std::fs::read_dir(begun.directory.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["login.sealed"]);
    let text = std::fs::read_to_string(&begun.path).unwrap();
    assert_eq!(text, begun.login.as_str());
    let resumed = begun.resume().await.unwrap();
    let challenge = parameter(resumed.authorize_url(), "code_challenge").unwrap();
    for hidden in [begun.state.as_str(), &challenge, "AgSecretLabel", "verifier", "authorize"] {
        assert!(!text.contains(hidden), "{hidden}: {text}");
        assert!(!format!("{:?} {resumed:?}", begun.login).contains(hidden));
    }
    resumed.finish("CODE").await.unwrap();
    assert_eq!(mode(&begun.used()), 0o600);
}

#[tokio::test]
async fn a_login_is_finished_once() {
    let begun = Begun::new().await;
    let (first, second) = (begun.resume().await.unwrap(), begun.resume().await.unwrap());
    first.finish("CODE").await.unwrap();
    assert!(matches!(suspended(second.finish("CODE").await), SuspendedLoginError::AlreadyUsed));
    assert!(matches!(suspended(first.finish("CODE").await), SuspendedLoginError::AlreadyUsed));
    let late = begun.resume().await.unwrap_err();
    assert!(matches!(late, SuspendedLoginError::AlreadyUsed), "{late:?}");
    assert!(late.to_string().contains("start a new one"));
    assert_eq!(sent_code(&begun.playback), "CODE");
    assert!(begun.used().exists() && !begun.path.exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_all_who_finish_at_the_same_time_one_does() {
    for _ in 0..20 {
        let begun = Begun::new().await;
        let together = Arc::new(tokio::sync::Barrier::new(8));
        let mut finishing = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let (resumed, together) = (begun.resume().await.unwrap(), Arc::clone(&together));
            finishing.spawn(async move {
                together.wait().await;
                resumed.finish("CODE").await
            });
        }
        let done = finishing.join_all().await;
        assert_eq!(done.iter().filter(|done| done.is_ok()).count(), 1);
        for other in done.into_iter().filter(Result::is_err) {
            assert!(matches!(suspended(other), SuspendedLoginError::AlreadyUsed));
        }
        assert_eq!(sent_code(&begun.playback), "CODE");
    }
}

#[tokio::test]
async fn what_is_not_its_code_leaves_it_as_it_is() {
    let begun = Begun::new().await;
    let resumed = begun.resume().await.unwrap();
    for (brought, what) in [
        ("https://auth.globus.org/v2/web/auth-code?code=OTHER&state=another", "StateMismatch"),
        ("", "NoCode"),
        ("two words", "NoCode"),
        ("://", "NotAnAddress"),
    ] {
        let error = resumed.finish(brought).await.unwrap_err();
        assert_eq!(format!("{error:?}"), what);
    }
    let refused =
        format!("https://auth.globus.org/v2/web/auth-code?error=access_denied&state={}", begun.state);
    assert!(resumed.finish(&refused).await.unwrap_err().is_declined());
    assert!(begun.path.exists() && begun.playback.sent().is_empty());

    let right = format!("  https://auth.globus.org/v2/web/auth-code?code=CODE&state={} ", begun.state);
    resumed.finish(&right).await.unwrap();
}

#[tokio::test]
async fn after_its_time_it_is_refused() {
    let begun = Begun::new().await;
    begun.clock.advance(Duration::from_secs(3599));
    let in_time = begun.resume().await.unwrap();
    begun.clock.advance(Duration::from_secs(1));
    // Opened in time is not finished in time.
    for error in [suspended(in_time.finish("CODE").await), begun.resume().await.unwrap_err()] {
        assert!(
            matches!(error, SuspendedLoginError::TooLate { expired_at, .. } if expired_at.as_second() == 1_003_600),
            "{error:?}"
        );
        assert!(error.to_string().contains("start a new one"));
    }
    assert!(begun.path.exists() && begun.playback.sent().is_empty());
}

#[tokio::test]
async fn another_client_environment_or_key_does_not_open_it() {
    let begun = Begun::new().await;
    let at = |id: &str, base_url: &str| {
        let builder = NativeAppAuthClient::builder(id).clock(begun.clock.clone());
        builder.base_url(base_url).transport(begun.playback.clone()).build().unwrap()
    };
    let home = "https://auth.globus.org/";
    let error = begun.login.resume(key(), at("another", home)).await.unwrap_err();
    assert!(
        matches!(&error, SuspendedLoginError::OtherClient { begun_for, client_id, .. } if begun_for == "cid" && client_id == "another")
    );
    let error = begun.login.resume(key(), at("cid", "https://auth.preview.globus.org/")).await.unwrap_err();
    assert!(matches!(&error, SuspendedLoginError::OtherEnvironment { begun_at, .. } if begun_at == home));
    let error = begun.login.resume(SealingKey::from_bytes([8; 32]), at("cid", home)).await.unwrap_err();
    assert!(matches!(error, SuspendedLoginError::WrongKey), "{error:?}");
    // The same id with a secret is another client: it would not send the proof key.
    let with_secret = ConfidentialAppAuthClient::builder("cid", "AgSecret").clock(begun.clock.clone());
    let error = begun.login.resume(key(), with_secret.build().unwrap()).await.unwrap_err();
    assert!(matches!(error, SuspendedLoginError::OtherClient { .. }), "{error:?}");
    assert!(begun.login.resume(key(), at("cid", home)).await.is_ok());
}

#[tokio::test]
async fn what_stands_in_it_cannot_be_changed() {
    let begun = Begun::new().await;
    let text = begun.login.as_str();
    let elsewhere = NativeAppAuthClient::builder("cie")
        .base_url("https://auth.example.org/")
        .clock(begun.clock.clone())
        .build()
        .unwrap();
    let here = client(&begun.playback, &begun.clock);
    for (old, new, client) in
        [("1003600", "9003600", &here), ("1000000", "1000001", &here), ("\"cid\"", "\"cie\"", &elsewhere)]
    {
        assert!(text.contains(old), "{text}");
        let changed = text.replace(old, new).replace("auth.globus.org", client_host(client));
        let error = changed.parse::<SuspendedLogin>().unwrap().resume(key(), client).await.unwrap_err();
        assert!(matches!(error, SuspendedLoginError::WrongKey), "{old}: {error:?}");
    }
    let sealed = text.split("\"sealed\":\"").nth(1).unwrap().trim_end_matches("\"}");
    let last = if sealed.ends_with('A') { "B" } else { "A" };
    let changed = text.replace(sealed, &format!("{}{last}", &sealed[..sealed.len() - 1]));
    assert!(changed.parse::<SuspendedLogin>().unwrap().resume(key(), &here).await.is_err());
}

fn client_host(client: &NativeAppAuthClient) -> &'static str {
    if client.client_id() == "cid" { "auth.globus.org" } else { "auth.example.org" }
}

#[tokio::test]
async fn what_is_no_login_says_so() {
    let begun = Begun::new().await;
    let newer = begun.login.as_str().replace("\"version\":1", "\"version\":2");
    assert!(matches!(newer.parse::<SuspendedLogin>(), Err(SuspendedLoginError::UnknownFormat)));
    let huge = format!("{{\"a\":\"{}\"}}", "x".repeat(1 << 20));
    for text in ["", "{}", "[]", "null", "not json", r#"{"format":"other","version":1}"#, &huge] {
        assert!(matches!(text.parse::<SuspendedLogin>(), Err(SuspendedLoginError::NotALogin)), "{text:.50}");
    }
    let unsealed = begun.login.as_str().replace("R0xTRUFM", "AAAAAAAA").parse::<SuspendedLogin>().unwrap();
    let error = unsealed.resume(key(), client(&begun.playback, &begun.clock)).await.unwrap_err();
    assert!(matches!(error, SuspendedLoginError::NotALogin), "{error:?}");

    std::fs::write(begun.directory.path().join("binary"), [0xff; 100]).unwrap();
    let error = SuspendedLogin::load(begun.directory.path().join("binary")).await.unwrap_err();
    assert!(matches!(error, SuspendedLoginError::NotALogin), "{error:?}");
    let error = SuspendedLogin::load(begun.directory.path().join("none")).await.unwrap_err();
    assert!(matches!(error, SuspendedLoginError::NotFound { .. }), "{error:?}");
}

#[tokio::test]
async fn nothing_is_overwritten_and_no_link_is_read() {
    let begun = Begun::new().await;
    let error = begun.login.save(&begun.path).await.unwrap_err();
    assert!(matches!(error, SuspendedLoginError::AlreadyExists { .. }), "{error:?}");
    let error = begun.login.save(begun.directory.path().join("no/such/directory")).await.unwrap_err();
    assert!(matches!(error, SuspendedLoginError::File(_)), "{error:?}");
    #[cfg(unix)]
    {
        let link = begun.directory.path().join("link");
        std::os::unix::fs::symlink(&begun.path, &link).unwrap();
        let error = SuspendedLogin::load(&link).await.unwrap_err();
        assert!(matches!(error, SuspendedLoginError::File(_)), "{error:?}");
    }
    let left = std::fs::read_dir(begun.directory.path()).unwrap().count();
    assert!(left <= 2, "no half of a file is left");
}

/// Somebody finishes a login and begins another in the same place, while a third still holds the first.
#[tokio::test]
async fn a_late_finisher_uses_up_no_other_login() {
    let begun = Begun::new().await;
    let (first, late) = (begun.resume().await.unwrap(), begun.resume().await.unwrap());
    first.finish("CODE").await.unwrap();
    let request = LoginRequest::new(client(&begun.playback, &begun.clock), parameters());
    let next = request.start().unwrap().suspend(key(), HOUR).await.unwrap();
    next.save(&begun.path).await.unwrap();

    assert!(matches!(suspended(late.finish("CODE").await), SuspendedLoginError::AlreadyUsed));
    assert_eq!(std::fs::read_to_string(&begun.path).unwrap(), next.as_str());
    assert_eq!(sent_code(&begun.playback), "CODE");
}

#[tokio::test]
async fn a_portal_keeps_the_text_and_no_secret_of_its_client() {
    let playback = Playback::new([tokens()]);
    let client = confidential(&playback);
    let request = LoginRequest::new(&client, parameters()).redirect_uri("https://portal.example.org/back");
    let started = request.start().unwrap();
    let kept = started.suspend(key(), HOUR).await.unwrap().as_str().to_owned();
    let session_state = started.state().to_owned();
    drop(started);

    let resumed = kept.parse::<SuspendedLogin>().unwrap().resume(key(), &client).await.unwrap();
    assert_eq!(resumed.state(), session_state);
    resumed
        .finish(&format!("https://portal.example.org/back?code=CODE&state={session_state}"))
        .await
        .unwrap();
    assert_eq!(sent_code(&playback), "CODE");
    assert!(playback.sent()[0].form_field("code_verifier").is_none());
}

#[tokio::test]
async fn a_passphrase_opens_it_too() {
    let begun = Begun::new().await;
    let quick = Argon2Cost::new(8, 1).unwrap();
    let passphrase = |text: &str| SealingKey::from_passphrase_with_cost(text, quick).unwrap();
    let request = LoginRequest::new(client(&begun.playback, &begun.clock), parameters());
    let login = request.start().unwrap().suspend(passphrase("correct horse"), HOUR).await.unwrap();
    let here = || client(&begun.playback, &begun.clock);
    assert!(login.resume(passphrase("correct horse"), here()).await.is_ok());
    for wrong in [passphrase("another"), key()] {
        let error = login.resume(wrong, here()).await.unwrap_err();
        assert!(matches!(error, SuspendedLoginError::WrongKey), "{error:?}");
    }
}
