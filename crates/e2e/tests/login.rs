//! Logging in, against the emulator and its scripted human: at a terminal, by a browser, and in two steps.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::io::{self, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use globus_emulator::Decision;
use globus_sdk::config::Variables;
use globus_sdk::login::{
    AutomaticLogin, Browser, LocalServerLogin, LoginRequest, LoginUi, PasteLogin, SuspendedLogin,
    SuspendedLoginError, named_grant,
};
use globus_sdk::seal::SealingKey;
use globus_sdk::{
    AccessTokenAuthorizer, AuthClient, GlobusAuthorizationParameters, JsonTokenStorage, LoginError,
    NativeAppAuthClient, Storage, TokenResponse, TransferClient,
};
use support::World;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use url::Url;

/// The variables of a session by SSH without a display.
fn ssh() -> Variables {
    Variables::from_iter([("SSH_CONNECTION", "10.1.2.3 50000 10.0.0.1 22"), ("TERM", "xterm-256color")])
}

fn request(world: &World) -> LoginRequest {
    let wanted = GlobusAuthorizationParameters::default().required_scopes([
        "openid",
        "profile",
        "email",
        TransferClient::ALL_SCOPE,
    ]);
    LoginRequest::new(&world.login_client, wanted)
        .refresh_tokens(true)
        .prefill_named_grant(named_grant("climate-tool"))
}

/// The whole address that the person's browser ends at.
async fn follow(world: &World, address: &Url) -> String {
    world.emulator.login(address).await.unwrap().url.into()
}

/// How often a code was exchanged, successfully or not.
fn exchanges(world: &World) -> usize {
    world.emulator.requests().form("grant_type", "authorization_code").len()
}

async fn username(world: &World, tokens: &TokenResponse) -> String {
    let token = tokens.by_resource_server()["auth.globus.org"].access_token.clone();
    let client = AuthClient::builder()
        .authorizer(AccessTokenAuthorizer::new(token))
        .environment(world.emulator.environment())
        .build()
        .unwrap();
    client.userinfo().send().await.unwrap().into_inner().preferred_username.unwrap_or_default().to_string()
}

/// A terminal with a person at it, who answers each question after what was shown.
#[derive(Clone, Default)]
struct Terminal(Arc<Mutex<String>>);

impl Terminal {
    fn text(&self) -> String {
        self.0.lock().unwrap().clone()
    }

    fn address(&self) -> Url {
        let shown = self.text();
        shown.lines().rev().find(|line| line.starts_with("http://")).unwrap().parse().unwrap()
    }
}

impl Write for Terminal {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().push_str(std::str::from_utf8(bytes).unwrap());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Person<F>(F, usize);

impl<F: FnMut(usize) -> String> Read for Person<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let answer = (self.0)(self.1);
        self.1 += 1;
        buffer[..answer.len()].copy_from_slice(answer.as_bytes());
        Ok(answer.len())
    }
}

/// A login at a terminal where the person answers so. It is told the number of the question and the address.
fn paste(terminal: &Terminal, answer: impl Fn(usize, &Url) -> String + Send + 'static) -> PasteLogin {
    let shown = terminal.clone();
    let person = Person(move |question| answer(question, &shown.address()), 0);
    PasteLogin::with_reader_and_writer(BufReader::new(person), terminal.clone())
}

/// A first login over SSH: nothing is opened, and the whole address is pasted with stray blanks.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_ssh_the_address_is_pasted() {
    let world = Arc::new(World::start().await);
    let terminal = Terminal::default();
    // Somebody else's login, or an earlier one of the same person.
    let other = request(&world).start().unwrap();
    let other = follow(&world, other.authorize_url()).await;

    let (human, runtime) = (Arc::clone(&world), Handle::current());
    let login_ui = AutomaticLogin::new()
        .local_server(LocalServerLogin::new().browser(Browser::by(|_| panic!("a browser was tried"))))
        .paste(paste(&terminal, move |question, address| match question {
            0 => format!("{other}\n"),
            _ => format!("  {}  \n", runtime.block_on(follow(&human, address))),
        }))
        .variables(ssh());
    let tokens = login_ui.log_in(&request(&world)).await.unwrap();

    let shown = terminal.text();
    assert!(shown.starts_with("No browser is opened: this is an SSH session.\n"), "{shown}");
    assert!(shown.contains("its state is another one, so the code in it was not used"), "{shown}");
    assert_eq!(exchanges(&world), 1, "the other login's code was not spent");
    let label = terminal
        .address()
        .query_pairs()
        .find(|(name, _)| name == "prefill_named_grant")
        .unwrap()
        .1
        .into_owned();
    assert!(label.starts_with("climate-tool"), "the consent page names the program: {label}");

    // What the login is good for.
    assert_eq!(username(&world, &tokens).await, world.emulator.user().username);
    let path = world.directory.path().join("store/tokens.json");
    std::fs::create_dir(path.parent().unwrap()).unwrap();
    let storage = Storage::from(JsonTokenStorage::new(&path));
    storage.store_response(&tokens).await.unwrap();
    let stored = storage.get(TransferClient::RESOURCE_SERVER).await.unwrap().unwrap();
    let transfer = world.transfer(AccessTokenAuthorizer::new(stored.access_token));
    std::fs::write(world.dir("cluster").join("a.nc"), "data").unwrap();
    let listing = transfer.operation_ls(world.id("cluster")).path("/").send().await.unwrap();
    assert_eq!(listing.data[0].name, "a.nc");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_bare_code_is_pasted_too() {
    let world = Arc::new(World::start().await);
    let (human, runtime) = (Arc::clone(&world), Handle::current());
    let login_ui = paste(&Terminal::default(), move |_, address| {
        let redirected = runtime.block_on(human.emulator.login(address)).unwrap();
        format!(" {} \r\n", redirected.code)
    });
    let tokens = login_ui.log_in(&request(&world)).await.unwrap();
    assert_eq!(username(&world, &tokens).await, world.emulator.user().username);
}

/// Asks for an address as a browser does, and answers what comes back.
fn get(address: &Url) -> String {
    let mut stream = TcpStream::connect(address.authority()).unwrap();
    let target = &address[url::Position::BeforePath..url::Position::AfterQuery];
    write!(stream, "GET {target} HTTP/1.1\r\nHost: {}\r\n\r\n", address.authority()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// A browser in which the scripted human logs in, and which follows where it is sent. It hands on the page that it ends
/// at.
fn browser(world: &Arc<World>, pages: mpsc::UnboundedSender<String>) -> Browser {
    let (human, runtime) = (Arc::clone(world), Handle::current());
    Browser::by(move |address| {
        let redirected = match runtime.block_on(human.emulator.login(address)) {
            Ok(redirected) => redirected.url,
            Err(globus_emulator::LoginError::Refused { error, description, state }) => {
                let uri =
                    address.query_pairs().find(|(name, _)| name == "redirect_uri").unwrap().1.into_owned();
                let mut uri = Url::parse(&uri).unwrap();
                uri.query_pairs_mut()
                    .append_pair("error", &error)
                    .append_pair("error_description", &description)
                    .append_pair("state", &state.unwrap());
                uri
            }
            Err(error) => return Err(io::Error::other(error)),
        };
        get(&redirected.join("/favicon.ico").unwrap());
        let answer = get(&redirected);
        let location = answer.lines().find_map(|line| line.strip_prefix("location: ")).unwrap();
        pages.send(get(&redirected.join(location).unwrap())).map_err(io::Error::other)
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_browser_of_this_machine_comes_back_by_itself() {
    let world = Arc::new(World::start().await);
    let (sender, mut pages) = mpsc::unbounded_channel();
    let terminal = Terminal::default();
    let login_ui = AutomaticLogin::new()
        .local_server(LocalServerLogin::new().browser(browser(&world, sender)).writer(io::sink()))
        .paste(paste(&terminal, |_, _| panic!("the terminal was asked")))
        .variables(Variables::none());
    let tokens = login_ui.log_in(&request(&world)).await.unwrap();
    assert_eq!(username(&world, &tokens).await, world.emulator.user().username);
    let page = pages.recv().await.unwrap();
    assert!(page.contains("200 OK") && page.contains("Back to the program"), "{page}");

    world.emulator.script_consent([Decision::deny()]);
    let error = login_ui.log_in(&request(&world)).await.unwrap_err();
    assert!(error.is_declined(), "{error:?}");
    let page = pages.recv().await.unwrap();
    assert!(page.contains("The login was refused"), "{page}");
    assert_eq!(exchanges(&world), 1);
    assert_eq!(terminal.text(), "");
}

/// `$BROWSER` names a script.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_script_in_the_variable_is_the_browser() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::start().await;
    let (script, opened) = (world.directory.path().join("browser"), world.directory.path().join("opened"));
    std::fs::write(
        &script,
        format!("#!/bin/sh\necho \"$1\" > '{0}.new' && mv '{0}.new' '{0}'\n", opened.display()),
    )
    .unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let login_ui = LocalServerLogin::new()
        .variables(Variables::from_iter([("BROWSER", script.to_str().unwrap())]))
        .writer(io::sink());
    let come_back = async {
        let address = loop {
            match std::fs::read_to_string(&opened) {
                Ok(address) => break address,
                Err(_) => tokio::task::yield_now().await,
            }
        };
        let redirected = world.emulator.login(address.trim()).await.unwrap().url;
        tokio::task::spawn_blocking(move || {
            get(&redirected);
            get(&redirected.join("/done").unwrap())
        })
        .await
        .unwrap()
    };
    let request = request(&world);
    let (tokens, page) = tokio::join!(login_ui.log_in(&request), come_back);
    assert_eq!(username(&world, &tokens.unwrap()).await, world.emulator.user().username);
    assert!(page.contains("200 OK"), "{page}");
}

/// The client of a process of its own, by the emulated clock.
fn client(world: &World) -> NativeAppAuthClient {
    NativeAppAuthClient::builder(world.emulator.native_client_id())
        .environment(world.emulator.environment())
        .clock(world.emulator.clock())
        .build()
        .unwrap()
}

struct TwoSteps {
    key_file: PathBuf,
    login_file: PathBuf,
}

impl TwoSteps {
    /// A login that was begun by a batch job, and the address that it printed.
    async fn begin(world: &World) -> (Self, Url) {
        let files = Self {
            key_file: world.directory.path().join("login.key"),
            login_file: world.directory.path().join("login.sealed"),
        };
        let key = SealingKey::create_key_file(&files.key_file).unwrap();
        let wanted = GlobusAuthorizationParameters::default().required_scopes(["openid", "profile", "email"]);
        let login = LoginRequest::new(client(world), wanted).start().unwrap();
        let day = Duration::from_secs(24 * 3600);
        login.suspend(key, day).await.unwrap().save(&files.login_file).await.unwrap();
        (files, login.authorize_url().clone())
    }

    async fn finish(&self, world: &World, code: &str) -> Result<TokenResponse, LoginError> {
        let key = SealingKey::from_key_file(&self.key_file).unwrap();
        let login = SuspendedLogin::load(&self.login_file).await?.resume(key, client(world)).await?;
        login.finish(code).await
    }
}

#[tokio::test]
async fn a_login_begun_by_a_batch_job_is_finished_hours_later_and_once() {
    let world = World::start().await;
    let (files, address) = TwoSteps::begin(&world).await;
    world.emulator.advance(Duration::from_secs(20 * 3600));
    let redirected = world.emulator.login(&address).await.unwrap();
    let tokens = files.finish(&world, &redirected.code).await.unwrap();
    assert_eq!(username(&world, &tokens).await, world.emulator.user().username);

    let again = files.finish(&world, &redirected.code).await.unwrap_err();
    assert!(matches!(again, LoginError::Suspended(SuspendedLoginError::AlreadyUsed)), "{again:?}");
    assert_eq!(again.to_string(), "this login was finished already; start a new one");
    assert_eq!(exchanges(&world), 1);
}

#[tokio::test]
async fn a_login_that_is_finished_too_late_is_refused_without_a_request() {
    let world = World::start().await;
    let (files, address) = TwoSteps::begin(&world).await;
    world.emulator.advance(Duration::from_secs(25 * 3600));
    let redirected = world.emulator.login(&address).await.unwrap();
    let late = files.finish(&world, &redirected.code).await.unwrap_err();
    assert!(matches!(late, LoginError::Suspended(SuspendedLoginError::TooLate { .. })), "{late:?}");
    assert!(late.to_string().ends_with("start a new one and finish it sooner"), "{late}");
    assert_eq!(exchanges(&world), 0);
}

const BATCH: &str = "GLOBUS_TEST_LOGIN_IN_BATCH";

/// What the program of a batch job does, in a process of its own without a terminal.
fn in_batch(name: &str, world: &World, directory: &Path) -> Output {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(BATCH, world.emulator.native_client_id().to_string())
        .env("SSH_CONNECTION", "10.1.2.3 50000 10.0.0.1 22")
        .envs(world.emulator.variables())
        .current_dir(directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Open for as long as it runs: who waited for input would wait for ever.
    let input = child.stdin.take();
    let output = child.wait_with_output().unwrap();
    drop(input);
    output
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_without_a_terminal_never_waits_for_a_person() {
    if let Ok(client_id) = std::env::var(BATCH) {
        let client = NativeAppAuthClient::new(client_id).unwrap();
        let wanted = GlobusAuthorizationParameters::default().required_scopes("openid");
        let error = AutomaticLogin::new().log_in(&LoginRequest::new(client, wanted)).await.unwrap_err();
        assert!(error.is_person_needed(), "{error:?}");
        println!("batch: {error}");
        return;
    }
    let world = World::start().await;
    let name = "a_program_without_a_terminal_never_waits_for_a_person";
    let output = in_batch(name, &world, world.directory.path());
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}");
    assert!(said.contains("batch: a person has to log in: there is no terminal"), "{said}");
    assert!(said.contains("start the login here and finish it elsewhere"), "{said}");
}
