//! Several processes, one storage: the lease, and taking over what another process has stored.

use std::sync::{Arc, Mutex};

use globus_core::storage::{Capabilities, Lease, Loaded, RefreshLease, Release, StorageErrorKind, StoreKind};
use globus_core::{
    Authorizer, ClientCredentialsAuthorizer, Namespace, ResourceServer, Storage, StorageError, TokenData,
    TokenStorage,
};

use crate::support::{Answer, LEASE_TIME, Log, SERVER, Step, World, idle, soon, text, token};

#[tokio::test]
async fn a_newer_stored_token_is_taken_over_without_a_request() {
    let world = World::new();
    world.adapter.put(Some(world.record("OTHER", "RT5", 3600)));
    let authorizer = world.authorizer(-1);
    assert_eq!(token(&authorizer).await.unwrap(), "OTHER");
    assert_eq!(world.grants.requests(), 0);
    // Its refresh token comes with it.
    world.adapter.put(None);
    world.advance(3600);
    token(&authorizer).await.unwrap();
    assert_eq!(world.grants.asked(), ["RT5"]);
}

#[tokio::test]
async fn a_refused_token_is_replaced_by_the_stored_one_unless_that_is_the_same() {
    let world = World::new();
    world.adapter.put(Some(world.record("OTHER", "RT0", 3600)));
    let authorizer = Authorizer::from(world.authorizer(3600));
    authorizer.rejected(&authorizer.authorization().await.unwrap());
    let header = soon(authorizer.authorization()).await.unwrap();
    assert_eq!(text(&header), "OTHER");
    assert_eq!(world.grants.requests(), 0);
    // Now the stored one is the refused one.
    authorizer.rejected(&header);
    assert_eq!(token(&authorizer).await.unwrap(), "AT1");
}

#[tokio::test]
async fn a_stored_token_that_is_nearly_over_gives_its_refresh_token_only() {
    let world = World::new();
    world.adapter.put(Some(world.record("OTHER", "RT5", 59)));
    let authorizer = world.authorizer(-1);
    assert_eq!(token(&authorizer).await.unwrap(), "AT1");
    assert_eq!(world.grants.asked(), ["RT5"]);
}

#[tokio::test]
async fn what_was_stored_before_our_own_token_is_left_alone() {
    let world = World::new();
    // The file still holds somebody's last login; the program was given the tokens of a new one.
    world.adapter.put(Some(world.record("LAST", "RTLAST", 1800)));
    let authorizer = Authorizer::from(world.authorizer(3600));
    authorizer.rejected(&authorizer.authorization().await.unwrap());
    assert_eq!(token(&authorizer).await.unwrap(), "AT1");
    // Nor with a refresh token alone, of which nothing is known but that it is another one.
    world.adapter.put(Some(world.record("LAST", "RTLAST", 1800)));
    assert_eq!(token(world.builder().build().unwrap()).await.unwrap(), "AT2");
    assert_eq!(world.grants.asked(), ["RT0", "RT0"]);
}

#[tokio::test]
async fn with_a_refresh_token_alone_its_stored_access_token_is_found() {
    let world = World::new();
    world.adapter.put(Some(world.record("STORED", "RT0", 1800)));
    assert_eq!(token(world.builder().build().unwrap()).await.unwrap(), "STORED");
    assert_eq!(world.grants.requests(), 0);
}

#[tokio::test]
async fn client_credentials_take_over_a_stored_token_with_their_scopes() {
    for (scope, refresh_token, expected) in [
        ("all", None, "STORED"),
        ("all more", None, "STORED"),
        ("more", None, "AT1"),
        // A person's login.
        ("all", Some("RT0"), "AT1"),
    ] {
        let world = World::new();
        let mut record = TokenData::new(SERVER, scope, "STORED", world.now() + 1000);
        record.refresh_token = refresh_token.map(Into::into);
        world.adapter.put(Some(record));
        let builder = ClientCredentialsAuthorizer::builder(&world.grants, "*all[*dependent]");
        let builder = builder.on_refresh(world.adapter.clone()).clock(world.clock.clone());
        assert_eq!(token(builder.build().unwrap()).await.unwrap(), expected, "{scope}");
    }
}

#[tokio::test]
async fn the_lease_is_held_around_the_request_and_given_back() {
    let world = World::new();
    world.adapter.coordinate();
    let authorizer = world.authorizer(-1);
    token(&authorizer).await.unwrap();
    soon(authorizer.settle()).await.unwrap();
    assert_eq!(world.log.events(), ["lock", "look", "ask RT0", "store AT1", "release"]);
}

#[tokio::test]
async fn the_lease_is_given_back_after_a_failure_too() {
    let world = World::new();
    world.adapter.coordinate();
    world.grants.then([Answer::Broken]);
    let authorizer = world.authorizer(-1);
    token(&authorizer).await.unwrap_err();
    soon(authorizer.settle()).await.unwrap();
    assert_eq!(world.log.events(), ["lock", "look", "ask RT0", "release"]);
}

#[tokio::test]
async fn nobody_waits_for_the_lease_to_go_and_no_renewal_begins_before_it_has() {
    let world = World::new();
    world.adapter.coordinate();
    world.adapter.hold_leases();
    world.grants.then([Answer::Broken]);
    let authorizer = world.authorizer(-1);
    assert!(token(&authorizer).await.unwrap_err().is_connect());
    // Comes after that failure, so it is not told of it but has a renewal of its own, once the first is over.
    let later = tokio::spawn(async move { token(&authorizer).await });
    idle().await;
    assert!(!later.is_finished());
    assert_eq!(world.log.events(), ["lock", "look", "ask RT0"]);
    world.adapter.release();
    assert_eq!(soon(later).await.unwrap().unwrap(), "AT2");
}

#[tokio::test]
async fn what_is_owed_is_stored_under_the_lease() {
    let world = World::new();
    world.adapter.coordinate();
    world.adapter.next_stores([Step::Fail]);
    let authorizer = world.authorizer(-1);
    token(&authorizer).await.unwrap();
    soon(authorizer.settle()).await.unwrap();
    let events = world.log.events();
    assert_eq!(events[events.len() - 4..], ["lock", "look", "store AT1", "release"]);
}

#[tokio::test]
async fn neither_a_lease_nor_a_look_that_fails_stops_the_renewal() {
    for step in [Step::Fail, Step::Panic] {
        let world = World::new();
        world.adapter.next_locks([step]);
        world.adapter.next_reads([step]);
        assert_eq!(token(world.authorizer(-1)).await.unwrap(), "AT1");
    }
}

#[tokio::test]
async fn while_another_process_does_not_let_go_of_the_lease_nothing_is_asked() {
    let world = World::new();
    world.adapter.next_locks([Step::Busy; 3]);
    let authorizer = world.authorizer(-1);
    let error = token(&authorizer).await.unwrap_err();
    assert!(error.storage().unwrap().is_locked(), "{error}");
    // What it has stored by then is taken over.
    world.adapter.put(Some(world.record("OTHER", "RT5", 3600)));
    assert_eq!(token(&authorizer).await.unwrap(), "OTHER");
    // A token that is still good is better than the error.
    world.advance(3570);
    assert_eq!(token(&authorizer).await.unwrap(), "OTHER");
    assert_eq!(world.log.events().iter().filter(|event| *event == "lock is busy").count(), 3);
    assert_eq!(world.grants.requests(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_another_process_has_renewed_is_taken_over_without_waiting_for_the_lease() {
    let world = World::new();
    let storage = Storage::from(globus_core::MemoryTokenStorage::new());
    storage.store(vec![world.record("AT0", "RT0", -1)], StoreKind::Login).await.unwrap();
    let lease = storage.lock_refresh(SERVER).await.unwrap();
    let builder = world.builder().access_token("AT0", world.now() - 1).resource_server(SERVER);
    let authorizer = builder.on_refresh(storage.clone()).build().unwrap();
    let waiting = tokio::spawn(async move { token(&authorizer).await });
    idle().await;
    storage.store(vec![world.record("OTHER", "RT5", 3600)], StoreKind::Refresh).await.unwrap();
    assert_eq!(soon(waiting).await.unwrap().unwrap(), "OTHER");
    assert_eq!(world.grants.requests(), 0);
    lease.release().await.unwrap();
}

#[tokio::test]
async fn while_the_service_that_keeps_the_tokens_is_away_nothing_is_asked() {
    let world = World::new();
    world.adapter.next_locks([Step::Away; 3]);
    world.adapter.next_reads([Step::Away; 3]);
    // A token that is still good is used on.
    let authorizer = world.authorizer(30);
    assert_eq!(token(&authorizer).await.unwrap(), "AT0");
    world.advance(30);
    for _ in 0..2 {
        let error = token(&authorizer).await.unwrap_err();
        assert_eq!(*error.storage().unwrap().kind(), StorageErrorKind::Unavailable);
    }
    assert_eq!(world.grants.requests(), 0);
    assert_eq!(token(&authorizer).await.unwrap(), "AT1");

    // It comes back between the lease and the look: others may have the lease by now.
    let world = World::new();
    world.adapter.next_locks([Step::Away]);
    assert!(token(world.authorizer(-1)).await.unwrap_err().is_storage());
    assert_eq!(world.grants.requests(), 0);
}

#[tokio::test]
async fn what_another_process_has_stored_meanwhile_is_not_overwritten() {
    for (theirs, expected) in [
        // Its renewal of the same token: taken over.
        (Some(("OTHER", "RT5", 3700)), "OTHER"),
        // A login of somebody else, a logout: theirs stays, and ours stays in use.
        (Some(("LOGIN", "RTLOGIN", 100)), "AT1"),
        (None, "AT1"),
    ] {
        let world = World::new();
        world.adapter.put(Some(world.record("AT0", "RT0", -1)));
        world.grants.shut();
        let authorizer = world.authorizer(200);
        authorizer_rejects(&authorizer).await;
        let waiting = tokio::spawn({
            let authorizer = authorizer.clone();
            async move { token(&authorizer).await }
        });
        world.grants.started().await;
        let theirs = theirs.map(|(access, refresh, left)| world.record(access, refresh, left));
        world.adapter.put(theirs.clone());
        world.grants.let_through(1);
        assert_eq!(soon(waiting).await.unwrap().unwrap(), expected);
        assert_eq!(world.adapter.stored(), theirs);
        // It is not owed either.
        soon(authorizer.settle()).await.unwrap();
        assert!(authorizer.pending_persist().is_none());
        assert_eq!(world.adapter.stored(), theirs);
    }
}

#[tokio::test]
async fn somebody_elses_login_is_neither_taken_over_nor_overwritten() {
    let record = |world: &World, access: &str, refresh: &str, left, identity: &str| {
        Some(world.record(access, refresh, left).with_identity_id(identity))
    };
    // Another person, with a longer life; and a login of nobody knows whom after our tokens had been stored.
    for (left, theirs) in [(9000, "B"), (100, "")] {
        let world = World::new();
        world.adapter.put(record(&world, "AT0", "RT0", -1, "A"));
        let stored = world.adapter.stored().unwrap();
        let authorizer = globus_core::RefreshTokenAuthorizer::from_tokens(&stored, &world.grants)
            .unwrap()
            .on_refresh(Arc::clone(&world.adapter))
            .clock(world.clock.clone())
            .build()
            .unwrap();
        assert_eq!(token(&authorizer).await.unwrap(), "AT1");
        let login = match theirs {
            "" => Some(world.record("LOGIN", "RTLOGIN", left)),
            identity => record(&world, "LOGIN", "RTLOGIN", left, identity),
        };
        world.adapter.put(login.clone());
        world.advance(3600);
        assert_eq!(token(&authorizer).await.unwrap(), "AT2");
        soon(authorizer.settle()).await.unwrap();
        assert_eq!(world.adapter.stored(), login);
        assert!(authorizer.pending_persist().is_none());
    }
}

#[tokio::test]
async fn a_renewal_does_not_undo_a_logout() {
    let world = World::new();
    world.adapter.put(Some(world.record("AT0", "RT0", -1)));
    let authorizer = world.authorizer(-1);
    assert_eq!(token(&authorizer).await.unwrap(), "AT1");
    world.adapter.put(None);
    world.advance(3600);
    assert_eq!(token(&authorizer).await.unwrap(), "AT2");
    soon(authorizer.settle()).await.unwrap();
    assert_eq!(world.adapter.stored(), None);
    assert!(authorizer.pending_persist().is_none());
}

#[tokio::test]
async fn what_is_owed_gives_way_to_a_login_that_came_first() {
    let person = |world: &World, access: &str, refresh: &str, left: i64| {
        Some(world.record(access, refresh, left).with_identity_id("SOMEBODY"))
    };
    // Nothing was stored when the token was renewed, or somebody's login that is not the one there now.
    for before in [None, Some("LAST")] {
        let world = World::new();
        world.adapter.put(before.and_then(|access| person(&world, access, "RTLAST", -100)));
        world.adapter.next_stores([Step::Fail]);
        let authorizer = world.authorizer(-1);
        assert_eq!(token(&authorizer).await.unwrap(), "AT1");
        let login = person(&world, "LOGIN", "RTLOGIN", 100);
        world.adapter.put(login.clone());
        soon(authorizer.settle()).await.unwrap();
        assert_eq!(world.adapter.stored(), login);
        assert!(authorizer.pending_persist().is_none());
    }
}

#[tokio::test]
async fn what_is_owed_is_stored_over_what_it_renewed() {
    // Neither could be read nor stored when it was renewed; now the old record shows that it is the one.
    let world = World::new();
    world.adapter.put(Some(world.record("AT0", "RT0", -1)));
    world.adapter.next_reads([Step::Fail]);
    world.adapter.next_stores([Step::Fail]);
    world.grants.then([Answer::rotated("AT1", "RT1")]);
    let authorizer = world.builder().build().unwrap();
    assert_eq!(token(&authorizer).await.unwrap(), "AT1");
    soon(authorizer.settle()).await.unwrap();
    assert_eq!(world.adapter.stored().unwrap().refresh_token.unwrap().expose(), "RT1");
}

#[tokio::test]
async fn somebody_elses_refresh_token_is_not_spent_when_ours_is_refused() {
    let world = World::new();
    let ours = world.record("AT0", "RT0", -1).with_identity_id("A");
    world.adapter.put(Some(world.record("LOGIN", "RTLOGIN", 100).with_identity_id("B")));
    world.grants.then([Answer::InvalidGrant]);
    let builder = globus_core::RefreshTokenAuthorizer::from_tokens(&ours, &world.grants).unwrap();
    let authorizer =
        builder.on_refresh(Arc::clone(&world.adapter)).clock(world.clock.clone()).build().unwrap();
    assert!(token(&authorizer).await.unwrap_err().is_login_required());
    assert_eq!(world.grants.asked(), ["RT0"]);
}

#[tokio::test]
async fn nothing_of_an_older_login_is_kept_when_a_newer_one_takes_its_place() {
    let world = World::new();
    let storage = Storage::from(globus_core::MemoryTokenStorage::new());
    let last = world.record("LAST", "RTLAST", 100).with_identity_id("LAST-PERSON");
    storage.store(vec![last], StoreKind::Login).await.unwrap();
    // The program was given the tokens of a new login, which it has not stored.
    let builder = world.builder().access_token("AT0", world.now() + 200).resource_server(SERVER);
    let authorizer = builder.on_refresh(storage.clone()).build().unwrap();
    world.advance(200);
    assert_eq!(token(&authorizer).await.unwrap(), "AT1");
    let stored = storage.get(SERVER).await.unwrap().unwrap();
    assert_eq!((stored.access_token.expose(), stored.identity_id), ("AT1", None));
    assert_eq!(stored.refresh_token.unwrap().expose(), "RT0");
}

async fn authorizer_rejects(authorizer: &globus_core::RefreshTokenAuthorizer) {
    let authorizer = Authorizer::from(authorizer);
    authorizer.rejected(&authorizer.authorization().await.unwrap());
}

#[tokio::test]
async fn what_is_owed_does_not_overwrite_what_came_later() {
    let world = World::new();
    world.adapter.put(Some(world.record("AT0", "RT0", -1)));
    world.adapter.next_stores([Step::Fail]);
    let authorizer = world.authorizer(-1);
    assert_eq!(token(&authorizer).await.unwrap(), "AT1");
    let theirs = world.record("OTHER", "RT5", 7200);
    world.adapter.put(Some(theirs.clone()));
    soon(authorizer.settle()).await.unwrap();
    assert!(authorizer.pending_persist().is_none());
    assert_eq!(world.adapter.stored(), Some(theirs));
    assert_eq!(token(&authorizer).await.unwrap(), "OTHER");
}

#[tokio::test(start_paused = true)]
async fn the_lease_is_extended_while_the_token_endpoint_takes_its_time() {
    let world = World::new();
    world.adapter.coordinate();
    world.grants.shut();
    let authorizer = world.authorizer(-1);
    let waiting = tokio::spawn({
        let authorizer = authorizer.clone();
        async move { token(&authorizer).await }
    });
    world.grants.started().await;
    tokio::time::sleep(LEASE_TIME + LEASE_TIME / 2).await;
    world.grants.let_through(1);
    assert_eq!(soon(waiting).await.unwrap().unwrap(), "AT1");
    soon(authorizer.settle()).await.unwrap();
    let expected =
        ["lock", "look", "ask RT0", "extend", "extend", "extend", "extend", "store AT1", "release"];
    assert_eq!(world.log.events(), expected);
}

/// A storage of many tokens that shows what the authorizer asks of it.
#[derive(Debug, Default)]
struct Many {
    log: Log,
    tokens: Mutex<std::collections::BTreeMap<ResourceServer, TokenData>>,
}

#[derive(Debug)]
struct Held(Log);

impl Lease for Held {
    fn release(self: Box<Self>) -> Release {
        Box::pin(async move {
            self.0.add("release");
            Ok(())
        })
    }
}

impl TokenStorage for Many {
    async fn load_all(&self, _namespace: &Namespace) -> Result<Loaded, StorageError> {
        Ok(Loaded::new(self.tokens.lock().unwrap().clone()))
    }

    async fn load_fresh(
        &self,
        namespace: &Namespace,
        server: &ResourceServer,
    ) -> Result<Option<TokenData>, StorageError> {
        self.log.add(format!("look {namespace} {server}"));
        self.load_all(namespace).await?.into_token(server)
    }

    async fn store(
        &self,
        namespace: &Namespace,
        tokens: Vec<TokenData>,
        kind: StoreKind,
    ) -> Result<(), StorageError> {
        self.log.add(format!("store {namespace} {kind:?}"));
        let mut stored = self.tokens.lock().unwrap();
        for token in tokens {
            let merged = kind.merge(stored.get(&token.resource_server), token)?;
            stored.insert(merged.resource_server.clone(), merged);
        }
        Ok(())
    }

    async fn remove(&self, _: &Namespace, server: &ResourceServer) -> Result<bool, StorageError> {
        Ok(self.tokens.lock().unwrap().remove(server).is_some())
    }

    async fn list(&self) -> Result<Vec<Namespace>, StorageError> {
        Err(StorageError::unsupported("listing"))
    }

    async fn lock_refresh(
        &self,
        namespace: &Namespace,
        server: &ResourceServer,
    ) -> Result<RefreshLease, StorageError> {
        self.log.add(format!("lock {namespace} {server}"));
        Ok(RefreshLease::new(1, RefreshLease::TIME, Held(self.log.clone())))
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::minimal()
    }
}

#[tokio::test]
async fn a_storage_of_many_tokens_is_asked_for_the_one() {
    let world = World::new();
    let many = Arc::new(Many::default());
    let storage = Storage::from(many.clone()).with_namespace("mine");
    let builder = world.builder().on_refresh(storage.clone()).resource_server("rs");
    let authorizer = builder.build().unwrap();
    token(&authorizer).await.unwrap();
    soon(authorizer.settle()).await.unwrap();
    assert_eq!(many.log.events(), ["lock mine rs", "look mine rs", "store mine Refresh", "release"]);

    // Of another process's renewal the other authorizer takes the token.
    let record = storage.get(SERVER).await.unwrap().unwrap();
    assert_eq!(record.access_token.expose(), "AT1");
    let builder = world.builder().on_refresh(storage.clone()).resource_server(SERVER);
    assert_eq!(token(builder.build().unwrap()).await.unwrap(), "AT1");
    assert_eq!(world.grants.requests(), 1);
}

#[tokio::test]
async fn a_storage_is_not_asked_for_a_resource_server_that_is_not_known_yet() {
    let world = World::new();
    let many = Arc::new(Many::default());
    let authorizer = world.builder().on_refresh(Storage::from(many.clone())).build().unwrap();
    token(&authorizer).await.unwrap();
    soon(authorizer.settle()).await.unwrap();
    assert_eq!(many.log.events(), ["store DEFAULT Refresh"]);
    world.advance(10_000);
    token(&authorizer).await.unwrap();
    assert_eq!(many.log.events()[1], format!("lock DEFAULT {SERVER}"));
}
