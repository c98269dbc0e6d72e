//! What a validating storage asks before it stores and before it gives out.

use std::fmt::Debug;
use std::future::Future;

use crate::storage::{Namespace, StorageError, StoreKind};
use crate::token::TokenData;

/// What a [`TokenValidator`] is told beside the tokens.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ValidationContext<'a> {
    /// The namespace that is stored into or read from.
    pub namespace: &'a Namespace,
    /// The identity that has logged in before, where one is known. Before tokens that say whose they are, other than
    /// those of a refresh, it has been read from the storage, which may be a [cache](super::super::CachedTokenStorage);
    /// otherwise it is what was seen last.
    pub prior_identity: Option<&'a str>,
    /// The identity of the tokens at hand. Those of a refresh do not say it; then it is the known one.
    pub identity: Option<&'a str>,
    /// Why tokens are stored; `None` where they are read.
    pub kind: Option<StoreKind>,
}

/// Decides which tokens a [`ValidatingTokenStorage`](super::ValidatingTokenStorage) takes and gives out.
///
/// Built in are [`HasRefreshTokens`](super::HasRefreshTokens), [`NotExpired`](super::NotExpired) and
/// [`UnchangingIdentity`](super::UnchangingIdentity). One's own is a type with one or both of the hooks, which may
/// take their time, such as to ask a service:
///
/// ```
/// use globus_core::storage::{
///     MemoryTokenStorage, Storage, StoreKind, TokenValidator, ValidatingTokenStorage, ValidationContext,
/// };
/// use globus_core::{StorageError, TokenData};
///
/// /// Only members of one university may log in.
/// #[derive(Debug)]
/// struct Members(Vec<String>);
///
/// impl TokenValidator for Members {
///     async fn before_store(
///         &self,
///         context: ValidationContext<'_>,
///         _tokens: &[TokenData],
///     ) -> Result<(), StorageError> {
///         match context.identity {
///             Some(identity) if self.0.iter().any(|member| member == identity) => Ok(()),
///             _ => Err(StorageError::refused("this is for members; log in with the university's account")),
///         }
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let members = Members(vec!["4f1c2b9e-0000-4000-8000-0123456789ab".into()]);
/// let storage = Storage::from(ValidatingTokenStorage::new(MemoryTokenStorage::new()).validator(members));
///
/// let token = TokenData::new("auth.globus.org", "openid", "AgExample", 1).with_identity_id("somebody else");
/// let error = storage.store(vec![token], StoreKind::Login).await.unwrap_err();
/// assert!(error.is_validation());
/// # }
/// ```
pub trait TokenValidator: Debug + Send + Sync + 'static {
    /// Looks at all tokens of one store. Where it answers an error, nothing is stored.
    ///
    /// # Errors
    ///
    /// Why the tokens must not be stored; [`StorageError::refused`] says it in words of the validator's own.
    fn before_store(
        &self,
        context: ValidationContext<'_>,
        tokens: &[TokenData],
    ) -> impl Future<Output = Result<(), StorageError>> + Send {
        let _ = (context, tokens);
        async { Ok(()) }
    }

    /// Looks at one token that was read. Where it answers an error, that token is not given out.
    ///
    /// # Errors
    ///
    /// Why the token must not be used.
    fn after_retrieve(
        &self,
        context: ValidationContext<'_>,
        token: &TokenData,
    ) -> impl Future<Output = Result<(), StorageError>> + Send {
        let _ = (context, token);
        async { Ok(()) }
    }

    /// What the write itself must hold to, where [`before_store`](Self::before_store) has passed: the kind of store,
    /// or a stricter one. Most validators leave it as it is.
    fn store_kind(&self, kind: StoreKind) -> StoreKind {
        kind
    }
}

/// The twin of [`TokenValidator`](super::TokenValidator) that can be a trait object.
pub(super) mod dynamic {
    use std::fmt::Debug;
    use std::pin::Pin;

    use super::{Future, StorageError, StoreKind, TokenData, ValidationContext};

    type Verdict<'a> = Pin<Box<dyn Future<Output = Result<(), StorageError>> + Send + 'a>>;

    pub(in super::super) trait TokenValidator: Debug + Send + Sync {
        fn before_store<'a>(&'a self, context: ValidationContext<'a>, tokens: &'a [TokenData])
        -> Verdict<'a>;
        fn after_retrieve<'a>(&'a self, context: ValidationContext<'a>, token: &'a TokenData) -> Verdict<'a>;
        fn store_kind(&self, kind: StoreKind) -> StoreKind;
    }

    impl<V: super::TokenValidator> TokenValidator for V {
        fn before_store<'a>(
            &'a self,
            context: ValidationContext<'a>,
            tokens: &'a [TokenData],
        ) -> Verdict<'a> {
            Box::pin(super::TokenValidator::before_store(self, context, tokens))
        }

        fn after_retrieve<'a>(&'a self, context: ValidationContext<'a>, token: &'a TokenData) -> Verdict<'a> {
            Box::pin(super::TokenValidator::after_retrieve(self, context, token))
        }

        fn store_kind(&self, kind: StoreKind) -> StoreKind {
            super::TokenValidator::store_kind(self, kind)
        }
    }
}
