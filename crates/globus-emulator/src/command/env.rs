//! `globus-emulator env`: the variables that point clients at a running emulator.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use clap::ValueEnum;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_util::client::legacy::{self, Client};
use hyper_util::rt::TokioExecutor;
use serde::Deserialize;
use url::Url;

use super::{output, quoting};

/// An emulator on this machine answers in milliseconds.
const PATIENCE: Duration = Duration::from_secs(10);

/// Far more than the variables take.
const MAX_ANSWER: usize = 1024 * 1024;

/// Prints the variables that point every Globus client at a running emulator.
#[derive(clap::Args)]
#[allow(clippy::doc_markdown, reason = "the comments are the help that a terminal shows")]
pub(crate) struct Arguments {
    /// The emulator's control address: control_url of its ready line.
    #[arg(long, value_name = "URL", env = "GLOBUS_EMULATOR_CONTROL", hide_env_values = true)]
    control: String,

    /// How to write them.
    #[arg(long, default_value = "sh")]
    format: Format,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// For sh, bash and zsh: eval "$(globus-emulator env …)".
    Sh,
    /// For fish: globus-emulator env --format fish … | source.
    Fish,
    /// One object of names and values.
    Json,
    /// For programs that read .env files.
    Dotenv,
}

/// The variables could not be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EnvError {
    #[error("the control address is no http address; give control_url of the emulator's ready line")]
    Address,
    #[error("nothing answers at {authority}; start the emulator, or give control_url of the one that runs")]
    Unreachable {
        authority: String,
        #[source]
        source: legacy::Error,
    },
    #[error("{authority} did not answer within 10 seconds; see whether an emulator is running there")]
    Slow { authority: String },
    #[error(
        "what answers at {authority} is no emulator under this address ({why}); give control_url of its ready line"
    )]
    Other { authority: String, why: String },
    #[error("the system gave no threads or sockets to work with; free some resources")]
    Runtime(#[source] io::Error),
    #[error("the variables could not be written to stdout; keep it open until they are read")]
    Output(#[source] io::Error),
}

#[derive(Deserialize)]
struct Answer {
    variables: BTreeMap<String, String>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), EnvError> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(EnvError::Runtime)?;
    let variables = runtime.block_on(ask(&arguments.control))?;
    output::result(&arguments.format.write(&variables)).map_err(EnvError::Output)
}

async fn ask(control: &str) -> Result<BTreeMap<String, String>, EnvError> {
    let mut url = Url::parse(control).map_err(|_| EnvError::Address)?;
    if url.scheme() != "http" {
        return Err(EnvError::Address);
    }
    url.path_segments_mut().map_err(|()| EnvError::Address)?.pop_if_empty().extend(["v1", "env"]);
    url.set_query(None);
    url.set_fragment(None);
    // Errors name this much of the address: the rest lets its reader use the emulator.
    let authority = url[url::Position::BeforeHost..url::Position::AfterPort].to_owned();
    let uri = url.as_str().parse().map_err(|_| EnvError::Address)?;

    let client: Client<_, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let exchange = async {
        let other = |why: String| EnvError::Other { authority: authority.clone(), why };
        let response = client.get(uri).await.map_err(|source| {
            if source.is_connect() {
                EnvError::Unreachable { authority: authority.clone(), source }
            } else {
                other("it speaks no HTTP, or hangs up".to_owned())
            }
        })?;
        if !response.status().is_success() {
            return Err(other(format!("status {}", response.status().as_u16())));
        }
        let body = Limited::new(response.into_body(), MAX_ANSWER).collect().await;
        let body = body.map_err(|_| other("its answer broke off".to_owned()))?.to_bytes();
        let answer: Answer =
            serde_json::from_slice(&body).map_err(|_| other("its answer lists no variables".to_owned()))?;
        // A shell is to run what comes of this.
        if answer.variables.is_empty() || !answer.variables.keys().all(|name| is_name(name)) {
            return Err(other("its answer lists no variables".to_owned()));
        }
        Ok(answer.variables)
    };
    let slow = |_| EnvError::Slow { authority: authority.clone() };
    tokio::time::timeout(PATIENCE, exchange).await.map_err(slow)?
}

fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && text.chars().all(|character| character.is_ascii_alphanumeric() || character == '_')
}

impl Format {
    fn write(self, variables: &BTreeMap<String, String>) -> String {
        let lines = |line: &dyn Fn(&str, &str) -> String| {
            variables.iter().map(|(name, value)| line(name, value) + "\n").collect()
        };
        match self {
            Self::Sh => lines(&|name, value| format!("export {name}={}", quoting::sh(value))),
            Self::Fish => lines(&|name, value| format!("set -gx {name} {}", quoting::fish(value))),
            Self::Dotenv => lines(&|name, value| format!("{name}={}", quoting::dotenv(value))),
            Self::Json => format!("{:#}\n", serde_json::json!(variables)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_never_answers_is_given_up() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let error = ask(&format!("http://{address}/")).await.unwrap_err();
        assert!(matches!(error, EnvError::Slow { .. }), "{error}");
    }
}
