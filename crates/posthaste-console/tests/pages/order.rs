//! The order of accounts, without scripts.

use http::StatusCode;
use posthaste_admin::{AccountChange, AuditInput, Disclosed, NewAccount};
use posthaste_core::Secret;

use crate::support::{Browser, Rig, Shown};

const PAGE: &str = "/admin-next/accounts/order";

/// Accounts of these names and priorities, with their identities.
async fn accounts(rig: &Rig, wanted: &[(&str, u32)]) -> Vec<String> {
    let mut ids = Vec::new();
    for (name, priority) in wanted {
        let new = NewAccount {
            preset: "anthropic".to_owned(),
            name: (*name).to_owned(),
            api_key: Some(Disclosed::new(Secret::new("sk-ant-dummy"))),
            priority: Some(*priority),
            ..NewAccount::default()
        };
        ids.push(rig.admin.accounts().add(new).await.unwrap().account.id.to_string());
    }
    ids
}

/// Sends the page's form with other numbers in some of its fields.
async fn save(rig: &Rig, browser: &mut Browser, page: &Shown, typed: &[(&str, &str, &str)]) -> Shown {
    let mut form = vec![("csrf".to_owned(), page.field("csrf"))];
    for row in page.html.split("name=\"seen\" value=\"").skip(1) {
        let seen = row.split('"').next().unwrap();
        let mut parts = seen.split(' ');
        let (id, priority, weight) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
        let value = |field: &str, now: &str| {
            let typed = typed.iter().find(|(of, name, _)| *of == id && *name == field);
            typed.map_or(now, |(_, _, typed)| typed).to_owned()
        };
        form.push(("seen".to_owned(), seen.to_owned()));
        form.push((format!("priority.{id}"), value("priority", priority)));
        form.push((format!("weight.{id}"), value("weight", weight)));
    }
    let form: Vec<_> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    rig.post(browser, PAGE, &form).await
}

/// Names in the order of the page, with the heads of their groups.
fn shown(html: &str) -> Vec<String> {
    let mut parts = Vec::new();
    for row in html.split("<tr").skip(2) {
        if let Some(name) = row.split("data-account=\"").nth(1) {
            parts.push(name.split('"').next().unwrap().to_owned());
        } else if let Some(head) = row.split("rowgroup\">").nth(1) {
            parts.push(head.split('<').next().unwrap().to_owned());
        }
    }
    parts
}

async fn priority(rig: &Rig, account: &str) -> (u8, u16) {
    let view = rig.admin.accounts().show(account).await.unwrap();
    (view.priority, view.scheduling.weight)
}

#[tokio::test]
async fn all_that_is_typed_is_saved_in_one_step_and_nothing_else_is_touched() {
    let rig = Rig::with_people().await;
    let ids = accounts(&rig, &[("a", 50), ("b", 50), ("c", 90)]).await;
    let mut ada = rig.logged_in("operator").await;
    let page = rig.get(&mut ada, PAGE).await;
    assert_eq!(shown(page.page()), ["Priority 50", "a", "b", "Priority 90", "c"]);
    let typed = [(ids[2].as_str(), "priority", "10"), (ids[1].as_str(), "weight", "7")];
    assert!(save(&rig, &mut ada, &page, &typed).await.to().starts_with(PAGE));
    let page = rig.get(&mut ada, PAGE).await;
    assert_eq!(shown(page.page()), ["Priority 10", "c", "Priority 50", "a", "b"]);
    assert!(page.html.contains("The places of 2 accounts are saved."), "{}", page.html);
    assert_eq!((priority(&rig, "b").await, priority(&rig, "c").await), ((50, 7), (10, 1)));
    let log = rig.admin.audit().list(&AuditInput::default()).await.unwrap();
    let changed: Vec<_> = log.entries.iter().filter(|entry| entry.action == "account.update").collect();
    assert_eq!(changed.len(), 2, "{changed:?}");

    assert!(save(&rig, &mut ada, &page, &[]).await.to().starts_with(PAGE));
    assert!(rig.get(&mut ada, PAGE).await.html.contains("Nothing was moved."));
}

#[tokio::test]
async fn what_somebody_else_moved_is_shown_and_nothing_is_saved() {
    let rig = Rig::with_people().await;
    let ids = accounts(&rig, &[("a", 50), ("b", 50)]).await;
    let mut ada = rig.logged_in("operator").await;
    let page = rig.get(&mut ada, PAGE).await;
    let moved = AccountChange { priority: Some(20), ..AccountChange::default() };
    rig.admin.accounts().update("a", moved).await.unwrap();
    // Another change moves nothing.
    let disabled = AccountChange { enabled: Some(false), ..AccountChange::default() };
    rig.admin.accounts().update("b", disabled).await.unwrap();
    let typed = [(ids[0].as_str(), "priority", "10"), (ids[1].as_str(), "priority", "11")];
    let late = save(&rig, &mut ada, &page, &typed).await;
    assert_eq!(late.status, StatusCode::CONFLICT, "{}", late.html);
    let (_, clash) = late.html.split_once("aria-labelledby=\"clash\"").unwrap();
    let cells: Vec<_> = clash.split("<td>").skip(1).map(|cell| cell.split('<').next().unwrap()).collect();
    assert_eq!(
        cells[..3],
        ["Priority 50 · weight 1", "Priority 20 · weight 1", "Priority 10 · weight 1"],
        "{clash}"
    );
    assert_eq!((priority(&rig, "a").await.0, priority(&rig, "b").await.0), (20, 50));
    // What was typed stands in the form, and saving it again writes it.
    assert_eq!(shown(&late.html), ["Priority 10", "a", "Priority 11", "b"]);
    save(&rig, &mut ada, &late, &typed).await.to();
    assert_eq!((priority(&rig, "a").await.0, priority(&rig, "b").await.0), (10, 11));
}

#[tokio::test]
async fn what_cannot_be_is_told_and_what_was_typed_stays() {
    let rig = Rig::with_people().await;
    let ids = accounts(&rig, &[("a", 50), ("b", 60)]).await;
    let mut ada = rig.logged_in("operator").await;
    let page = rig.get(&mut ada, PAGE).await;
    for (typed, told) in [("first", "is no whole number"), ("0", "is not from 1"), ("101", "is not from 1")] {
        let both = [(ids[0].as_str(), "priority", typed), (ids[1].as_str(), "priority", "5")];
        let wrong = save(&rig, &mut ada, &page, &both).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{typed}: {}", wrong.html);
        assert!(wrong.html.contains(told), "{typed}: {}", wrong.html);
        assert!(wrong.html.contains(&format!("value=\"{typed}\"")), "{typed}: {}", wrong.html);
        assert_eq!((priority(&rig, "a").await.0, priority(&rig, "b").await.0), (50, 60), "{typed}");
    }
}

#[tokio::test]
async fn a_pool_s_accounts_are_a_list_of_their_own() {
    let rig = Rig::with_people().await;
    accounts(&rig, &[("a", 50), ("b", 60)]).await;
    let new = posthaste_admin::NewPool { name: "main".to_owned(), ..Default::default() };
    let pool = rig.admin.pools().create(new).await.unwrap();
    let scheduling =
        posthaste_admin::SchedulingChange { pools: Some(vec!["main".to_owned()]), ..Default::default() };
    let joins = AccountChange { scheduling, ..AccountChange::default() };
    rig.admin.accounts().update("b", joins).await.unwrap();
    let mut ada = rig.logged_in("operator").await;
    let page = rig.get(&mut ada, &format!("{PAGE}?pool={}", pool.id)).await;
    assert_eq!(shown(page.page()), ["Priority 60", "b"]);
    assert!(page.html.contains(&format!("action=\"{PAGE}?pool={}\"", pool.id)), "{}", page.html);
}
