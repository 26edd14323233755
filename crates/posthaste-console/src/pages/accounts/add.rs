//! Adding an account: which kind, then what that kind needs.

use std::sync::Arc;

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use posthaste_admin::{
    AdminError, Command, LoginFlow, LoginFor, LoginPlan, PoolView, PresetView, SavedAccount, StartedLogin,
};
use posthaste_core::{Area, AuthForm, ProviderKind};

use super::{form, login};
use crate::{BASE, asked::Asked, edited::Edited, fields::Fields, frame::Frame, trouble::is_of_form};

#[derive(Template)]
#[template(path = "accounts/choose.html")]
struct Choose {
    p: Frame,
    presets: Vec<PresetView>,
}

#[derive(Template)]
#[template(path = "accounts/form.html")]
pub(super) struct Form<'a> {
    pub(super) p: Frame,
    pub(super) form: &'a Fields,
    /// The kind of a new account; of one that is changed, its kind as well.
    pub(super) preset: PresetView,
    /// The account that is changed.
    pub(super) account: Option<String>,
    pub(super) plan: Option<LoginPlan>,
    pub(super) pools: Vec<(String, String)>,
    pub(super) edited: Edited,
}

pub(super) async fn choose(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let presets: Vec<PresetView> = asked.act(Command::ListPresets).await?;
    let p = asked.frame(asked.say("New account")).await?;
    asked.page(&Choose { p, presets })
}

pub(super) async fn show(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let preset = preset(&asked, asked.parameter("preset")).await?;
    let blank = Fields::default().with("name", &preset.name).with("priority", "50").with("weight", "1");
    show_form(&asked, StatusCode::OK, preset, &blank, Edited::blank()).await
}

pub(super) async fn add(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let preset = preset(&asked, asked.parameter("preset")).await?;
    match added(&asked, &preset).await {
        Ok(response) => Ok(response),
        Err(error) if is_of_form(&error) || matches!(error, AdminError::Login(_)) => {
            let edited = Edited::refused(&asked, &error);
            show_form(&asked, StatusCode::UNPROCESSABLE_ENTITY, preset, &asked.form, edited).await
        }
        Err(error) => Err(error),
    }
}

async fn added(asked: &Arc<Asked>, preset: &PresetView) -> Result<Response, AdminError> {
    let new = form::new_account(&preset.name, &asked.form)?;
    let flow = match asked.form.value("log_in") {
        "code" => LoginFlow::Code { redirect_uri: None },
        "device" => LoginFlow::Device,
        _ => {
            let saved: SavedAccount = asked.act(Command::AddAccount(new)).await?;
            let told = [asked.fill("{} is added.", &saved.account.name)].into_iter().chain(saved.notices);
            let told = told.collect::<Vec<_>>().join(" ");
            return Ok(asked.done(&format!("{BASE}/accounts/{}", saved.account.id), &told));
        }
    };
    let whose = LoginFor::NewAccount(Box::new(new));
    let started: StartedLogin = asked.act(Command::StartLogin { whose, flow }).await?;
    login::show(asked, started, None).await
}

async fn show_form(
    asked: &Asked,
    status: StatusCode,
    preset: PresetView,
    form: &Fields,
    edited: Edited,
) -> Result<Response, AdminError> {
    let p = asked.frame(&asked.fill("New account: {}", &preset.name)).await?;
    let pools = pools(asked).await?;
    // A kind that nobody can be logged in at has no plan, and one that is not configured says so when it is tried.
    let plan = match &preset.oauth {
        None => None,
        Some(_) => {
            let whose = posthaste_admin::NewAccount {
                preset: preset.name.clone(),
                name: "a".to_owned(),
                ..posthaste_admin::NewAccount::default()
            };
            asked.act(Command::PlanLogin(LoginFor::NewAccount(Box::new(whose)))).await.ok()
        }
    };
    asked.page_as(status, &Form { p, form, preset, account: None, plan, pools, edited })
}

/// Ids and names of pools, as far as whoever asks may see them.
pub(super) async fn pools(asked: &Asked) -> Result<Vec<(String, String)>, AdminError> {
    let pools: Option<Vec<PoolView>> = asked.act_if_may(Area::Pools.read(), Command::ListPools).await?;
    Ok(pools.into_iter().flatten().map(|pool| (pool.id.to_string(), pool.name)).collect())
}

pub(super) async fn preset(asked: &Asked, name: &str) -> Result<PresetView, AdminError> {
    let presets: Vec<PresetView> = asked.act(Command::ListPresets).await?;
    let found = presets.into_iter().find(|preset| preset.name == name);
    found.ok_or_else(|| AdminError::NotFound { what: format!("kind of account `{name}`") })
}

impl Form<'_> {
    fn is_aws(&self) -> bool {
        self.preset.provider == ProviderKind::Bedrock
    }

    fn is_azure(&self) -> bool {
        self.preset.provider == ProviderKind::AzureOpenAi
    }

    fn takes_key(&self) -> bool {
        self.preset.auth != AuthForm::None
    }
}
