//! What was done is said by the next page, which offers to take it back where that can be.

use std::time::Duration;

use http::StatusCode;
use posthaste_admin::{Disclosed, NewAccount, NewKey, NewPool, SchedulingChange};
use posthaste_core::{AccountError, Clock, FaultKind, KeyStatus, Secret};
use posthaste_storage::ErrorBounds;

use crate::support::{Browser, Rig, Shown};

async fn account(rig: &Rig, name: &str, pools: &[&str]) -> String {
    let pools = pools.iter().map(|pool| (*pool).to_owned()).collect();
    let new = NewAccount {
        preset: "anthropic".to_owned(),
        name: name.to_owned(),
        api_key: Some(Disclosed::new(Secret::new("sk-ant-dummy"))),
        scheduling: SchedulingChange { pools: Some(pools), ..SchedulingChange::default() },
        ..NewAccount::default()
    };
    rig.admin.accounts().add(new).await.unwrap().account.id.to_string()
}

/// Where a form is sent, with what.
type Form = (String, Vec<(String, String)>);

/// What a page says was done, and the form that takes it back.
fn bar(page: &Shown) -> (String, Option<Form>) {
    let (_, bar) = page.page().split_once("class=\"told\"").unwrap_or_else(|| panic!("{}", page.html));
    let bar = bar.split_once("</div>").unwrap().0;
    let between = |text: &str, from: &str, to: &str| {
        let (_, rest) = text.split_once(from)?;
        Some(rest.split_once(to)?.0.to_owned())
    };
    let told = between(bar, "role=\"status\">", "<").unwrap();
    let undo = between(bar, "action=\"", "\"").map(|to| {
        let fields = bar.split("<input type=\"hidden\" ").skip(1);
        let fields = fields.map(|field| {
            (between(field, "name=\"", "\"").unwrap(), between(field, "value=\"", "\"").unwrap())
        });
        (to, fields.collect())
    });
    (told, undo)
}

/// Does something, reads the page that comes of it and takes it back; gives what both said.
async fn do_and_undo(
    rig: &Rig,
    browser: &mut Browser,
    page: &str,
    to: &str,
    form: &[(&str, &str)],
) -> [String; 2] {
    let done = rig.fill_in(browser, page, to, form).await.to().to_owned();
    let shown = rig.get(browser, &done).await;
    let (told, undo) = bar(&shown);
    assert!(shown.html.contains(">Undo</button>"), "{}", shown.html);
    let (to, fields) = undo.unwrap();
    let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let undone = rig.post(browser, &to, &fields).await.to().to_owned();
    let shown = rig.get(browser, &undone).await;
    let again = bar(&shown).0;
    // It is said once.
    assert!(!rig.get(browser, &undone).await.page().contains("class=\"told\""));
    [told, again]
}

#[tokio::test]
async fn a_key_that_was_deleted_comes_back() {
    let rig = Rig::with_people().await;
    let mut browser = rig.logged_in("operator").await;
    let new = NewKey { name: "laptop".to_owned(), ..NewKey::default() };
    let id = rig.admin.keys().create(new).await.unwrap().view.id.to_string();
    let page = format!("/admin-next/keys/{id}");
    let told = do_and_undo(&rig, &mut browser, &page, &format!("{page}/delete"), &[]).await;
    assert_eq!(told, ["laptop is deleted. It can be restored.", "laptop is back."]);
    assert_eq!(rig.admin.keys().show(&id).await.unwrap().state, KeyStatus::Active);

    // What cannot be taken back offers nothing.
    let gone = rig.fill_in(&mut browser, &page, &format!("{page}/revoke"), &[]).await.to().to_owned();
    let (told, undo) = bar(&rig.get(&mut browser, &gone).await);
    assert!(told.contains("laptop is revoked") && undo.is_none(), "{told}: {undo:?}");
}

#[tokio::test]
async fn an_account_that_left_its_pool_joins_again_and_the_other_way_round() {
    let rig = Rig::with_people().await;
    let mut browser = rig.logged_in("operator").await;
    let mut made = Vec::new();
    for name in ["main", "spare"] {
        let new = NewPool { name: name.to_owned(), ..NewPool::default() };
        made.push(rig.admin.pools().create(new).await.unwrap());
    }
    let first = account(&rig, "first", &["main", "spare"]).await;
    let second = account(&rig, "second", &[]).await;
    let page = format!("/admin-next/pools/{}", made[0].id);
    let shown = rig.get(&mut browser, &page).await;
    let (_, row) = shown.page().split_once("<details class=\"confirm\"><summary>Let it leave").unwrap();
    assert!(row.contains("It gets no more requests that are led here."), "it is asked before it is done");
    let leave = format!("{page}/leave");
    let told = do_and_undo(&rig, &mut browser, &page, &leave, &[("account", &first)]).await;
    assert_eq!(told, ["first has left.", "first has joined."]);
    assert_eq!(rig.admin.pools().show("main").await.unwrap().members, ["first"]);
    assert_eq!(rig.admin.pools().show("spare").await.unwrap().members, ["first"], "and stays in the other");
    let join = format!("{page}/join");
    let told = do_and_undo(&rig, &mut browser, &page, &join, &[("account", &second)]).await;
    assert_eq!(told, ["second has joined.", "second has left."]);
    assert_eq!(rig.admin.pools().show("main").await.unwrap().members, ["first"]);
}

#[tokio::test]
async fn an_account_is_paused_and_gets_requests_again() {
    let rig = Rig::with_people().await;
    let mut browser = rig.logged_in("operator").await;
    let id = account(&rig, "main", &[]).await;
    let page = format!("/admin-next/accounts/{id}");
    let told = do_and_undo(&rig, &mut browser, &page, &format!("{page}/pause"), &[]).await;
    assert_eq!(told, ["main is paused: it gets no new requests.", "main gets requests again."]);
    assert!(rig.admin.accounts().show(&id).await.unwrap().scheduling.schedulable);
    let shown = rig.get(&mut browser, &page).await;
    assert!(shown.page().contains(">Pause</button>") && !shown.html.contains("/resume\""), "{}", shown.html);
    rig.fill_in(&mut browser, &page, &format!("{page}/pause"), &[]).await.to();
    let shown = rig.get(&mut browser, &page).await;
    assert!(shown.page().contains("/resume\"") && shown.html.contains(">paused<"), "{}", shown.html);
    let mut viewer = rig.logged_in("viewer").await;
    let shown = rig.get(&mut viewer, &page).await;
    assert!(!shown.page().contains("/resume\""), "{}", shown.html);
}

#[tokio::test]
async fn a_cookie_of_others_leads_to_nothing_else() {
    let rig = Rig::with_people().await;
    let browser = rig.logged_in("owner").await;
    for undo in ["delete_x", "%2Fadmin-next%2Fkeys", "restore_../../keys", "javascript:alert(1)"] {
        let mut browser = browser.clone();
        browser.cookies.push(("posthaste_told".to_owned(), format!("done%3Cscript%3E.{undo}")));
        let (told, undo) = bar(&rig.get(&mut browser, "/admin-next/keys").await);
        assert_eq!((told.as_str(), undo), ("done&#60;script&#62;", None));
    }
}

#[tokio::test]
async fn what_stands_in_the_way_is_not_somebody_else() {
    let rig = Rig::with_people().await;
    let mut browser = rig.logged_in("operator").await;
    let new = NewPool { name: "main".to_owned(), ..NewPool::default() };
    let id = rig.admin.pools().create(new).await.unwrap().id;
    account(&rig, "first", &["main"]).await;
    let page = format!("/admin-next/pools/{id}");
    let held = rig.fill_in(&mut browser, &page, &format!("{page}/delete"), &[]).await;
    assert_eq!(held.status, StatusCode::CONFLICT);
    assert!(held.html.contains("<h1>Something stands in the way</h1>"), "{}", held.html);
    assert!(!held.html.contains("Somebody else"), "{}", held.html);
}

#[tokio::test]
async fn what_went_wrong_is_forgotten_only_when_that_is_meant() {
    let rig = Rig::with_people().await;
    let mut browser = rig.logged_in("operator").await;
    let id = account(&rig, "main", &[]).await;
    let page = format!("/admin-next/accounts/{id}");
    let failure = AccountError {
        account: id.parse().unwrap(),
        at: rig.clock.now(),
        kind: FaultKind::RateLimited,
        status: Some(429),
        model: None,
        message: "slow down".to_owned(),
        request: None,
        rest: None,
    };
    let bounds = ErrorBounds { most: 10, keep: Duration::from_secs(3_600) };
    rig.stores.account_errors.note(&[failure], bounds).await.unwrap();
    let shown = rig.get(&mut browser, &page).await;
    let (_, asked) = shown.page().split_once("<details class=\"confirm\"><summary>Forget these").unwrap();
    assert!(asked.split_once("</details>").unwrap().0.contains("/forget\""), "{}", shown.html);
    let gone = rig.fill_in(&mut browser, &page, &format!("{page}/forget"), &[]).await.to().to_owned();
    assert!(rig.get(&mut browser, &gone).await.page().contains("Nothing, as far as is kept."));
}
