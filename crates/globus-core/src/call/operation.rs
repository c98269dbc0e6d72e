//! What is fixed about an operation.

use http::Method;

use super::list::List;
use crate::api_error::Service;

/// What is fixed about an operation of a service: the facts that are the same for every call of it.
///
/// Every operation of the SDK has one, in its builder's `INFO`; each service's module lists them all, for
/// programs that show, log or check what a client can do.
///
/// ```
/// use globus_core::call::OperationInfo;
/// use globus_core::api_error::Service;
/// use http::Method;
///
/// const GET_TASK: OperationInfo =
///     OperationInfo::new("get_task", Service::Transfer, Method::GET, "/v0.10/task/{task_id}");
/// assert!(GET_TASK.idempotent);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OperationInfo {
    /// The operation's name, the same as in the other Globus SDKs: `operation_ls`.
    pub name: &'static str,
    /// The service that it belongs to.
    pub service: Service,
    /// The HTTP method.
    pub method: Method,
    /// The path, with its parameters in braces: `/v0.10/task/{task_id}`.
    pub path: &'static str,
    /// A scope that the access token must have; `None` where no token is needed, or any does.
    pub scope: Option<&'static str>,
    /// Whether the call can be sent again after a failure that leaves open whether it was processed.
    pub idempotent: bool,
    /// The list in its answer, if the answer is one.
    pub list: Option<List>,
}

impl OperationInfo {
    /// An operation that needs no scope, can be repeated if HTTP says so of its method (RFC 9110, section
    /// 9.2.2), and whose answer is no list.
    pub const fn new(name: &'static str, service: Service, method: Method, path: &'static str) -> Self {
        let idempotent = is_idempotent(&method);
        Self { name, service, method, path, scope: None, idempotent, list: None }
    }

    /// The same, of an operation that needs a scope.
    #[must_use]
    pub const fn needing(mut self, scope: &'static str) -> Self {
        self.scope = Some(scope);
        self
    }

    /// The same, of an operation that can be repeated although its method does not say so.
    #[must_use]
    pub const fn repeatable(mut self) -> Self {
        self.idempotent = true;
        self
    }

    /// The same, of an operation whose answer is a list.
    #[must_use]
    pub const fn listing(mut self, list: List) -> Self {
        self.list = Some(list);
        self
    }
}

/// Whether HTTP says of a method that a call can be repeated (RFC 9110, section 9.2.2).
pub(super) const fn is_idempotent(method: &Method) -> bool {
    matches!(
        *method,
        Method::GET | Method::HEAD | Method::OPTIONS | Method::PUT | Method::DELETE | Method::TRACE
    )
}
