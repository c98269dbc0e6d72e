//! Requirements of logins that are written down now and fulfilled later.

use std::fmt;
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use globus_core::blocking_job::run_blocking;
use globus_core::storage::{files, open_checked};
use globus_core::{Clock, Error, Shown, StorageError};
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::GlobusApp;
use super::parts::{Kind, Parts};
use crate::gare::{Gare, GlobusAuthorizationParameters, InvalidGare};
use crate::next_step::NextStep;

/// The largest file that is read, in bytes.
const LARGEST: usize = 64 * 1024;

const APP_NAME: &str = "app_name";
const CLIENT_ID: &str = "client_id";
const AUTH_URL: &str = "auth_url";
const PROFILE: &str = "profile";
const PARKED_AT: &str = "parked_at";

/// What a login must be asked for so that a call that failed can succeed: written down now, fulfilled later.
///
/// A program that may not ask anybody parks the requirement and goes on with other work. Somebody fulfils it at a terminal,
/// with the same program and the same storage of tokens; after that the call succeeds.
///
/// ```no_run
/// use globus_sdk::app::ParkedRequirement;
/// use globus_sdk::{TransferClient, UserApp};
///
/// # async fn example(app: UserApp, lab: uuid::Uuid) -> Result<(), Box<dyn std::error::Error>> {
/// let transfer_client = TransferClient::with_app(&app)?;
/// if let Err(error) = transfer_client.operation_ls(lab).send().await {
///     let Some(parked) = app.park(&error) else { return Err(error.into()) };
///     parked.save("consent-needed.json").await?;
///     eprintln!("{parked}");
/// }
///
/// // Later, where there is a person:
/// app.fulfil(&ParkedRequirement::load("consent-needed.json").await?).await?;
/// # Ok(())
/// # }
/// ```
///
/// # The document
///
/// It is a [`Gare`] with all scopes that the login needs, those of the program included, so any tool that takes such
/// documents can fulfil it. Beside it stand `app_name`, `client_id`, `auth_url` (the address of Globus Auth, which says which
/// environment it is), `profile` and `parked_at` (seconds since 1970-01-01 UTC). It holds no secret; it does tell which
/// scopes a program uses, and a service's message.
///
/// A file is not to be trusted: whoever can write it chooses what the person is asked to consent to. So what is loaded has
/// at most 64 KiB, is shown without control characters, and is refused by [`fulfil`](GlobusApp::fulfil) if it is another
/// client's, environment's or profile's. What is asked for stands on the consent page, as at every login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParkedRequirement(Gare);

/// A requirement could not be parked, read or fulfilled.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ParkedError {
    /// The text is no authorization requirement.
    #[error("this is no authorization requirement that was parked: {0}")]
    NotARequirement(InvalidGare),
    /// The text is longer than any requirement.
    #[error("this is no authorization requirement that was parked: it is longer than 64 KiB")]
    TooLarge,
    /// A member that says whose the requirement is is no text.
    #[error("this is no authorization requirement that was parked: {member} should be a text")]
    #[non_exhaustive]
    OddMember {
        /// Its name.
        member: &'static str,
    },
    /// It was parked by a program with another client.
    #[error(
        "the requirement was parked for the client {parked_for}, and this program is {client_id}; fulfil it with the other program"
    )]
    #[non_exhaustive]
    OtherClient {
        /// The client that it was parked for, without control characters.
        parked_for: String,
        /// The client of this app.
        client_id: String,
    },
    /// It was parked in another environment.
    #[error(
        "the requirement was parked for Globus Auth at {parked_for}, and this program uses {auth_url}; set the environment"
    )]
    #[non_exhaustive]
    OtherEnvironment {
        /// The address that it was parked for, without control characters.
        parked_for: String,
        /// The address that this app uses.
        auth_url: String,
    },
    /// It was parked for another profile.
    #[error(
        "the requirement was parked for the profile {parked_for}, and this program uses {profile}; choose the profile"
    )]
    #[non_exhaustive]
    OtherProfile {
        /// The profile that it was parked for, without control characters.
        parked_for: String,
        /// The profile of this app.
        profile: String,
    },
    /// The file could not be read or written, or is not safe: a link, or somebody else's.
    #[error(transparent)]
    File(StorageError),
    /// The login that would have fulfilled it failed.
    #[error("the requirement was not fulfilled: {0}")]
    Login(#[source] Error),
}

impl GlobusApp {
    /// Writes down what a login must be asked for so that the call with this error can succeed: what a service has required,
    /// or what the login that nobody could be asked for was to be, with the scopes that the app needs besides. `None` where
    /// no login helps.
    ///
    /// An app that logs in by itself after refusals parks the same, from the error of a call whose login failed.
    pub fn park(&self, error: &Error) -> Option<ParkedRequirement> {
        ParkedRequirement::new(&self.0, error)
    }

    /// Logs in as a parked requirement says. Whatever waited for it can then be tried again, with this app or with another
    /// one of the same program and storage, also in another process.
    ///
    /// # Errors
    ///
    /// [`OtherClient`](ParkedError::OtherClient), [`OtherEnvironment`](ParkedError::OtherEnvironment) and
    /// [`OtherProfile`](ParkedError::OtherProfile), before anything is asked; [`Login`](ParkedError::Login) when the login
    /// failed.
    pub async fn fulfil(&self, parked: &ParkedRequirement) -> Result<(), ParkedError> {
        parked.check_is_for(&self.0)?;
        self.login().parameters(parked.parameters()).await.map_err(ParkedError::Login)
    }
}

impl ParkedRequirement {
    fn new(app: &Parts, error: &Error) -> Option<Self> {
        let mut step = NextStep::of(error)?;
        if matches!(app.kind, Kind::Client(_)) {
            step = step.for_service_account();
        }
        let NextStep::LogIn(login) = step else { return None };
        let mut parameters = login.parameters;
        let scopes = app.requirements.to_request(&parameters.scopes_to_request()).ok()?;
        parameters.required_scopes = Some(scopes.iter().map(ToString::to_string).collect());
        parameters.extra.clear();
        let code = Gare::find_for_login(error)
            .map_or_else(|| Gare::AUTHORIZATION_REQUIRED.to_owned(), |gare| gare.code);
        let mut gare = Gare::new(code, parameters);
        let members: [(&str, Value); 5] = [
            (APP_NAME, app.name.as_str().into()),
            (CLIENT_ID, app.login_client.client_id().into()),
            (AUTH_URL, auth_url(app).into()),
            (PROFILE, app.plain.namespace().as_str().into()),
            (PARKED_AT, app.clock.now().as_second().into()),
        ];
        gare.extra.extend(members.map(|(name, value)| (name.to_owned(), value)));
        Some(Self(gare))
    }

    fn check_is_for(&self, app: &Parts) -> Result<(), ParkedError> {
        let client_id = app.login_client.client_id();
        if let Some(other) = self.client_id().filter(|id| *id != client_id) {
            return Err(ParkedError::OtherClient {
                parked_for: shown(other),
                client_id: client_id.to_owned(),
            });
        }
        let auth_url = auth_url(app);
        if let Some(other) = self.auth_url().filter(|url| *url != auth_url) {
            return Err(ParkedError::OtherEnvironment {
                parked_for: shown(other),
                auth_url: auth_url.to_owned(),
            });
        }
        let profile = app.plain.namespace();
        match self.profile().filter(|name| profile != *name) {
            Some(other) => {
                Err(ParkedError::OtherProfile { parked_for: shown(other), profile: profile.to_string() })
            }
            None => Ok(()),
        }
    }

    /// The requirement itself.
    pub fn gare(&self) -> &Gare {
        &self.0
    }

    /// What the login must be asked for, all scopes included.
    pub fn parameters(&self) -> &GlobusAuthorizationParameters {
        &self.0.authorization_parameters
    }

    /// The name of the program that parked it. The text is whatever stands in the file.
    pub fn app_name(&self) -> Option<&str> {
        self.text(APP_NAME)
    }

    /// The client that it was parked for. The text is whatever stands in the file.
    pub fn client_id(&self) -> Option<&str> {
        self.text(CLIENT_ID)
    }

    /// The address of Globus Auth. The text is whatever stands in the file.
    pub fn auth_url(&self) -> Option<&str> {
        self.text(AUTH_URL)
    }

    /// The profile whose tokens lack it. The text is whatever stands in the file.
    pub fn profile(&self) -> Option<&str> {
        self.text(PROFILE)
    }

    fn text(&self, member: &str) -> Option<&str> {
        self.0.extra.get(member)?.as_str()
    }

    /// Writes it into a file that its owner alone can read, in place of what is there.
    ///
    /// # Errors
    ///
    /// [`ParkedError::File`] when the file cannot be made, or others could exchange it.
    pub async fn save(&self, path: impl Into<PathBuf>) -> Result<(), ParkedError> {
        let (path, mut text) = (path.into(), serde_json::to_string_pretty(self).unwrap_or_default());
        text.push('\n');
        run_blocking(move || write(&path, &text).map_err(ParkedError::File)).await
    }

    /// Reads it from a file.
    ///
    /// # Errors
    ///
    /// [`ParkedError::File`] when the file cannot be read or is not safe, and as [`str::parse`].
    pub async fn load(path: impl Into<PathBuf>) -> Result<Self, ParkedError> {
        let path = path.into();
        run_blocking(move || read(&path)).await?.parse()
    }
}

fn auth_url(app: &Parts) -> &str {
    app.login_client.login().base.base_url().as_str()
}

fn shown(text: &str) -> String {
    Shown::new(text, 200).to_string()
}

fn write(path: &Path, text: &str) -> Result<(), StorageError> {
    let failed = |action| move |error| StorageError::from_io(error, action).with_path(path);
    files::check_directory_of(path)?;
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    // Such a file is 0600 from its creation on.
    let new = tempfile::Builder::new().prefix(".parked-").tempfile_in(directory);
    let mut new = new.map_err(failed("create a file beside"))?;
    new.write_all(text.as_bytes()).and_then(|()| new.as_file().sync_all()).map_err(failed("write"))?;
    // Nothing but a file is replaced.
    if fs::symlink_metadata(path).is_ok_and(|facts| !facts.is_file()) {
        return Err(failed("replace")(io::Error::other("not a regular file")));
    }
    new.persist(path).map(drop).map_err(|error| failed("create")(error.error))
}

fn read(path: &Path) -> Result<String, ParkedError> {
    let file = open_checked(path).map_err(ParkedError::File)?;
    let mut text = Vec::new();
    // One byte more than is allowed, so that it is noticed.
    let read = file.take(LARGEST as u64 + 1).read_to_end(&mut text);
    read.map_err(|error| ParkedError::File(StorageError::from_io(error, "read").with_path(path)))?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

impl FromStr for ParkedRequirement {
    type Err = ParkedError;

    /// Reads it from its text. A [`Gare`] of another program is one, too; nothing says then whose it is.
    ///
    /// # Errors
    ///
    /// [`TooLarge`](ParkedError::TooLarge), [`NotARequirement`](ParkedError::NotARequirement) and
    /// [`OddMember`](ParkedError::OddMember).
    fn from_str(text: &str) -> Result<Self, ParkedError> {
        if text.len() > LARGEST {
            return Err(ParkedError::TooLarge);
        }
        let gare = Gare::from_json(text).map_err(ParkedError::NotARequirement)?;
        for member in [APP_NAME, CLIENT_ID, AUTH_URL, PROFILE] {
            if gare.extra.get(member).is_some_and(|value| !value.is_string()) {
                return Err(ParkedError::OddMember { member });
            }
        }
        Ok(Self(gare))
    }
}

/// The document.
impl Serialize for ParkedRequirement {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.including_extra().serialize(serializer)
    }
}

/// In words, for whoever is to fulfil it.
impl fmt::Display for ParkedRequirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.app_name() {
            Some(name) => write!(f, "{} needs a login", Shown::new(name, 100))?,
            None => f.write_str("a login is needed")?,
        }
        if let Some(profile) = self.profile().filter(|profile| *profile != "DEFAULT") {
            write!(f, " for the profile {}", Shown::new(profile, 100))?;
        }
        let parameters = self.parameters();
        if let Some(message) =
            parameters.session_message.as_deref().filter(|message| !message.trim().is_empty())
        {
            write!(f, " (the service says: {})", Shown::new(message, 300))?;
        }
        let scopes = parameters.scopes_to_request();
        if !scopes.is_empty() {
            write!(f, ", with consent to {}", Shown::new(scopes.as_str(), 1000))?;
        }
        Ok(())
    }
}
