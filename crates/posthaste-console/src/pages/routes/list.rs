//! The list of routes.

use std::sync::Arc;

use askama::Template;
use axum::response::Response;
use posthaste_admin::{AdminError, Command, RouteView};
use posthaste_core::Area;

use super::form::place_name;
use crate::{asked::Asked, fields::Fields, frame::Frame};

#[derive(Template)]
#[template(path = "routes/list.html")]
struct List<'a> {
    p: Frame,
    query: &'a Fields,
    routes: Vec<RouteView>,
    total: usize,
    may_write: bool,
}

pub(super) async fn show(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let all: Vec<RouteView> = asked.act(Command::ListRoutes).await?;
    let total = all.len();
    let routes = match asked.query.text("search") {
        Some(search) => all.into_iter().filter(|route| holds(route, search)).collect(),
        None => all,
    };
    let p = asked.frame(asked.say("Routes")).await?;
    let may_write = asked.may(Area::Pools.write());
    asked.page(&List { p, query: &asked.query, routes, total, may_write })
}

/// Whether the name stands anywhere in the route.
fn holds(route: &RouteView, search: &str) -> bool {
    let search = search.to_lowercase();
    let holds = |text: &str| text.to_lowercase().contains(&search);
    let target = |target: &posthaste_admin::TargetInput| {
        holds(&target.model) || target.place.as_ref().is_some_and(|place| holds(place_name(place)))
    };
    holds(route.model.as_str()) || route.targets.iter().any(target)
}
