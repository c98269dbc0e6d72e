//! Where renewed tokens go.

use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;

use futures_util::FutureExt;

use super::state::Replaced;
use crate::blocking_job::{run_blocking, run_blocking_while_wanted};
use crate::error::{Error, Result};
use crate::storage::{
    CachedTokenStorage, JsonTokenStorage, LegacyJsonTokenStorage, MemoryTokenStorage, RefreshLease, Storage,
    StorageAdapter, StoreKind, ValidatingTokenStorage,
};
use crate::token::{ResourceServer, TokenData, TokenResponse};

type Pending<T> = Pin<Box<dyn Future<Output = Result<T>> + Send>>;

/// What a renewing authorizer does with each new token response: hands it to a storage, or to a function.
///
/// Every [`StorageAdapter`] and every [`Storage`] converts into it, so that the builder's
/// `on_refresh` takes them as they are.
#[derive(Clone)]
pub struct OnRefresh(Arc<dyn Target>);

impl OnRefresh {
    /// Calls a function, on a thread where it may block. See the builder's `on_refresh_fn`.
    pub fn function<F, E>(function: F) -> Self
    where
        F: Fn(&TokenResponse) -> Result<(), E> + Send + Sync + 'static,
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        Self(Arc::new(Function(Arc::new(move |response| {
            function(response).map_err(|error| Error::callback(error))
        }))))
    }

    /// Calls an async function. See the builder's `on_refresh_async`.
    pub fn async_function<F, R, E>(function: F) -> Self
    where
        F: Fn(TokenResponse) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        Self(Arc::new(AsyncFunction(Box::new(move |response| {
            let done = function(response);
            Box::pin(async move { done.await.map_err(|error| Error::callback(error)) })
        }))))
    }

    /// Stores a response in place of what it replaces.
    pub(super) async fn persist(&self, response: TokenResponse, replaced: Replaced) -> Result<()> {
        unless_it_panics("storing a renewed token", async { self.0.persist(response, replaced).await }).await
    }

    /// What is stored now. `server` is the resource server, where it is known.
    pub(super) async fn latest(&self, server: Option<ResourceServer>) -> Result<Option<TokenData>> {
        unless_it_panics("reading the stored tokens", async { self.0.latest(server).await }).await
    }

    /// The lease to renew, waiting while another holds it. `None` where the target cannot coordinate.
    pub(super) async fn lock(&self, server: Option<ResourceServer>) -> Result<Option<RefreshLease>> {
        unless_it_panics("taking the refresh lease", async { self.0.lock(server).await }).await
    }
}

/// Turns a panic of code that is not ours into an error: a token that has arrived must not go down with it.
pub(super) async fn unless_it_panics<T>(
    what: &'static str,
    work: impl Future<Output = Result<T>> + Send,
) -> Result<T> {
    // What the panic left half done is the other code's own; nothing of ours is inside.
    AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|_| {
        Err(Error::other(format!("{what} failed: the code that does it panicked; correct that code"), None))
    })
}

impl fmt::Debug for OnRefresh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// [`OnRefresh`] behind its pointer. The futures hold what they need, so that a detached task can run them.
trait Target: fmt::Debug + Send + Sync {
    fn persist(&self, response: TokenResponse, replaced: Replaced) -> Pending<()>;

    fn latest(&self, _server: Option<ResourceServer>) -> Pending<Option<TokenData>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    fn lock(&self, _server: Option<ResourceServer>) -> Pending<Option<RefreshLease>> {
        Box::pin(std::future::ready(Ok(None)))
    }
}

#[derive(Debug)]
struct Adapter<A>(Arc<A>);

impl<A: StorageAdapter> Target for Adapter<A> {
    fn persist(&self, response: TokenResponse, replaced: Replaced) -> Pending<()> {
        let adapter = Arc::clone(&self.0);
        // The job is handed over here, not when the future is first polled: from the answer of the token
        // endpoint to this line nothing waits, and the job runs even if the runtime ends now.
        let done = run_blocking(move || match replaced {
            Replaced::Ours(record) => adapter.on_refresh_of(&response, record),
            Replaced::Anything | Replaced::Older(_) => adapter.on_refresh(&response),
            Replaced::Nothing => Ok(()),
        });
        Box::pin(async move { Ok(done.await?) })
    }

    fn latest(&self, _server: Option<ResourceServer>) -> Pending<Option<TokenData>> {
        let adapter = Arc::clone(&self.0);
        let done = run_blocking(move || adapter.latest());
        Box::pin(async move { Ok(done.await?) })
    }

    fn lock(&self, _server: Option<ResourceServer>) -> Pending<Option<RefreshLease>> {
        let adapter = Arc::clone(&self.0);
        let done = run_blocking_while_wanted(move |is_wanted| adapter.lock_refresh_while(is_wanted));
        Box::pin(async move { Ok(done.await?) })
    }
}

impl Target for Storage {
    fn persist(&self, response: TokenResponse, replaced: Replaced) -> Pending<()> {
        let storage = self.clone();
        // The write is decided when this is first polled, which the engine does at once.
        Box::pin(async move {
            match replaced {
                Replaced::Ours(record) => storage.store_refresh(&response, record).await?,
                Replaced::Anything => storage.store_response(&response).await?,
                // Nothing of that record is ours, so nothing of it is kept.
                Replaced::Older(_) => {
                    let tokens = response.by_resource_server().iter().cloned().collect();
                    storage.store(tokens, StoreKind::Login).await?;
                }
                Replaced::Nothing => {}
            }
            Ok(())
        })
    }

    fn latest(&self, server: Option<ResourceServer>) -> Pending<Option<TokenData>> {
        let storage = self.clone();
        Box::pin(async move {
            match server {
                Some(server) => Ok(storage.get_for_refresh(server).await?),
                None => Ok(None),
            }
        })
    }

    fn lock(&self, server: Option<ResourceServer>) -> Pending<Option<RefreshLease>> {
        let storage = self.clone();
        Box::pin(async move {
            match server {
                Some(server) => Ok(Some(storage.lock_refresh(server).await?)),
                None => Ok(None),
            }
        })
    }
}

type Called = Arc<dyn Fn(&TokenResponse) -> Result<()> + Send + Sync>;

struct Function(Called);

impl Target for Function {
    fn persist(&self, response: TokenResponse, _: Replaced) -> Pending<()> {
        let function = Arc::clone(&self.0);
        let done = run_blocking(move || function(&response));
        Box::pin(done)
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("function")
    }
}

type CalledAsync = Box<dyn Fn(TokenResponse) -> Pending<()> + Send + Sync>;

struct AsyncFunction(CalledAsync);

impl Target for AsyncFunction {
    fn persist(&self, response: TokenResponse, _: Replaced) -> Pending<()> {
        (self.0)(response)
    }
}

impl fmt::Debug for AsyncFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("async function")
    }
}

impl<A: StorageAdapter> From<A> for OnRefresh {
    fn from(adapter: A) -> Self {
        Self(Arc::new(Adapter(Arc::new(adapter))))
    }
}

/// The token storages of this crate go in as they are, like any [`Storage`].
macro_rules! storages {
    ($($storage:ty),* $(,)?) => {
        $(impl From<$storage> for OnRefresh {
            fn from(storage: $storage) -> Self {
                Storage::from(storage).into()
            }
        })*
    };
}

storages!(
    CachedTokenStorage,
    JsonTokenStorage,
    LegacyJsonTokenStorage,
    MemoryTokenStorage,
    ValidatingTokenStorage
);

#[cfg(feature = "seal")]
storages!(crate::storage::SealedTokenStorage);

impl From<Storage> for OnRefresh {
    fn from(storage: Storage) -> Self {
        Self(Arc::new(storage))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::storage::SimpleJsonFileAdapter;

    #[tokio::test]
    async fn an_adapter_is_told_when_nobody_waits_for_its_lease_any_more() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token.json");
        let adapter =
            SimpleJsonFileAdapter::for_resource_server(path, "rs").lock_wait(Duration::from_secs(3600));
        let lease = adapter.lock_refresh().unwrap();
        let target = OnRefresh::from(Arc::new(adapter));
        // Ends with the runtime: its end waits for blocking threads.
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        {
            let _entered = runtime.enter();
            let mut waiting = Box::pin(target.lock(Some("rs".into())));
            assert!((&mut waiting).now_or_never().is_none());
        }
        tokio::task::spawn_blocking(move || drop(runtime)).await.unwrap();
        drop(lease);
    }
}
