//! Identities by username or id, looked up together.

use std::collections::HashMap;
use std::sync::Arc;

use globus_core::Result;
use uuid::Uuid;

use super::{AuthClient, Identity};

/// Identities by username or id, looked up as they are asked for, many with one request.
///
/// Say beforehand which ones will be needed ([`add`](Self::add), or `extend`): the first that is asked for takes others
/// of its kind along. Each identity is then known under its id and its username, whatever the case of the letters.
///
/// ```no_run
/// use globus_sdk::auth::IdentityMap;
///
/// # async fn example(client: globus_sdk::AuthClient) -> globus_sdk::Result<()> {
/// let mut identities = IdentityMap::new(&client);
/// identities.extend(["ana@example.org", "bo@example.org"]);
///
/// // One request finds both.
/// for name in ["ana@example.org", "bo@example.org"] {
///     match identities.get(name).await? {
///         Some(identity) => println!("{name} is {}", identity.id),
///         None => println!("nobody is {name}"),
///     }
/// }
/// # Ok(())
/// # }
/// ```
///
/// A key that nobody has is remembered as such and not asked for again, until it is [added](Self::add) once more.
#[derive(Debug)]
pub struct IdentityMap {
    client: AuthClient,
    batch_size: usize,
    known: HashMap<String, Found>,
    /// In the order in which they came.
    pending: Vec<Key>,
}

/// What a look-up gave. `None`: nobody has the key.
type Found = Option<Arc<Identity>>;

/// What somebody can be looked up by.
#[derive(Debug, Clone)]
struct Key {
    /// As the caller wrote it, and as it is sent.
    text: String,
    /// The same for all ways of writing it.
    name: String,
    is_id: bool,
}

impl Key {
    fn new(text: &str) -> Self {
        let id = Uuid::try_parse(text).ok();
        let name = id.map_or_else(|| text.to_lowercase(), |id| id.to_string());
        Self { text: text.to_owned(), name, is_id: id.is_some() }
    }
}

impl IdentityMap {
    /// How many are looked up together, if nothing else is said.
    pub const BATCH_SIZE: usize = 100;

    /// A map that asks through this client. Nothing is sent yet.
    pub fn new(client: &AuthClient) -> Self {
        let client = client.clone();
        Self { client, batch_size: Self::BATCH_SIZE, known: HashMap::new(), pending: Vec::new() }
    }

    /// Looks up at most this many with one request. 100 by default; 0 counts as 1. All of them stand in one address,
    /// so more than some hundred are too many for it.
    #[doc(alias = "id_batch_size")]
    #[must_use]
    pub fn with_batch_size(mut self, size: usize) -> Self {
        self.batch_size = size.max(1);
        self
    }

    /// Says that somebody will be asked for, by username or id. Nothing is sent yet. False where that was known
    /// already, be it that the identity was found or that it still has to be looked up.
    pub fn add(&mut self, key: impl AsRef<str>) -> bool {
        let key = Key::new(key.as_ref());
        if self.known.get(&key.name).is_some_and(Option::is_some) || self.is_pending(&key) {
            return false;
        }
        // A miss is forgotten: somebody may have that name by now.
        self.known.remove(&key.name);
        self.pending.push(key);
        true
    }

    /// Takes an identity that is known from elsewhere, so that it need not be looked up.
    pub fn insert(&mut self, identity: Identity) {
        let identity = Arc::new(identity);
        for name in [identity.id.to_string(), identity.username.to_lowercase()] {
            self.known.insert(name, Some(Arc::clone(&identity)));
        }
    }

    /// Forgets what a look-up by this key gave; it is then looked up again. False where nothing was found by it. What
    /// the same identity's other key leads to stays.
    pub fn remove(&mut self, key: impl AsRef<str>) -> bool {
        self.known.remove(&Key::new(key.as_ref()).name).flatten().is_some()
    }

    /// The identity with this username or id; `None` where nobody has it. It is looked up if it is not known yet,
    /// together with others of its kind (usernames or ids) that were [added](Self::add), in the order in which they
    /// were.
    ///
    /// # Errors
    ///
    /// The service's error, or the failure to reach it. Nothing is forgotten then, and the next call tries again.
    #[doc(alias = "__getitem__")]
    pub async fn get(&mut self, key: impl AsRef<str>) -> Result<Option<&Identity>> {
        let key = Key::new(key.as_ref());
        if !self.known.contains_key(&key.name) {
            self.look_up(&key).await?;
        }
        Ok(self.known.get(&key.name).and_then(Option::as_deref))
    }

    async fn look_up(&mut self, key: &Key) -> Result<()> {
        // One that was found by its other key meanwhile needs no look-up any more.
        self.pending.retain(|pending| !self.known.contains_key(&pending.name));
        let others = self.pending.iter().filter(|other| other.is_id == key.is_id && other.name != key.name);
        let batch: Vec<Key> = std::iter::once(key).chain(others).take(self.batch_size).cloned().collect();
        let texts: Vec<&str> = batch.iter().map(|key| key.text.as_str()).collect();
        let request = self.client.get_identities();
        let request = if key.is_id { request.ids(texts) } else { request.usernames(texts) };
        let answer = request.send().await?.into_inner();

        self.pending.retain(|pending| batch.iter().all(|asked| asked.name != pending.name));
        for identity in answer.identities {
            self.insert(identity);
        }
        for key in batch {
            self.known.entry(key.name).or_default();
        }
        Ok(())
    }

    fn is_pending(&self, key: &Key) -> bool {
        self.pending.iter().any(|pending| pending.name == key.name)
    }
}

impl<K: AsRef<str>> Extend<K> for IdentityMap {
    /// [Adds](Self::add) each.
    fn extend<I: IntoIterator<Item = K>>(&mut self, keys: I) {
        for key in keys {
            self.add(key);
        }
    }
}
