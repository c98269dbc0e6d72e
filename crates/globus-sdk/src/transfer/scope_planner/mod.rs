//! Which scopes a program needs for what it is about to do.

mod facts;
mod known;
mod plan;

use std::sync::{Arc, Mutex, PoisonError};

use futures_util::{StreamExt, TryStreamExt, stream};
use globus_core::{EndpointId, Result};

pub use self::facts::CollectionFacts;
use self::known::Known;
pub use self::plan::{IntendedActions, ScopePlan};
use super::TransferClient;

/// How many collections are asked for at the same time.
const AT_ONCE: usize = 8;

/// Says which scopes a program needs for what it is about to do.
///
/// It asks Transfer what kind the collections are, since that decides: `data_access` is needed for mapped collections
/// without high assurance, and a login that asks for it of others is refused. So a program neither asks for too little,
/// which stops it half-way (a timer even fails without anybody noticing), nor for too much.
///
/// ```no_run
/// use globus_sdk::transfer::{IntendedActions, ScopePlanner};
/// use globus_sdk::{TransferClient, UserApp};
///
/// # async fn example(app: UserApp, lab: uuid::Uuid, archive: uuid::Uuid) -> globus_sdk::Result<()> {
/// let transfer_client = TransferClient::with_app(&app)?;
/// let planner = ScopePlanner::new(&transfer_client);
///
/// // Looking at the collections may log in; the scopes of the plan may need one more login.
/// let actions = IntendedActions::new().transfer([lab, archive]).timer_transfer([lab, archive]);
/// let plan = planner.plan(&actions).await?;
/// app.add_scope_requirements_of(plan.requirements().clone())?;
/// app.login().await?;
/// # Ok(())
/// # }
/// ```
///
/// Answers are kept for ten minutes, of 1024 collections at most. Clones share them.
#[derive(Clone, Debug)]
pub struct ScopePlanner {
    client: TransferClient,
    known: Arc<Mutex<Known>>,
}

impl ScopePlanner {
    /// A planner that asks with this client.
    pub fn new(client: &TransferClient) -> Self {
        Self { client: client.clone(), known: Arc::default() }
    }

    /// The scopes of these actions, as few as are enough.
    ///
    /// # Errors
    ///
    /// When a collection cannot be looked up, such as when there is none of this id, and as
    /// [`IntendedActions::plan_with`].
    pub async fn plan(&self, actions: &IntendedActions) -> Result<ScopePlan> {
        actions.plan_with(self.facts(actions.collections()).await?)
    }

    /// What decides about these collections, in order. At most eight are asked for at the same time.
    ///
    /// # Errors
    ///
    /// When one cannot be looked up.
    pub async fn facts<I: Into<EndpointId>>(
        &self,
        collections: impl IntoIterator<Item = I>,
    ) -> Result<Vec<CollectionFacts>> {
        let ids: Vec<EndpointId> = collections.into_iter().map(Into::into).collect();
        stream::iter(ids).map(|id| self.facts_of(id)).buffered(AT_ONCE).try_collect().await
    }

    async fn facts_of(&self, id: EndpointId) -> Result<CollectionFacts> {
        let clock = self.client.base.clock();
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(id, clock.now());
        if let Some(facts) = known {
            return Ok(facts);
        }
        let endpoint = self.client.get_endpoint(id).send().await?;
        // By the id that was asked for: an answer about another one is no answer.
        let facts = CollectionFacts { id, ..CollectionFacts::from(&*endpoint) };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(id, facts.clone(), clock.now());
        Ok(facts)
    }
}
