//! Settings, prices, what runs here, and what accounts used.

use posthaste_admin::{
    AccountChange, AccountUsage, AccountView, AdminError, BackupView, BalanceView, BrandingChange,
    BrandingView, Command, LogFilterInput, LogInput, LogPage, OwnPriceInput, PriceStatus, PriceUpdateInput,
    PriceUpdateView, PriceView, RecomputeInput, RecomputeView, RefreshedAccount, ReloadView, SavedAccount,
    SchedulingChange, SettingView, SystemView, UnpricedModel,
};
use posthaste_core::{Area, OwnPrice};
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    errors::account,
    kinds::{AZURE, BEDROCK, CCR, CLAUDE, CONSOLE, GEMINI, OPENAI, Presets, RESPONSES},
};
use crate::admin::{
    asked::Asked,
    endpoint::{Endpoint, delete, get, post, put},
    input::{Json, NoBody},
};

/// What can be changed while the relay runs, and what it was started with.
#[derive(Serialize, JsonSchema)]
struct SettingsView {
    /// What the relay calls itself; changed at `/admin/settings`.
    branding: BrandingView,
    /// The configuration of the relay that answers, read at its start from the file, the environment and flags. Secrets are
    /// redacted.
    configuration: Vec<SettingView>,
}

/// More of the accounts of one kind, under the predecessor's paths.
macro_rules! kind {
    ($path:literal, $presets:expr) => {
        vec![
            get(
                concat!("/admin/", $path, "/{account}/usage"),
                "How an account's windows go, and what was spent",
            )
            .needs(Area::Accounts.read())
            .answers(|asked: Asked, _: NoBody| usage(asked, Some($presets))),
            put(
                concat!("/admin/", $path, "/{account}/toggle-schedulable"),
                "Give an account new requests, or none",
            )
            .needs(Area::Accounts.write())
            .answers(|asked: Asked, _: NoBody| schedulable(asked, Some($presets))),
            post(concat!("/admin/", $path, "/{account}/reset-rate-limit"), "End an account's rest")
                .needs(Area::Accounts.write())
                .answers(|asked: Asked, _: NoBody| reset(asked, $presets)),
        ]
    };
}

/// Those whose tokens are renewed.
macro_rules! refreshed {
    ($path:literal, $presets:expr) => {
        post(concat!("/admin/", $path, "/{account}/refresh"), "Renew an account's token")
            .needs(Area::Accounts.write())
            .answers(|asked: Asked, _: NoBody| refresh(asked, $presets))
    };
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    let refreshed = vec![
        refreshed!("claude-accounts", CLAUDE),
        refreshed!("gemini-accounts", GEMINI),
        refreshed!("openai-accounts", OPENAI),
    ];
    [
        relay(),
        any_account(),
        refreshed,
        kind!("claude-accounts", CLAUDE),
        kind!("claude-console-accounts", CONSOLE),
        kind!("ccr-accounts", CCR),
        kind!("bedrock-accounts", BEDROCK),
        kind!("gemini-accounts", GEMINI),
        kind!("gemini-api-accounts", GEMINI),
        kind!("openai-accounts", OPENAI),
        kind!("openai-responses-accounts", RESPONSES),
        kind!("azure-openai-accounts", AZURE),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn relay() -> Vec<Endpoint> {
    let (system, usage) = (Area::System.read(), Area::Usage.read());
    vec![
        get("/admin/system", "What runs here")
            .needs(system)
            .answers(|asked: Asked, _: NoBody| async move { asked.act::<SystemView>(Command::System).await }),
        get("/admin/settings", "What the relay calls itself, and how it was set up")
            .needs(Area::Settings.read())
            .answers(settings),
        put("/admin/settings", "Change what the relay calls itself; what is not named stays as it is")
            .needs(Area::Settings.write())
            .body::<BrandingChange>()
            .answers(brand),
        post(
            "/admin/settings/reload",
            "Read the configuration again and take what can change while the relay runs, all of it or nothing",
        )
        .needs(Area::Settings.write())
        .answers(|asked: Asked, _: NoBody| async move {
            asked.act::<ReloadView>(Command::ReloadSettings).await
        }),
        get("/admin/logs", "What the relay that answers has logged lately, and what comes when it is waited for")
            .needs(system)
            .answers_query(|asked: Asked, query: LogInput, _: NoBody| async move {
                asked.act::<LogPage>(Command::ListLogs(query)).await
            }),
        put("/admin/logs/filter", "Log other events, until the next start or reload")
            .needs(Area::Settings.write())
            .body::<LogFilterInput>()
            .answers(|asked: Asked, Json(input): Json<LogFilterInput>| async move {
                asked.act::<LogPage>(Command::SetLogFilter(input)).await
            }),
        get("/admin/oem-settings", "What the relay calls itself, for its pages")
            .open()
            .answers(|asked: Asked, _: NoBody| async move { asked.admin.branding().await }),
        put("/admin/oem-settings", "Change what the relay calls itself; what is not named stays as it is")
            .needs(Area::Settings.write())
            .body::<BrandingChange>()
            .answers(brand),
        get("/admin/prices", "What models cost")
            .needs(usage)
            .lists(|asked: Asked| async move { asked.act::<Vec<PriceView>>(Command::ListPrices).await }),
        get("/admin/models/pricing", "What models cost")
            .needs(usage)
            .lists(|asked: Asked| async move { asked.act::<Vec<PriceView>>(Command::ListPrices).await }),
        get("/admin/models/pricing/status", "Where prices come from").needs(usage).answers(
            |asked: Asked, _: NoBody| async move { asked.act::<PriceStatus>(Command::PriceStatus).await },
        ),
        get("/admin/backups", "Back-ups of the store that lie beside it")
            .needs(system)
            .lists(|asked: Asked| async move { asked.act::<Vec<BackupView>>(Command::ListBackups).await }),
        post("/admin/backups", "Make a back-up of the store; the master key is not in it")
            .needs(Area::Settings.write())
            .answers(|asked: Asked, _: NoBody| async move {
                asked.act::<BackupView>(Command::CreateBackup).await
            }),
        delete("/admin/backups/{backup}", "Remove a back-up").needs(Area::Settings.write()).answers(
            |asked: Asked, _: NoBody| async move {
                let backup = asked.parameter("backup");
                asked.act::<BackupView>(Command::DeleteBackup { backup }).await
            },
        ),
        post("/admin/prices/update", "Look at a list of prices (`dry_run`), or take it over")
            .needs(Area::Settings.write())
            .body::<PriceUpdateInput>()
            .answers(|asked: Asked, Json(input): Json<PriceUpdateInput>| async move {
                asked.act::<PriceUpdateView>(Command::UpdatePrices(input)).await
            }),
        post("/admin/prices/recompute", "Compute a part of what is booked again by the prices of now")
            .needs(Area::Settings.write())
            .body::<RecomputeInput>()
            .answers(|asked: Asked, Json(input): Json<RecomputeInput>| async move {
                asked.act::<RecomputeView>(Command::RecomputeCosts(input)).await
            }),
        get("/admin/prices/own", "Prices of your own, in the place of the price book's")
            .needs(usage)
            .lists(|asked: Asked| async move { asked.act::<Vec<OwnPrice>>(Command::ListOwnPrices).await }),
        put("/admin/prices/own", "Say what a model costs, in the place of what was said before")
            .needs(Area::Settings.write())
            .body::<OwnPriceInput>()
            .answers(|asked: Asked, Json(input): Json<OwnPriceInput>| async move {
                asked.act::<OwnPrice>(Command::SetOwnPrice(input)).await
            }),
        get("/admin/prices/own/{price}", "One of them, by its id").needs(usage).answers(
            |asked: Asked, _: NoBody| async move {
                let price = asked.parameter("price");
                asked.act::<OwnPrice>(Command::ShowOwnPrice { price }).await
            },
        ),
        delete("/admin/prices/own/{price}", "Let the price book say again what a model costs")
            .needs(Area::Settings.write())
            .answers(|asked: Asked, _: NoBody| async move {
                let price = asked.parameter("price");
                asked.act::<OwnPrice>(Command::DeleteOwnPrice { price }).await
            }),
        get("/admin/prices/unknown", "Models that were used in the last 30 days and have no price")
            .needs(usage)
            .lists(
                |asked: Asked| async move { asked.act::<Vec<UnpricedModel>>(Command::ListUnpriced).await },
            ),
    ]
}

fn any_account() -> Vec<Endpoint> {
    vec![
        get(
            "/admin/accounts/{account}/balance",
            "What is left on an account, as its vendor told a short while ago",
        )
        .needs(Area::Accounts.read())
        .answers(|asked: Asked, _: NoBody| balance(asked, false)),
        post("/admin/accounts/{account}/balance/refresh", "Ask the vendor what is left on an account")
            .needs(Area::Accounts.write())
            .answers(|asked: Asked, _: NoBody| balance(asked, true)),
        get("/admin/accounts/{account}/usage", "How an account's windows go, and what was spent")
            .needs(Area::Accounts.read())
            .answers(|asked: Asked, _: NoBody| usage(asked, None)),
        put("/admin/accounts/{account}/toggle", "Switch an account on or off")
            .needs(Area::Accounts.write())
            .answers(toggle),
        put("/admin/accounts/{account}/toggle-schedulable", "Give an account new requests, or none")
            .needs(Area::Accounts.write())
            .answers(|asked: Asked, _: NoBody| schedulable(asked, None)),
    ]
}

async fn settings(asked: Asked, _: NoBody) -> Result<SettingsView, AdminError> {
    Ok(SettingsView {
        branding: asked.act(Command::ShowBranding).await?,
        configuration: asked.act(Command::Settings).await?,
    })
}

async fn brand(asked: Asked, Json(change): Json<BrandingChange>) -> Result<BrandingView, AdminError> {
    asked.act(Command::SetBranding(change)).await
}

async fn usage(asked: Asked, presets: Option<Presets>) -> Result<AccountUsage, AdminError> {
    let account = account(&asked, presets).await?;
    asked.act(Command::AccountUsage { account }).await
}

async fn balance(asked: Asked, ask: bool) -> Result<BalanceView, AdminError> {
    let account = asked.parameter("account");
    asked.act(Command::AccountBalance { account, ask }).await
}

async fn toggle(asked: Asked, _: NoBody) -> Result<SavedAccount, AdminError> {
    let account = asked.parameter("account");
    let found: AccountView = asked.act(Command::ShowAccount { account }).await?;
    let change = AccountChange { enabled: Some(!found.enabled), ..AccountChange::default() };
    asked.act(Command::UpdateAccount { account: found.id.to_string(), change }).await
}

async fn schedulable(asked: Asked, presets: Option<Presets>) -> Result<SavedAccount, AdminError> {
    let account = account(&asked, presets).await?;
    let found: AccountView = asked.act(Command::ShowAccount { account }).await?;
    let schedulable = Some(!found.scheduling.schedulable);
    let scheduling = SchedulingChange { schedulable, ..SchedulingChange::default() };
    let change = AccountChange { scheduling, ..AccountChange::default() };
    asked.act(Command::UpdateAccount { account: found.id.to_string(), change }).await
}

async fn reset(asked: Asked, presets: Presets) -> Result<AccountView, AdminError> {
    let account = account(&asked, Some(presets)).await?;
    asked.act(Command::ResetAccount { account }).await
}

async fn refresh(asked: Asked, presets: Presets) -> Result<RefreshedAccount, AdminError> {
    let account = account(&asked, Some(presets)).await?;
    asked.act(Command::RefreshAccount { account }).await
}
