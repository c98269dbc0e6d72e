//! Logins by a browser that comes back to this machine, and what else may come to its port.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use globus_sdk::config::Variables;
use globus_sdk::login::{Browser, LocalServerLogin, LoginRequest, LoginUi, Unsuitable};
use globus_sdk::{LoginError, TokenResponse};
use tokio::sync::oneshot;
use url::Url;

use crate::playback::{Playback, Step};
use crate::support::{Shown, confidential, native, parameter, parameters, request, sent_code, tokens};

/// What a scripted browser knows of the login that it was opened for.
struct Opened {
    redirect_uri: String,
    state: String,
}

impl Opened {
    fn at(address: &Url) -> Self {
        Self {
            redirect_uri: parameter(address, "redirect_uri").unwrap(),
            state: parameter(address, "state").unwrap(),
        }
    }

    fn host(&self) -> &str {
        self.redirect_uri.strip_prefix("http://").unwrap()
    }

    fn connect(&self) -> TcpStream {
        TcpStream::connect(self.host()).unwrap()
    }

    /// Sends bytes and answers all that comes back.
    fn send(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect();
        // The server may have answered and closed before all is read.
        drop(stream.write_all(bytes));
        let mut answer = Vec::new();
        drop(stream.read_to_end(&mut answer));
        String::from_utf8(answer).unwrap()
    }

    fn get(&self, target: &str) -> String {
        self.send(format!("GET {target} HTTP/1.1\r\nHost: {}\r\n\r\n", self.host()).as_bytes())
    }

    /// Comes back with these parameters and the right state, and follows the redirect.
    fn come_back(&self, parameters: &str) -> (String, String) {
        let answer = self.get(&format!("/?{parameters}&state={}", self.state));
        (answer, self.get("/done"))
    }
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or_default()
}

/// Logs in with a browser that does this, and waits until it has.
async fn log_in(
    request: LoginRequest,
    browse: impl Fn(&Opened) + Send + Sync + 'static,
) -> Result<TokenResponse, LoginError> {
    let (sender, finished) = oneshot::channel();
    let sender = Mutex::new(Some(sender));
    let browser = Browser::by(move |address| {
        let sender = sender.lock().unwrap().take();
        browse(&Opened::at(address));
        sender.unwrap().send(()).unwrap();
        Ok(())
    });
    let login_ui = LocalServerLogin::new().browser(browser).variables(Variables::none()).writer(io::sink());
    let done = login_ui.log_in(&request).await;
    finished.await.expect("the browser does all that it is to do");
    done
}

/// What a browser has seen.
type Seen = Arc<Mutex<Vec<String>>>;

fn refused(host: &str) -> bool {
    TcpStream::connect(host).is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}

#[tokio::test]
async fn the_browser_comes_back_and_sees_a_page_without_the_code() {
    let playback = Playback::new([tokens()]);
    let seen = Seen::default();
    let saw = Arc::clone(&seen);
    let done = log_in(request(&playback), move |opened| {
        let (redirected, page) = opened.come_back("code=THE+CODE");
        saw.lock().unwrap().extend([redirected, page, opened.redirect_uri.clone()]);
    });
    done.await.unwrap();
    assert_eq!(sent_code(&playback), "THE CODE");
    let seen = seen.lock().unwrap();
    let [redirected, page, redirect_uri] = &seen[..] else { panic!("{seen:?}") };

    let url = Url::parse(redirect_uri).unwrap();
    assert_eq!(url.host_str(), Some("127.0.0.1"));
    assert_eq!(*redirect_uri, format!("http://127.0.0.1:{}", url.port().unwrap()));
    assert_eq!(playback.sent()[0].form_field("redirect_uri").unwrap(), *redirect_uri);

    assert_eq!(status(redirected), "303");
    assert!(redirected.contains("location: /done\r\n"), "{redirected}");
    assert_eq!(status(page), "200");
    for answer in [redirected, page] {
        for header in [
            "cache-control: no-store\r\n",
            "referrer-policy: no-referrer\r\n",
            "content-security-policy: default-src 'none'",
            "x-content-type-options: nosniff\r\n",
        ] {
            assert!(answer.contains(header), "{header}: {answer}");
        }
        assert!(!answer.contains("THE"), "{answer}");
    }
    assert!(page.contains("<!DOCTYPE html>"));
    assert!(refused(url.authority()), "the port is closed after the login");
}

#[tokio::test]
async fn nothing_but_the_logins_own_redirect_ends_it() {
    let playback = Playback::new([tokens()]);
    let seen = Seen::default();
    let saw = Arc::clone(&seen);
    let done = log_in(request(&playback), move |opened| {
        let (host, state) = (opened.host(), &opened.state);
        let request = |line: &str| {
            let answer = opened.send(format!("{line} HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes());
            saw.lock().unwrap().push(format!("{line}: {answer}"));
        };
        for line in [
            "GET /".to_owned(),
            "GET /favicon.ico".to_owned(),
            "GET /done".to_owned(),
            "GET /?code=OTHER".to_owned(),
            "GET /?code=OTHER&state=".to_owned(),
            "GET /?code=OTHER&state=_default".to_owned(),
            format!("GET /?code=OTHER&state={state}x"),
            format!("GET /?code=OTHER&state=x&state={state}"),
            "GET /?error=access_denied&state=another".to_owned(),
            format!("GET /?state={state}"),
            format!("GET /?code=&state={state}"),
            format!("GET /elsewhere?code=OTHER&state={state}"),
            format!("GET //?code=OTHER&state={state}"),
            format!("GET /done?code=OTHER&state={state}"),
            format!("POST /?code=OTHER&state={state}"),
            format!("HEAD /?code=OTHER&state={state}"),
            format!("OPTIONS /?code=OTHER&state={state}"),
            format!("PUT /?code=OTHER&state={state}"),
            format!("CONNECT {host}"),
        ] {
            request(&line);
        }
        opened.come_back("code=RIGHT");
    });
    done.await.unwrap();
    assert_eq!(sent_code(&playback), "RIGHT");
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 19);
    for answer in seen.iter() {
        assert!(answer.contains("HTTP/1.1 404 Not Found"), "{answer}");
    }
}

#[tokio::test]
async fn what_is_no_request_does_not_end_it_either() {
    let playback = Playback::new([tokens()]);
    let seen = Seen::default();
    let saw = Arc::clone(&seen);
    let done = log_in(request(&playback), move |opened| {
        let head = format!("GET / HTTP/1.1\r\nHost: {}\r\n", opened.host());
        let answers = [
            opened.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 not http at all\r\n\r\n"),
            opened.send(format!("{head}X-Big: {}\r\n\r\n", "x".repeat(200_000)).as_bytes()),
            opened.send(format!("{head}{}\r\n", "X-Many: x\r\n".repeat(500)).as_bytes()),
            opened.get(&format!("/?code={}&state=x", "x".repeat(100_000))),
        ];
        saw.lock().unwrap().extend(answers);
        // Gone before it has said anything.
        drop(opened.connect());
        opened.come_back("code=RIGHT");
    });
    done.await.unwrap();
    assert_eq!(sent_code(&playback), "RIGHT");
    for answer in seen.lock().unwrap().iter() {
        // Whoever still sends when the server has closed may get a reset in place of the answer.
        assert!(["", "400", "414", "431"].contains(&status(answer)), "{answer}");
    }
}

#[tokio::test]
async fn many_connections_that_say_nothing_keep_nobody_out() {
    let playback = Playback::new([tokens()]);
    let done = log_in(request(&playback), move |opened| {
        let silent: Vec<_> = (0..100)
            .map(|_| {
                let mut stream = opened.connect();
                stream.write_all(b"GET / HTTP/1.1\r\nHost").unwrap();
                stream
            })
            .collect();
        opened.come_back("code=RIGHT");
        drop(silent);
    });
    done.await.unwrap();
    assert_eq!(sent_code(&playback), "RIGHT");
}

#[tokio::test]
async fn a_refusal_ends_it_and_its_page_is_no_markup() {
    let playback = Playback::new([]);
    let seen = Seen::default();
    let saw = Arc::clone(&seen);
    let done = log_in(request(&playback), move |opened| {
        let refusal = "error=access_denied&error_description=%3Cscript%3Ealert(1)%3C/script%3E%0d%0aX:+y";
        let (redirected, page) = opened.come_back(refusal);
        saw.lock().unwrap().extend([redirected, page]);
    });
    let error = done.await.unwrap_err();
    assert!(error.is_declined(), "{error:?}");
    assert!(error.to_string().contains("alert(1)"), "{error}");
    let seen = seen.lock().unwrap();
    assert_eq!((status(&seen[0]), status(&seen[1])), ("303", "200"));
    assert!(seen[1].contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "{}", seen[1]);
    assert!(seen.iter().all(|answer| !answer.contains("<script>") && !answer.contains("\nX:")));
    assert!(playback.sent().is_empty());
}

#[tokio::test]
async fn the_first_redirect_counts() {
    let playback = Playback::new([tokens()]);
    let done =
        log_in(request(&playback), move |opened| {
            assert_eq!(status(&opened.get(&format!("/?code=FIRST&state={}", opened.state))), "303");
            // A reload, perhaps. It may come too late to be answered at all.
            if let Ok(mut stream) = TcpStream::connect(opened.host()) {
                drop(stream.write_all(
                    format!("GET /?code=SECOND&state={} HTTP/1.1\r\n\r\n", opened.state).as_bytes(),
                ));
            }
            drop(
                TcpStream::connect(opened.host())
                    .map(|mut stream| stream.write_all(b"GET /done HTTP/1.1\r\n\r\n")),
            );
        });
    done.await.unwrap();
    assert_eq!(sent_code(&playback), "FIRST");
}

#[tokio::test]
async fn a_failed_exchange_is_told() {
    let playback = Playback::new([Step::json(400, &serde_json::json!({"error": "invalid_grant"}))]);
    let done = log_in(request(&playback), |opened| drop(opened.come_back("code=DEAD"))).await;
    assert!(matches!(done, Err(LoginError::Exchange(error)) if error.is_invalid_grant()));
}

#[tokio::test]
async fn nobody_comes_back_in_time() {
    let login_ui = LocalServerLogin::new()
        .browser(Browser::by(|_| Ok(())))
        .variables(Variables::none())
        .time_limit(Duration::ZERO)
        .writer(io::sink());
    let error = login_ui.log_in(&request(&Playback::new([]))).await.unwrap_err();
    assert!(matches!(error, LoginError::TimedOut { after: Duration::ZERO, .. }), "{error:?}");
    assert!(error.to_string().contains("log in again"));
}

#[tokio::test]
async fn a_login_that_is_dropped_closes_its_port() {
    let (sender, host) = oneshot::channel();
    let sender = Mutex::new(Some(sender));
    let browser = Browser::by(move |address| {
        let opened = Opened::at(address);
        // A connection is open, too.
        let mut silent = opened.connect();
        silent.write_all(b"GET /")?;
        sender.lock().unwrap().take().unwrap().send((opened.host().to_owned(), silent)).unwrap();
        Ok(())
    });
    let login_ui = LocalServerLogin::new().browser(browser).variables(Variables::none()).writer(io::sink());
    let request = request(&Playback::new([]));
    let (host, mut silent) = tokio::select! {
        done = login_ui.log_in(&request) => panic!("nobody came back: {done:?}"),
        host = host => host.unwrap(),
    };
    assert!(refused(&host));
    // What was open ends when the runtime comes to it.
    let ended = tokio::task::spawn_blocking(move || silent.read(&mut [0; 16]));
    assert!(matches!(ended.await.unwrap(), Ok(0) | Err(_)));
}

#[cfg(unix)]
#[tokio::test]
async fn ctrl_c_ends_the_login_of_who_asked_for_that() {
    let browser = Browser::by(|_| {
        rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::INT)?;
        Ok(())
    });
    let login_ui = LocalServerLogin::new()
        .browser(browser)
        .variables(Variables::none())
        .end_on_ctrl_c(true)
        .writer(io::sink());
    let error = login_ui.log_in(&request(&Playback::new([]))).await.unwrap_err();
    assert!(matches!(error, LoginError::Cancelled) && error.is_declined(), "{error:?}");
}

#[tokio::test]
async fn where_no_browser_can_come_back_none_is_opened() {
    let opened = Arc::new(Mutex::new(0));
    let opens = Arc::clone(&opened);
    let browser = Browser::by(move |_| {
        *opens.lock().unwrap() += 1;
        Ok(())
    });
    let playback = Playback::new([]);
    let why = async |request: LoginRequest, variables: &[(&str, &str)]| {
        let login_ui = LocalServerLogin::new()
            .browser(browser.clone())
            .variables(variables.iter().copied().collect())
            .writer(io::sink());
        match login_ui.log_in(&request).await {
            Err(LoginError::Unsuitable(why)) => why,
            done => panic!("{done:?}"),
        }
    };
    let ssh = why(request(&playback), &[("SSH_TTY", "/dev/pts/0")]).await;
    assert!(matches!(ssh, Unsuitable::RemoteSession), "{ssh:?}");
    let ssh = why(request(&playback), &[("SSH_TTY", ""), ("SSH_CONNECTION", "a 1 b 22")]).await;
    assert!(matches!(ssh, Unsuitable::RemoteSession), "{ssh:?}");
    let fixed = why(request(&playback).redirect_uri("https://app.example.org/"), &[]).await;
    assert!(matches!(fixed, Unsuitable::FixedRedirect), "{fixed:?}");
    let with_secret = why(LoginRequest::new(confidential(&playback), parameters()), &[]).await;
    assert!(matches!(with_secret, Unsuitable::ConfidentialClient), "{with_secret:?}");
    assert_eq!(*opened.lock().unwrap(), 0);

    let failing = LocalServerLogin::new()
        .browser(Browser::by(|_| Err(io::ErrorKind::NotFound.into())))
        .variables(Variables::none())
        .writer(io::sink());
    let error = failing.log_in(&request(&playback)).await.unwrap_err();
    assert!(matches!(error.unsuitable(), Some(Unsuitable::BrowserFailed(_))), "{error:?}");
}

#[tokio::test]
async fn the_address_is_shown_for_opening_it_by_hand() {
    let shown = Shown::default();
    let playback = Playback::new([tokens()]);
    let hostile = parameters().session_message("Read\x1b[8m this");
    let login_ui = LocalServerLogin::new()
        .browser(Browser::by(|address| {
            Opened::at(address).come_back("code=CODE");
            Ok(())
        }))
        .variables(Variables::none())
        .writer(shown.clone());
    login_ui.log_in(&LoginRequest::new(native(&playback), hostile)).await.unwrap();
    let shown = shown.text();
    assert!(shown.contains("The service says: Read [8m this\n"), "{shown:?}");
    let address: Url = shown.lines().last().unwrap().parse().unwrap();
    assert!(parameter(&address, "redirect_uri").unwrap().starts_with("http://127.0.0.1:"));
}
