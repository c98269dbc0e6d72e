use std::fmt;

use globus_core::api_error::Service;
use globus_core::{Authorizer, BaseClient, Call, ClientBuilder, Result};
use http::Method;

/// The client of Globus Transfer: lists directories of collections, and has files moved between them.
///
/// Each operation is a method that answers a builder: set what is optional, then `send()` it. Lists go on over
/// all their pages with `items()`. Whatever has no method here is reached by [`request`](Self::request).
///
/// Needs a token for `transfer.api.globus.org`, scope `urn:globus:auth:scope:transfer.api.globus.org:all`.
///
/// ```no_run
/// use globus_sdk::{AccessTokenAuthorizer, TransferClient, TransferData};
///
/// # async fn example(transfer_access_token: &str, laptop: uuid::Uuid, cluster: uuid::Uuid) -> globus_sdk::Result<()> {
/// let transfer_client = TransferClient::new(AccessTokenAuthorizer::new(transfer_access_token))?;
///
/// for entry in &transfer_client.operation_ls(laptop).path("/~/data").send().await?.data {
///     println!("{:>12} {}", entry.size, entry.name);
/// }
///
/// let data = TransferData::new(laptop, cluster)
///     .label("nightly copy")
///     .add_folder("/~/data/", "/~/backup/");
/// let submitted = transfer_client.submit_transfer(data).send().await?;
/// let task = transfer_client.task_wait(submitted.task_id).await?;
/// println!("{}: {:?} files", task.status, task.files_transferred);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct TransferClient {
    pub(super) base: BaseClient,
    #[cfg(feature = "auth")]
    app: Option<crate::GlobusApp>,
}

impl TransferClient {
    /// The scope that allows everything that this client does.
    pub const ALL_SCOPE: &'static str = "urn:globus:auth:scope:transfer.api.globus.org:all";

    /// The resource server whose tokens this client takes.
    pub const RESOURCE_SERVER: &'static str = "transfer.api.globus.org";

    pub(super) const SERVICE: Service = Service::Transfer;
    pub(super) const SCOPE: &'static str = Self::ALL_SCOPE;

    /// A client with this authorizer, for the environment of the `GLOBUS_SDK_*` variables.
    ///
    /// # Errors
    ///
    /// A usage error when a variable is not usable.
    pub fn new(authorizer: impl Into<Authorizer>) -> Result<Self> {
        Self::builder().authorizer(authorizer).build()
    }

    /// Sets up a client.
    pub fn builder() -> ClientBuilder<Self> {
        ClientBuilder::new(Self::SERVICE, Some("transfer"), |base| Self {
            base,
            #[cfg(feature = "auth")]
            app: None,
        })
    }

    /// A request to Globus Transfer that has no method of its own.
    pub fn request(&self, method: Method, path: impl Into<String>) -> Call {
        self.base.request(method, path)
    }
}

#[cfg(feature = "auth")]
crate::app::service_client!(TransferClient, TransferScopes);

#[cfg(feature = "auth")]
impl TransferClient {
    /// Tells the client's app that the data of these collections is to be accessed. They must be mapped ones without high
    /// assurance: for others Globus Auth answers that the scope is unknown.
    ///
    /// # Errors
    ///
    /// A usage error when the client is not attached to an app.
    pub fn add_app_data_access_scope<I: Into<globus_core::EndpointId>>(
        &self,
        mapped_collections: impl IntoIterator<Item = I>,
    ) -> Result<&Self> {
        self.add_app_scope(crate::scopes::TransferScopes::with_data_access(mapped_collections))
    }
}

impl fmt::Debug for TransferClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransferClient").field("base", &self.base).finish_non_exhaustive()
    }
}
