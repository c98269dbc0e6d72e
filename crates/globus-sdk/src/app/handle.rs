use std::collections::BTreeMap;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;

use globus_core::{Authorizer, ClientBuilder, Error, ResourceServer, Result, Scope, Scopes, Storage};
use jiff::SignedDuration;

use super::authorizer::{handle, wants_login};
use super::check::Check;
use super::logout::{Logout, LogoutReport};
use super::parts::Parts;
use super::status::Status;
use crate::auth::LoginClient;
use crate::gare::GlobusAuthorizationParameters;

/// What [`UserApp`](super::UserApp) and [`ClientApp`](super::ClientApp) have in common. Both deref to it. Cloning is cheap;
/// clones share everything.
#[derive(Clone)]
pub struct GlobusApp(pub(super) Arc<Parts>);

impl GlobusApp {
    /// The program's name.
    pub fn app_name(&self) -> &str {
        &self.0.name
    }

    /// The id of the client that logs in.
    pub fn client_id(&self) -> &str {
        self.0.login_client.client_id()
    }

    /// The client that logs in.
    pub fn login_client(&self) -> &LoginClient {
        &self.0.login_client
    }

    /// What the app needs, by resource server. `openid` is always among it, because logins have to say whose they are.
    pub fn scope_requirements(&self) -> BTreeMap<ResourceServer, Vec<Scope>> {
        self.0.requirements.all()
    }

    /// Adds to what the app needs of a resource server. Clients that are attached do that by themselves. Tokens that do not
    /// cover it are no longer used: the next call logs in.
    ///
    /// # Errors
    ///
    /// When the scopes cannot be read; then nothing is added.
    pub fn add_scope_requirements(
        &self,
        resource_server: impl Into<ResourceServer>,
        scopes: impl Into<Scopes>,
    ) -> Result<()> {
        self.add_scope_requirements_of([(resource_server, scopes)])
    }

    /// Adds to what the app needs of several resource servers at once, such as a
    /// [`ScopePlan`](crate::transfer::ScopePlan).
    ///
    /// # Errors
    ///
    /// When any of the scopes cannot be read; then nothing is added.
    pub fn add_scope_requirements_of<R: Into<ResourceServer>, S: Into<Scopes>>(
        &self,
        requirements: impl IntoIterator<Item = (R, S)>,
    ) -> Result<()> {
        let parsed = requirements
            .into_iter()
            .map(|(server, scopes)| Ok((server.into(), scopes.into().parse()?)))
            .collect::<Result<Vec<(ResourceServer, Vec<Scope>)>>>()?;
        for (server, scopes) in parsed {
            if self.0.requirements.add(&server, scopes) {
                let seen = self.0.seen();
                self.0.place(&server).question(seen);
            }
        }
        Ok(())
    }

    /// Authorizes calls to a resource server, for clients of one's own. Each call asks the app anew, so a login that is
    /// needed happens then.
    #[doc(alias = "get_authorizer")]
    pub fn authorizer(&self, resource_server: impl Into<ResourceServer>) -> Authorizer {
        handle(&self.0, resource_server)
    }

    /// A builder for a client of this app: with its authorizer for the resource server, its transport, clock, retries and
    /// name, and its environment. For authors of service clients; the clients here have `with_app`.
    ///
    /// # Errors
    ///
    /// When the scopes cannot be read.
    pub fn attach<C>(
        &self,
        builder: ClientBuilder<C>,
        resource_server: impl Into<ResourceServer>,
        scopes: impl Into<Scopes>,
    ) -> Result<ClientBuilder<C>> {
        let server = resource_server.into();
        self.add_scope_requirements(server.clone(), scopes)?;
        Ok(builder.like(&self.0.template).authorizer(self.authorizer(server)))
    }

    /// Logs in if that is needed, or in any case where the builder is told so.
    ///
    /// ```no_run
    /// # async fn example(app: globus_sdk::UserApp) -> globus_sdk::Result<()> {
    /// app.login().await?;
    /// // Somebody else wants to use the program now.
    /// app.logout().await?;
    /// app.login().force().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn login(&self) -> Login<'_> {
        Login { app: self, parameters: None, force: false }
    }

    /// Whether a login is needed for what the app needs by now. It looks at all resource servers, and asks for consents
    /// where scopes have dependencies. Nobody is asked to log in.
    ///
    /// A client app without tokens answers false: it gets them when they are needed.
    ///
    /// # Errors
    ///
    /// When the tokens cannot be read.
    pub async fn login_required(&self) -> Result<bool> {
        for server in self.scope_requirements().into_keys() {
            match self.0.authorizer_of(&server).await {
                Ok(_) => {}
                Err(error) if wants_login(&error) => return Ok(true),
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }

    /// What is known of the logins without asking anybody: who, which scopes, until when, and whether a login is needed.
    /// Nothing is sent or changed.
    ///
    /// ```no_run
    /// # async fn example(app: globus_sdk::UserApp) -> Result<(), Box<dyn std::error::Error>> {
    /// let status = app.status().await?;
    /// println!("{status}");
    /// println!("{}", serde_json::to_string(&status)?);
    /// if status.login_required {
    ///     println!("Please log in first.");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn status(&self) -> Status<'_> {
        Status::new(&self.0)
    }

    /// Whether the app's credentials do something, and for as long as it takes: before a job goes into a queue. The answer
    /// names the first thing that lapses, when, and what helps. Nobody is asked to log in.
    ///
    /// ```no_run
    /// use std::time::Duration;
    ///
    /// # async fn example(app: globus_sdk::UserApp, from: uuid::Uuid, to: uuid::Uuid) -> globus_sdk::Result<()> {
    /// let four_days = Duration::from_secs(96 * 3600);
    /// let verdict = app.check().for_duration(four_days).transfer([from, to]).await?;
    /// println!("{verdict}");
    /// if let Some(login) = verdict.first_lapse().and_then(|lapse| lapse.login.clone()) {
    ///     app.login().parameters(login).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Without [`transfer`](Check::transfer) and [`scopes`](Check::scopes) it is about what the app needs by now.
    ///
    /// # What is looked at, and asked
    ///
    /// * The stored tokens: scopes, and ends of access tokens that nothing renews.
    /// * Refresh tokens, by using them: the renewed token is stored, as after any call. Not so
    ///   [`without_renewal`](Check::without_renewal).
    /// * Consents, where scopes have dependencies.
    /// * Collections: whether they need `data_access`, how fresh a sign-in must be, the policy. When the person signed in
    ///   last is asked of Globus Auth: with a secret of the client about the session itself, else by `userinfo`, which tells
    ///   it for the scope `profile`. Whether a policy is met, a client without a secret can only try: one entry of the
    ///   collection is listed.
    /// * A client app asks for tokens, and throws them away.
    ///
    /// What cannot be found out is in [`Verdict::unknown`](crate::app::Verdict::unknown), and then the answer is not yes.
    /// Paths, quotas and permissions are not looked at.
    pub fn check(&self) -> Check<'_> {
        Check::new(&self.0)
    }

    /// Logs out: makes the tokens useless that the app has for what it needs, and removes them.
    pub fn logout(&self) -> Logout<'_> {
        Logout::new(&self.0)
    }

    /// Tries again to make useless what earlier logouts [kept](Logout::keep_unrevoked), and removes what is done or has
    /// ended by itself. Every logout does so by itself; programs may also do it at their start.
    ///
    /// # Errors
    ///
    /// When the storage cannot be read or written.
    pub async fn revoke_remembered(&self) -> Result<LogoutReport> {
        self.0.revoke_remembered().await
    }

    /// Where the tokens are, without questions: what is stored there is not checked.
    pub fn token_storage(&self) -> &Storage {
        &self.0.plain
    }

    /// How far the clocks of the services are ahead of this machine's, where they differ by 5 seconds or more. Expiry is
    /// judged by theirs.
    pub fn clock_offset(&self) -> SignedDuration {
        self.0.clock.offset()
    }

    /// Waits until nothing is under way: renewals, and tokens that are not stored yet. Programs end with it. The app stays
    /// logged in and usable.
    ///
    /// # Errors
    ///
    /// When a renewed token still cannot be stored.
    pub async fn close(&self) -> Result<()> {
        let mut first = Ok(());
        for authorizer in self.0.places().iter().filter_map(|place| place.current()) {
            first = first.and(authorizer.settle().await);
        }
        first
    }
}

impl fmt::Debug for GlobusApp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GlobusApp")
            .field("app_name", &self.app_name())
            .field("client_id", &self.client_id())
            .field("profile", self.0.plain.namespace())
            .finish_non_exhaustive()
    }
}

/// A login, about to be done. From [`GlobusApp::login`]; `await` it.
#[derive(Debug)]
#[must_use = "a login does nothing until it is awaited"]
pub struct Login<'a> {
    app: &'a GlobusApp,
    parameters: Option<GlobusAuthorizationParameters>,
    force: bool,
}

impl Login<'_> {
    /// Logs in under these conditions, such as those of a [`Gare`](crate::Gare), even if nothing else asks for it. Of a
    /// client app only their scopes count.
    #[doc(alias = "auth_params")]
    pub fn parameters(mut self, parameters: impl Into<GlobusAuthorizationParameters>) -> Self {
        self.parameters = Some(parameters.into());
        self
    }

    /// Logs in even if it is not needed.
    pub fn force(mut self) -> Self {
        self.force = true;
        self
    }
}

impl<'a> IntoFuture for Login<'a> {
    type Output = Result<()>;
    type IntoFuture = Pin<Box<dyn Future<Output = Result<()>> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let seen = self.app.0.seen();
            if self.parameters.is_some() || self.force || self.app.login_required().await? {
                self.app.0.log_in(seen, self.parameters.unwrap_or_default()).await?;
            }
            Ok(())
        })
    }
}

/// A name that cannot be used for an app.
pub(super) fn no_client_id() -> Error {
    Error::usage("an app needs a client: give its id with `client_id`, or a login client with `login_client`")
}
