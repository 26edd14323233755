//! Pools and routes on their pages.

use http::StatusCode;
use posthaste_admin::{Disclosed, NewAccount, NewPool, SchedulingChange};
use posthaste_core::Secret;

use crate::support::Rig;

const POOLS: &str = "/admin-next/pools";
const ROUTES: &str = "/admin-next/routes";

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

async fn pool(rig: &Rig, name: &str) -> String {
    let new = NewPool { name: name.to_owned(), ..NewPool::default() };
    rig.admin.pools().create(new).await.unwrap().id.to_string()
}

#[tokio::test]
async fn a_pool_is_made_filled_changed_and_removed() {
    let rig = Rig::with_people().await;
    let mut browser = rig.logged_in("operator").await;
    assert!(rig.get(&mut browser, POOLS).await.page().contains("There is no pool yet."));
    let new = format!("{POOLS}/new");
    let form = [
        ("name", "main"),
        ("strategy", "weighted"),
        ("retry", "balanced"),
        ("patience", "5s"),
        ("affinity", "on"),
        ("affinity_ttl", "2h"),
        ("limits", "concurrency=4"),
    ];
    let page = rig.fill_in(&mut browser, &new, &new, &form).await.to().to_owned();
    let made = rig.admin.pools().show("main").await.unwrap();
    assert_eq!(
        (made.rules.patience_ms, made.rules.affinity.ttl_seconds, made.limits.len()),
        (5_000, 7_200, 1)
    );
    let id = account(&rig, "first", &[]).await;
    let joined = rig.fill_in(&mut browser, &page, &format!("{page}/join"), &[("account", &id)]).await;
    assert_eq!(joined.to(), page);
    let shown = rig.get(&mut browser, &page).await;
    for part in
        ["first", "in proportion to their weights", "concurrency=4", "for 2h", "up to 5s", "Let it leave"]
    {
        assert!(shown.page().contains(part), "{part}: {}", shown.html);
    }
    assert!(!shown.html.contains("/delete\""), "a pool with members cannot be removed");
    let held = rig.fill_in(&mut browser, &page, &format!("{page}/delete"), &[]).await;
    assert_eq!(held.status, StatusCode::CONFLICT);
    let edit = format!("{page}/edit");
    let filled = rig.get(&mut browser, &edit).await;
    for part in ["value=\"5s\"", "value=\"2h\"", "value=\"weighted\" selected", "concurrency=4"] {
        assert!(filled.page().contains(part), "{part}: {}", filled.html);
    }
    let changed = rig.fill_in(&mut browser, &edit, &edit, &[("name", "other"), ("affinity_ttl", "1h")]).await;
    assert_eq!(changed.to(), page);
    let now = rig.admin.pools().show("other").await.unwrap();
    assert!(now.limits.is_empty() && !now.rules.affinity.enabled && now.rules.patience_ms == 0);
    let left = rig.fill_in(&mut browser, &page, &format!("{page}/leave"), &[("account", &id)]).await;
    assert_eq!(left.to(), page);
    let gone = rig.fill_in(&mut browser, &page, &format!("{page}/delete"), &[]).await;
    assert_eq!(gone.to(), POOLS);
    assert!(rig.admin.pools().list().await.unwrap().is_empty());
}

#[tokio::test]
async fn nothing_typed_for_a_pool_is_lost() {
    let rig = Rig::with_people().await;
    let mut browser = rig.logged_in("operator").await;
    let new = format!("{POOLS}/new");
    let form = [("name", "main"), ("strategy", "hybrid"), ("patience", "5s"), ("limits", "cost=lots/day")];
    let wrong = rig.fill_in(&mut browser, &new, &new, &form).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    for kept in ["value=\"main\"", "value=\"hybrid\" selected", "value=\"5s\"", "cost=lots/day", "limits: "] {
        assert!(wrong.html.contains(kept), "{kept}: {}", wrong.html);
    }
}

#[tokio::test]
async fn a_pool_is_changed_as_its_page_showed_it_or_not_at_all() {
    let rig = Rig::with_people().await;
    let mut browser = rig.logged_in("operator").await;
    let edit = format!("{POOLS}/{}/edit", pool(&rig, "main").await);
    let page = rig.get(&mut browser, &edit).await;
    let (csrf, version) = (page.field("csrf"), page.field("version"));
    let form = |name| [("csrf", csrf.as_str()), ("version", version.as_str()), ("name", name)];
    rig.post(&mut browser, &edit, &form("first")).await.to();
    let late = rig.post(&mut browser, &edit, &form("second")).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert!(late.html.contains("value=\"second\""), "{}", late.html);
}

#[tokio::test]
async fn a_route_leads_to_models_one_after_the_other() {
    let rig = Rig::with_people().await;
    let mut browser = rig.logged_in("operator").await;
    pool(&rig, "main").await;
    account(&rig, "first", &["main"]).await;
    assert!(rig.get(&mut browser, ROUTES).await.page().contains("There is no route yet."));
    let new = format!("{ROUTES}/new");
    let form = [
        ("model", "house-model"),
        ("target", "claude-sonnet-5"),
        ("kind", "pool"),
        ("place", "main"),
        ("target", ""),
        ("kind", ""),
        ("place", ""),
        ("target", "gpt-5"),
        ("kind", ""),
        ("place", ""),
    ];
    let more = [form.as_slice(), &[("more", "on")]].concat();
    let rows = rig.fill_in(&mut browser, &new, &new, &more).await;
    assert_eq!(rows.page().matches("name=\"target\"").count(), 5, "two steps and three empty rows");
    let page = rig.fill_in(&mut browser, &new, &new, &form).await.to().to_owned();
    let made = rig.admin.routes().show("house-model").await.unwrap();
    assert_eq!(
        made.targets.iter().map(|to| to.model.as_str()).collect::<Vec<_>>(),
        ["claude-sonnet-5", "gpt-5"]
    );
    let list = rig.get(&mut browser, ROUTES).await;
    assert!(list.page().contains("gpt-5") && list.html.contains(">main<"), "{}", list.html);
    assert!(
        rig.get(&mut browser, &format!("{ROUTES}?search=zzz"))
            .await
            .page()
            .contains("No route is like that.")
    );
    let edit = format!("{page}/edit");
    let wrong = [("target", "claude-opus-5"), ("kind", "pool"), ("place", "nowhere")];
    let wrong = rig.fill_in(&mut browser, &edit, &edit, &wrong).await;
    assert_eq!(wrong.status, StatusCode::CONFLICT);
    assert!(wrong.html.contains("value=\"claude-opus-5\"") && wrong.html.contains("value=\"nowhere\""));
    let changed = [("target", "claude-opus-5"), ("kind", ""), ("place", "")];
    assert_eq!(rig.fill_in(&mut browser, &edit, &edit, &changed).await.to(), page);
    assert!(rig.get(&mut browser, &page).await.page().contains("everybody who serves it"));
    let gone = rig.fill_in(&mut browser, &page, &format!("{page}/delete"), &[]).await;
    assert_eq!(gone.to(), ROUTES);
}

#[tokio::test]
async fn a_viewer_sees_pools_and_routes_and_no_buttons() {
    let rig = Rig::with_people().await;
    let id = pool(&rig, "main").await;
    account(&rig, "first", &["main"]).await;
    let mut viewer = rig.logged_in("viewer").await;
    for path in [POOLS.to_owned(), format!("{POOLS}/{id}"), ROUTES.to_owned()] {
        let shown = rig.get(&mut viewer, &path).await;
        for button in ["/new\"", "/edit\"", "/delete\"", "/join\"", "/leave\""] {
            assert!(!shown.page().contains(button), "{path} has {button}");
        }
    }
}
