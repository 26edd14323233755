//! One route: making it, looking at it, changing it, removing it.

use std::sync::Arc;

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use posthaste_admin::{AccountView, AdminError, Command, PoolView, RouteInput, RouteView};
use posthaste_core::Area;

use super::form::{self, Row};
use crate::{BASE, asked::Asked, fields::Fields, frame::Frame, trouble::is_of_form};

#[derive(Template)]
#[template(path = "routes/one.html")]
struct One {
    p: Frame,
    route: RouteView,
    may_write: bool,
}

#[derive(Template)]
#[template(path = "routes/form.html")]
struct Form<'a> {
    p: Frame,
    form: &'a Fields,
    /// The steps, and empty rows for more of them.
    rows: Vec<Row>,
    /// The route that is changed; `None` for a new one.
    route: Option<RouteView>,
    version: Option<u64>,
    pools: Vec<String>,
    accounts: Vec<String>,
    trouble: Option<String>,
}

pub(super) async fn show_new(asked: Arc<Asked>) -> Result<Response, AdminError> {
    show_form(&asked, StatusCode::OK, &Fields::default(), None, None).await
}

pub(super) async fn create(asked: Arc<Asked>) -> Result<Response, AdminError> {
    if asked.form.ticked("more") {
        return show_form(&asked, StatusCode::OK, &asked.form, None, None).await;
    }
    let made: Result<RouteView, _> = match form::targets(&asked.form) {
        Ok(targets) => {
            let new = RouteInput { model: asked.form.value("model").trim().to_owned(), targets };
            asked.act(Command::CreateRoute(new)).await
        }
        Err(error) => Err(error),
    };
    match made {
        Ok(route) => Ok(asked
            .done(&format!("{BASE}/routes/{}", route.id), &asked.fill("{} has a route now.", &route.model))),
        Err(error) if is_of_form(&error) => {
            let said = asked.say_error(&error);
            show_form(&asked, StatusCode::UNPROCESSABLE_ENTITY, &asked.form, None, Some(said)).await
        }
        Err(error) => Err(error),
    }
}

pub(super) async fn show(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let (route, _) = look_up(&asked).await?;
    let p = asked.frame(route.model.as_str()).await?;
    let may_write = asked.may(Area::Pools.write());
    asked.page(&One { p, route, may_write })
}

pub(super) async fn show_edit(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let (route, version) = look_up(&asked).await?;
    let filled = form::filled(&route);
    show_form(&asked, StatusCode::OK, &filled, Some((route, version)), None).await
}

pub(super) async fn edit(asked: Arc<Asked>) -> Result<Response, AdminError> {
    if asked.form.ticked("more") {
        let now = look_up(&asked).await?;
        return show_form(&asked, StatusCode::OK, &asked.form, Some(now), None).await;
    }
    let route = asked.parameter("route").to_owned();
    let changed: Result<RouteView, _> = match form::targets(&asked.form) {
        Ok(targets) => asked.act_on(Command::UpdateRoute { route, targets }).await,
        Err(error) => Err(error),
    };
    match changed {
        Ok(route) => {
            Ok(asked.done(&format!("{BASE}/routes/{}", route.id), &asked.fill("Saved {}.", &route.model)))
        }
        Err(error) if is_of_form(&error) => {
            let said = asked.say_error(&error);
            let now = look_up(&asked).await?;
            show_form(&asked, StatusCode::CONFLICT, &asked.form, Some(now), Some(said)).await
        }
        Err(error) => Err(error),
    }
}

pub(super) async fn delete(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let route = asked.parameter("route").to_owned();
    let gone: RouteView = asked.act(Command::DeleteRoute { route }).await?;
    Ok(asked.done(&format!("{BASE}/routes"), &asked.fill("{} is removed.", &gone.model)))
}

async fn look_up(asked: &Asked) -> Result<(RouteView, Option<u64>), AdminError> {
    asked.look_up(Command::ShowRoute { route: asked.parameter("route").to_owned() }).await
}

async fn show_form(
    asked: &Asked,
    status: StatusCode,
    form: &Fields,
    of: Option<(RouteView, Option<u64>)>,
    trouble: Option<String>,
) -> Result<Response, AdminError> {
    let p = match &of {
        Some((route, _)) => asked.frame(&asked.fill("Route for {}", &route.model)).await?,
        None => asked.frame(asked.say("New route")).await?,
    };
    let mut rows = form::rows(form);
    rows.resize(rows.len() + MORE, Row::default());
    let pools: Vec<PoolView> = asked.act(Command::ListPools).await?;
    let accounts: Option<Vec<AccountView>> =
        asked.act_if_may(Area::Accounts.read(), Command::ListAccounts).await?;
    let pools = pools.into_iter().map(|pool| pool.name).collect();
    let accounts = accounts.into_iter().flatten().map(|account| account.name).collect();
    let (route, version) = of.unzip();
    let version = version.flatten();
    asked.page_as(status, &Form { p, form, rows, route, version, pools, accounts, trouble })
}

/// How many empty rows a form has.
const MORE: usize = 3;
