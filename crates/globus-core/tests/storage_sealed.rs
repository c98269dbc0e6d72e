//! Records that are sealed one by one: what opens where, and what becomes of the others.
#![cfg(feature = "seal")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::error::Error;
use std::sync::Mutex;

use globus_core::TokenData;
use globus_core::seal::{SealError, SealingKey, SealingKeys, is_sealed_text};
use globus_core::storage::{
    CachedTokenStorage, Capabilities, MemoryTokenStorage, SealedTokenStorage, Storage, StorageError,
    StorageErrorKind, StoreKind, TokenStorage, TokenValidator, ValidatingTokenStorage, ValidationContext,
};
use serde_json::json;

fn key(byte: u8) -> SealingKey {
    SealingKey::from_bytes([byte; 32])
}

/// A database, and the same sealed.
struct Sealed {
    rows: Storage,
    storage: Storage,
}

impl Sealed {
    fn new() -> Self {
        let rows = Storage::from(MemoryTokenStorage::new());
        Self { storage: over(&rows, key(1)), rows }
    }

    async fn row(&self, namespace: &str, server: &str) -> TokenData {
        self.rows.with_namespace(namespace).get_fresh(server).await.unwrap().unwrap()
    }

    async fn put_row(&self, namespace: &str, row: TokenData) {
        // Gone first, so that nothing of it stays.
        let rows = self.rows.with_namespace(namespace);
        rows.remove(&row.resource_server).await.unwrap();
        rows.store(vec![row], StoreKind::Login).await.unwrap();
    }

    async fn login(&self, namespace: &str, token: TokenData) {
        self.storage.with_namespace(namespace).store(vec![token], StoreKind::Login).await.unwrap();
    }

    /// What is seen of a record, which loading all and loading one must agree on.
    async fn get(&self, namespace: &str, server: &str) -> Result<Option<TokenData>, StorageError> {
        let storage = self.storage.with_namespace(namespace);
        let one = storage.get_fresh(server).await;
        let all = storage.get_all().await.unwrap().into_token(&server.into());
        match (&one, &all) {
            (Ok(one), Ok(all)) => assert_eq!(one, all),
            (Err(one), Err(all)) => assert_eq!(one.kind(), all.kind()),
            _ => panic!("{one:?} {all:?}"),
        }
        one
    }

    async fn assert_does_not_open(&self, namespace: &str, server: &str) {
        let error = self.get(namespace, server).await.unwrap_err();
        match error.kind() {
            StorageErrorKind::CannotUnsealRecord { namespace: named, resource_server, .. } => {
                assert_eq!((named.as_str(), resource_server.as_str()), (namespace, server));
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(error.resource_server().unwrap().as_str(), server);
        let source = error.source().unwrap();
        assert!(!format!("{error} {error:?} {source} {source:?}").contains("Ag"), "{error:?}");
    }
}

fn over(rows: &Storage, keys: impl Into<SealingKeys>) -> Storage {
    SealedTokenStorage::new(rows, keys).unwrap().into()
}

fn token(server: &str, number: i64) -> TokenData {
    let extra = json!({"note": "AgNote", "list": [1, null]});
    TokenData::new(server, "scope", format!("AgAccess{number}"), number)
        .with_refresh_token(format!("AgRefresh{number}"))
        .with_identity_id("someone")
        .with_token_type("Bearer")
        .with_extra(extra.as_object().unwrap().clone())
}

fn assert_shows_no_secret(row: &TokenData) {
    let record = row.to_record();
    // Less than a whole word comes up in sealed text by chance.
    for secret in ["AgAccess", "AgRefresh", "AgNote"] {
        assert!(!record.contains(secret), "{}", *record);
    }
}

#[tokio::test]
async fn secrets_are_sealed_and_the_rest_can_be_looked_for() {
    let sealed = Sealed::new();
    sealed.login("anna", token("rs", 1)).await;
    assert_eq!(sealed.get("anna", "rs").await.unwrap(), Some(token("rs", 1)));
    let row = sealed.row("anna", "rs").await;
    assert_shows_no_secret(&row);
    assert!(is_sealed_text(row.access_token.expose()));
    assert!(is_sealed_text(row.refresh_token.as_ref().unwrap().expose()));
    assert_eq!((row.scope.as_str(), row.expires_at_seconds), ("scope", 1));
    assert_eq!((row.identity_id.as_deref(), row.token_type.as_deref()), (Some("someone"), Some("Bearer")));
    assert_eq!(row.extra.keys().collect::<Vec<_>>(), ["list", "note"]);
    let plain = token("rs", 1);
    let (sealed_length, length) = (row.access_token.expose().len(), plain.access_token.expose().len());
    assert!(sealed_length <= length * 4 / 3 + 66, "{sealed_length}");
}

#[tokio::test]
async fn a_row_opens_in_its_own_place_only() {
    let sealed = Sealed::new();
    sealed.login("anna", token("rs", 1)).await;
    sealed.login("berta", token("rs", 2)).await;
    sealed.login("berta", token("other", 3)).await;
    let row = sealed.row("anna", "rs").await;

    sealed.put_row("berta", row.clone()).await;
    sealed.assert_does_not_open("berta", "rs").await;
    assert_eq!(sealed.get("berta", "other").await.unwrap(), Some(token("other", 3)), "the others do");

    let mut renamed = row.clone();
    renamed.resource_server = "other".into();
    sealed.put_row("anna", renamed).await;
    sealed.assert_does_not_open("anna", "other").await;
    assert_eq!(sealed.get("anna", "rs").await.unwrap(), Some(token("rs", 1)));
}

#[tokio::test]
async fn a_row_that_names_another_service_does_not_open() {
    // In a file the name of a record and the name in it can differ.
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tokens.json");
    let storage = over(&globus_core::JsonTokenStorage::new(&path).into(), key(1));
    storage.store(vec![token("rs", 1)], StoreKind::Login).await.unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let inside = r#""resource_server": "rs""#;
    assert!(text.contains(inside));
    std::fs::write(&path, text.replace(inside, r#""resource_server": "evil""#)).unwrap();
    let error = storage.get_fresh("rs").await.unwrap_err();
    assert!(matches!(error.kind(), StorageErrorKind::CannotUnsealRecord { .. }), "{error:?}");
    assert_eq!(storage.get_fresh("evil").await.unwrap(), None);
}

#[tokio::test]
async fn members_do_not_open_in_each_others_place() {
    let sealed = Sealed::new();
    sealed.login("anna", token("rs", 1)).await;
    let row = sealed.row("anna", "rs").await;
    let refresh_token = row.refresh_token.clone().unwrap();

    let mut swapped = row.clone();
    swapped.access_token = refresh_token.expose().into();
    swapped.refresh_token = Some(row.access_token.expose().into());
    sealed.put_row("anna", swapped).await;
    sealed.assert_does_not_open("anna", "rs").await;

    let mut only_one = row.clone();
    only_one.refresh_token = Some(row.access_token.expose().into());
    sealed.put_row("anna", only_one).await;
    sealed.assert_does_not_open("anna", "rs").await;

    // An unknown member in the place of another one, or of a token, is left out.
    let mut swapped = row.clone();
    swapped.extra.insert("note".into(), row.extra["list"].clone());
    swapped.extra.insert("access_token".into(), row.access_token.expose().into());
    swapped.extra.insert("plain".into(), "text".into());
    sealed.put_row("anna", swapped).await;
    let opened = sealed.get("anna", "rs").await.unwrap().unwrap();
    assert_eq!(opened.extra.keys().collect::<Vec<_>>(), ["list"]);
}

#[tokio::test]
async fn a_changed_or_plain_row_does_not_open() {
    let sealed = Sealed::new();
    sealed.login("anna", token("rs", 1)).await;
    let row = sealed.row("anna", "rs").await;
    let text = row.access_token.expose().to_owned();
    let last = if text.ends_with('A') { "B" } else { "A" };
    for changed in [
        format!("{}{last}", &text[..text.len() - 1]),
        text[..text.len() - 4].to_owned(),
        format!("{text}="),
        "R0xTRUFM".to_owned(),
        "AgPlain".to_owned(),
    ] {
        let mut row = row.clone();
        row.access_token = changed.into();
        sealed.put_row("anna", row).await;
        sealed.assert_does_not_open("anna", "rs").await;
    }
    sealed.put_row("anna", row).await;
    let wrong_key = Sealed { storage: over(&sealed.rows, key(2)), rows: sealed.rows.clone() };
    wrong_key.assert_does_not_open("anna", "rs").await;
}

#[tokio::test]
async fn a_login_replaces_a_row_that_does_not_open() {
    let sealed = Sealed::new();
    let other_key = over(&sealed.rows, key(2)).with_namespace("anna");
    other_key.store(vec![token("rs", 1)], StoreKind::Login).await.unwrap();
    let fresh = TokenData::new("rs", "s", "AgNew", 2);
    sealed.login("anna", fresh.clone()).await;
    assert_eq!(sealed.get("anna", "rs").await.unwrap(), Some(fresh));
}

#[tokio::test]
async fn a_refresh_does_not_keep_a_refresh_token_that_does_not_open() {
    let sealed = Sealed::new();
    let other_key = over(&sealed.rows, key(2)).with_namespace("anna");
    other_key.store(vec![token("rs", 1)], StoreKind::Login).await.unwrap();
    let storage = sealed.storage.with_namespace("anna");
    let answer = TokenData::new("rs", "s", "AgNew", 2);
    storage.store(vec![answer], StoreKind::Refresh).await.unwrap();
    let stored = sealed.get("anna", "rs").await.unwrap().unwrap();
    assert_eq!((stored.access_token.expose(), &stored.refresh_token), ("AgNew", &None));
    // And a later one that has a refresh token stores it.
    let later = TokenData::new("rs", "s", "AgNewer", 3).with_refresh_token("AgRefresh3");
    storage.store(vec![later], StoreKind::RefreshOf(stored.generation())).await.unwrap();
    assert_eq!(sealed.get("anna", "rs").await.unwrap().unwrap().refresh_token, Some("AgRefresh3".into()));
    // Where it cannot be the record that was refreshed, it is a conflict.
    let of = StoreKind::RefreshOf(token("rs", 1).generation());
    other_key.store(vec![token("rs", 1)], StoreKind::Login).await.unwrap();
    assert!(storage.store(vec![token("rs", 4)], of).await.unwrap_err().is_conflict());
}

#[tokio::test]
async fn the_generation_is_the_one_of_the_opened_record() {
    let sealed = Sealed::new();
    let storage = sealed.storage.with_namespace("anna");
    sealed.login("anna", token("rs", 1)).await;
    let seen = storage.get("rs").await.unwrap().unwrap().generation();
    assert_eq!(seen, token("rs", 1).generation());

    // Sealed anew by another process, which makes another row of the same record.
    let before = sealed.row("anna", "rs").await;
    over(&sealed.rows, key(1))
        .with_namespace("anna")
        .store(vec![token("rs", 1)], StoreKind::Login)
        .await
        .unwrap();
    assert_ne!(sealed.row("anna", "rs").await, before);

    let answer = TokenData::new("rs", "s", "AgAccess2", 2);
    storage.store(vec![answer.clone()], StoreKind::RefreshOf(seen)).await.unwrap();
    let stored = storage.get("rs").await.unwrap().unwrap();
    assert_eq!(stored.refresh_token, token("rs", 1).refresh_token);
    assert_eq!((stored.identity_id.as_deref(), stored.extra), (Some("someone"), token("rs", 1).extra));

    // Storing the same again is no conflict, though no two seals are the same; another answer is one.
    let row = sealed.row("anna", "rs").await;
    storage.store(vec![answer], StoreKind::RefreshOf(seen)).await.unwrap();
    assert_eq!(sealed.row("anna", "rs").await, row, "nothing had to be written");
    let other = storage.store(vec![token("rs", 3)], StoreKind::RefreshOf(seen)).await;
    assert!(other.unwrap_err().is_conflict());
}

#[tokio::test]
async fn a_batch_with_a_part_that_is_stored_already_is_stored_as_a_whole() {
    let sealed = Sealed::new();
    let storage = sealed.storage.with_namespace("anna");
    sealed.login("anna", token("a", 1)).await;
    sealed.login("anna", token("b", 1)).await;
    let of = StoreKind::RefreshOf(token("a", 1).generation());
    storage.store(vec![token("a", 2), token("b", 1)], of).await.unwrap();
    assert_eq!(sealed.get("anna", "a").await.unwrap(), Some(token("a", 2)));
    assert_eq!(sealed.get("anna", "b").await.unwrap(), Some(token("b", 1)));
    let of = StoreKind::RefreshOf(token("a", 2).generation());
    let refused = storage.store(vec![token("a", 3), token("b", 9)], of).await;
    assert!(refused.unwrap_err().is_conflict());
    assert_eq!(sealed.get("anna", "a").await.unwrap(), Some(token("a", 2)));
}

#[tokio::test]
async fn a_key_is_replaced_by_and_by_or_at_once() {
    let sealed = Sealed::new();
    sealed.login("anna", token("rs", 1)).await;
    sealed.login("anna", token("other", 1)).await;
    let keys = SealingKeys::from(key(2)).with_older(key(1));
    let storage = SealedTokenStorage::new(&sealed.rows, keys).unwrap();
    let both = Storage::from(storage.clone()).with_namespace("anna");
    let new = Sealed { storage: over(&sealed.rows, key(2)), rows: sealed.rows.clone() };

    let seen = both.get("rs").await.unwrap().unwrap().generation();
    let answer = TokenData::new("rs", "scope", "AgAccess2", 2);
    both.store(vec![answer], StoreKind::RefreshOf(seen)).await.unwrap();
    let kept = new.get("anna", "rs").await.unwrap().unwrap();
    assert_eq!((kept.refresh_token, kept.extra), (token("rs", 1).refresh_token, token("rs", 1).extra));

    new.assert_does_not_open("anna", "other").await;
    assert_eq!(storage.reseal(&"anna".into()).await.unwrap(), 1);
    assert_eq!(new.get("anna", "other").await.unwrap(), Some(token("other", 1)));
    let row = sealed.row("anna", "other").await;
    assert_eq!(storage.reseal(&"anna".into()).await.unwrap(), 0);
    assert_eq!(sealed.row("anna", "other").await, row);
}

#[tokio::test]
async fn that_there_is_no_refresh_token_is_sealed_anew_too() {
    let sealed = Sealed::new();
    let keys = || SealingKeys::from(key(2)).with_older(key(1));
    let new = Sealed { storage: over(&sealed.rows, key(2)), rows: sealed.rows.clone() };
    let answer = |number| TokenData::new("rs", "s", format!("AgNew{number}"), number);
    let seal_none = async || {
        // A refresh token that does not open, in whose place it is sealed that there is none.
        let rows = sealed.rows.with_namespace("anna");
        rows.remove("rs").await.unwrap();
        over(&rows, key(9)).store(vec![token("rs", 1)], StoreKind::Login).await.unwrap();
        let storage = sealed.storage.with_namespace("anna");
        storage.store(vec![answer(2)], StoreKind::Refresh).await.unwrap();
        assert!(rows.get("rs").await.unwrap().unwrap().refresh_token.is_some());
    };

    seal_none().await;
    let storage = SealedTokenStorage::new(&sealed.rows, keys()).unwrap();
    assert_eq!(storage.reseal(&"anna".into()).await.unwrap(), 1);
    assert_eq!(storage.reseal(&"anna".into()).await.unwrap(), 0);
    let stored = new.get("anna", "rs").await.unwrap().unwrap();
    assert_eq!((stored.access_token.expose(), &stored.refresh_token), ("AgNew2", &None));

    // A refresh does the same, of a certain record or not.
    for kind in [StoreKind::RefreshOf(stored.generation()), StoreKind::Refresh] {
        seal_none().await;
        let storage = over(&sealed.rows, keys()).with_namespace("anna");
        storage.store(vec![answer(3)], kind).await.unwrap();
        let stored = new.get("anna", "rs").await.unwrap().unwrap();
        assert_eq!((stored.access_token.expose(), &stored.refresh_token), ("AgNew3", &None));
    }
}

/// Lets somebody else store, right before each write, until there is nothing left to store; then it refuses, if it is
/// to.
#[derive(Debug)]
struct Meanwhile {
    other: Storage,
    tokens: Mutex<Vec<TokenData>>,
    refuses: bool,
}

impl TokenValidator for Meanwhile {
    async fn before_store(&self, _: ValidationContext<'_>, _: &[TokenData]) -> Result<(), StorageError> {
        let token = self.tokens.lock().unwrap().pop();
        match token {
            Some(token) => self.other.store(vec![token], StoreKind::Login).await,
            None if self.refuses => Err(StorageError::new(StorageErrorKind::Conflict)),
            None => Ok(()),
        }
    }
}

#[tokio::test]
async fn what_changes_meanwhile_is_sealed_all_the_same() {
    for refuses in [false, true] {
        let sealed = Sealed::new();
        sealed.login("DEFAULT", token("rs", 1)).await;
        // A program that has the older key only goes on storing.
        let tokens = Mutex::new(vec![token("rs", 3), token("rs", 2)]);
        let meanwhile = Meanwhile { other: sealed.storage.clone(), tokens, refuses };
        let busy = ValidatingTokenStorage::new(&sealed.rows).validator(meanwhile);
        let keys = SealingKeys::from(key(2)).with_older(key(1));
        let storage = SealedTokenStorage::new(busy, keys).unwrap();
        let resealed = storage.reseal(&"DEFAULT".into()).await;
        if refuses {
            assert!(resealed.unwrap_err().is_conflict());
        } else {
            assert_eq!(resealed.unwrap(), 1);
            assert_eq!(over(&sealed.rows, key(2)).get("rs").await.unwrap(), Some(token("rs", 3)));
        }
    }
    // One that has been removed meanwhile needs no seal.
    let sealed = Sealed::new();
    sealed.login("DEFAULT", token("rs", 1)).await;
    let cached = CachedTokenStorage::new(&sealed.rows);
    cached.load_all(&"DEFAULT".into()).await.unwrap();
    sealed.rows.remove("rs").await.unwrap();
    let storage = SealedTokenStorage::new(cached, SealingKeys::from(key(2)).with_older(key(1))).unwrap();
    assert_eq!(storage.reseal(&"DEFAULT".into()).await.unwrap(), 0);
}

#[tokio::test]
async fn while_a_key_is_replaced_every_process_opens_what_any_other_seals() {
    let rows = Storage::from(MemoryTokenStorage::new());
    let (old, new) = (key(1), key(2));
    let steps = [
        SealingKeys::from(old.clone()),
        SealingKeys::from(old.clone()).with_older(new.clone()),
        SealingKeys::from(new.clone()).with_older(old),
        SealingKeys::from(new),
    ];
    // At any time some processes are one step further than the others.
    for (number, pair) in (1..).zip(steps.windows(2)) {
        let [behind, ahead] = [0, 1].map(|place| over(&rows, pair[place].clone()));
        if number == 3 {
            let last = SealedTokenStorage::new(&rows, pair[0].clone()).unwrap();
            last.reseal(&"DEFAULT".into()).await.unwrap();
        }
        for (server, by, to) in [("a", &behind, &ahead), ("b", &ahead, &behind)] {
            by.store(vec![token(server, number)], StoreKind::Login).await.unwrap();
            let seen = to.get_for_refresh(server).await.unwrap().unwrap();
            assert_eq!(seen, token(server, number));
            let answer = TokenData::new(server, "scope", "AgRenewed", number);
            to.store(vec![answer], StoreKind::RefreshOf(seen.generation())).await.unwrap();
            let renewed = by.get(server).await.unwrap().unwrap();
            assert_eq!(
                (renewed.access_token.expose(), renewed.refresh_token),
                ("AgRenewed", seen.refresh_token)
            );
        }
    }
}

#[tokio::test]
async fn a_storage_that_was_plain_is_sealed() {
    let rows = Storage::from(MemoryTokenStorage::new());
    rows.store(vec![token("rs", 1), token("other", 1)], StoreKind::Login).await.unwrap();
    let refusing = over(&rows, key(1));
    let loaded = refusing.get_all().await.unwrap();
    assert_eq!((loaded.tokens.len(), loaded.damaged.len()), (0, 2));
    let error = refusing.get("rs").await.unwrap_err();
    assert!(matches!(error.source().unwrap().downcast_ref(), Some(SealError::NotSealed)), "{error:?}");

    let storage = SealedTokenStorage::new(&rows, key(1)).unwrap().seal_existing(true);
    let handle = Storage::from(storage.clone());
    assert_eq!(handle.get("rs").await.unwrap(), Some(token("rs", 1)));
    // The refresh token that stays is sealed with the rest.
    for (number, kind) in [(2, StoreKind::RefreshOf(token("rs", 1).generation())), (3, StoreKind::Refresh)] {
        handle.store(vec![TokenData::new("rs", "s", "AgAccess", number)], kind).await.unwrap();
        let row = rows.get("rs").await.unwrap().unwrap();
        assert_shows_no_secret(&row);
        assert_eq!(refusing.get("rs").await.unwrap().unwrap().refresh_token, Some("AgRefresh1".into()));
        rows.remove("rs").await.unwrap();
        rows.store(vec![token("rs", 1)], StoreKind::Login).await.unwrap();
    }
    assert_eq!(storage.reseal(&rows.namespace().clone()).await.unwrap(), 2);
    let loaded = refusing.get_all().await.unwrap();
    assert_eq!((loaded.tokens.len(), loaded.damaged.len()), (2, 0));
    assert_eq!(refusing.get("other").await.unwrap(), Some(token("other", 1)));
}

#[tokio::test]
async fn it_can_what_the_storage_can_and_begins_in_its_namespace() {
    let rows = Storage::from(MemoryTokenStorage::new()).with_namespace("anna");
    let storage = SealedTokenStorage::new(&rows, key(1)).unwrap();
    assert_eq!(storage.capabilities(), rows.capabilities());
    assert_ne!(storage.capabilities(), Capabilities::minimal());
    let handle = Storage::from(storage);
    assert_eq!(handle.namespace(), rows.namespace());
    handle.store(vec![token("rs", 1)], StoreKind::Login).await.unwrap();
    assert!(rows.get("rs").await.unwrap().is_some());
    assert_eq!(handle.list().await.unwrap(), ["anna"]);
    assert!(handle.remove("rs").await.unwrap());
    assert!(rows.get("rs").await.unwrap().is_none());
}

#[test]
fn a_store_is_under_way_when_it_was_called() {
    // There is no runtime that could do it later.
    let sealed = Sealed::new();
    drop(sealed.storage.store(vec![token("rs", 1)], StoreKind::Login));
    let get = || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(sealed.storage.get_for_refresh("rs")).unwrap().unwrap()
    };
    let seen = get();
    assert_eq!(seen, token("rs", 1));
    // A refresh of what was read for it too: nothing is read again first, however much is read in between.
    let others = (0..5_000).map(|number| TokenData::new(format!("rs{number}"), "s", "AgOther", number));
    drop(sealed.storage.store(others.collect(), StoreKind::Login));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    assert_eq!(runtime.block_on(sealed.storage.get_all()).unwrap().tokens.len(), 5_001);
    drop(sealed.storage.store(vec![token("rs", 2)], StoreKind::RefreshOf(seen.generation())));
    assert_eq!(get(), token("rs", 2));
}

#[test]
fn a_passphrase_is_too_slow_for_rows() {
    let rows = Storage::from(MemoryTokenStorage::new());
    let passphrase = SealingKey::from_passphrase("AgCorrectHorse").unwrap();
    let keys = SealingKeys::from(key(1)).with_older(passphrase);
    let error = SealedTokenStorage::new(&rows, keys).unwrap_err();
    assert!(matches!(error, SealError::PassphraseForRows), "{error:?}");
    let storage = SealedTokenStorage::new(&rows, SealingKey::from_bytes([b'A'; 32])).unwrap();
    assert!(!format!("{storage:?}").contains("65"), "{storage:?}");
}
