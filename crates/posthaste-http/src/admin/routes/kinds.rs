//! Accounts of one kind, under the predecessor's paths.

use posthaste_admin::{
    AccountChange, AccountListInput, AccountRow, AccountView, AdminError, Command, Disclosed, ListPage,
    LoginFlow, LoginFor, NewAccount, SavedAccount, StartedLogin, TestReport,
};
use posthaste_core::Area;
use schemars::JsonSchema;
use serde::Deserialize;

use super::accounts::TestInput;
use crate::admin::{
    asked::Asked,
    endpoint::{Endpoint, delete, get, post, put},
    input::{Json, NoBody, invalid},
};

/// A kind of the predecessor's: the presets of its accounts, of which the first is that of new ones.
pub(super) type Presets = &'static [&'static str];

pub(super) const CLAUDE: Presets = &["anthropic"];
pub(super) const CONSOLE: Presets = &["anthropic-compatible"];
pub(super) const CCR: Presets = &["ccr"];
pub(super) const BEDROCK: Presets = &["bedrock"];
pub(super) const GEMINI: Presets = &["gemini"];
pub(super) const OPENAI: Presets = &["openai"];
pub(super) const RESPONSES: Presets = &["openai-compatible"];
pub(super) const AZURE: Presets = &["azure-openai"];

macro_rules! kind {
    ($path:literal, $presets:expr) => {{
        let (read, write) = (Area::Accounts.read(), Area::Accounts.write());
        vec![
            get(concat!("/admin/", $path), "Accounts of this kind, page by page").needs(read).answers_query(
                |asked: Asked, query: AccountListInput, _: NoBody| list(asked, $presets, query),
            ),
            post(concat!("/admin/", $path), "Add an account of this kind")
                .needs(write)
                .body::<NewAccount>()
                .answers(|asked: Asked, Json(new): Json<NewAccount>| add(asked, $presets, new)),
            put(
                concat!("/admin/", $path, "/{account}"),
                "Change an account; what is not named stays as it is",
            )
            .needs(write)
            .body::<AccountChange>()
            .answers(|asked: Asked, Json(change): Json<AccountChange>| update(asked, $presets, change)),
            delete(concat!("/admin/", $path, "/{account}"), "Remove an account")
                .needs(write)
                .answers(|asked: Asked, _: NoBody| remove(asked, $presets)),
            put(concat!("/admin/", $path, "/{account}/toggle"), "Switch an account on or off")
                .needs(write)
                .answers(|asked: Asked, _: NoBody| toggle(asked, $presets)),
            post(concat!("/admin/", $path, "/{account}/test"), "Send one tiny real request with an account")
                .needs(write)
                .body::<TestInput>()
                .answers(|asked: Asked, Json(input): Json<TestInput>| test(asked, $presets, input)),
            post(concat!("/admin/", $path, "/{account}/reset-status"), "End an account's rest")
                .needs(write)
                .answers(|asked: Asked, _: NoBody| reset(asked, $presets)),
        ]
    }};
}

/// Those whose accounts are logged in.
macro_rules! logged_in {
    ($path:literal, $presets:expr) => {{
        let write = Area::Accounts.write();
        vec![
            post(concat!("/admin/", $path, "/generate-auth-url"), "Begin to log an account in")
                .needs(write)
                .body::<AuthUrlInput>()
                .answers(|asked: Asked, Json(input): Json<AuthUrlInput>| auth_url(asked, $presets, input)),
            post(
                concat!("/admin/", $path, "/exchange-code"),
                "Finish a login with what the browser brought back",
            )
            .needs(write)
            .body::<ExchangeInput>()
            .answers(|asked: Asked, Json(input): Json<ExchangeInput>| exchange(asked, input)),
        ]
    }};
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    [
        kind!("claude-accounts", CLAUDE),
        kind!("claude-console-accounts", CONSOLE),
        kind!("ccr-accounts", CCR),
        kind!("bedrock-accounts", BEDROCK),
        kind!("gemini-accounts", GEMINI),
        kind!("gemini-api-accounts", GEMINI),
        kind!("openai-accounts", OPENAI),
        kind!("openai-responses-accounts", RESPONSES),
        kind!("azure-openai-accounts", AZURE),
        logged_in!("claude-accounts", CLAUDE),
        logged_in!("gemini-accounts", GEMINI),
        logged_in!("openai-accounts", OPENAI),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Whose login it is: an account's that is there, or one's that is added with it.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct AuthUrlInput {
    /// An account that is there already, by id or name.
    account: Option<String>,
    /// An account that is added once the login is finished.
    new: Option<NewAccount>,
    /// Where the browser brings the code, if not where it is configured.
    redirect_uri: Option<String>,
}

/// What the browser brought back.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ExchangeInput {
    /// What beginning the login answered as `login`.
    login: String,
    /// The code, or the address that the browser was sent to.
    code: Disclosed,
}

async fn list(
    asked: Asked,
    presets: Presets,
    mut query: AccountListInput,
) -> Result<ListPage<AccountRow>, AdminError> {
    if query.preset.is_some() {
        return Err(invalid("preset", "is told by the path here; ask /admin/accounts for others"));
    }
    query.preset = Some(presets.join(","));
    asked.act(Command::PageAccounts(query)).await
}

async fn add(asked: Asked, presets: Presets, mut new: NewAccount) -> Result<SavedAccount, AdminError> {
    take_preset(&mut new, presets)?;
    asked.act(Command::AddAccount(new)).await
}

async fn update(asked: Asked, presets: Presets, change: AccountChange) -> Result<SavedAccount, AdminError> {
    let account = named(&asked, presets).await?.id.to_string();
    asked.act(Command::UpdateAccount { account, change }).await
}

async fn remove(asked: Asked, presets: Presets) -> Result<AccountView, AdminError> {
    let account = named(&asked, presets).await?.id.to_string();
    asked.act(Command::DeleteAccount { account }).await
}

async fn toggle(asked: Asked, presets: Presets) -> Result<SavedAccount, AdminError> {
    let found = named(&asked, presets).await?;
    let change = AccountChange { enabled: Some(!found.enabled), ..AccountChange::default() };
    asked.act(Command::UpdateAccount { account: found.id.to_string(), change }).await
}

async fn test(asked: Asked, presets: Presets, input: TestInput) -> Result<TestReport, AdminError> {
    let account = named(&asked, presets).await?.id.to_string();
    asked.act(Command::TestAccount { account, model: input.model }).await
}

async fn reset(asked: Asked, presets: Presets) -> Result<AccountView, AdminError> {
    let account = named(&asked, presets).await?.id.to_string();
    asked.act(Command::ResetAccount { account }).await
}

async fn auth_url(asked: Asked, presets: Presets, input: AuthUrlInput) -> Result<StartedLogin, AdminError> {
    let AuthUrlInput { account, new, redirect_uri } = input;
    let whose = match (account, new) {
        (Some(account), None) => LoginFor::Account(account),
        (None, Some(mut new)) => {
            take_preset(&mut new, presets)?;
            LoginFor::NewAccount(Box::new(new))
        }
        _ => {
            return Err(invalid(
                "account",
                "name either `account`, which is there, or `new`, which is to be",
            ));
        }
    };
    asked.act(Command::StartLogin { whose, flow: LoginFlow::Code { redirect_uri } }).await
}

async fn exchange(
    asked: Asked,
    ExchangeInput { login, code }: ExchangeInput,
) -> Result<SavedAccount, AdminError> {
    asked.act(Command::FinishLogin { login, brought: code }).await
}

/// The account that the path names, if it is of the kind that the path names.
pub(super) async fn named(asked: &Asked, presets: Presets) -> Result<AccountView, AdminError> {
    let account = asked.parameter("account");
    let found: AccountView = asked.act(Command::ShowAccount { account: account.clone() }).await?;
    if is_of(&found, presets) {
        return Ok(found);
    }
    let what =
        format!("account `{}` of this kind: it is one of preset `{}`", account.escape_debug(), found.preset);
    Err(AdminError::NotFound { what })
}

fn is_of(account: &AccountView, presets: Presets) -> bool {
    presets.contains(&account.preset.0.as_str())
}

fn take_preset(new: &mut NewAccount, presets: Presets) -> Result<(), AdminError> {
    if new.preset.is_empty() {
        new.preset = presets[0].to_owned();
    }
    if presets.contains(&new.preset.as_str()) {
        return Ok(());
    }
    let message = format!(
        "is not of this kind, which is `{}`; others are added at /admin/accounts",
        presets.join("`, `")
    );
    Err(invalid("preset", message))
}
