//! The choice between the browser and the terminal.

use std::io::Cursor;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use globus_sdk::config::Variables;
use globus_sdk::login::{
    AutomaticLogin, Browser, LocalServerLogin, LoginRequest, LoginUi, NeverPrompt, PasteLogin, named_grant,
};
use globus_sdk::{LoginError, TokenResponse};

use crate::playback::Playback;
use crate::support::{Shown, confidential, parameter, parameters, request, sent_code, tokens};

struct Outcome {
    done: Result<TokenResponse, LoginError>,
    shown: String,
    browser_opened: bool,
}

/// Logs in where the variables are these, and the browser fails.
async fn log_in(request: &LoginRequest, variables: &[(&str, &str)]) -> Outcome {
    let (shown, opened) = (Shown::default(), Arc::new(AtomicBool::new(false)));
    let was_opened = Arc::clone(&opened);
    let browser = Browser::by(move |_| {
        was_opened.store(true, Ordering::Relaxed);
        Err(std::io::Error::other("no such browser"))
    });
    let done = AutomaticLogin::new()
        .local_server(LocalServerLogin::new().browser(browser).writer(std::io::sink()))
        .paste(PasteLogin::with_reader_and_writer(Cursor::new("CODE\n"), shown.clone()))
        .variables(variables.iter().copied().collect())
        .log_in(request)
        .await;
    Outcome { done, shown: shown.text(), browser_opened: opened.load(Ordering::Relaxed) }
}

#[tokio::test]
async fn where_no_browser_can_be_used_the_terminal_asks_and_says_why() {
    for (variables, why) in [
        (&[("SSH_TTY", "/dev/pts/1")][..], "this is an SSH session"),
        (&[("SSH_CONNECTION", "10.0.0.1 1 10.0.0.2 22")], "this is an SSH session"),
        (&[("SSH_TTY", ""), ("SSH_CONNECTION", "10.0.0.1 1 10.0.0.2 22")], "this is an SSH session"),
    ] {
        let playback = Playback::new([tokens()]);
        let outcome = log_in(&request(&playback), variables).await;
        outcome.done.unwrap();
        assert!(outcome.shown.starts_with(&format!("No browser is opened: {why}.\n\n")), "{}", outcome.shown);
        assert!(!outcome.browser_opened);
        assert_eq!(sent_code(&playback), "CODE");
    }
}

#[tokio::test]
async fn a_browser_that_fails_is_made_up_for() {
    let playback = Playback::new([tokens()]);
    // Set but empty is not set.
    let outcome = log_in(&request(&playback), &[("SSH_TTY", ""), ("SSH_CONNECTION", "")]).await;
    outcome.done.unwrap();
    assert!(outcome.browser_opened);
    assert!(outcome.shown.starts_with("No browser is opened: the browser could not be started.\n"));
    let redirect = playback.sent()[0].form_field("redirect_uri").unwrap();
    assert_eq!(redirect, "https://auth.globus.org/v2/web/auth-code");
}

#[tokio::test]
async fn of_two_addresses_on_the_terminal_the_person_is_told_which_counts() {
    let playback = Playback::new([tokens()]);
    let shown = Shown::default();
    let browser = Browser::by(|_| Err(std::io::Error::other("no such browser")));
    AutomaticLogin::new()
        .local_server(LocalServerLogin::new().browser(browser).writer(shown.clone()))
        .paste(PasteLogin::with_reader_and_writer(Cursor::new("CODE\n"), shown.clone()))
        .variables(Variables::none())
        .log_in(&request(&playback))
        .await
        .unwrap();
    let shown = shown.text();
    let (dead, good) = shown.split_once("The address above leads nowhere now; use the one below.\n").unwrap();
    assert!(
        dead.contains("redirect_uri=http%3A%2F%2F127.0.0.1") && dead.contains("could not be started"),
        "{shown}"
    );
    assert!(good.contains("redirect_uri=https%3A%2F%2Fauth.globus.org"), "{shown}");
}

/// As it is on a machine without a screen.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn without_a_display_the_terminal_asks() {
    let playback = Playback::new([tokens()]);
    let shown = Shown::default();
    AutomaticLogin::new()
        .local_server(LocalServerLogin::new().writer(shown.clone()))
        .paste(PasteLogin::with_reader_and_writer(Cursor::new("CODE\n"), shown.clone()))
        .variables(Variables::none())
        .log_in(&request(&playback))
        .await
        .unwrap();
    let shown = shown.text();
    assert!(shown.starts_with("No browser is opened: there is no display: neither DISPLAY nor"), "{shown}");
    assert!(!shown.contains("leads nowhere") && !shown.contains("127.0.0.1"), "{shown}");
    assert_eq!(sent_code(&playback), "CODE");
}

#[tokio::test]
async fn a_redirect_that_cannot_lead_here_is_pasted() {
    let playback = Playback::new([tokens(), tokens()]);
    let fixed = request(&playback).redirect_uri("https://app.example.org/code");
    let outcome = log_in(&fixed, &[]).await;
    outcome.done.unwrap();
    assert!(outcome.shown.contains("the redirect of this login is fixed"));

    let with_secret =
        LoginRequest::new(confidential(&playback), parameters()).redirect_uri("https://app.example.org/code");
    let outcome = log_in(&with_secret, &[]).await;
    outcome.done.unwrap();
    assert!(outcome.shown.contains("registered addresses"));
    assert!(!outcome.browser_opened);
}

#[tokio::test]
async fn only_what_is_unsuitable_is_made_up_for() {
    let shown = Shown::default();
    let login_ui = AutomaticLogin::new()
        .local_server(
            LocalServerLogin::new()
                .browser(Browser::by(|_| Ok(())))
                .time_limit(std::time::Duration::ZERO)
                .writer(std::io::sink()),
        )
        .paste(PasteLogin::with_reader_and_writer(Cursor::new("CODE\n"), shown.clone()))
        .variables(Variables::none());
    let error = login_ui.log_in(&request(&Playback::new([]))).await.unwrap_err();
    assert!(error.is_timed_out(), "{error:?}");
    assert_eq!(shown.text(), "");
}

#[tokio::test]
async fn who_may_not_ask_says_what_for() {
    let error = NeverPrompt.log_in(&request(&Playback::new([]))).await.unwrap_err();
    let LoginError::PersonNeeded { parameters: wanted, .. } = error else { panic!("{error:?}") };
    assert_eq!(*wanted, parameters());
}

#[test]
fn the_consent_page_names_program_and_machine() {
    let login = request(&Playback::new([])).prefill_named_grant(named_grant("My App")).start().unwrap();
    let label = parameter(login.authorize_url(), "prefill_named_grant").unwrap();
    assert_eq!(label, named_grant("My App"));
    assert!(label.starts_with("My App"));
}
