//! Logins at a terminal.

use std::io::{self, BufReader, Cursor, Read};
use std::sync::{Arc, Mutex, mpsc};

use globus_sdk::login::{LoginRequest, LoginUi, PasteLogin};
use globus_sdk::{LoginError, TokenResponse};
use url::Url;

use crate::playback::{Playback, Step};
use crate::support::{Shown, confidential, native, parameter, parameters, request, sent_code, tokens};

/// What is typed, for the address that was shown.
type Answer = Box<dyn Fn(&Url) -> String + Send>;

/// A person who answers what is shown, in order.
struct Person {
    shown: Shown,
    answers: Vec<Answer>,
}

impl Read for Person {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.answers.is_empty() {
            return Ok(0);
        }
        let shown = self.shown.text();
        let address = shown.lines().find(|line| line.starts_with("https://")).unwrap();
        let answer = self.answers.remove(0)(&address.parse().unwrap());
        buffer[..answer.len()].copy_from_slice(answer.as_bytes());
        Ok(answer.len())
    }
}

fn text(answer: &'static str) -> Answer {
    Box::new(move |_| answer.to_owned())
}

/// The address that the browser was sent to.
fn redirected(tail: &'static str) -> Answer {
    Box::new(move |address| {
        let mut redirect = Url::parse(&parameter(address, "redirect_uri").unwrap()).unwrap();
        redirect.query_pairs_mut().append_pair("state", &parameter(address, "state").unwrap());
        format!("{redirect}{tail}")
    })
}

async fn log_in(request: &LoginRequest, answers: Vec<Answer>) -> (Result<TokenResponse, LoginError>, String) {
    let shown = Shown::default();
    let person = BufReader::new(Person { shown: shown.clone(), answers });
    let login_ui = PasteLogin::with_reader_and_writer(person, shown.clone());
    (login_ui.log_in(request).await, shown.text())
}

#[tokio::test]
async fn the_address_stands_alone_between_rules_and_the_question_at_the_end() {
    let playback = Playback::new([tokens()]);
    let (done, shown) = log_in(&request(&playback), vec![text("CODE\n")]).await;
    done.unwrap();
    let lines: Vec<&str> = shown.lines().collect();
    let [blank, heading, rule, address, same_rule, another_blank, question] = lines[..] else {
        panic!("{shown}")
    };
    assert_eq!((blank, another_blank), ("", ""));
    assert_eq!((rule, same_rule), ("-".repeat(heading.len()).as_str(), rule));
    let address = Url::parse(address).unwrap();
    assert_eq!(parameter(&address, "redirect_uri").unwrap(), "https://auth.globus.org/v2/web/auth-code");
    assert!(question.ends_with(": ") && shown.ends_with(question), "{question:?}");
}

#[tokio::test]
async fn a_code_and_an_address_are_taken_with_or_without_blanks() {
    for answer in ["CODE\n", "  \t CODE  \r\n", "CODE"] {
        let playback = Playback::new([tokens()]);
        log_in(&request(&playback), vec![text(answer)]).await.0.unwrap();
        assert_eq!(sent_code(&playback), "CODE");
    }
    let playback = Playback::new([tokens()]);
    let stray: Answer = Box::new(|address| format!("  {} \n", redirected("&code=THE+CODE")(address)));
    log_in(&request(&playback), vec![stray]).await.0.unwrap();
    assert_eq!(sent_code(&playback), "THE CODE");
}

#[tokio::test]
async fn another_logins_address_is_refused_with_the_reason_and_asked_again() {
    let playback = Playback::new([tokens()]);
    let answers = vec![
        text("https://auth.globus.org/v2/web/auth-code?state=another&code=OTHER\n"),
        text("\n"),
        text("two words\n"),
        text("RIGHT\n"),
    ];
    let (done, shown) = log_in(&request(&playback), answers).await;
    done.unwrap();
    assert_eq!(sent_code(&playback), "RIGHT");
    assert!(shown.contains("its state is another one"), "{shown}");
    assert_eq!(shown.matches("Paste the code").count(), 4);
    assert!(!shown.contains("OTHER"), "{shown}");
}

#[tokio::test]
async fn it_does_not_ask_for_ever() {
    let playback = Playback::new([]);
    let answers = || text("https://auth.globus.org/v2/web/auth-code?state=another&code=OTHER\n");
    let (done, shown) = log_in(&request(&playback), (0..100).map(|_| answers()).collect()).await;
    assert!(matches!(done, Err(LoginError::StateMismatch)));
    assert_eq!(shown.matches("Paste the code").count(), 5);
    assert!(playback.sent().is_empty());
}

/// A terminal that was closed.
struct Broken;

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other("the terminal is gone"))
    }
}

#[tokio::test]
async fn the_end_of_the_input_and_a_refusal_end_the_login() {
    let playback = Playback::new([]);
    let (done, _) = log_in(&request(&playback), vec![]).await;
    let error = done.unwrap_err();
    assert!(matches!(error, LoginError::InputEnded), "{error:?}");
    assert!(error.to_string().contains("terminal"));

    let (done, shown) = log_in(&request(&playback), vec![redirected("&error=access_denied\n")]).await;
    assert!(done.unwrap_err().is_declined());
    assert_eq!(shown.matches("Paste the code").count(), 1);

    let broken = PasteLogin::with_reader_and_writer(BufReader::new(Broken), io::sink());
    let error = broken.log_in(&request(&playback)).await.unwrap_err();
    assert!(
        matches!(&error, LoginError::Ui(cause) if cause.to_string() == "the terminal is gone"),
        "{error:?}"
    );
    assert!(playback.sent().is_empty());
}

#[tokio::test]
async fn a_code_that_is_dead_is_not_asked_for_again() {
    let playback = Playback::new([Step::json(400, &serde_json::json!({"error": "invalid_grant"}))]);
    let (done, shown) = log_in(&request(&playback), vec![text("DEAD\n"), text("MORE\n")]).await;
    assert!(matches!(done, Err(LoginError::Exchange(error)) if error.is_invalid_grant()));
    assert_eq!(sent_code(&playback), "DEAD");
    assert_eq!(shown.matches("Paste the code").count(), 1);
}

#[tokio::test]
async fn the_services_message_cannot_steer_the_terminal() {
    let playback = Playback::new([tokens()]);
    let hostile = parameters().session_message("\x1b[2J\x07Log in\r\nagain\u{202e}");
    let (done, shown) = log_in(&LoginRequest::new(native(&playback), hostile), vec![text("CODE\n")]).await;
    done.unwrap();
    assert!(shown.contains("\nThe service says: [2J Log in  again\n"), "{shown:?}");
    assert!(shown.chars().all(|c| c == '\n' || !c.is_control()), "{shown:?}");
}

#[tokio::test]
async fn a_confidential_clients_redirect_is_pasted_too() {
    let playback = Playback::new([tokens()]);
    let request = LoginRequest::new(confidential(&playback), parameters())
        .redirect_uri("https://portal.example.org/back");
    log_in(&request, vec![redirected("&code=CODE\n")]).await.0.unwrap();
    assert_eq!(sent_code(&playback), "CODE");
    assert_eq!(playback.sent()[0].form_field("redirect_uri").unwrap(), "https://portal.example.org/back");
}

/// As `Gare::find` leaves them in the older forms.
#[test]
fn scopes_that_an_older_form_hides_are_asked_for() {
    let older = serde_json::json!({"authorization_parameters": {"required_scopes": ["openid", "s"]}});
    let wanted = globus_sdk::Gare::find(&older).unwrap().authorization_parameters;
    assert_eq!(wanted.required_scopes, None);
    let login = LoginRequest::new(native(&Playback::new([])), wanted).start().unwrap();
    assert_eq!(parameter(login.authorize_url(), "scope").unwrap(), "openid s");
}

#[tokio::test]
async fn what_cannot_be_asked_for_is_not_shown() {
    let none =
        LoginRequest::new(native(&Playback::new([])), globus_sdk::GlobusAuthorizationParameters::default());
    let (done, shown) = log_in(&none, vec![text("CODE\n")]).await;
    assert!(matches!(done, Err(LoginError::Start(_))));
    assert_eq!(shown, "");
}

/// A login that is given up leaves its thread waiting; the next one gets what is typed then.
#[tokio::test]
async fn a_login_that_was_given_up_takes_no_line_from_the_next() {
    struct Typing(mpsc::Receiver<String>, Arc<Mutex<u32>>);
    impl Read for Typing {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            *self.1.lock().unwrap() += 1;
            let Ok(line) = self.0.recv() else { return Ok(0) };
            let mut line = Cursor::new(line);
            line.read(buffer)
        }
    }
    let playback = Playback::new([tokens()]);
    let request = request(&playback);
    let (keyboard, typed) = mpsc::channel();
    let (shown, reads) = (Shown::default(), Arc::default());
    let typing = BufReader::new(Typing(typed, Arc::clone(&reads)));
    let login_ui = PasteLogin::with_reader_and_writer(typing, shown.clone());

    let asked = async {
        while !shown.text().contains("Paste") {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        biased;
        _ = login_ui.log_in(&request) => panic!("nothing was typed"),
        () = asked => {}
    }
    let (second, ()) = tokio::join!(login_ui.log_in(&request), async {
        keyboard.send("CODE\n".to_owned()).unwrap();
    });
    second.unwrap();
    assert_eq!(sent_code(&playback), "CODE");
    assert_eq!(*reads.lock().unwrap(), 1, "one thread reads");
}
