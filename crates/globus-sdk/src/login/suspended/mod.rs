//! A login in two steps: begun here, and finished later, in another process or on another machine.

mod document;
mod file;

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use globus_core::blocking_job::run_blocking;
use globus_core::seal::SealingKeys;
use globus_core::{Shown, Timestamp, TokenResponse};
use serde::{Deserialize, Serialize};
use url::Url;
use zeroize::Zeroizing;

use self::document::{Document, unseal_error};
use self::file::LoginFile;
use super::StartedLogin;
use crate::auth::{KeptFlow, LoginClient, LoginError, SuspendedLoginError};

/// A login that was begun and is finished later, in another process or on another machine: sealed, for a limited time, and
/// good once.
///
/// A batch job begins it, a person opens the address wherever they are, and whoever has the key finishes it with the code:
///
/// ```no_run
/// use std::time::Duration;
///
/// use globus_sdk::login::{LoginRequest, SuspendedLogin};
/// use globus_sdk::seal::SealingKey;
/// # use globus_sdk::{GlobusAuthorizationParameters, NativeAppAuthClient};
///
/// # async fn example(code: &str) -> Result<(), Box<dyn std::error::Error>> {
/// let key = SealingKey::from_key_file("login.key")?;
/// # let client = NativeAppAuthClient::new("61338d24-54d5-408f-a10d-66c06b59f6d2")?;
/// # let wanted = GlobusAuthorizationParameters::default().required_scopes("openid");
/// let login = LoginRequest::new(&client, wanted).start()?;
/// let day = Duration::from_secs(24 * 60 * 60);
/// login.suspend(key.clone(), day).await?.save("login.sealed").await?;
/// println!("Please open {}", login.authorize_url());
///
/// // Hours later, on another node:
/// let login = SuspendedLogin::load("login.sealed").await?.resume(key, &client).await?;
/// let tokens = login.finish(code).await?;
/// # let _ = tokens;
/// # Ok(())
/// # }
/// ```
///
/// What is sealed are the proof key, the `state` and the address, and never a client's secret: whoever finishes the login
/// has a client of their own. The client's id, the address of Globus Auth and the times can be read without the key,
/// but not changed: the login opens only with those that it was begun with. The code that the person brings is good
/// for about ten minutes after they logged in; it is the time before that which can be long.
///
/// # Without files
///
/// A portal with several nodes keeps the text ([`as_str`](Self::as_str)) wherever it keeps its sessions, and reads it
/// back with [`str::parse`]. Then it must see to it itself that a login is finished once: delete the text in the same
/// step that reads it. And it must bind the login to the session of the browser that began it: keep
/// [`StartedLogin::state`] in that session, and take a redirect only if its `state` is that one.
#[derive(Clone)]
pub struct SuspendedLogin {
    document: Document,
    text: String,
    file: Option<LoginFile>,
}

/// What is sealed.
#[derive(Deserialize, Serialize)]
struct Known<'a> {
    #[serde(borrow)]
    flow: KeptFlow<'a>,
    authorize_url: Cow<'a, str>,
}

impl StartedLogin {
    /// Seals the login, to be finished within this time by whoever has the key. The time begins now, by the clock of the
    /// login's client, and ends with a whole second.
    ///
    /// # Errors
    ///
    /// [`SuspendedLoginError::Key`] when the key cannot be made of the passphrase, or there are no random numbers.
    pub async fn suspend(
        &self,
        keys: impl Into<SealingKeys> + Send,
        lifetime: Duration,
    ) -> Result<SuspendedLogin, SuspendedLoginError> {
        let keys = keys.into();
        let flow = self.flow();
        let now = flow.base_client().clock().now();
        let ends_at = now.saturating_add(lifetime).unwrap_or(Timestamp::MAX);
        let base_url = flow.base_client().base_url().as_str();
        let mut document = Document::new(flow.client_id(), base_url, now.as_second(), ends_at.as_second());
        let known = Known { flow: flow.kept(), authorize_url: Cow::from(self.authorize_url().as_str()) };
        // Texts and yes or no: there is nothing in it that JSON could not say.
        let plain = Zeroizing::new(serde_json::to_vec(&known).unwrap_or_default());
        let context = document.context();
        document.sealed =
            run_blocking(move || keys.seal_text(&context, &plain)).await.map_err(SuspendedLoginError::Key)?;
        let text = serde_json::to_string(&document).unwrap_or_default();
        Ok(SuspendedLogin { document, text, file: None })
    }
}

impl SuspendedLogin {
    /// The login as a text of one line, to be kept anywhere.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Writes the login into a new file, which its owner alone can read.
    ///
    /// # Errors
    ///
    /// [`SuspendedLoginError::AlreadyExists`] when there is something at this path;
    /// [`SuspendedLoginError::File`] when the file cannot be made, or others could exchange it.
    pub async fn save(&self, path: impl Into<PathBuf>) -> Result<(), SuspendedLoginError> {
        let (path, text) = (path.into(), self.text.clone());
        run_blocking(move || file::save(&path, &text)).await
    }

    /// Reads the login from a file. Finishing it will rename the file to `<name>.used` first, so that of all who try,
    /// one does.
    ///
    /// # Errors
    ///
    /// [`SuspendedLoginError::AlreadyUsed`] when it was finished already, [`SuspendedLoginError::NotFound`] when there was
    /// none, [`SuspendedLoginError::NotALogin`] when it is something else, and [`SuspendedLoginError::File`] when it may
    /// not be read or is not safe: a link, or somebody else's.
    pub async fn load(path: impl AsRef<Path>) -> Result<Self, SuspendedLoginError> {
        let path = path.as_ref().to_owned();
        let file = run_blocking(move || LoginFile::read(&path)).await?;
        let login = file.text().parse::<Self>()?;
        Ok(Self { file: Some(file), ..login })
    }

    /// The client that it was begun for. It can be believed once the login was [resumed](Self::resume).
    pub fn client_id(&self) -> &str {
        &self.document.client_id
    }

    /// When its time ends. It can be believed once the login was [resumed](Self::resume).
    pub fn ends_at(&self) -> Timestamp {
        self.document.ends_at()
    }

    /// Opens the login with the key, for this client. Nothing is sent, and the login is not used up.
    ///
    /// # Errors
    ///
    /// [`OtherClient`](SuspendedLoginError::OtherClient), [`OtherEnvironment`](SuspendedLoginError::OtherEnvironment),
    /// [`TooLate`](SuspendedLoginError::TooLate) by the client's clock, and
    /// [`WrongKey`](SuspendedLoginError::WrongKey), in this order.
    pub async fn resume(
        &self,
        keys: impl Into<SealingKeys> + Send,
        login_client: impl Into<LoginClient> + Send,
    ) -> Result<ResumedLogin, SuspendedLoginError> {
        let (keys, login_client) = (keys.into(), login_client.into());
        let other_client = || SuspendedLoginError::OtherClient {
            begun_for: Shown::new(&self.document.client_id, 300).to_string(),
            client_id: login_client.client_id().to_owned(),
        };
        if self.document.client_id != login_client.client_id() {
            return Err(other_client());
        }
        let base_url = login_client.base_client().base_url().as_str();
        if self.document.base_url != base_url {
            return Err(SuspendedLoginError::OtherEnvironment {
                begun_at: Shown::new(&self.document.base_url, 300).to_string(),
                base_url: base_url.to_owned(),
            });
        }
        let ends_at = self.document.ends_at();
        in_time(&login_client, ends_at)?;
        let (context, sealed) = (self.document.context(), self.document.sealed.clone());
        let plain = run_blocking(move || keys.open_text(&context, &sealed)).await.map_err(unseal_error)?;
        let known: Known<'_> =
            serde_json::from_slice(&plain).map_err(|_| SuspendedLoginError::UnknownFormat)?;
        let authorize_url =
            Url::parse(&known.authorize_url).map_err(|_| SuspendedLoginError::UnknownFormat)?;
        let flow = login_client.flow_again(known.flow).ok_or_else(other_client)?;
        let login = StartedLogin::again(flow, authorize_url);
        Ok(ResumedLogin { login, login_client, ends_at, file: self.file.clone() })
    }
}

impl FromStr for SuspendedLogin {
    type Err = SuspendedLoginError;

    fn from_str(text: &str) -> Result<Self, SuspendedLoginError> {
        let text = text.trim_ascii();
        Ok(Self { document: Document::parse(text)?, text: text.to_owned(), file: None })
    }
}

impl fmt::Debug for SuspendedLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SuspendedLogin")
            .field("client_id", &self.document.client_id)
            .field("base_url", &self.document.base_url)
            .field("ends_at", &self.document.ends_at())
            .finish_non_exhaustive()
    }
}

/// A suspended login that was opened, and can be finished. From [`SuspendedLogin::resume`].
pub struct ResumedLogin {
    login: StartedLogin,
    login_client: LoginClient,
    ends_at: Timestamp,
    file: Option<LoginFile>,
}

impl ResumedLogin {
    /// The address that the person opens to log in.
    pub fn authorize_url(&self) -> &Url {
        self.login.authorize_url()
    }

    /// The random text that ties the redirect to this login.
    pub fn state(&self) -> &str {
        self.login.state()
    }

    /// When its time ends.
    pub fn ends_at(&self) -> Timestamp {
        self.ends_at
    }

    /// Finishes the login with what the person brings: the code, or the whole address that the browser was sent to.
    /// Blanks around it do not matter. A login from a file is used up before the code is sent, whatever comes of that.
    ///
    /// # Errors
    ///
    /// [`LoginError::StateMismatch`], [`LoginError::NoCode`] and [`LoginError::NotAnAddress`] leave the login as it is.
    /// [`LoginError::Suspended`] with [`AlreadyUsed`](SuspendedLoginError::AlreadyUsed) or
    /// [`TooLate`](SuspendedLoginError::TooLate): nothing was sent, start a new login. Otherwise as
    /// [`StartedLogin::finish`].
    pub async fn finish(&self, code_or_address: &str) -> Result<TokenResponse, LoginError> {
        in_time(&self.login_client, self.ends_at)?;
        let code = self.login.flow().code_from_pasted(code_or_address)?;
        if let Some(file) = self.file.clone() {
            run_blocking(move || file.use_up()).await?;
        }
        self.login.exchange(code).await
    }
}

fn in_time(login_client: &LoginClient, ends_at: Timestamp) -> Result<(), SuspendedLoginError> {
    if login_client.base_client().clock().now() < ends_at {
        Ok(())
    } else {
        Err(SuspendedLoginError::TooLate { expired_at: ends_at })
    }
}

impl fmt::Debug for ResumedLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResumedLogin")
            .field("login", &self.login)
            .field("ends_at", &self.ends_at)
            .finish_non_exhaustive()
    }
}
