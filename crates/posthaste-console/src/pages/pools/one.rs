//! One pool: making it, looking at it, changing it, removing it.

use std::sync::Arc;

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use posthaste_admin::{AdminError, Command, PoolView, limit_text};
use posthaste_core::{Area, Limit, PoolRules, RetryPolicy, Strategy};

use super::{
    form,
    members::{Members, Users},
};
use crate::{BASE, asked::Asked, edited::Edited, fields::Fields, frame::Frame, trouble::is_of_form};

#[derive(Template)]
#[template(path = "pools/one.html")]
struct One {
    p: Frame,
    pool: PoolView,
    members: Members,
    users: Users,
    may_write: bool,
    may_join: bool,
}

#[derive(Template)]
#[template(path = "pools/form.html")]
struct Form<'a> {
    p: Frame,
    form: &'a Fields,
    /// The pool that is changed; `None` for a new one.
    pool: Option<PoolView>,
    edited: Edited,
}

pub(super) async fn show_new(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let rules = PoolRules::default();
    let blank = Fields::default()
        .with("strategy", rules.strategy.as_str())
        .with("retry", rules.retry.as_str())
        .with("patience", form::patience_text(rules.patience_ms))
        .with("affinity_ttl", "1h")
        .with("affinity", "on")
        .with("affinity_renews", "on");
    show_form(&asked, StatusCode::OK, &blank, None, Edited::blank()).await
}

pub(super) async fn create(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let made: Result<PoolView, _> = match form::new_pool(&asked.form) {
        Ok(new) => asked.act(Command::CreatePool(new)).await,
        Err(error) => Err(error),
    };
    match made {
        Ok(pool) => {
            let told = asked.fill("{} is there. Now let accounts join it.", &pool.name);
            Ok(asked.done(&format!("{BASE}/pools/{}", pool.id), &told))
        }
        Err(error) if is_of_form(&error) => {
            let edited = Edited::refused(&asked, &error);
            show_form(&asked, StatusCode::UNPROCESSABLE_ENTITY, &asked.form, None, edited).await
        }
        Err(error) => Err(error),
    }
}

pub(super) async fn show(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let pool: PoolView = asked.act(Command::ShowPool { pool: asked.parameter("pool").to_owned() }).await?;
    let members = Members::of(&asked, &pool).await?;
    let users = Users::of(&asked, &pool).await?;
    let p = asked.frame(&pool.name).await?;
    let (may_write, may_join) = (asked.may(Area::Pools.write()), asked.may(Area::Accounts.write()));
    asked.page(&One { p, pool, members, users, may_write, may_join })
}

pub(super) async fn show_edit(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let (pool, version) = look_up(&asked).await?;
    let kept = form::kept(&pool, version);
    show_form(&asked, StatusCode::OK, &kept.fields, Some(pool), kept.opened()).await
}

pub(super) async fn edit(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let pool = asked.parameter("pool").to_owned();
    let changed: Result<PoolView, _> = match form::change(&asked.form) {
        Ok(change) => asked.act_on(Command::UpdatePool { pool, change }).await,
        Err(error) => Err(error),
    };
    match changed {
        Ok(pool) => {
            Ok(asked.done(&format!("{BASE}/pools/{}", pool.id), &asked.fill("Saved {}.", &pool.name)))
        }
        Err(error) if is_of_form(&error) => {
            let (pool, version) = look_up(&asked).await?;
            let edited = form::kept(&pool, version).refused(&asked, &asked.form, &error).await?;
            show_form(&asked, StatusCode::CONFLICT, &asked.form, Some(pool), edited).await
        }
        Err(error) => Err(error),
    }
}

pub(super) async fn delete(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let pool = asked.parameter("pool").to_owned();
    let gone: PoolView = asked.act(Command::DeletePool { pool }).await?;
    Ok(asked.done(&format!("{BASE}/pools"), &asked.fill("{} is removed.", &gone.name)))
}

async fn look_up(asked: &Asked) -> Result<(PoolView, Option<u64>), AdminError> {
    asked.look_up(Command::ShowPool { pool: asked.parameter("pool").to_owned() }).await
}

async fn show_form(
    asked: &Asked,
    status: StatusCode,
    form: &Fields,
    pool: Option<PoolView>,
    edited: Edited,
) -> Result<Response, AdminError> {
    let p = match &pool {
        Some(_) => asked.frame(asked.say("Edit pool")).await?,
        None => asked.frame(asked.say("New pool")).await?,
    };
    asked.page_as(status, &Form { p, form, pool, edited })
}

impl One {
    fn strategy(&self) -> &'static str {
        form::strategy_words(self.pool.rules.strategy)
    }

    fn retry(&self) -> &'static str {
        form::retry_words(self.pool.rules.retry)
    }

    fn limit(&self, limit: &Limit) -> String {
        limit_text(limit)
    }

    /// Whether nothing keeps it from being removed, as far as whoever asks may see that.
    fn is_idle(&self) -> bool {
        self.pool.members.is_empty() && self.users.keys.is_empty() && self.users.routes.is_empty()
    }
}

impl Form<'_> {
    fn strategies(&self) -> Vec<(&'static str, &'static str)> {
        Strategy::ALL.map(|one| (one.as_str(), form::strategy_words(one))).to_vec()
    }

    fn retries(&self) -> Vec<(&'static str, &'static str)> {
        RetryPolicy::ALL.map(|one| (one.as_str(), form::retry_words(one))).to_vec()
    }
}
