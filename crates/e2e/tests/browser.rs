//! A person in front of a real browser: the emulator's consent page, driven in Chromium.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::net::Ipv4Addr;

use fantoccini::{Client as Browser, ClientBuilder, Locator};
use globus_emulator::{CollectionRules, ConsentMode, EntityType};
use globus_sdk::{AccessTokenAuthorizer, TokenResponse, TransferClient};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::json;
use support::World;
use test_services::browser::ChromeDriver;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// Where a login comes back to.
struct Listener {
    port: u16,
    visited: mpsc::Receiver<String>,
}

impl Listener {
    async fn open() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (visit, visited) = mpsc::channel(16);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, visit.clone()));
            }
        });
        Self { port, visited }
    }

    /// An address here.
    fn url(&self, path: &str) -> String {
        format!("http://localhost:{}{path}", self.port)
    }

    /// The address that the browser was sent to. Browsers ask for icons, too.
    async fn visited(&mut self) -> String {
        loop {
            let path = self.visited.recv().await.unwrap();
            if path.starts_with("/callback") {
                return self.url(&path);
            }
        }
    }
}

/// Answers one request with a page. Browsers also open connections that they do not use.
async fn answer(stream: TcpStream, visit: mpsc::Sender<String>) {
    let mut stream = BufReader::new(stream);
    let mut request = String::new();
    // The whole request must be read: what is closed with something unread is reset.
    while !request.ends_with("\r\n\r\n") {
        if !matches!(stream.read_line(&mut request).await, Ok(read) if read > 0) {
            return;
        }
    }
    let page = "<p id=back>You can close this window.";
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{page}",
        page.len()
    );
    stream.get_mut().write_all(answer.as_bytes()).await.unwrap();
    let path = request.split(' ').nth(1).unwrap_or_default();
    // A test that has ended asks no more.
    drop(visit.send(path.to_owned()).await);
}

/// A browser, and the emulator in front of it.
struct Person {
    world: World,
    browser: Browser,
    scope: String,
}

impl Person {
    /// Logs in with what `decide` does on the page; answers the tokens.
    async fn logs_in(&self, decide: impl AsyncFnOnce(&Browser)) -> TokenResponse {
        let mut listener = Listener::open().await;
        let flow = self
            .world
            .login_client
            .oauth2_start_flow(["openid", &self.scope])
            .redirect_uri(listener.url("/callback"))
            .start()
            .unwrap();
        self.browser.goto(flow.authorize_url().unwrap().as_str()).await.unwrap();
        let title = self.browser.find(Locator::Css("h1")).await.unwrap().text().await.unwrap();
        assert_eq!(title, "Emulator native app asks for access");
        let ((), visited) = tokio::join!(decide(&self.browser), listener.visited());
        arrives_at(&self.browser, "//p[@id='back']").await;
        flow.finish(visited.as_str()).await.unwrap()
    }

    async fn lists(&self, tokens: &TokenResponse) -> Result<(), String> {
        let token = &tokens.by_resource_server()[TransferClient::RESOURCE_SERVER].access_token;
        let client = self.world.transfer(AccessTokenAuthorizer::new(token.clone()));
        let listing = client.operation_ls(self.world.id("lab")).send().await;
        listing.map(drop).map_err(|error| error.code().unwrap_or_default().to_owned())
    }
}

async fn click(browser: &Browser, css: &str) {
    browser.find(Locator::Css(css)).await.unwrap().click().await.unwrap();
}

/// Waits until the browser shows this element: a click does not wait for the page that it leads to.
async fn arrives_at(browser: &Browser, path: &str) {
    browser.wait().forever().for_element(Locator::XPath(path)).await.unwrap();
}

/// What the page says.
async fn words(browser: &Browser) -> String {
    browser.find(Locator::Css("main")).await.unwrap().text().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_leaves_out_an_optional_scope_and_allows_it_later() {
    let driver = ChromeDriver::start();
    let files = tempfile::tempdir().unwrap();
    let rules = CollectionRules::none().require_data_access();
    let world = World::start_with(|builder| {
        let kind = EntityType::Gcsv5MappedCollection;
        builder.consent(ConsentMode::Interactive).collection_with_rules("lab", files.path(), kind, rules)
    })
    .await;
    let options = json!({"args": driver.arguments()});
    let capabilities = serde_json::Map::from_iter([("goog:chromeOptions".to_owned(), options)]);
    let mut starting = ClientBuilder::new(HttpConnector::new());
    let browser = starting.capabilities(capabilities).connect(driver.url()).await.unwrap();
    let data_access = format!("https://auth.globus.org/scopes/{}/data_access", world.id("lab"));
    let scope = format!("{}[*{data_access}]", TransferClient::ALL_SCOPE);
    let person = Person { world, browser, scope };

    let optional = "input[type=checkbox][name=part]";
    let tokens = person
        .logs_in(async |browser| {
            let part = browser.find(Locator::Css(optional)).await.unwrap();
            assert!(part.is_selected().await.unwrap());
            part.click().await.unwrap();
            click(browser, "button[value=approve]").await;
        })
        .await;
    assert_eq!(person.lists(&tokens).await, Err("ConsentRequired".to_owned()));

    let tokens = person
        .logs_in(async |browser| {
            let page = words(browser).await;
            assert_eq!(page.matches("allowed before").count(), 2, "{page}");
            // The words next to a box belong to it.
            let words = browser.find(Locator::XPath("//label[input[@name='part']]")).await.unwrap();
            assert!(words.text().await.unwrap().contains("Use your data on the collection lab"));
            words.click().await.unwrap();
            words.click().await.unwrap();
            click(browser, "button[value=approve]").await;
        })
        .await;
    assert_eq!(person.lists(&tokens).await, Ok(()));

    // Somebody else has allowed nothing.
    let other = person
        .logs_in(async |browser| {
            let jon = "//label[contains(., 'jon@lab.example.org')]";
            browser.find(Locator::XPath(jon)).await.unwrap().click().await.unwrap();
            click(browser, "form[method=get] button").await;
            arrives_at(browser, "//legend[contains(., 'Jon Example')]").await;
            let page = words(browser).await;
            assert!(!page.contains("allowed before"), "{page}");
            click(browser, "button[value=approve]").await;
        })
        .await;
    assert_eq!(person.lists(&other).await, Err("EndpointPermissionDenied".to_owned()));
    person.browser.close().await.unwrap();
}
