//! The admin API: what operators do, as JSON over HTTP.
//!
//! An [`Endpoint`] is a method and a path with who may come, what is taken and answered, and the work. Its
//! types are what the OpenAPI document is made of, so that the two cannot differ.

mod answer;
mod asked;
mod door;
mod endpoint;
mod input;
mod listing;
mod openapi;
mod routes;
mod serve;
mod session;

pub use door::Door;
pub use openapi::document;
pub use session::CookieOptions;

use axum::Router;
use http::Method;
use posthaste_admin::Admin;
use posthaste_core::Network;
use std::sync::Arc;

use self::{endpoint::Endpoint, input::NoBody, listing::ListQuery};

/// What the admin API works with.
#[derive(Clone)]
pub struct AdminFront {
    pub(crate) admin: Admin,
    pub(crate) options: Arc<AdminOptions>,
    /// The relay's own routes, for those who try their client key out.
    pub(crate) relayed: Option<Router>,
}

/// Settings of the admin API.
#[derive(Clone, Debug, Default)]
pub struct AdminOptions {
    /// The peers whose word counts on where a request comes from, and whether it came over TLS.
    pub trusted_proxies: Vec<Network>,
    /// How the session's cookie is set.
    pub cookies: CookieOptions,
    /// The host names under which the API may be asked; empty for any.
    pub hosts: Vec<String>,
    /// The program's version.
    pub version: &'static str,
}

impl AdminFront {
    /// A front of `admin`.
    pub fn new(admin: Admin, options: AdminOptions) -> Self {
        Self { admin, options: Arc::new(options), relayed: None }
    }
}

/// A row of the admin API's route table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminRoute {
    /// Its method.
    pub method: Method,
    /// Its path, parameters in braces.
    pub path: String,
    /// Who may come.
    pub door: Door,
}

/// Every route of the admin API and to whom it is open, for those who check or print it.
pub fn admin_route_table() -> Vec<AdminRoute> {
    let route = |endpoint: Endpoint| {
        let (method, path, door) = (endpoint.method, endpoint.path.to_owned(), endpoint.door);
        AdminRoute { method, path, door }
    };
    routes::all().into_iter().map(route).collect()
}

/// The admin API alone.
pub fn admin_router(front: &AdminFront) -> Router {
    router(front)
}

/// The admin API, to be merged with what else is served.
pub(crate) fn router<S: Clone + Send + Sync + 'static>(front: &AdminFront) -> Router<S> {
    serve::router(front, routes::all())
}
