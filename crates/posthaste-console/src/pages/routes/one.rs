//! One route: making it, looking at it, changing it, removing it.

use std::sync::Arc;

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use posthaste_admin::{AccountView, AdminError, Command, PoolView, RouteInput, RouteView};
use posthaste_core::Area;

use super::form::{self, Row};
use crate::{BASE, asked::Asked, edited::Edited, fields::Fields, frame::Frame, trouble::is_of_form};

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
    pools: Vec<String>,
    accounts: Vec<String>,
    edited: Edited,
}

pub(super) async fn show_new(asked: Arc<Asked>) -> Result<Response, AdminError> {
    show_form(&asked, StatusCode::OK, &Fields::default(), None, Edited::blank()).await
}

pub(super) async fn create(asked: Arc<Asked>) -> Result<Response, AdminError> {
    if asked.form.ticked("more") {
        return show_form(&asked, StatusCode::OK, &asked.form, None, Edited::blank()).await;
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
            let edited = Edited::refused(&asked, &error);
            show_form(&asked, StatusCode::UNPROCESSABLE_ENTITY, &asked.form, None, edited).await
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
    let kept = form::kept(&route, version);
    show_form(&asked, StatusCode::OK, &kept.fields, Some(route), kept.opened()).await
}

pub(super) async fn edit(asked: Arc<Asked>) -> Result<Response, AdminError> {
    if asked.form.ticked("more") {
        let (route, _) = look_up(&asked).await?;
        return show_form(&asked, StatusCode::OK, &asked.form, Some(route), Edited::sent(&asked)).await;
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
            let (route, version) = look_up(&asked).await?;
            let yours = form::with_steps(asked.form.clone());
            let edited = form::kept(&route, version).refused(&asked, &yours, &error).await?;
            show_form(&asked, StatusCode::CONFLICT, &asked.form, Some(route), edited).await
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
    route: Option<RouteView>,
    edited: Edited,
) -> Result<Response, AdminError> {
    let p = match &route {
        Some(route) => asked.frame(&asked.fill("Route for {}", &route.model)).await?,
        None => asked.frame(asked.say("New route")).await?,
    };
    let mut rows = form::rows(form);
    rows.resize(rows.len() + MORE, Row::default());
    let pools: Vec<PoolView> = asked.act(Command::ListPools).await?;
    let accounts: Option<Vec<AccountView>> =
        asked.act_if_may(Area::Accounts.read(), Command::ListAccounts).await?;
    let pools = pools.into_iter().map(|pool| pool.name).collect();
    let accounts = accounts.into_iter().flatten().map(|account| account.name).collect();
    asked.page_as(status, &Form { p, form, rows, route, pools, accounts, edited })
}

/// How many empty rows a form has.
const MORE: usize = 3;
