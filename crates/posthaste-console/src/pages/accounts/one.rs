//! One account: how it fares, what it served, changing it, trying it.

use std::sync::Arc;

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use posthaste_admin::{
    AccountChange, AccountUsage, AccountView, AdminError, BalanceView, ClearedErrors, Command, ErrorsInput,
    Health, LoginFlow, LoginFor, LoginPlan, RefreshedAccount, SavedAccount, SchedulingChange, StartedLogin,
    TestReport,
};
use posthaste_core::{AccountError, Area, AuthForm, CooldownReason};

use super::{add, form, list::state_word, login, trial, used::Used};
use crate::{
    BASE, asked::Asked, edited::Edited, fields::Fields, frame::Frame, reasons, told::Undo,
    trouble::is_of_form,
};

#[derive(Template)]
#[template(path = "accounts/one.html")]
struct One {
    p: Frame,
    account: AccountView,
    state: &'static str,
    usage: Option<AccountUsage>,
    used: Option<Used>,
    errors: Vec<AccountError>,
    pools: Vec<String>,
    plan: Option<LoginPlan>,
    may_write: bool,
}

#[derive(Template)]
#[template(path = "accounts/tested.html")]
struct Tested {
    p: Frame,
    id: String,
    report: TestReport,
}

#[derive(Template)]
#[template(path = "accounts/balance.html")]
struct Balance {
    p: Frame,
    id: String,
    view: BalanceView,
}

pub(super) async fn show(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let account: AccountView =
        asked.act(Command::ShowAccount { account: asked.parameter("account").to_owned() }).await?;
    let id = account.id.to_string();
    let usage: Option<AccountUsage> =
        asked.act_if_may(Area::Usage.read(), Command::AccountUsage { account: id.clone() }).await?;
    let used = Used::of(&asked, &id).await?;
    let errors = Command::AccountErrors { account: id.clone(), with: ErrorsInput::default() };
    let errors = asked.act(errors).await?;
    let names = add::pools(&asked).await?;
    let of = |pool: &posthaste_core::PoolId| {
        names
            .iter()
            .find(|(id, _)| *id == pool.to_string())
            .map_or_else(|| pool.to_string(), |(_, name)| name.clone())
    };
    let pools = account.scheduling.pools.iter().map(of).collect();
    let may_write = asked.may(Area::Accounts.write());
    let plan = match account.auth {
        AuthForm::OAuth if may_write => asked.act(Command::PlanLogin(LoginFor::Account(id))).await.ok(),
        _ => None,
    };
    let p = asked.frame(&account.name).await?;
    let state = state_word(&account);
    asked.page(&One { p, state, account, usage, used, errors, pools, plan, may_write })
}

pub(super) async fn show_edit(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let (account, version) = look_up(&asked).await?;
    let pools = add::pools(&asked).await?;
    let kept = form::kept(&account, version, &pools);
    show_form(&asked, StatusCode::OK, &kept.fields, account, kept.opened()).await
}

pub(super) async fn edit(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let (now, version) = look_up(&asked).await?;
    let changed: Result<SavedAccount, _> = match form::change(&asked.form, &now) {
        Ok(change) => asked.act_on(Command::UpdateAccount { account: now.id.to_string(), change }).await,
        Err(error) => Err(error),
    };
    match changed {
        Ok(saved) => {
            let told = [asked.fill("Saved {}.", &saved.account.name)].into_iter().chain(saved.notices);
            let told = told.collect::<Vec<_>>().join(" ");
            Ok(asked.done(&format!("{BASE}/accounts/{}", saved.account.id), &told))
        }
        Err(error) if is_of_form(&error) => {
            let pools = add::pools(&asked).await?;
            let kept = form::kept(&now, version, &pools);
            let yours = form::with_unasked(asked.form.clone(), &kept.fields);
            let edited = kept.refused(&asked, &yours, &error).await?;
            show_form(&asked, StatusCode::CONFLICT, &asked.form, now, edited).await
        }
        Err(error) => Err(error),
    }
}

async fn look_up(asked: &Asked) -> Result<(AccountView, Option<u64>), AdminError> {
    asked.look_up(Command::ShowAccount { account: asked.parameter("account").to_owned() }).await
}

async fn show_form(
    asked: &Asked,
    status: StatusCode,
    form: &Fields,
    account: AccountView,
    edited: Edited,
) -> Result<Response, AdminError> {
    let p = asked.frame(asked.say("Edit account")).await?;
    let preset = add::preset(asked, &account.preset.0).await?;
    let pools = add::pools(asked).await?;
    let account = Some(account.id.to_string());
    asked.page_as(status, &add::Form { p, form, preset, account, plan: None, pools, edited })
}

/// What a button on an account's page does.
pub(super) async fn act(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let account = asked.parameter("account").to_owned();
    let page = format!("{BASE}/accounts/{account}");
    match asked.parameter("action") {
        "test" => {
            let model = asked.form.text("model").map(str::to_owned);
            let report: TestReport =
                asked.act(Command::TestAccount { account: account.clone(), model }).await?;
            let p = asked.frame(asked.say("Test")).await?;
            asked.page(&Tested { p, id: account, report })
        }
        "balance" => {
            let view: BalanceView =
                asked.act(Command::AccountBalance { account: account.clone(), ask: true }).await?;
            let p = asked.frame(asked.say("Balance")).await?;
            asked.page(&Balance { p, id: account, view })
        }
        "reset" => {
            let now: AccountView = asked.act(Command::ResetAccount { account }).await?;
            Ok(asked.done(&page, &asked.fill("{} rests no longer.", &now.name)))
        }
        "pause" => {
            let now = give_requests(&asked, account, false).await?;
            let told = asked.fill("{} is paused: it gets no new requests.", &now.name);
            Ok(asked.done_for_now(&page, &told, Undo::ResumeAccount(now.id)))
        }
        "resume" => {
            let now = give_requests(&asked, account, true).await?;
            let told = asked.fill("{} gets requests again.", &now.name);
            Ok(asked.done_for_now(&page, &told, Undo::PauseAccount(now.id)))
        }
        "refresh" => {
            let _: RefreshedAccount = asked.act(Command::RefreshAccount { account }).await?;
            Ok(asked.done(&page, asked.say("The token is renewed.")))
        }
        "forget" => {
            let _: ClearedErrors = asked.act(Command::ClearAccountErrors { account }).await?;
            Ok(asked.done(&page, asked.say("The failures are forgotten.")))
        }
        "log-in" => {
            let flow = match asked.form.value("log_in") {
                "device" => LoginFlow::Device,
                _ => LoginFlow::Code { redirect_uri: None },
            };
            let started: StartedLogin =
                asked.act(Command::StartLogin { whose: LoginFor::Account(account), flow }).await?;
            login::show(&asked, started, None).await
        }
        "delete" => {
            let gone: AccountView = asked.act(Command::DeleteAccount { account }).await?;
            Ok(asked.done(&format!("{BASE}/accounts"), &asked.fill("{} is removed.", &gone.name)))
        }
        other => Err(AdminError::NotFound { what: format!("action `{other}` of an account") }),
    }
}

async fn give_requests(asked: &Asked, account: String, gives: bool) -> Result<AccountView, AdminError> {
    let scheduling = SchedulingChange { schedulable: Some(gives), ..SchedulingChange::default() };
    let change = AccountChange { scheduling, ..AccountChange::default() };
    let saved: SavedAccount = asked.act(Command::UpdateAccount { account, change }).await?;
    Ok(saved.account)
}

impl One {
    fn parked(&self) -> Option<&posthaste_admin::ParkedView> {
        match &self.account.health {
            Some(Health::Parked(parked)) => Some(parked),
            _ => None,
        }
    }

    fn reason(&self, reason: &CooldownReason) -> &'static str {
        reasons::rest(*reason)
    }

    /// What is told of a test as it comes.
    fn trial(&self) -> [(&'static str, &'static str); 10] {
        trial::FACTS
    }

    fn is_logged_in(&self) -> bool {
        self.account.auth == AuthForm::OAuth
    }
}

impl Tested {
    fn steps(&self) -> Vec<(&'static str, u64)> {
        trial::steps(&self.report.steps)
    }
}

impl Balance {
    /// An amount in billionths of its unit, as people write it.
    fn text(&self, billionths: &i64) -> String {
        let sign = if *billionths < 0 { "-" } else { "" };
        let hundredths = billionths.unsigned_abs() / 10_000_000;
        format!("{sign}{}.{:02}", hundredths / 100, hundredths % 100)
    }
}
