//! Apps: a program's logins in one place. Clients that are attached to an app say what they need, and get tokens; the app
//! logs in when it must, keeps the tokens, renews them, and logs out.
//!
//! | app | who acts |
//! |---|---|
//! | [`UserApp`] | a person, who logs in |
//! | [`ClientApp`] | the client itself, with its secret: a service account |
//!
//! ```no_run
//! use globus_sdk::{TransferClient, UserApp};
//!
//! # async fn example(collection: uuid::Uuid) -> globus_sdk::Result<()> {
//! let app = UserApp::new("seqsync", "61338d24-54d5-408f-a10d-66c06b59f6d2")?;
//! let transfer_client = TransferClient::with_app(&app)?;
//!
//! // The first call logs in; the next run of the program finds the tokens.
//! for entry in &transfer_client.operation_ls(collection).path("/~/").send().await?.data {
//!     println!("{}", entry.name);
//! }
//! app.close().await?;
//! # Ok(())
//! # }
//! ```
//!
//! Tokens are stored by the program's name in `~/.globus/app/`, where the Python SDK finds them, too, unless another
//! [storage](UserAppBuilder::token_storage) is named. Several people or accounts can share it in
//! [profiles](UserAppBuilder::profile).
//!
//! # When a login is needed
//!
//! Before a call: when no token is stored for the service, when it has ended and cannot be renewed, when it lacks scopes
//! that clients have asked for since, or when consents below those scopes are missing. Whoever needs a login while another
//! one is under way waits for that one.
//!
//! After a call: when the service does not take an access token (401) that cannot be renewed. If it does not take the one of
//! that login either, the token is not what is wrong, and the error comes without another login.
//!
//! After a call, with [`auto_redrive_gares`](UserAppBuilder::auto_redrive_gares): also when the service refuses it (403) and
//! says what kind of login would help. Then the app logs in as the service says and the call is sent once more. The scopes
//! that services ask for are asked for again by later logins of the same process, until a logout.
//!
//! # Knowing beforehand
//!
//! | question | answer |
//! |---|---|
//! | who is logged in, for what, until when? | [`status`](GlobusApp::status): offline, nothing is asked |
//! | do these logins last as long as a job? | [`check`](GlobusApp::check): asks the services; names the first thing that lapses |
//! | which scopes will it take? | [`ScopePlanner`](crate::transfer::ScopePlanner): asks what kind the collections are |
//! | nobody is there to log in; what now? | [`park`](GlobusApp::park) writes down what the login must be asked for, [`fulfil`](GlobusApp::fulfil) does it later |
//!
//! With the tokens of a login stands when it was (the member `globus_sdk_rs_login` of each record), so that the status can tell
//! it. The Python SDK passes it over.

mod attach;
mod authorizer;
mod builder;
mod check;
mod client_app;
mod handle;
mod logging_in;
mod logout;
mod parked;
mod parts;
mod place;
mod remembered_login;
mod requirements;
mod service_clock;
mod status;
mod turn;
mod unrevoked;
mod user_app;
mod validator;

pub(crate) use self::attach::{no_app, service_client};
pub use self::check::{Answer, Check, Lapse, LapseReason, Unknown, Verdict};
pub use self::client_app::{ClientApp, ClientAppBuilder};
pub use self::handle::{GlobusApp, Login};
pub use self::logout::{Logout, LogoutReport, StillValid};
pub use self::parked::{ParkedError, ParkedRequirement};
pub use self::status::{
    AppKind, AppStatus, LastLogin, ProfileStatus, ResourceServerStatus, Status, TokenStatus,
};
pub use self::user_app::{UserApp, UserAppBuilder};
