//! The system, its log and the audit log on their pages.

use http::StatusCode;

use crate::support::Rig;

const LOGS: &str = "/admin-next/logs";
const AUDIT: &str = "/admin-next/audit";

#[tokio::test]
async fn the_system_tells_what_runs() {
    let rig = Rig::running().await;
    let mut browser = rig.logged_in("viewer").await;
    let page = rig.get(&mut browser, "/admin-next/system").await;
    for part in ["4711", "50.0 MiB", "12 rows", "2.0 KiB", "memory", "There was no round yet"] {
        assert!(page.page().contains(part), "{part}: {}", page.html);
    }
    let idle = Rig::with_people().await;
    let mut browser = idle.logged_in("viewer").await;
    assert!(idle.get(&mut browser, "/admin-next/system").await.page().contains("no relay runs here"));
}

#[tokio::test]
async fn the_log_is_narrowed_down_and_its_filter_changed() {
    let rig = Rig::running().await;
    let mut browser = rig.logged_in("admin").await;
    let page = rig.get(&mut browser, LOGS).await;
    let (last, first) =
        (page.page().find("the disk is full").unwrap(), page.html.find("a request came").unwrap());
    assert!(last < first, "what was said last comes first");
    for query in ["level=warn", "search=disk", "target=posthaste_storage"] {
        let some = rig.get(&mut browser, &format!("{LOGS}?{query}")).await;
        assert!(some.page().contains("the disk is full") && !some.html.contains("a request came"), "{query}");
    }
    let older = rig.get(&mut browser, &format!("{LOGS}?limit=1")).await;
    assert!(!older.page().contains("a request came"));
    let to = "/admin-next/logs?limit=1&before=2";
    assert!(older.html.contains(&to.replace('&', "&#38;")), "{}", older.html);
    let older = rig.get(&mut browser, to).await;
    assert!(older.page().contains("a request came") && !older.html.contains("the disk is full"));
    assert!(older.html.contains("href=\"/admin-next/logs?limit=1\"") && !older.html.contains("rel=\"next\""));
    let set = "/admin-next/logs/filter";
    let wrong = rig.fill_in(&mut browser, LOGS, set, &[("filter", "all!")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.html.contains("value=\"all!\""), "{}", wrong.html);
    assert_eq!(rig.fill_in(&mut browser, LOGS, set, &[("filter", "debug")]).await.to(), LOGS);
    assert!(rig.get(&mut browser, LOGS).await.page().contains("value=\"debug\""));
    let mut viewer = rig.logged_in("viewer").await;
    let seen = rig.get(&mut viewer, LOGS).await;
    assert!(seen.page().contains("the disk is full") && !seen.html.contains("/logs/filter"));
}

#[tokio::test]
async fn the_audit_log_tells_what_changed_and_is_checked() {
    let rig = Rig::with_people().await;
    let mut browser = rig.logged_in("admin").await;
    let new = "/admin-next/keys/new";
    let form = [("name", "laptop"), ("multiplier", "1")];
    assert_eq!(rig.fill_in(&mut browser, new, new, &form).await.status, StatusCode::OK);
    let id = rig.admin.keys().list().await.unwrap()[0].id;
    let edit = format!("/admin-next/keys/{id}/edit");
    let form = [("name", "desk"), ("multiplier", "1"), ("expiry", "keep"), ("enabled", "on")];
    rig.fill_in(&mut browser, &edit, &edit, &form).await.to();
    let page = rig.get(&mut browser, AUDIT).await;
    for part in
        ["key.create", "key.update", "<code>laptop</code>", "<code>desk</code>", &format!("/keys/{id}\"")]
    {
        assert!(page.page().contains(part), "{part}: {}", page.html);
    }
    let some = rig.get(&mut browser, &format!("{AUDIT}?action=key.update&who=admin")).await;
    assert!(some.page().contains("key.update") && !some.html.contains("key.create"), "{}", some.html);
    let none = rig.get(&mut browser, &format!("{AUDIT}?until=2020-01-01")).await;
    assert!(none.page().contains("No entry is like that."));
    let checked = rig.get(&mut browser, "/admin-next/audit/verify").await;
    assert!(checked.page().contains("It is whole"), "{}", checked.html);
}

#[tokio::test]
async fn the_audit_log_goes_on_where_a_page_ends() {
    let rig = Rig::with_people().await;
    let mut browser = rig.logged_in("admin").await;
    for number in 0..60 {
        let owner =
            posthaste_admin::Command::SetOwner { owner: format!("owner-{number}"), with: Default::default() };
        rig.admin.act(&posthaste_admin::Actor::machine(), owner).await.unwrap();
    }
    let page = rig.get(&mut browser, AUDIT).await;
    let next =
        page.page().split("rel=\"next\" href=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    assert!(page.html.contains("owner-59") && !page.html.contains("owner-1<"));
    assert!(rig.get(&mut browser, &next).await.page().contains("owner-1<"));
}
