//! What is stored is what is read.

use globus_core::TokenData;
use globus_core::storage::{Namespace, Storage, StoreKind};

use crate::sample::{SECRET, bare_token, token, token_with_unknown_members};
use crate::{Backend, Place};

/// The storage declares what its tests say it can.
pub async fn declares_what_it_can<B: Backend>(place: &Place<B>) {
    assert_eq!(place.open().await.capabilities(), place.capabilities());
}

async fn stored(storage: &Storage, server: &str) -> TokenData {
    let one = storage.get_fresh(server).await.unwrap().unwrap();
    let mut all = storage.get_all().await.unwrap();
    assert!(all.damaged.is_empty(), "{:?}", all.damaged);
    assert_eq!(all.tokens.remove(server).as_ref(), Some(&one), "one token alone and among all");
    assert_eq!(storage.get(server).await.unwrap().as_ref(), Some(&one), "one token past the cache and not");
    one
}

/// Every member comes back, also through another handle.
pub async fn round_trip<B: Backend>(place: &Place<B>) {
    let storage = place.open().await;
    assert!(storage.get_fresh("full").await.unwrap().is_none());
    assert!(storage.get_all().await.unwrap().tokens.is_empty());
    let tokens = vec![token("full", 1), bare_token("bare", 2)];
    storage.store(tokens.clone(), StoreKind::Login).await.unwrap();
    for storage in [storage, place.open().await] {
        for token in &tokens {
            assert_eq!(stored(&storage, token.resource_server.as_str()).await, place.kept(token.clone()));
        }
        assert_eq!(storage.get_all().await.unwrap().tokens.len(), 2);
    }
}

/// Names and texts with quotes, blanks, line ends, wide characters, and what looks like syntax.
pub async fn unusual_names_and_texts<B: Backend>(place: &Place<B>) {
    let namespace = |storage: &Storage, name: &str| {
        if place.backend().has_namespaces() { storage.with_namespace(name) } else { storage.clone() }
    };
    let storage = place.open().await;
    let names = [
        "a b",
        "ü☃\u{1f980}",
        "quote\"'`",
        "line\nend",
        "a/b\\c:d*?",
        "{\"json\":1}",
        "%s$1;--",
        "..",
        "x\u{301}",
    ];
    for (number, name) in (0..).zip(names) {
        let token = token(name, number).with_token_type("Bé\"arer\n");
        namespace(&storage, name).store(vec![token], StoreKind::Login).await.unwrap();
    }
    let storage = place.open().await;
    for (number, name) in (0..).zip(names) {
        let expected = place.kept(token(name, number).with_token_type("Bé\"arer\n"));
        let namespace = namespace(&storage, name);
        assert_eq!(stored(&namespace, name).await, expected, "{name:?}");
        let count = if place.backend().has_namespaces() { 1 } else { names.len() };
        assert_eq!(namespace.get_all().await.unwrap().tokens.len(), count, "{name:?}");
    }
    if place.capabilities().list && place.backend().has_namespaces() {
        let mut listed: Vec<String> =
            storage.list().await.unwrap().iter().map(|namespace| namespace.as_str().to_owned()).collect();
        listed.sort();
        let mut names = names;
        names.sort_unstable();
        assert_eq!(listed, names);
    }
}

/// What is stored in one namespace is not seen in another.
pub async fn namespaces_are_apart<B: Backend>(place: &Place<B>) {
    let storage = place.open().await;
    let other = storage.with_namespace("other");
    if !place.backend().has_namespaces() {
        let refused = other.store(vec![token("rs", 1)], StoreKind::Login).await;
        assert!(refused.is_err(), "what is not kept apart is refused");
        return;
    }
    storage.store(vec![token("rs", 1)], StoreKind::Login).await.unwrap();
    assert!(other.get_fresh("rs").await.unwrap().is_none());
    other.store(vec![token("rs", 2)], StoreKind::Login).await.unwrap();
    assert_eq!(stored(&storage, "rs").await, place.kept(token("rs", 1)));
    assert_eq!(stored(&other, "rs").await, place.kept(token("rs", 2)));
    assert!(other.remove("rs").await.unwrap());
    assert_eq!(stored(&storage, "rs").await, place.kept(token("rs", 1)));
}

/// Records of other resource servers stay as they are.
pub async fn a_store_leaves_other_records_alone<B: Backend>(place: &Place<B>) {
    let storage = place.open().await;
    storage.store(vec![token("one", 1), token("two", 2)], StoreKind::Login).await.unwrap();
    storage.store(vec![token("two", 3)], StoreKind::Login).await.unwrap();
    assert_eq!(stored(&storage, "one").await, place.kept(token("one", 1)));
    assert_eq!(stored(&storage, "two").await, place.kept(token("two", 3)));
}

/// A refresh answer without refresh token or identity keeps the stored ones.
pub async fn a_refresh_keeps_what_its_answer_lacks<B: Backend>(place: &Place<B>) {
    let storage = place.open().await;
    storage.store(vec![token("rs", 1)], StoreKind::Login).await.unwrap();
    storage.store(vec![bare_token("rs", 2)], StoreKind::Refresh).await.unwrap();
    let kept = stored(&storage, "rs").await;
    assert_eq!(kept.access_token, bare_token("rs", 2).access_token);
    assert_eq!(kept.refresh_token, token("rs", 1).refresh_token);
    assert_eq!(kept.identity_id, place.kept(token("rs", 1)).identity_id);
    let rotated = bare_token("rs", 3).with_refresh_token(format!("{SECRET}Rotated"));
    storage.store(vec![rotated.clone()], StoreKind::Refresh).await.unwrap();
    assert_eq!(stored(&storage, "rs").await.refresh_token, rotated.refresh_token);
}

/// After a login nothing of the old record is left but what is not known.
pub async fn a_login_replaces_the_record<B: Backend>(place: &Place<B>) {
    let storage = place.open().await;
    storage.store(vec![token("rs", 1)], StoreKind::Login).await.unwrap();
    storage.store(vec![bare_token("rs", 2)], StoreKind::Login).await.unwrap();
    assert_eq!(stored(&storage, "rs").await, place.kept(bare_token("rs", 2)));
}

/// Members that this version does not know outlive every store.
pub async fn unknown_members_stay<B: Backend>(place: &Place<B>) {
    let storage = place.open().await;
    let first = token_with_unknown_members("rs", 1);
    storage.store(vec![first.clone()], StoreKind::Login).await.unwrap();
    assert_eq!(stored(&storage, "rs").await, place.kept(first));
    for (number, kind) in (2..).zip([StoreKind::Login, StoreKind::Refresh]) {
        storage.store(vec![token("rs", number)], kind).await.unwrap();
        assert_eq!(stored(&storage, "rs").await, place.kept(token_with_unknown_members("rs", number)));
    }
}

/// Removing says whether there was something, and takes that alone.
pub async fn removing<B: Backend>(place: &Place<B>) {
    let storage = place.open().await;
    assert!(!storage.remove("one").await.unwrap());
    storage.store(vec![token("one", 1), token("two", 2)], StoreKind::Login).await.unwrap();
    assert!(storage.remove("one").await.unwrap());
    assert!(!storage.remove("one").await.unwrap());
    assert!(storage.get_fresh("one").await.unwrap().is_none());
    assert_eq!(stored(&storage, "two").await, place.kept(token("two", 2)));
}

/// The namespaces that hold tokens are listed in order, and no others.
pub async fn listing<B: Backend>(place: &Place<B>) {
    let storage = place.open().await;
    if !place.capabilities().list {
        assert!(storage.list().await.is_err(), "what is not declared is refused");
        return;
    }
    assert!(storage.list().await.unwrap().is_empty());
    if !place.backend().has_namespaces() {
        storage.store(vec![token("rs", 1)], StoreKind::Login).await.unwrap();
        assert_eq!(storage.list().await.unwrap(), [storage.namespace().clone()]);
        return;
    }
    for name in ["beta", "alpha", "gone"] {
        storage.with_namespace(name).store(vec![token("rs", 1)], StoreKind::Login).await.unwrap();
    }
    storage.with_namespace("gone").remove("rs").await.unwrap();
    let listed = storage.list().await.unwrap();
    assert_eq!(listed.iter().map(Namespace::as_str).collect::<Vec<_>>(), ["alpha", "beta"]);
}
