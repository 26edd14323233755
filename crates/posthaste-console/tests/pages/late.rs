//! Two people change one record at the same time.

use http::StatusCode;
use posthaste_admin::{Disclosed, NewAccount, NewKey, NewPool};
use posthaste_core::Secret;

use crate::support::{Browser, Rig, Shown};

/// Both open the form; the first one saves, and then the second one, who sees what the first one did.
async fn late(rig: &Rig, edit: &str, [first, second]: [&[(&str, &str)]; 2]) -> (Shown, Browser, String) {
    let (mut ada, mut eve) = (rig.logged_in("owner").await, rig.logged_in("operator").await);
    let (of_ada, of_eve) = (rig.get(&mut ada, edit).await, rig.get(&mut eve, edit).await);
    let saved = send(rig, &mut ada, edit, &of_ada, first).await;
    saved.to();
    let late = send(rig, &mut eve, edit, &of_eve, second).await;
    assert_eq!(late.status, StatusCode::CONFLICT, "{}", late.html);
    for part in ["Somebody else saved it while this form was open", "Save mine over it", "Take theirs"] {
        assert!(late.html.contains(part), "{part}: {}", late.html);
    }
    assert_ne!(late.field("version"), of_eve.field("version"));
    (late, eve, edit.to_owned())
}

async fn send(rig: &Rig, browser: &mut Browser, to: &str, page: &Shown, form: &[(&str, &str)]) -> Shown {
    let own = ["csrf", "version", "opened"].map(|name| (name, page.field(name).replace("&#38;", "&")));
    let own = own.iter().map(|(name, value)| (*name, value.as_str()));
    let form: Vec<_> = own.chain(form.iter().copied()).collect();
    rig.post(browser, to, &form).await
}

/// A row of the table of what differs: as it was opened, as it is, as it would be.
fn row<'a>(html: &'a str, label: &str) -> Option<(Vec<&'a str>, bool)> {
    let table = html.split_once("aria-labelledby=\"clash\"")?.1.split_once("</table>")?.0;
    let row = table.split("<tr>").find(|row| row.contains(&format!("class=\"long\">{label}")))?;
    let cells = row.split("<td class=\"long lines\">").skip(1).map(|cell| cell.split('<').next().unwrap());
    Some((cells.collect(), row.contains("changed by somebody else")))
}

#[tokio::test]
async fn what_differs_of_a_key_is_shown_and_either_may_win() {
    let rig = Rig::with_people().await;
    let new = NewKey { name: "laptop".to_owned(), ..NewKey::default() };
    let id = rig.admin.keys().create(new).await.unwrap().view.id.to_string();
    let edit = format!("/admin-next/keys/{id}/edit");
    let first = [
        ("name", "first"),
        ("enabled", "on"),
        ("expiry", "at"),
        ("expiry_at", "2099-01-31"),
        ("multiplier", "1"),
    ];
    let second =
        [("name", "second"), ("enabled", "on"), ("expiry", "never"), ("multiplier", "1"), ("tags", "mine")];
    let (late, mut eve, edit) = late(&rig, &edit, [&first, &second]).await;
    assert_eq!(row(&late.html, "Name"), Some((vec!["laptop", "first", "second"], true)));
    assert_eq!(row(&late.html, "Tags"), Some((vec!["–", "–", "mine"], false)));
    let (ends, is_theirs) = row(&late.html, "Ends").unwrap();
    assert!(ends[1].starts_with("2099-01-31") && ends[2] == "never" && is_theirs, "{ends:?}");
    assert_eq!(row(&late.html, "Switched on"), None, "what is alike is left out");
    assert!(!late.html.contains("Last changed by"), "operators may not read the audit log");
    assert_eq!(rig.admin.keys().show(&id).await.unwrap().name, "first");
    let theirs = rig.get(&mut eve, &edit).await;
    assert!(theirs.page().contains("value=\"first\""));
    send(&rig, &mut eve, &edit, &late, &second).await.to();
    let now = rig.admin.keys().show(&id).await.unwrap();
    assert_eq!((now.name.as_str(), now.expires_at), ("second", None));
}

#[tokio::test]
async fn what_differs_of_an_account_is_shown_without_its_secrets() {
    let rig = Rig::with_people().await;
    let new = NewAccount {
        preset: "anthropic".to_owned(),
        name: "main".to_owned(),
        api_key: Some(Disclosed::new(Secret::new("sk-ant-dummy"))),
        ..NewAccount::default()
    };
    let id = rig.admin.accounts().add(new).await.unwrap().account.id.to_string();
    let edit = format!("/admin-next/accounts/{id}/edit");
    let first =
        [("name", "main"), ("priority", "10"), ("weight", "1"), ("enabled", "on"), ("schedulable", "on")];
    let second = [
        ("name", "main"),
        ("priority", "20"),
        ("weight", "1"),
        ("schedulable", "on"),
        ("api_key", "sk-ant-dummy-other"),
    ];
    let (late, mut eve, edit) = late(&rig, &edit, [&first, &second]).await;
    assert_eq!(row(&late.html, "Priority"), Some((vec!["50", "10", "20"], true)));
    assert_eq!(row(&late.html, "Switched on"), Some((vec!["✓", "✓", "–"], false)));
    assert!(!late.html.contains("sk-ant-dummy"), "{}", late.html);
    send(&rig, &mut eve, &edit, &late, &second).await.to();
    let now = rig.admin.accounts().show(&id).await.unwrap();
    assert!(now.priority == 20 && !now.enabled);
}

#[tokio::test]
async fn what_differs_of_a_pool_is_shown_with_who_changed_it() {
    let rig = Rig::with_people().await;
    let new = NewPool { name: "main".to_owned(), ..NewPool::default() };
    let id = rig.admin.pools().create(new).await.unwrap().id.to_string();
    let edit = format!("/admin-next/pools/{id}/edit");
    let mut boss = rig.logged_in("owner").await;
    let opened = rig.get(&mut boss, &edit).await;
    let first = [("name", "first"), ("patience", "5s"), ("affinity_ttl", "1h"), ("affinity", "on")];
    let second = [("name", "main"), ("patience", "9s"), ("affinity_ttl", "1h"), ("affinity", "on")];
    let (late_page, ..) = late(&rig, &edit, [&first, &second]).await;
    assert!(row(&late_page.html, "Name").unwrap().1, "saving would undo the other name");
    // An owner may read the audit log, in which the failed try stands as well.
    let late_too = send(&rig, &mut boss, &edit, &opened, &second).await;
    assert_eq!(late_too.status, StatusCode::CONFLICT);
    assert!(late_too.html.contains("Last changed by <strong>owner</strong>"), "{}", late_too.html);
}

#[tokio::test]
async fn a_mistake_is_no_permission_to_write_over_others() {
    let rig = Rig::with_people().await;
    let new = NewPool { name: "main".to_owned(), ..NewPool::default() };
    let id = rig.admin.pools().create(new).await.unwrap().id.to_string();
    let edit = format!("/admin-next/pools/{id}/edit");
    let mut eve = rig.logged_in("operator").await;
    let opened = rig.get(&mut eve, &edit).await;
    let wrong = send(&rig, &mut eve, &edit, &opened, &[("name", "main"), ("patience", "long")]).await;
    assert!(!wrong.html.contains("Take theirs"), "{}", wrong.html);
    assert_eq!(
        (wrong.field("version"), wrong.field("opened")),
        (opened.field("version"), opened.field("opened"))
    );
}

#[tokio::test]
async fn routes_prices_and_the_name_of_the_relay_are_guarded_alike() {
    let rig = Rig::with_people().await;
    let mut boss = rig.logged_in("owner").await;
    let new = "/admin-next/routes/new";
    let route = [("model", "house"), ("target", "a"), ("kind", ""), ("place", "")];
    let page = rig.fill_in(&mut boss, new, new, &route).await.to().to_owned();
    let edit = format!("{page}/edit");
    let opened = rig.get(&mut boss, &edit).await;
    let steps = |model: &'static str| [("model", "house"), ("target", model), ("kind", ""), ("place", "")];
    send(&rig, &mut boss, &edit, &opened, &steps("b")).await.to();
    let late = send(&rig, &mut boss, &edit, &opened, &steps("c")).await;
    let (cells, is_theirs) = row(&late.html, "What is asked, one after the other").unwrap();
    assert_eq!((cells, is_theirs), (vec!["1. a", "1. b", "1. c"], true));

    let new = "/admin-next/prices/own/new";
    let price = [("provider", "anthropic"), ("model", "m"), ("input", "1")];
    rig.fill_in(&mut boss, new, new, &price).await.to();
    let id = rig.admin.own_prices().list().await.unwrap()[0].id;
    let edit = format!("/admin-next/prices/own/{id}");
    let opened = rig.get(&mut boss, &edit).await;
    send(&rig, &mut boss, &edit, &opened, &[("input", "2")]).await.to();
    let late = send(&rig, &mut boss, &edit, &opened, &[("input", "3")]).await;
    assert!(row(&late.html, "Input").unwrap().1, "{}", late.html);

    let edit = "/admin-next/settings/branding";
    let opened = rig.get(&mut boss, edit).await;
    send(&rig, &mut boss, edit, &opened, &[("site_name", "One")]).await.to();
    let late = send(&rig, &mut boss, edit, &opened, &[("site_name", "Two")]).await;
    assert_eq!(row(&late.html, "Name"), Some((vec!["Posthaste", "One", "Two"], true)));
    assert!(late.html.contains("Last changed by <strong>owner</strong>"), "{}", late.html);
}
