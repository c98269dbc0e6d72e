//! Every service under its name.

use axum::Router;

use crate::service::Service;
use crate::{auth, transfer};

pub(crate) fn all() -> Router {
    let path = |service: Service| format!("/{service}");
    Router::new()
        .nest(&path(Service::Auth), auth::routes())
        .nest(&path(Service::Transfer), transfer::routes())
}
