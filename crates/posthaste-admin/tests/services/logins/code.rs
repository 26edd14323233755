//! By a code that the browser brings back.

use std::time::Duration;

use posthaste_admin::{
    AccountChange, AdminError, Command, Disclosed, Health, LoginFlow, LoginFor, NewAccount, ParkedView, Reply,
};
use posthaste_core::{AuthForm, Clock, CooldownReason, Secret};
use posthaste_vault::oauth::OAuthSettings;

use super::{code, desk, desk_with, failure, invalid_field, new};
use crate::support::key;

#[tokio::test]
async fn a_finished_login_is_an_account_with_a_sealed_token() {
    let desk = desk("inference").await;
    let login = desk.start_code().await;
    assert_eq!(login.expires_at, desk.bench.clock.now().plus(Duration::from_secs(600)));
    let back = desk.answer(&login, "approve=1&login_hint=ada@sandbox.example").await;
    // Nothing is there before the person is done.
    assert_eq!(desk.bench.admin.accounts().list().await.unwrap(), []);
    let saved = desk.finish(&login, back.as_str()).await.unwrap();
    assert_eq!((saved.account.name.as_str(), saved.account.auth), ("ada", AuthForm::OAuth));
    assert!(saved.account.has_credential && saved.account.enabled);
    assert!(saved.notices.iter().any(|notice| notice == "logged in as ada@sandbox.example"), "{saved:?}");
    let token = desk.token("ada").await;
    assert!(token.access_token.expose().starts_with("sandbox-access-"));
    assert!(token.refresh_token.is_some() && token.expires_at.is_some());
    assert_eq!(token.facts.identity.as_deref(), Some("ada@sandbox.example"));
    let shown = serde_json::to_string(&desk.bench.admin.accounts().show("ada").await.unwrap()).unwrap();
    assert!(!shown.contains("sandbox-"), "{shown}");
    // It is finished once.
    let again = desk.finish(&login, back.as_str()).await;
    assert!(matches!(again, Err(AdminError::NotFound { .. })), "{again:?}");
}

#[tokio::test]
async fn an_account_gets_another_token_and_is_well_again() {
    let desk = desk("inference").await;
    let first = desk.log_in(&new("ada")).await.account;
    let before = desk.token("ada").await;
    let parked =
        ParkedView { reason: CooldownReason::Unauthorised, until: desk.bench.clock.now(), why: "401".into() };
    desk.bench.runtime.parked.lock().insert(first.id, parked);
    let saved = desk.log_in(&LoginFor::Account("ada".to_owned())).await;
    assert_eq!((saved.account.id, saved.account.health), (first.id, Some(Health::Ready)));
    let after = desk.token("ada").await;
    assert_ne!(before.access_token, after.access_token);
    assert_eq!(after.generation, before.generation + 1);
    assert_eq!(desk.bench.admin.accounts().list().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_slip_may_be_put_right() {
    let desk = desk("inference").await;
    let [one, other] = [desk.start_code().await, desk.start_code().await];
    let back = desk.answer(&one, "approve=1").await;
    let others = desk.answer(&other, "approve=1").await;
    for (brought, state) in [("", "no_code"), ("two words", "no_code"), (others.as_str(), "state_mismatch")] {
        let (_, told, advice) = failure(desk.finish(&one, brought).await);
        assert_eq!(told, state);
        assert!(advice.contains("paste"), "{advice}");
    }
    // As a page shows it for pasting.
    let pair = |name| back.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned();
    let pasted = format!(" {}#{} ", pair("code"), pair("state"));
    assert_eq!(desk.finish(&one, &pasted).await.unwrap().account.name, "ada");
}

#[tokio::test]
async fn what_cannot_become_an_account_is_refused_before_anybody_is_bothered() {
    let desk = desk("inference").await;
    desk.log_in(&new("ada")).await;
    let with = |change: fn(&mut NewAccount)| {
        let LoginFor::NewAccount(mut account) = new("bob") else { panic!("a new account") };
        change(&mut account);
        LoginFor::NewAccount(account)
    };
    for (field, whose) in [
        ("preset", with(|new| new.preset = "deepseek".to_owned())),
        ("preset", with(|new| new.preset = "sandbx".to_owned())),
        ("name", with(|new| new.name = String::new())),
        ("api_key", with(|new| new.api_key = key("dummy"))),
        ("auth", with(|new| new.auth = Some(AuthForm::Bearer))),
        ("priority", with(|new| new.priority = Some(0))),
    ] {
        assert_eq!(invalid_field(desk.start(&whose, &code()).await), field);
        assert_eq!(invalid_field(desk.bench.admin.accounts().plan_login(&whose).await), field);
    }
    let taken = desk.start(&new("ada"), &code()).await;
    assert!(matches!(taken, Err(AdminError::Conflict { .. })), "{taken:?}");
    let missing = desk.start(&LoginFor::Account("nobody".to_owned()), &code()).await;
    assert!(matches!(missing, Err(AdminError::NotFound { .. })), "{missing:?}");
    let redirect = LoginFlow::Code { redirect_uri: Some("nowhere".to_owned()) };
    assert_eq!(invalid_field(desk.start(&new("bob"), &redirect).await), "redirect_uri");
    let any_port = LoginFlow::Code { redirect_uri: None };
    assert_eq!(invalid_field(desk.start(&new("bob"), &any_port).await), "redirect_uri");
    assert_eq!(desk.vendor.asked.lock().len(), 1, "only the first login asked");
}

#[tokio::test]
async fn keys_and_logins_are_not_mixed() {
    let desk = desk("inference").await;
    desk.log_in(&new("ada")).await;
    let accounts = desk.bench.admin.accounts();
    let plain = NewAccount { preset: "sandbox".into(), name: "plain".into(), ..NewAccount::default() };
    accounts.add(plain.clone()).await.unwrap();
    let renewed = desk.start(&LoginFor::Account("plain".to_owned()), &code()).await;
    assert_eq!(invalid_field(renewed), "account");
    let keyed = AccountChange { api_key: key("dummy"), ..AccountChange::default() };
    assert_eq!(invalid_field(accounts.update("ada", keyed).await), "api_key");
    for (account, auth) in [("ada", AuthForm::Bearer), ("plain", AuthForm::OAuth)] {
        let change = AccountChange { auth: Some(auth), ..AccountChange::default() };
        assert_eq!(invalid_field(accounts.update(account, change).await), "auth");
    }
    let bare = NewAccount { name: "bare".into(), auth: Some(AuthForm::OAuth), ..plain };
    assert_eq!(invalid_field(accounts.add(bare).await), "auth");
}

#[tokio::test]
async fn a_name_that_was_taken_meanwhile_does_not_cost_the_login() {
    let desk = desk("inference").await;
    let login = desk.start_code().await;
    let accounts = desk.bench.admin.accounts();
    let squatter = NewAccount { preset: "sandbox".into(), name: "ada".into(), ..NewAccount::default() };
    accounts.add(squatter).await.unwrap();
    let back = desk.answer(&login, "approve=1").await;
    let clash = desk.finish(&login, back.as_str()).await;
    assert!(matches!(clash, Err(AdminError::Conflict { .. })), "{clash:?}");
    accounts.delete("ada").await.unwrap();
    // The code was used already; the token was kept.
    assert_eq!(desk.finish(&login, back.as_str()).await.unwrap().account.name, "ada");
}

#[tokio::test]
async fn a_login_may_be_given_up() {
    let desk = desk("inference").await;
    let login = desk.start_code().await;
    desk.bench.admin.accounts().cancel_login(&login.login).unwrap();
    for gone in [
        desk.bench.admin.accounts().cancel_login(&login.login),
        desk.bench.admin.accounts().cancel_login("x"),
    ] {
        assert!(matches!(gone, Err(AdminError::NotFound { .. })), "{gone:?}");
    }
    let back = desk.answer(&login, "approve=1").await;
    assert!(matches!(desk.finish(&login, back.as_str()).await, Err(AdminError::NotFound { .. })));
}

#[tokio::test]
async fn logins_under_way_are_bounded_and_ended_ones_make_room() {
    let desk = desk("inference").await;
    for _ in 0..100 {
        desk.start_code().await;
    }
    let one_more = desk.start(&new("ada"), &code()).await;
    assert!(matches!(one_more, Err(AdminError::Conflict { .. })), "{one_more:?}");
    desk.bench.clock.advance(Duration::from_secs(601));
    desk.start_code().await;
}

#[tokio::test]
async fn a_plan_tells_the_ways() {
    let desk = desk("inference").await;
    let plan = desk.bench.admin.accounts().plan_login(&new("ada")).await.unwrap();
    assert_eq!(
        (plan.provider.as_str(), plan.code, plan.device, plan.loopback),
        ("sandbox", true, true, true)
    );
    assert_eq!(plan.redirect_uri.as_deref(), Some("http://127.0.0.1:0/callback"));
    let page = url::Url::parse("http://sandbox.posthaste.internal/oauth/code").unwrap();
    let desk = desk_with(OAuthSettings { redirect_uri: Some(page), ..OAuthSettings::default() }).await;
    let plan = desk.bench.admin.accounts().plan_login(&new("ada")).await.unwrap();
    assert!(!plan.loopback);
    // And with such a page no redirect address has to be told.
    desk.start(&new("ada"), &LoginFlow::Code { redirect_uri: None }).await.unwrap();
}

#[tokio::test]
async fn logins_travel_and_show_no_secret() {
    let desk = desk("inference").await;
    let travel = async |command: Command| -> Reply {
        let text = serde_json::to_string(&command).unwrap();
        let reply = desk.bench.admin.execute(serde_json::from_str(&text).unwrap()).await.unwrap();
        serde_json::from_str(&serde_json::to_string(&reply).unwrap()).unwrap()
    };
    assert!(matches!(travel(Command::PlanLogin(new("ada"))).await, Reply::LoginPlan(_)));
    let Reply::StartedLogin(login) = travel(Command::StartLogin { whose: new("ada"), flow: code() }).await
    else {
        panic!("a login");
    };
    let back = desk.answer(&login, "approve=1").await;
    let brought = Disclosed::new(Secret::new(back.as_str()));
    let finish = Command::FinishLogin { login: login.login.clone(), brought };
    assert!(!format!("{finish:?}").contains("code="));
    let Reply::SavedAccount(saved) = travel(finish).await else { panic!("an account") };
    assert_eq!(saved.account.name, "ada");
    let Reply::StartedLogin(login) = travel(Command::StartLogin { whose: new("bob"), flow: code() }).await
    else {
        panic!("a login");
    };
    assert!(matches!(travel(Command::CancelLogin { login: login.login }).await, Reply::CancelledLogin));
}
