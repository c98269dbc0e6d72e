//! What is let in and out, and who has logged in.

use std::sync::{Arc, Mutex};

use globus_core::storage::{
    CachedTokenStorage, HasRefreshTokens, JsonTokenStorage, MemoryTokenStorage, NotExpired, StorageErrorKind,
    StoreKind, TokenStorage, TokenValidator, UnchangingIdentity, ValidatingTokenStorage, ValidationContext,
};
use globus_core::{ManualClock, Namespace, Storage, StorageError, Timestamp, TokenData};

use crate::support::{Inner, idle, soon, text, token};

/// Says what it was asked, and refuses what it is told to.
#[derive(Clone, Debug, Default)]
struct Witness {
    name: &'static str,
    refuses: &'static str,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Witness {
    fn verdict(&self, what: String) -> Result<(), StorageError> {
        let refused = !self.refuses.is_empty() && what.contains(self.refuses);
        self.seen.lock().unwrap().push(what);
        if refused { Err(StorageError::refused("it says so")) } else { Ok(()) }
    }
}

impl TokenValidator for Witness {
    async fn before_store(
        &self,
        context: ValidationContext<'_>,
        tokens: &[TokenData],
    ) -> Result<(), StorageError> {
        // Takes its time, as one does that asks a service.
        tokio::task::yield_now().await;
        let servers: Vec<_> = tokens.iter().map(|token| token.resource_server.as_str()).collect();
        let ValidationContext { namespace, prior_identity, identity, kind, .. } = context;
        self.verdict(format!(
            "{}: store {servers:?} in {namespace}, {prior_identity:?} then {identity:?}, {}",
            self.name,
            kind.is_some_and(StoreKind::is_refresh),
        ))
    }

    async fn after_retrieve(
        &self,
        context: ValidationContext<'_>,
        token: &TokenData,
    ) -> Result<(), StorageError> {
        assert_eq!(context.kind, None);
        let ValidationContext { namespace, prior_identity, identity, .. } = context;
        self.verdict(format!(
            "{}: read {} in {namespace}, {prior_identity:?} then {identity:?}",
            self.name, token.resource_server,
        ))
    }
}

/// Lets another process log in, right after what is stored was looked at.
#[derive(Debug)]
struct Meanwhile(Storage, Mutex<Option<TokenData>>);

impl TokenValidator for Meanwhile {
    async fn before_store(&self, _: ValidationContext<'_>, _: &[TokenData]) -> Result<(), StorageError> {
        let login = self.1.lock().unwrap().take();
        match login {
            Some(login) => self.0.store(vec![login], StoreKind::Login).await,
            None => Ok(()),
        }
    }
}

fn of(identity: &str, server: &str) -> TokenData {
    token(server, &format!("{identity} at {server}")).with_identity_id(identity)
}

fn memory_with(validator: impl TokenValidator) -> (MemoryTokenStorage, ValidatingTokenStorage, Storage) {
    let memory = MemoryTokenStorage::new();
    let validating = ValidatingTokenStorage::new(memory.clone()).validator(validator);
    (memory, validating.clone(), validating.into())
}

fn is_mismatch(error: &StorageError, expected: &str, found: &str) -> bool {
    assert!(error.is_validation());
    matches!(error.kind(), StorageErrorKind::IdentityMismatch { stored, new, .. }
        if stored == expected && new == found)
}

fn default() -> Namespace {
    Namespace::default()
}

#[tokio::test]
async fn validators_are_asked_in_order_until_one_refuses() {
    let seen = Arc::default();
    let witness = |name, refuses| Witness { name, refuses, seen: Arc::clone(&seen) };
    let take = || std::mem::take(&mut *seen.lock().unwrap());
    let memory = MemoryTokenStorage::new();
    let validating = ValidatingTokenStorage::new(memory.clone())
        .validator(witness("one", ""))
        .validator(witness("two", "bad"))
        .validator(witness("three", ""));
    let storage = Storage::from(validating).with_namespace("user");

    storage.store(vec![of("A", "good"), of("A", "too")], StoreKind::Login).await.unwrap();
    let store = r#"store ["good", "too"] in user, None then Some("A"), false"#;
    assert_eq!(take(), ["one", "two", "three"].map(|name| format!("{name}: {store}")));

    let error = storage.store(vec![of("A", "new"), of("A", "bad")], StoreKind::Login).await.unwrap_err();
    assert!(error.is_validation() && error.to_string().contains("it says so"), "{error}");
    let store = r#"store ["new", "bad"] in user, Some("A") then Some("A"), false"#;
    assert_eq!(take(), ["one", "two"].map(|name| format!("{name}: {store}")));
    assert_eq!(memory.load_all(&"user".into()).await.unwrap().tokens.len(), 2, "nothing of it is stored");

    storage.store(vec![token("good", "A2")], StoreKind::Refresh).await.unwrap();
    let store = r#"store ["good"] in user, Some("A") then Some("A"), true"#;
    assert_eq!(take()[0], format!("one: {store}"));

    for fresh in [false, true] {
        let found = if fresh { storage.get_fresh("good").await } else { storage.get("good").await };
        assert_eq!(text(found.unwrap()).as_deref(), Some("A2"));
        let read = r#"read good in user, Some("A") then Some("A")"#;
        assert_eq!(take(), ["one", "two", "three"].map(|name| format!("{name}: {read}")));
    }

    storage.remove("good").await.unwrap();
    storage.get_for_refresh("too").await.unwrap().unwrap();
    assert!(take().is_empty(), "neither removing nor renewing asks");
}

#[tokio::test]
async fn what_is_not_there_is_an_error() {
    let (_, _, storage) = memory_with(UnchangingIdentity);
    for error in [storage.get("rs").await.unwrap_err(), storage.get_fresh("rs").await.unwrap_err()] {
        assert!(matches!(error.kind(), StorageErrorKind::MissingToken { .. }) && error.is_validation());
        assert_eq!(error.resource_server().unwrap(), "rs");
    }
    assert!(storage.get_for_refresh("rs").await.unwrap().is_none());
    assert!(storage.get_all().await.unwrap().tokens.is_empty());
    assert!(!storage.remove("rs").await.unwrap());
}

#[tokio::test]
async fn a_refused_record_does_not_hide_the_good_ones() {
    let clock = ManualClock::at(1_000);
    let (memory, _, storage) = memory_with(NotExpired::new().clock(clock));
    let expired = TokenData::new("expired", "all", "E", 999);
    let long_ago = TokenData::new("long ago", "all", "L", i64::MIN);
    let last_second = TokenData::new("last second", "all", "S", 1_000);
    let stored = vec![expired, long_ago, last_second.clone()];
    memory.store(&default(), stored, StoreKind::Login).await.unwrap();

    assert_eq!(storage.get("last second").await.unwrap(), Some(last_second));
    let error = storage.get("expired").await.unwrap_err();
    assert!(matches!(error.kind(), StorageErrorKind::ExpiredToken { expired_at, .. }
        if *expired_at == Timestamp::from_second(999).unwrap()));
    assert!(error.to_string().contains("1970-01-01T00:16:39Z"), "{error}");
    storage.get("long ago").await.unwrap_err();

    let loaded = storage.get_all().await.unwrap();
    assert_eq!(loaded.tokens.keys().collect::<Vec<_>>(), ["last second"]);
    let refused: Vec<_> = loaded.damaged.iter().map(|error| error.resource_server().unwrap()).collect();
    assert_eq!(refused, ["expired", "long ago"]);
    assert!(loaded.into_token(&"expired".into()).unwrap_err().is_validation());
}

#[tokio::test]
async fn a_validators_own_refusal_says_whose_token_it_is() {
    let (memory, _, storage) = memory_with(Witness { refuses: "read bad", ..Witness::default() });
    memory.store(&default(), vec![token("bad", "B"), token("good", "G")], StoreKind::Login).await.unwrap();
    let loaded = storage.get_all().await.unwrap();
    assert_eq!(loaded.tokens.keys().collect::<Vec<_>>(), ["good"]);
    for error in [storage.get("bad").await.unwrap_err(), loaded.into_token(&"bad".into()).unwrap_err()] {
        assert_eq!(error.resource_server().unwrap(), "bad");
        assert!(error.is_validation());
        let expected = r#"token storage, token for "bad": the tokens are refused: it says so"#;
        assert_eq!(error.to_string(), expected);
        assert_eq!(error.with_resource_server("else").resource_server().unwrap(), "bad");
    }
}

#[tokio::test]
async fn a_token_that_cannot_be_renewed_counts_as_missing() {
    let (memory, _, storage) = memory_with(HasRefreshTokens);
    let none = TokenData::new("none", "all", "A", 1);
    let empty = TokenData::new("empty", "all", "A", 1).with_refresh_token("");
    memory.store(&default(), vec![token("rs", "A"), none, empty], StoreKind::Login).await.unwrap();
    storage.get("rs").await.unwrap();
    for server in ["none", "empty"] {
        let error = storage.get(server).await.unwrap_err();
        assert!(matches!(error.kind(), StorageErrorKind::MissingToken { .. }), "{error}");
        assert_eq!(error.resource_server().unwrap(), server);
    }
}

#[tokio::test]
async fn one_person_has_a_namespace() {
    let (_, validating, storage) = memory_with(UnchangingIdentity);
    assert_eq!(validating.identity(&default()).await.unwrap(), None);
    let missing = storage.store(vec![token("rs", "nobody's")], StoreKind::Login).await.unwrap_err();
    assert_eq!(*missing.kind(), StorageErrorKind::MissingIdentity);
    let empty = storage.store(Vec::new(), StoreKind::Login).await.unwrap_err();
    assert_eq!(*empty.kind(), StorageErrorKind::MissingIdentity);
    let two = storage.store(vec![of("A", "one"), of("B", "two")], StoreKind::Login).await.unwrap_err();
    assert_eq!(*two.kind(), StorageErrorKind::SeveralIdentities);

    storage.store(vec![of("A", "rs")], StoreKind::Login).await.unwrap();
    for server in ["rs", "other"] {
        let error = storage.store(vec![of("B", server)], StoreKind::Login).await.unwrap_err();
        assert!(is_mismatch(&error, "A", "B"), "{error}");
    }
    storage.store(vec![of("A", "other")], StoreKind::Login).await.unwrap();
    storage.with_namespace("else").store(vec![of("B", "rs")], StoreKind::Login).await.unwrap();
    assert_eq!(validating.identity(&default()).await.unwrap().as_deref(), Some("A"));
    assert_eq!(validating.identity(&"else".into()).await.unwrap().as_deref(), Some("B"));
}

#[tokio::test]
async fn a_store_that_is_refused_or_fails_leaves_no_identity() {
    let inner = Inner::new();
    let refusing = Witness { refuses: "bad", ..Witness::default() };
    let validating =
        ValidatingTokenStorage::new(inner.clone()).validator(UnchangingIdentity).validator(refusing.clone());
    let storage = Storage::from(validating.clone());
    // Something that is nobody's, so that there is something to know by.
    let nobody = vec![token("nobody", "N")];
    inner.elsewhere().store(&default(), nobody, StoreKind::Login).await.unwrap();
    storage.store(vec![of("A", "bad")], StoreKind::Login).await.unwrap_err();
    assert_eq!(validating.identity(&default()).await.unwrap(), None);
    inner.shut_writes();
    let failing = storage.store(vec![of("A", "rs")], StoreKind::Login);
    inner.set_down(true);
    inner.open_writes();
    assert_eq!(*failing.await.unwrap_err().kind(), StorageErrorKind::Unavailable);
    inner.set_down(false);
    assert_eq!(validating.identity(&default()).await.unwrap(), None);
    storage.store(vec![of("B", "rs")], StoreKind::Login).await.unwrap();
    // And a read that was refused, of a record that somebody else has stored.
    let (memory, validating, storage) = memory_with(refusing);
    memory.store(&default(), vec![of("A", "bad")], StoreKind::Login).await.unwrap();
    storage.get("bad").await.unwrap_err();
    memory.store(&default(), vec![token("bad", "N")], StoreKind::Login).await.unwrap();
    assert_eq!(validating.identity(&default()).await.unwrap(), None);
}

#[tokio::test]
async fn a_logout_lets_another_person_in() {
    let (memory, validating, storage) = memory_with(UnchangingIdentity);
    storage.store(vec![of("A", "one"), of("A", "two")], StoreKind::Login).await.unwrap();
    storage.remove("one").await.unwrap();
    validating.forget_identity(&default());
    let error = storage.store(vec![of("B", "one")], StoreKind::Login).await.unwrap_err();
    assert!(is_mismatch(&error, "A", "B"), "tokens are left: {error}");
    storage.remove("two").await.unwrap();
    assert_eq!(validating.identity(&default()).await.unwrap(), None);
    storage.store(vec![of("B", "one")], StoreKind::Login).await.unwrap();

    // The logout of another process counts too.
    assert!(memory.remove(&default(), &"one".into()).await.unwrap());
    storage.store(vec![of("C", "one")], StoreKind::Login).await.unwrap();
}

#[tokio::test]
async fn who_was_seen_is_known_until_the_last_token_goes_even_if_no_token_says_it() {
    let (memory, validating, storage) = memory_with(UnchangingIdentity);
    storage.store(vec![of("A", "rs")], StoreKind::Login).await.unwrap();
    // A program that keeps no identity stores what it has renewed.
    memory.store(&default(), vec![token("rs", "renewed")], StoreKind::Login).await.unwrap();
    assert_eq!(validating.identity(&default()).await.unwrap().as_deref(), Some("A"));
    let error = storage.store(vec![of("B", "other")], StoreKind::Login).await.unwrap_err();
    assert!(is_mismatch(&error, "A", "B"), "{error}");
    // Removing the last token forgets, whatever comes after.
    storage.remove("rs").await.unwrap();
    memory.store(&default(), vec![token("rs", "somebody's")], StoreKind::Login).await.unwrap();
    assert_eq!(validating.identity(&default()).await.unwrap(), None);

    storage.store(vec![of("A", "other")], StoreKind::Login).await.unwrap();
    memory.store(&default(), vec![token("other", "renewed")], StoreKind::Login).await.unwrap();
    validating.forget_identity(&default());
    assert_eq!(validating.identity(&default()).await.unwrap(), None);
}

#[tokio::test]
async fn a_refresh_keeps_the_stored_identity_and_fills_in_the_known_one() {
    let (memory, _, storage) = memory_with(UnchangingIdentity);
    let stored_identity = async |server: &str| {
        memory.load_fresh(&default(), &server.into()).await.unwrap().unwrap().identity_id
    };
    // Nobody is known: the refresh passes, as it cannot change that.
    storage.store(vec![token("rs", "1")], StoreKind::Refresh).await.unwrap();
    assert_eq!(stored_identity("rs").await, None);

    storage.store(vec![of("A", "auth")], StoreKind::Login).await.unwrap();
    storage.store(vec![token("auth", "2")], StoreKind::Refresh).await.unwrap();
    assert_eq!(stored_identity("auth").await.as_deref(), Some("A"));
    storage.store(vec![token("rs", "2")], StoreKind::Refresh).await.unwrap();
    assert_eq!(stored_identity("rs").await.as_deref(), Some("A"));
    let error = storage.store(vec![of("B", "rs")], StoreKind::Refresh).await.unwrap_err();
    assert!(is_mismatch(&error, "A", "B"), "{error}");

    // A fresh program that has not looked at anything.
    let (again, raw) = (ValidatingTokenStorage::new(memory.clone()).validator(UnchangingIdentity), &memory);
    Storage::from(again).store(vec![token("auth", "3")], StoreKind::Refresh).await.unwrap();
    assert_eq!(stored_identity("auth").await.as_deref(), Some("A"));

    // Where different persons were seen, none is filled in.
    raw.store(&default(), vec![of("B", "rs")], StoreKind::Login).await.unwrap();
    storage.get("rs").await.unwrap();
    storage.store(vec![token("rs", "4")], StoreKind::Refresh).await.unwrap();
    assert_eq!(stored_identity("rs").await.as_deref(), Some("B"));
}

#[tokio::test]
async fn tokens_of_several_persons_are_told_as_such() {
    let (memory, validating, storage) = memory_with(UnchangingIdentity);
    memory.store(&default(), vec![of("A", "one"), of("B", "two")], StoreKind::Login).await.unwrap();
    for error in [
        storage.get_all().await.unwrap_err(),
        validating.identity(&default()).await.unwrap_err(),
        storage.store(vec![of("A", "one")], StoreKind::Login).await.unwrap_err(),
    ] {
        assert_eq!(*error.kind(), StorageErrorKind::SeveralIdentities);
    }
    // Each token can still be used and renewed, and the storage be cleared.
    assert_eq!(text(storage.get("one").await.unwrap()).as_deref(), Some("A at one"));
    assert_eq!(text(storage.get("two").await.unwrap()).as_deref(), Some("B at two"));
    storage.store(vec![token("two", "renewed")], StoreKind::Refresh).await.unwrap();
    assert_eq!(storage.get("two").await.unwrap().unwrap().identity_id.as_deref(), Some("B"));
    storage.remove("two").await.unwrap();
    assert_eq!(validating.identity(&default()).await.unwrap().as_deref(), Some("A"));
}

#[tokio::test]
async fn two_processes_that_log_in_as_two_persons_do_not_both_succeed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tokens.json");
    let memory = MemoryTokenStorage::new();
    let pairs = [
        (Storage::from(memory.clone()), Storage::from(memory)),
        (JsonTokenStorage::new(&path).into(), JsonTokenStorage::new(&path).into()),
    ];
    for (here, elsewhere) in pairs {
        let process = |storage: &Storage| ValidatingTokenStorage::new(storage).validator(UnchangingIdentity);
        let other = Storage::from(process(&elsewhere));
        let meanwhile = Meanwhile(other.clone(), Mutex::new(Some(of("B", "auth"))));
        let storage = Storage::from(process(&here).validator(meanwhile));
        // Each has looked, and seen nobody.
        let error = storage.store(vec![of("A", "auth"), of("A", "rs")], StoreKind::Login).await.unwrap_err();
        assert!(is_mismatch(&error, "B", "A"), "{error}");
        let loaded = other.get_all().await.unwrap();
        assert_eq!(loaded.tokens.keys().collect::<Vec<_>>(), ["auth"], "nothing of the batch is stored");
        // What was stored elsewhere before is seen by looking, whatever it is for.
        let error = storage.store(vec![of("A", "unrelated")], StoreKind::Login).await.unwrap_err();
        assert!(is_mismatch(&error, "B", "A"), "{error}");
    }
}

#[tokio::test]
async fn two_logins_of_one_process_take_turns() {
    let (_, validating, storage) = memory_with(UnchangingIdentity);
    let storage_with_wait = Storage::from(validating.validator(Witness::default()));
    let logins: Vec<_> = ["A", "B", "C", "D"]
        .into_iter()
        .map(|identity| {
            let storage = storage_with_wait.clone();
            tokio::spawn(async move {
                storage.store(vec![of(identity, &format!("only {identity}"))], StoreKind::Login).await
            })
        })
        .collect();
    let mut succeeded = 0;
    for login in logins {
        succeeded += usize::from(soon(login).await.unwrap().is_ok());
    }
    assert_eq!(succeeded, 1);
    assert_eq!(storage.get_all().await.unwrap().tokens.len(), 1);
}

#[tokio::test]
async fn a_cache_below_keeps_nobody_out_who_may_come_in() {
    let inner = Inner::new();
    let cached = CachedTokenStorage::new(inner.clone());
    let storage = Storage::from(ValidatingTokenStorage::new(cached).validator(UnchangingIdentity));
    storage.store(vec![of("A", "auth"), of("A", "rs")], StoreKind::Login).await.unwrap();
    storage.get("rs").await.unwrap();
    for server in ["auth", "rs"] {
        inner.elsewhere().remove(&default(), &server.into()).await.unwrap();
    }
    storage.store(vec![of("B", "auth")], StoreKind::Login).await.unwrap();
    // Nor lets it anybody in who may not: what was stored elsewhere is not in the cache.
    storage.get("auth").await.unwrap();
    inner.elsewhere().store(&default(), vec![of("C", "auth")], StoreKind::Login).await.unwrap();
    let error = storage.store(vec![of("B", "auth")], StoreKind::Login).await.unwrap_err();
    assert!(is_mismatch(&error, "C", "B"), "{error}");
    // As documented, this is noticed late: nothing in common, and not in the cache yet.
    inner.elsewhere().remove(&default(), &"auth".into()).await.unwrap();
    storage.get_fresh("auth").await.unwrap_err();
    assert!(storage.get_all().await.unwrap().tokens.is_empty());
    inner.elsewhere().store(&default(), vec![of("C", "auth")], StoreKind::Login).await.unwrap();
    storage.store(vec![of("B", "rs")], StoreKind::Login).await.unwrap();
    assert_eq!(*storage.get_all().await.unwrap_err().kind(), StorageErrorKind::SeveralIdentities);
}

#[tokio::test]
async fn a_renewed_token_is_on_its_way_at_the_call_and_a_login_is_not_left_half_way() {
    let inner = Inner::new();
    let validating = ValidatingTokenStorage::new(inner.clone()).validator(UnchangingIdentity);
    let storage = Storage::from(validating.clone());
    let read = token("rs", "1").generation();
    for kind in [StoreKind::Refresh, StoreKind::RefreshOf(read)] {
        let before = inner.writes();
        drop(storage.store(vec![token("rs", "2")], kind));
        assert_eq!(inner.writes(), before + 1);
    }
    let before = inner.writes();
    drop(validating.remove(&default(), &"rs".into()));
    assert_eq!(inner.writes(), before + 1);

    inner.shut_reads();
    drop(storage.store(vec![of("A", "rs")], StoreKind::Login));
    inner.read_waits().await;
    inner.open_reads();
    idle().await;
    assert_eq!(text(storage.get("rs").await.unwrap()).as_deref(), Some("A at rs"));
}

#[tokio::test]
async fn what_is_not_validated_is_passed_on() {
    let inner = Storage::from(MemoryTokenStorage::new()).with_namespace("user");
    let validating = ValidatingTokenStorage::new(&inner);
    let storage = Storage::from(validating.clone());
    assert_eq!(storage.namespace(), "user");
    storage.store(vec![of("A", "rs")], StoreKind::Login).await.unwrap();
    assert_eq!(validating.inner().get("rs").await.unwrap(), Some(of("A", "rs")));
    assert_eq!(storage.list().await.unwrap(), ["user"]);
    assert_eq!(storage.capabilities(), inner.capabilities());
    storage.lock_refresh("rs").await.unwrap().release().await.unwrap();
    assert!(!format!("{validating:?}").contains("A at rs"));
}

#[tokio::test]
async fn a_storage_that_is_shared_answers_as_it_would_by_itself() {
    let inner = Inner::new();
    let cached = Arc::new(CachedTokenStorage::new(Storage::from(inner.clone()).with_namespace("user")));
    let validating = Arc::new(ValidatingTokenStorage::new(Arc::clone(&cached)).validator(NotExpired::new()));
    let storage = Storage::from(Arc::clone(&validating));
    assert_eq!(storage.namespace(), "user");
    let expired = TokenData::new("expired", "all", "E", 999);
    storage.store(vec![expired.clone()], StoreKind::Login).await.unwrap();
    assert!(storage.get("expired").await.unwrap_err().is_validation());
    // Not the answer of a fresh read, which is refused, nor fresh ones where a cache is asked.
    assert_eq!(storage.get_for_refresh("expired").await.unwrap(), Some(expired));
    inner.elsewhere().remove(&"user".into(), &"expired".into()).await.unwrap();
    let error = storage.get("expired").await.unwrap_err();
    assert!(matches!(error.kind(), StorageErrorKind::ExpiredToken { .. }), "{error}");
    assert_eq!(storage.capabilities(), inner.capabilities());
    storage.lock_refresh("expired").await.unwrap().release().await.unwrap();
    assert!(!storage.remove("expired").await.unwrap());
    assert!(storage.list().await.unwrap().is_empty());
    assert!(storage.get_all().await.unwrap().tokens.is_empty());
}
