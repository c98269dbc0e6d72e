//! The scripted human: follows an authorize URL as a person with a browser would.

use bytes::Bytes;
use http::{Request, Response, header};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use url::Url;

use crate::error::LoginError;

/// Where a login was redirected to.
#[derive(Clone)]
#[non_exhaustive]
pub struct RedirectedLogin {
    /// The whole address, as a person would copy it from the browser.
    pub url: Url,
    /// The authorization code.
    pub code: String,
    /// The state that came back.
    pub state: Option<String>,
}

impl std::fmt::Debug for RedirectedLogin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The address holds the code, which is a secret until it is exchanged.
        f.debug_struct("RedirectedLogin").field("state", &self.state).finish_non_exhaustive()
    }
}

/// Opens `authorize_url`, which must be below `own_bases`, and reads the redirect.
pub(crate) async fn follow(authorize_url: &str, own_bases: &[String]) -> Result<RedirectedLogin, LoginError> {
    if !own_bases.iter().any(|base| authorize_url.starts_with(base.as_str())) {
        return Err(LoginError::Elsewhere);
    }
    let base = Url::parse(authorize_url).map_err(|_| LoginError::Elsewhere)?;
    let response = open(&base).await?;
    let location = response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
    let Some(url) = location.and_then(|location| base.join(location).ok()) else {
        let status = response.status().as_u16();
        return Err(LoginError::Page { status, text: words(&text(response).await?) });
    };
    let parameter =
        |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    let state = parameter("state");
    match (parameter("code"), parameter("error")) {
        (Some(code), None) => Ok(RedirectedLogin { url, code, state }),
        (_, error) => Err(LoginError::Refused {
            error: error.unwrap_or_else(|| "no code".to_owned()),
            description: parameter("error_description").unwrap_or_default(),
            state,
        }),
    }
}

/// The code on the page that shows one.
pub(crate) async fn shown_code(page: &Url) -> Result<String, LoginError> {
    let response = open(page).await?;
    let status = response.status().as_u16();
    let page = text(response).await?;
    let code = page.split_once("<code id=\"auth-code\">").and_then(|(_, rest)| rest.split_once('<'));
    // Codes have no characters that a page would write otherwise.
    let missing = || LoginError::Page { status, text: words(&page) };
    code.map(|(code, _)| code.to_owned()).ok_or_else(missing)
}

async fn open(url: &Url) -> Result<Response<Incoming>, LoginError> {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client: Client<_, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build(connector);
    let request = Request::get(url.as_str())
        .header(header::ACCEPT, "text/html")
        .header(header::USER_AGENT, "scripted-human")
        .header("sec-fetch-site", "none")
        .body(Empty::new())
        .map_err(|_| LoginError::Elsewhere)?;
    client.request(request).await.map_err(|_| LoginError::Unreachable)
}

async fn text(response: Response<Incoming>) -> Result<String, LoginError> {
    let body = response.into_body().collect().await.map_err(|_| LoginError::Unreachable)?;
    Ok(String::from_utf8_lossy(&body.to_bytes()).into_owned())
}

/// A page without its markup.
fn words(page: &str) -> String {
    let mut text = String::new();
    let mut inside = false;
    for character in page.chars() {
        match character {
            '<' => inside = true,
            '>' => {
                inside = false;
                text.push(' ');
            }
            character if !inside => text.push(character),
            _ => {}
        }
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_page_is_read_without_its_markup() {
        assert_eq!(super::words("<h1>The login</h1><p>cannot go on.</p>"), "The login cannot go on.");
    }
}
