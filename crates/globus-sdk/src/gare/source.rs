//! Where requirements are found: JSON, parts of errors, errors, and lists of those.

use globus_core::Error;
use globus_core::api_error::{ApiError, SubError};
use serde_json::{Map, Value};

use self::sealed::{Order, Source};
use super::members::Document;
use super::{Gare, lenient};

/// What a [`Gare`] can be found in: a JSON value or object, a [`SubError`], an [`ApiError`], an
/// [`Error`], or a list of one of these. There are no others.
pub trait GareSource: Source {}

impl<S: Source + ?Sized> GareSource for S {}

mod sealed {
    use super::Document;

    #[derive(Debug, Clone, Copy)]
    pub enum Order {
        /// The order in which one requirement is looked for.
        RootFirst,
        /// The order in which all of them are listed.
        PartsFirst,
    }

    pub trait Source {
        /// The documents in which there may be a requirement.
        fn documents(&self, order: Order) -> Vec<&Document>;
    }
}

impl Gare {
    /// Looks for a requirement: in the canonical form first, then in each of the forms that services wrote before
    /// there was one.
    ///
    /// Of an error that a service answered, the document as a whole is looked at first, then its parts. Whatever is
    /// no requirement is passed over: `None` says that there is none, and nothing is an error. The status of the
    /// answer does not matter.
    ///
    /// ```
    /// use globus_sdk::Gare;
    /// use serde_json::json;
    ///
    /// let gare = Gare::find(&json!({
    ///     "code": "ConsentRequired",
    ///     "message": "Missing required data_access consent",
    ///     "required_scopes": ["urn:globus:auth:scope:transfer.api.globus.org:all[*data_access]"],
    /// }))
    /// .expect("this is how Transfer asks for consent");
    /// assert_eq!(gare.authorization_parameters.scopes_to_request().iter().count(), 1);
    ///
    /// assert_eq!(Gare::find(&json!({"code": "NotFound"})), None);
    /// ```
    ///
    /// # Legacy forms
    ///
    /// * `authorization_parameters` without a `code`, or with commas in place of lists. Their `required_scopes` are in
    ///   `extra`; [`scopes_to_request`](super::GlobusAuthorizationParameters::scopes_to_request) finds them there.
    /// * Transfer: `required_scopes` beside the code.
    /// * Action providers: `required_scope` beside the code.
    /// * Globus Auth: `dependent_consent_required`. The scopes of the first error only, as the Python SDK has it;
    ///   [`find_for_login`](Self::find_for_login) has those of all.
    #[doc(alias = "to_gare")]
    #[doc(alias = "to_auth_requirements_error")]
    pub fn find(source: &(impl GareSource + ?Sized)) -> Option<Self> {
        source.documents(Order::RootFirst).into_iter().find_map(lenient::gare)
    }

    /// As [`find`](Self::find), with everything that a login should be asked for: the unapproved scopes of all
    /// dependent services, and scopes that a legacy form hid in `extra`.
    pub fn find_for_login(source: &(impl GareSource + ?Sized)) -> Option<Self> {
        source.documents(Order::RootFirst).into_iter().find_map(|document| {
            let mut gare = lenient::gare(document)?;
            let parameters = &mut gare.authorization_parameters;
            parameters.adopt_scopes(lenient::all_unapproved_scopes(document));
            parameters.adopt_hidden_scopes();
            Some(gare)
        })
    }

    /// All requirements: of an error that a service answered those of its parts, then that of the document as a
    /// whole.
    #[doc(alias = "to_gares")]
    #[doc(alias = "to_auth_requirements_errors")]
    pub fn find_all(source: &(impl GareSource + ?Sized)) -> Vec<Self> {
        source.documents(Order::PartsFirst).into_iter().filter_map(lenient::gare).collect()
    }

    /// Whether there is a requirement.
    #[doc(alias = "is_gare")]
    #[doc(alias = "has_gares")]
    pub fn is_in(source: &(impl GareSource + ?Sized)) -> bool {
        Self::find(source).is_some()
    }
}

impl Source for Map<String, Value> {
    fn documents(&self, _: Order) -> Vec<&Document> {
        vec![self]
    }
}

impl Source for Value {
    fn documents(&self, _: Order) -> Vec<&Document> {
        self.as_object().into_iter().collect()
    }
}

impl Source for SubError<'_> {
    fn documents(&self, _: Order) -> Vec<&Document> {
        vec![self.raw]
    }
}

impl Source for ApiError {
    fn documents(&self, order: Order) -> Vec<&Document> {
        let Some(root) = self.raw_json().and_then(Value::as_object) else { return Vec::new() };
        let mut documents: Vec<_> = self.errors().into_iter().map(|part| part.raw).collect();
        match order {
            Order::RootFirst => documents.insert(0, root),
            // An answer without parts is its own single part. Where `errors` is there but is no list of objects, the
            // Python SDK reports the document twice, and so do we.
            Order::PartsFirst => {
                if root.contains_key("errors") || !documents.iter().any(|part| std::ptr::eq(*part, root)) {
                    documents.push(root);
                }
            }
        }
        documents
    }
}

impl Source for Error {
    fn documents(&self, order: Order) -> Vec<&Document> {
        self.api().map_or_else(Vec::new, |error| error.documents(order))
    }
}

impl<S: Source> Source for [S] {
    fn documents(&self, order: Order) -> Vec<&Document> {
        self.iter().flat_map(|source| source.documents(order)).collect()
    }
}

impl<S: Source> Source for Vec<S> {
    fn documents(&self, order: Order) -> Vec<&Document> {
        self.as_slice().documents(order)
    }
}

impl<S: Source + ?Sized> Source for &S {
    fn documents(&self, order: Order) -> Vec<&Document> {
        (**self).documents(order)
    }
}
