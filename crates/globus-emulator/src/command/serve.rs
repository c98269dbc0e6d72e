//! `globus-emulator serve`: an emulator that runs until it is told to end.

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use clap::error::ErrorKind;
use clap::{CommandFactory as _, value_parser};
use globus_emulator::{ConsentMode, Emulator, EntityType, StartError, TokenLifetimes};

use super::ending::Ending;
use super::output;
use super::ready::{self, ReadyFile};

/// Ten years: longer than any test, short enough for every date.
const LONGEST_LIFETIME: u64 = 10 * 365 * 86_400;

/// Runs an emulator on 127.0.0.1 until SIGTERM or SIGINT.
///
/// When it is ready it prints one line of JSON with these members: url, control_url, client_id, client_secret (a
/// client that owns the collections), native_client_id, user, collections, and env (the variables that point
/// clients here). The line holds a secret; no other output does.
#[derive(clap::Args)]
#[allow(clippy::doc_markdown, reason = "the comments are the help that a terminal shows")]
pub(crate) struct Arguments {
    /// Serve the directory DIR as a collection called NAME; may be given many times.
    #[arg(long = "collection", short = 'c', value_name = "NAME=DIR", value_parser = named_directory)]
    collections: Vec<(String, PathBuf)>,

    /// What kind of collection they are.
    #[arg(long, value_name = "TYPE", default_value = EntityType::default().as_str(), value_parser = entity_type())]
    entity_type: EntityType,

    /// Who decides on consent: auto consents at once, scripted only as the control interface says, interactive
    /// asks on a page.
    #[arg(long, value_name = "MODE", value_parser = consent_mode())]
    consent: Option<ConsentMode>,

    /// Listen on this port; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,

    /// Leave the random part out of the address: http://127.0.0.1:PORT/. Every program on this machine may then
    /// use the emulator.
    #[arg(long)]
    open: bool,

    /// Keep the state in this directory, which is made if it is missing, and closed to other users; without it
    /// everything is forgotten at the end.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,

    /// Also write the ready line to this file, which only its owner may read; it is removed at the end.
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,

    /// How long access tokens live [default: 172800, or what the data directory says].
    #[arg(long, value_name = "SECONDS", value_parser = value_parser!(u64).range(1..=LONGEST_LIFETIME))]
    access_token_lifetime: Option<u64>,

    /// End when stdin closes, too: so that the emulator does not outlive the program that started it.
    #[arg(long)]
    until_stdin_closes: bool,
}

impl Arguments {
    /// What clap cannot see by looking at one argument.
    pub(crate) fn check(&self) -> Result<(), clap::Error> {
        let mut names = BTreeSet::new();
        match self.collections.iter().find(|(name, _)| !names.insert(name)) {
            None => Ok(()),
            Some((name, _)) => Err(super::Arguments::command().error(
                ErrorKind::ArgumentConflict,
                format!("two collections are called {name:?}; give each a name of its own"),
            )),
        }
    }
}

fn named_directory(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        None => Err("there is no '='; write NAME=DIR".to_owned()),
        Some(("", _)) => Err("the name is empty; write NAME=DIR".to_owned()),
        Some((_, "")) => Err("the directory is empty; write NAME=DIR".to_owned()),
        Some((name, _)) if name.contains(char::is_control) => {
            Err("the name holds control characters; choose a plain one".to_owned())
        }
        Some((name, directory)) => Ok((name.to_owned(), PathBuf::from(directory))),
    }
}

fn entity_type() -> impl clap::builder::TypedValueParser<Value = EntityType> {
    PossibleValuesParser::new(EntityType::ALL.map(EntityType::as_str)).map(|name| {
        let known = EntityType::ALL.into_iter().find(|kind| kind.as_str() == name);
        // The parser lets only these names through.
        known.unwrap_or_default()
    })
}

fn consent_mode() -> impl clap::builder::TypedValueParser<Value = ConsentMode> {
    PossibleValuesParser::new(ConsentMode::ALL.map(ConsentMode::as_str)).map(|name| {
        let known = ConsentMode::ALL.into_iter().find(|mode| mode.as_str() == name);
        // The parser lets only these names through.
        known.unwrap_or_default()
    })
}

/// The emulator could not be served.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServeError {
    #[error(transparent)]
    Start(#[from] StartError),
    #[error("the system gave no threads or signals to work with; free some resources")]
    Runtime(#[source] io::Error),
    #[error("the ready line could not be made; please report this")]
    Ready(#[from] serde_json::Error),
    #[error(
        "the ready file {path:?} could not be written; give a file in a directory that exists and is yours"
    )]
    ReadyFile {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the ready line could not be written; keep stdout open until it is read")]
    Output(#[source] io::Error),
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), ServeError> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(ServeError::Runtime)?;
    runtime.block_on(async {
        // First, so that no signal meets an emulator that cannot end cleanly.
        let ending = Ending::listen(arguments.until_stdin_closes).map_err(ServeError::Runtime)?;
        let emulator = start(arguments).await?;
        let outcome = announce(&emulator, arguments);
        if let Ok(ready_file) = &outcome {
            tracing::info!(ready_file = ready_file.is_some(), "ready");
            let reason = ending.wait().await;
            tracing::info!(reason, "ending");
        }
        // The ready file goes before what it speaks of.
        let outcome = outcome.map(drop);
        emulator.stop().await;
        outcome
    })
}

async fn start(arguments: &Arguments) -> Result<Emulator, StartError> {
    let mut builder = Emulator::builder().port(arguments.port).open(arguments.open);
    for (name, directory) in &arguments.collections {
        builder = builder.collection_of_type(name, directory, arguments.entity_type);
    }
    if let Some(directory) = &arguments.data_dir {
        builder = builder.data_dir(directory);
    }
    if let Some(mode) = arguments.consent {
        builder = builder.consent(mode);
    }
    if let Some(seconds) = arguments.access_token_lifetime {
        builder = builder.token_lifetimes(TokenLifetimes::access(Duration::from_secs(seconds)));
    }
    builder.start().await
}

/// Tells whoever waits. The file comes first: who has read the line may look for it.
fn announce(emulator: &Emulator, arguments: &Arguments) -> Result<Option<ReadyFile>, ServeError> {
    let line = ready::line(emulator)?;
    let write = |path: &PathBuf| {
        ReadyFile::write(path, &line).map_err(|source| ServeError::ReadyFile { path: path.clone(), source })
    };
    let ready_file = arguments.ready_file.as_ref().map(write).transpose()?;
    output::result(&line).map_err(ServeError::Output)?;
    Ok(ready_file)
}
