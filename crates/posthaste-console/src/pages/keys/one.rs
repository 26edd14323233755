//! One client key: making it, looking at it, changing it, ending it.

use std::sync::Arc;

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use posthaste_admin::{
    AdminError, Command, CreatedKey, KeyView, RequestsInput, RequestsPage, StandingView, UsageView,
};
use posthaste_core::{Area, LimitUnit, NanoUsd, ProviderKind};

use super::{form, list::state_word};
use crate::{
    BASE,
    asked::Asked,
    edited::Edited,
    fields::Fields,
    frame::Frame,
    guides::{self, Shown},
    show::Number,
    told::Undo,
    trouble::is_of_form,
};

#[derive(Template)]
#[template(path = "keys/form.html")]
struct Form<'a> {
    p: Frame,
    form: &'a Fields,
    /// The key that is changed; `None` for a new one.
    key: Option<KeyView>,
    providers: &'static [ProviderKind],
    places: Vec<String>,
    owners: Vec<String>,
    edited: Edited,
}

#[derive(Template)]
#[template(path = "keys/created.html")]
struct Created {
    p: Frame,
    made: CreatedKey,
    guides: Vec<Shown>,
    /// Whether the key was there before and has another secret now.
    again: bool,
}

#[derive(Template)]
#[template(path = "keys/one.html")]
struct One {
    p: Frame,
    key: KeyView,
    state: &'static str,
    standings: Vec<StandingView>,
    usage: Option<UsageView>,
    requests: Option<RequestsPage>,
    may_write: bool,
    may_plan: bool,
}

pub(super) async fn show_new(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let blank = Fields::default().with("expiry", "never").with("enabled", "on").with("multiplier", "1");
    show_form(&asked, StatusCode::OK, &blank, None, Edited::blank()).await
}

pub(super) async fn create(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let made: Result<CreatedKey, _> = match form::new_key(&asked.form) {
        Ok(new) => asked.act(Command::CreateKey(new)).await,
        Err(error) => Err(error),
    };
    match made {
        Ok(made) => show_created(&asked, made, false).await,
        Err(error) if is_of_form(&error) => {
            let edited = Edited::refused(&asked, &error);
            show_form(&asked, StatusCode::UNPROCESSABLE_ENTITY, &asked.form, None, edited).await
        }
        Err(error) => Err(error),
    }
}

pub(super) async fn show(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let id = asked.parameter("key");
    let key: KeyView = asked.act(Command::ShowKey { key: id.to_owned() }).await?;
    let id = key.id.to_string();
    let standings = asked.admin.keys().standings(&id).await?;
    let usage = asked.act_if_may(Area::Usage.read(), Command::KeyUsage { key: id.clone() }).await?;
    let input = RequestsInput { key: Some(id), limit: Some(20), ..RequestsInput::default() };
    let requests = asked.act_if_may(Area::Requests.read(), Command::PageRequests(input)).await?;
    let p = asked.frame(&key.name).await?;
    let (state, may_write) = (state_word(key.state), asked.may(Area::Keys.write()));
    let may_plan = asked.may(Area::Pools.read());
    asked.page(&One { p, key, state, standings, usage, requests, may_write, may_plan })
}

pub(super) async fn show_edit(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let id = asked.parameter("key").to_owned();
    let (key, version) = asked.look_up::<KeyView>(Command::ShowKey { key: id }).await?;
    let kept = form::kept(&key, version);
    show_form(&asked, StatusCode::OK, &kept.fields, Some(key), kept.opened()).await
}

pub(super) async fn edit(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let id = asked.parameter("key").to_owned();
    let changed: Result<KeyView, _> = match form::change(&asked.form) {
        Ok(change) => asked.act_on(Command::UpdateKey { key: id.clone(), change }).await,
        Err(error) => Err(error),
    };
    match changed {
        Ok(key) => Ok(asked.done(&format!("{BASE}/keys/{}", key.id), &asked.fill("Saved {}.", &key.name))),
        Err(error) if is_of_form(&error) => {
            let (key, version) = asked.look_up::<KeyView>(Command::ShowKey { key: id }).await?;
            let kept = form::kept(&key, version);
            let edited = kept.refused(&asked, &form::with_end(asked.form.clone(), &key), &error).await?;
            show_form(&asked, StatusCode::CONFLICT, &asked.form, Some(key), edited).await
        }
        Err(error) => Err(error),
    }
}

/// What a button on a key's page does.
pub(super) async fn act(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let key = asked.parameter("key").to_owned();
    let page = format!("{BASE}/keys/{key}");
    let command = match asked.parameter("action") {
        "revoke" => Command::RevokeKey { key },
        "delete" => Command::DeleteKey { key },
        "restore" => Command::RestoreKey { key, name: asked.form.text("name").map(str::to_owned) },
        "purge" => {
            let gone: KeyView = asked.act(Command::PurgeKey { key }).await?;
            let told = asked.fill("The record of {} is gone for good.", &gone.name);
            return Ok(asked.done(&format!("{BASE}/keys?state=deleted"), &told));
        }
        "regenerate" => {
            let made: CreatedKey = asked.act(Command::RegenerateKey { key }).await?;
            return show_created(&asked, made, true).await;
        }
        other => return Err(AdminError::NotFound { what: format!("action `{other}` of a key") }),
    };
    let key: KeyView = asked.act(command).await?;
    Ok(match state_word(key.state) {
        "revoked" => asked.done(&page, &asked.fill("{} is revoked. It opens no door any more.", &key.name)),
        "deleted" => {
            let told = asked.fill("{} is deleted. It can be restored.", &key.name);
            asked.done_for_now(&page, &told, Undo::RestoreKey(key.id))
        }
        _ => asked.done(&page, &asked.fill("{} is back.", &key.name)),
    })
}

async fn show_created(asked: &Asked, made: CreatedKey, again: bool) -> Result<Response, AdminError> {
    let p = asked.frame(&made.view.name).await?;
    let guides = guides::shown(&asked.site, Some(&made.key));
    asked.page(&Created { p, made, guides, again })
}

async fn show_form(
    asked: &Asked,
    status: StatusCode,
    form: &Fields,
    key: Option<KeyView>,
    edited: Edited,
) -> Result<Response, AdminError> {
    let p = match &key {
        Some(_) => asked.frame(asked.say("Edit key")).await?,
        None => asked.frame(asked.say("New key")).await?,
    };
    let places = places(asked).await?;
    let mut owners = asked.admin.owners().names().await?;
    // A list to choose from is no help beyond that, and would be most of the page.
    owners.truncate(MOST_OFFERED);
    asked.page_as(status, &Form { p, form, key, providers: &ProviderKind::ALL, places, owners, edited })
}

/// The names of pools and accounts, as far as whoever asks may see them.
async fn places(asked: &Asked) -> Result<Vec<String>, AdminError> {
    let pools: Option<Vec<posthaste_admin::PoolView>> =
        asked.act_if_may(Area::Pools.read(), Command::ListPools).await?;
    Ok(pools.into_iter().flatten().map(|pool| pool.name).collect())
}

impl Form<'_> {
    fn expiry_now(&self) -> &'static str {
        self.key.as_ref().map_or("never", |key| form::expiry_word(&key.expiry))
    }
}

impl One {
    /// What is used of a limit, as far as its bar goes.
    fn filled(&self, standing: &StandingView) -> u64 {
        u64::try_from(standing.used).unwrap_or_default().min(standing.amount)
    }

    fn is_money(&self, standing: &StandingView) -> bool {
        standing.unit == LimitUnit::Cost
    }

    fn dollars(&self, nanos: impl Number) -> NanoUsd {
        NanoUsd::from_nanos(i64::try_from(nanos.counted()).unwrap_or(i64::MAX))
    }
}

const MOST_OFFERED: usize = 200;
