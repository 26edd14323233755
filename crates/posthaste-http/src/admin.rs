//! The admin API: what operators do, as JSON over HTTP.
//!
//! An [`Endpoint`] is a method and a path with who may come, what is taken and answered, and the work. Its
//! types are what the OpenAPI document is made of, so that the two cannot differ.

mod answer;
mod asked;
mod door;
mod endpoint;
mod given;
mod input;
mod listing;
mod mask;
mod openapi;
mod routes;
mod serve;
mod session;
mod ticket;
mod visitor;

pub use door::Door;
pub use openapi::document;
pub(crate) use serve::check_host;
pub use session::CookieOptions;
pub(crate) use session::cookie as session_cookie;
pub use visitor::PageVisitor;
pub(crate) use visitor::wants_page;

use crate::LiveOptions;
use axum::{Router, response::Response};
use http::{Method, Uri};
use posthaste_admin::Admin;
use posthaste_core::Network;

use self::{endpoint::Endpoint, input::NoBody, listing::ListQuery};

/// What the admin API works with.
#[derive(Clone)]
pub struct AdminFront {
    pub(crate) admin: Admin,
    /// Its settings, which can be replaced.
    pub options: LiveOptions<AdminOptions>,
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
    /// The largest body that the relay takes from clients, which the probes of the way there tell and try.
    pub max_body_bytes: usize,
    /// The program's version.
    pub version: &'static str,
}

impl AdminFront {
    /// A front of `admin`. Its options can be shared with whoever replaces them.
    pub fn new(admin: Admin, options: impl Into<LiveOptions<AdminOptions>>) -> Self {
        Self { admin, options: options.into(), relayed: None }
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
    router(front).fallback(|uri: Uri| async move { not_found(&uri) })
}

/// The admin API, to be merged with what else is served.
pub(crate) fn router<S: Clone + Send + Sync + 'static>(front: &AdminFront) -> Router<S> {
    serve::router(front, routes::all())
}

/// Whether whoever asks for this path, served or not, means the admin API.
pub(crate) fn is_own(path: &str) -> bool {
    let below =
        |base: &str| path.strip_prefix(base).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    ["/admin", "/users", "/web", "/apiStats"].into_iter().any(below)
}

/// The answer to a path that is none.
pub(crate) fn not_found(uri: &Uri) -> Response {
    answer::no_such_path(uri.path())
}
