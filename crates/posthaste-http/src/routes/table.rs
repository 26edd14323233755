//! How the list of routes is written.

use std::collections::BTreeMap;

use axum::{
    Router,
    extract::{Path, Request, State, rejection::PathRejection},
    http::{Method, request::Parts},
    response::Response,
    routing::{MethodRouter, get, post},
};
use posthaste_core::Dialect;

use super::{Access, Front, Route, RouteEntry, fallback, models, relayed, system};
use crate::socket;

/// The routes, and who serves them.
#[derive(Default)]
pub(super) struct Table {
    entries: Vec<RouteEntry>,
    served: BTreeMap<String, MethodRouter<Front>>,
}

/// A method of a model, such as `:generateContent`, with what it asks for.
pub(super) type Call = (&'static str, Route);

impl Table {
    pub(super) fn into_entries(self) -> Vec<RouteEntry> {
        self.entries
    }

    pub(super) fn into_router(self) -> Router<Front> {
        self.served.into_iter().fold(Router::new(), |router, (path, serve)| router.route(&path, serve))
    }

    /// A row whose path the router understands as it is.
    pub(super) fn serve(&mut self, method: Method, path: &str, access: Access, serve: MethodRouter<Front>) {
        self.entries.push(RouteEntry { method, path: path.to_owned(), access });
        self.mount(path, serve);
    }

    /// A path for probes.
    pub(super) fn open(&mut self, path: &str) {
        self.serve(Method::GET, path, Access::Open, get(system::base));
    }

    /// A base URL, which clients probe with and without a slash.
    pub(super) fn probes(&mut self, base: &str) {
        self.open(base);
        self.open(&format!("{base}/"));
    }

    /// A path that is relayed. Its one parameter, if it has one, names the model.
    pub(super) fn relay(&mut self, path: &str, route: Route) {
        let serve = post(
            move |State(front): State<Front>,
                  model: Result<Path<String>, PathRejection>,
                  request: Request| {
                relayed::serve(front, route, model.ok().map(|Path(model)| model), request)
            },
        );
        self.serve(Method::POST, path, Access::ClientKey, serve);
    }

    /// The methods of the models below `path`.
    ///
    /// A router cannot part a segment, and models' names may hold slashes as well as `separator`: the last one counts.
    pub(super) fn calls(&mut self, path: &str, separator: char, calls: &'static [Call]) {
        let pattern = format!("{path}/{{*model}}");
        for (name, _) in calls {
            let path = format!("{pattern}{separator}{name}");
            self.entries.push(RouteEntry { method: Method::POST, path, access: Access::ClientKey });
        }
        let serve =
            move |State(front): State<Front>, rest: Result<Path<String>, PathRejection>, request: Request| {
                serve_call(front, separator, calls, rest, request)
            };
        self.mount(&pattern, post(serve));
    }

    /// The lists of models at `path`, and each model below it.
    pub(super) fn models(&mut self, path: &str, pinned: Option<Dialect>) {
        let list = get(move |State(front): State<Front>, head: Parts| models::list(front, pinned, head));
        self.serve(Method::GET, path, Access::ClientKey, list);
        let one =
            get(move |State(front): State<Front>, name: Result<Path<String>, PathRejection>, head: Parts| {
                models::one(front, pinned, name.ok().map(|Path(name)| name), head)
            });
        self.serve(Method::GET, &format!("{path}/{{*model}}"), Access::ClientKey, one);
    }

    /// A path of Responses that may become a WebSocket.
    pub(super) fn socket(&mut self, path: &str) {
        self.serve(Method::GET, path, Access::ClientKey, get(socket::open));
    }

    fn mount(&mut self, path: &str, serve: MethodRouter<Front>) {
        let served = self.served.remove(path).unwrap_or_default();
        self.served.insert(path.to_owned(), served.merge(serve));
    }
}

async fn serve_call(
    front: Front,
    separator: char,
    calls: &'static [Call],
    rest: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    let found = rest.ok().and_then(|Path(rest)| {
        let (model, name) = rest.rsplit_once(separator)?;
        let (_, route) = calls.iter().find(|(call, _)| *call == name)?;
        Some((*route, model.to_owned()))
    });
    match found {
        Some((route, model)) => {
            let route = route.asked_with(request.uri().query());
            relayed::serve(front, route, Some(model), request).await
        }
        None => fallback::not_found(&front, request.uri(), request.headers()),
    }
}
