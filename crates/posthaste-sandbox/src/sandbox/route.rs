//! Which endpoint a path is.

use http::{Method, Request};

use crate::dialect::Dialect;

/// An endpoint and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Route<'a> {
    pub(super) dialect: Dialect,
    pub(super) endpoint: Endpoint<'a>,
    /// What stands before the API's own path.
    pub(super) prefix: &'a str,
}

/// An endpoint of one of the APIs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Endpoint<'a> {
    Messages,
    CountTokens,
    Models,
    Model(&'a str),
}

/// Reads method, path and what else tells the dialects apart. The error is the dialect in which to say that there is
/// no such endpoint.
pub(super) fn route<T>(request: &Request<T>) -> Result<Route<'_>, Dialect> {
    anthropic(request.method(), request.uri().path()).ok_or(Dialect::Messages)
}

fn anthropic<'a>(method: &Method, path: &'a str) -> Option<Route<'a>> {
    let (prefix, rest) = path.rsplit_once("/v1/")?;
    let (endpoint, expected) = match rest {
        "messages" => (Endpoint::Messages, Method::POST),
        "messages/count_tokens" => (Endpoint::CountTokens, Method::POST),
        "models" => (Endpoint::Models, Method::GET),
        other => (Endpoint::Model(other.strip_prefix("models/")?), Method::GET),
    };
    (*method == expected).then_some(Route { dialect: Dialect::Messages, endpoint, prefix })
}
