//! A person in front of a real browser: from the emulator's consent page to the page of the program that logs in, driven
//! in Chromium.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::io;

use fantoccini::{Client as Browser, ClientBuilder, Locator};
use globus_emulator::{CollectionRules, ConsentMode, EntityType};
use globus_sdk::config::Variables;
use globus_sdk::login::{self, LocalServerLogin, LoginRequest, LoginUi as _};
use globus_sdk::{
    AccessTokenAuthorizer, GlobusAuthorizationParameters, Scopes, TokenResponse, TransferClient,
};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::json;
use support::World;
use test_services::browser::ChromeDriver;
use tokio::sync::mpsc;
use url::Url;

/// A browser, and the emulator in front of it.
struct Person {
    world: World,
    browser: Browser,
    scope: String,
}

impl Person {
    /// Logs in with what `decide` does on the page; answers the tokens.
    async fn logs_in(&self, decide: impl AsyncFnOnce(&Browser)) -> TokenResponse {
        let (open, mut opened) = mpsc::channel(1);
        let opens = move |address: &Url| open.try_send(address.clone()).map_err(io::Error::other);
        let login_ui =
            LocalServerLogin::new().browser(login::Browser::by(opens)).variables(Variables::none());
        let wanted = GlobusAuthorizationParameters::default()
            .required_scopes([Scopes::from("openid"), Scopes::from(&self.scope)]);
        let request = LoginRequest::new(&self.world.login_client, wanted);
        let person = async {
            let address = opened.recv().await.unwrap();
            self.browser.goto(address.as_str()).await.unwrap();
            let title = self.browser.find(Locator::Css("h1")).await.unwrap().text().await.unwrap();
            assert_eq!(title, "Emulator native app asks for access");
            decide(&self.browser).await;
            // The page of the program itself, at an address without the code.
            arrives_at(&self.browser, "//p[contains(., 'You can close this window')]").await;
            let shown = self.browser.current_url().await.unwrap();
            assert_eq!((shown.host_str(), shown.query()), (Some("127.0.0.1"), None));
        };
        let (tokens, ()) = tokio::join!(login_ui.log_in(&request), person);
        tokens.unwrap()
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
