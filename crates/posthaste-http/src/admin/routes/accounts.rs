//! Upstream accounts.

use posthaste_admin::{
    AccountChange, AccountListInput, AccountOrder, AccountRow, AccountView, Command, Disclosed, ListPage,
    LoginFlow, LoginFor, LoginPlan, NewAccount, PolledLogin, PresetView, RefreshedAccount, SavedAccount,
    StartedLogin, TestReport,
};
use posthaste_core::Area;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::admin::{
    asked::Asked,
    endpoint::{Endpoint, delete, get, post, put},
    input::{Json, NoBody},
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    let (read, write) = (Area::Accounts.read(), Area::Accounts.write());
    vec![
        get("/admin/presets", "Kinds of accounts that can be added")
            .needs(read)
            .lists(|asked: Asked| async move { asked.act::<Vec<PresetView>>(Command::ListPresets).await }),
        get("/admin/accounts", "Upstream accounts, page by page").needs(read).answers_query(
            |asked: Asked, query: AccountListInput, _: NoBody| async move {
                asked.act::<ListPage<AccountRow>>(Command::PageAccounts(query)).await
            },
        ),
        post("/admin/accounts", "Add an account").needs(write).body::<NewAccount>().answers(
            |asked: Asked, Json(new): Json<NewAccount>| async move {
                asked.act::<SavedAccount>(Command::AddAccount(new)).await
            },
        ),
        get("/admin/accounts/{account}", "One account").needs(read).answers(
            |asked: Asked, _: NoBody| async move {
                let account = asked.parameter("account");
                asked.act::<AccountView>(Command::ShowAccount { account }).await
            },
        ),
        put("/admin/accounts/{account}", "Change an account; what is not named stays as it is")
            .needs(write)
            .body::<AccountChange>()
            .answers(|asked: Asked, Json(change): Json<AccountChange>| async move {
                let account = asked.parameter("account");
                asked.act::<SavedAccount>(Command::UpdateAccount { account, change }).await
            }),
        put("/admin/account-order", "Give accounts other priorities and weights, all of them or none")
            .needs(write)
            .body::<AccountOrder>()
            .answers(|asked: Asked, Json(order): Json<AccountOrder>| async move {
                asked.admin.order_accounts(&asked.actor, order).await
            }),
        delete("/admin/accounts/{account}", "Remove an account").needs(write).answers(
            |asked: Asked, _: NoBody| async move {
                let account = asked.parameter("account");
                asked.act::<AccountView>(Command::DeleteAccount { account }).await
            },
        ),
        post("/admin/accounts/{account}/test", "Send one tiny real request with an account")
            .needs(write)
            .body::<TestInput>()
            .answers(|asked: Asked, Json(input): Json<TestInput>| async move {
                let account = asked.parameter("account");
                asked.act::<TestReport>(Command::TestAccount { account, model: input.model }).await
            }),
        post("/admin/accounts/{account}/reset-status", "End an account's rest").needs(write).answers(
            |asked: Asked, _: NoBody| async move {
                let account = asked.parameter("account");
                asked.act::<AccountView>(Command::ResetAccount { account }).await
            },
        ),
        post("/admin/accounts/{account}/refresh", "Renew an account's token").needs(write).answers(
            |asked: Asked, _: NoBody| async move {
                let account = asked.parameter("account");
                asked.act::<RefreshedAccount>(Command::RefreshAccount { account }).await
            },
        ),
        post("/admin/logins/plan", "Look how an account can be logged in")
            .needs(write)
            .body::<LoginFor>()
            .answers(|asked: Asked, Json(whose): Json<LoginFor>| async move {
                asked.act::<LoginPlan>(Command::PlanLogin(whose)).await
            }),
        post("/admin/logins", "Begin to log an account in").needs(write).body::<LoginInput>().answers(
            |asked: Asked, Json(LoginInput { whose, flow }): Json<LoginInput>| async move {
                asked.act::<StartedLogin>(Command::StartLogin { whose, flow }).await
            },
        ),
        post("/admin/logins/{login}/code", "Finish a login with what the browser brought back")
            .needs(write)
            .body::<BroughtCode>()
            .answers(|asked: Asked, Json(BroughtCode { code }): Json<BroughtCode>| async move {
                let login = asked.parameter("login");
                asked.act::<SavedAccount>(Command::FinishLogin { login, brought: code }).await
            }),
        post("/admin/logins/{login}/poll", "Ask whether a person has entered the device's code")
            .needs(write)
            .answers(|asked: Asked, _: NoBody| async move {
                let login = asked.parameter("login");
                asked.act::<PolledLogin>(Command::PollLogin { login }).await
            }),
        delete("/admin/logins/{login}", "Give a login up").needs(write).answers(
            |asked: Asked, _: NoBody| async move {
                let login = asked.parameter("login");
                asked.act::<()>(Command::CancelLogin { login }).await
            },
        ),
    ]
}

/// What an account is tested with.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct TestInput {
    /// For which model; one is chosen when it is not told.
    pub(super) model: Option<String>,
}

/// Which login, and how.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct LoginInput {
    /// Whose.
    whose: LoginFor,
    /// How.
    flow: LoginFlow,
}

/// What the browser brought back.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct BroughtCode {
    /// The code, or the address that the browser was sent to.
    code: Disclosed,
}
