//! Settings, name and icon, and back-ups on their pages.

use http::StatusCode;
use posthaste_admin::BackupFolder;

use crate::support::Rig;

const SETTINGS: &str = "/admin-next/settings";
const BRANDING: &str = "/admin-next/settings/branding";
const BACKUPS: &str = "/admin-next/settings/backups";

#[tokio::test]
async fn settings_tell_what_they_are_and_what_waits() {
    let rig = Rig::running().await;
    let mut browser = rig.logged_in("admin").await;
    let page = rig.get(&mut browser, SETTINGS).await;
    for part in ["server.workers", "POSTHASTE_SERVER__WORKERS", "at the next start", "1 settings wait"] {
        assert!(page.page().contains(part), "{part}: {}", page.html);
    }
    let changed = rig.get(&mut browser, &format!("{SETTINGS}?changed=on")).await;
    assert!(changed.page().contains("server.workers") && !changed.html.contains("limits.attempts"));
    assert!(changed.html.contains("<td>the file</td>") && !changed.html.contains("<td>the default</td>"));
    let default = rig.get(&mut browser, &format!("{SETTINGS}?source=default")).await;
    assert!(default.page().contains("limits.attempts") && !default.html.contains(">server.workers<"));
    let found = rig.get(&mut browser, &format!("{SETTINGS}?search=LIMITS")).await;
    assert!(found.page().contains("limits.attempts") && !found.html.contains(">server.workers<"));
    let read = rig.fill_in(&mut browser, SETTINGS, "/admin-next/settings/reload", &[]).await;
    assert_eq!(read.to(), SETTINGS);
    let told = rig.get(&mut browser, SETTINGS).await;
    assert!(told.page().contains("Changed: limits.attempts. The next start will take: server.workers."));
    let mut operator = rig.logged_in("operator").await;
    assert!(!rig.get(&mut operator, SETTINGS).await.page().contains("/settings/reload"));
}

#[tokio::test]
async fn where_no_relay_runs_there_is_nothing_to_read_again() {
    let rig = Rig::with_people().await;
    let mut browser = rig.logged_in("admin").await;
    assert!(rig.get(&mut browser, SETTINGS).await.page().contains("No relay runs here"));
    let read = rig.fill_in(&mut browser, SETTINGS, "/admin-next/settings/reload", &[]).await;
    assert_eq!(read.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_name_is_given_once_and_nothing_typed_is_lost() {
    let rig = Rig::with_people().await;
    let mut browser = rig.logged_in("admin").await;
    let page = rig.get(&mut browser, BRANDING).await;
    let (csrf, version) = (page.field("csrf"), page.field("version"));
    let form = |name, icon| {
        [("csrf", csrf.as_str()), ("version", version.as_str()), ("site_name", name), ("site_icon", icon)]
    };
    let wrong = rig.post(&mut browser, BRANDING, &form("House", "javascript:alert(1)")).await;
    assert_eq!(wrong.status, StatusCode::CONFLICT);
    assert!(wrong.html.contains("value=\"House\"") && wrong.html.contains("site_icon: "), "{}", wrong.html);
    assert_eq!(rig.post(&mut browser, BRANDING, &form("House relay", "")).await.to(), BRANDING);
    assert!(rig.get(&mut browser, BRANDING).await.page().contains("· House relay</title>"));
    let late = rig.post(&mut browser, BRANDING, &form("Too late", "")).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert!(late.html.contains("value=\"Too late\""), "{}", late.html);
    let mut operator = rig.logged_in("operator").await;
    let seen = rig.get(&mut operator, BRANDING).await;
    assert!(seen.page().contains("House relay") && !seen.html.contains("name=\"site_name\""));
}

#[tokio::test]
async fn back_ups_are_made_and_removed() {
    let rig = Rig::running().await;
    let mut browser = rig.logged_in("admin").await;
    assert!(rig.get(&mut browser, BACKUPS).await.page().contains("There is no back-up yet."));
    let made = rig.fill_in(&mut browser, BACKUPS, &format!("{BACKUPS}/make"), &[]).await;
    assert_eq!(made.to(), BACKUPS);
    let list = rig.get(&mut browser, BACKUPS).await;
    assert!(list.page().contains("backup-0.db") && list.html.contains("1.5 KiB"), "{}", list.html);
    let delete = format!("{BACKUPS}/delete");
    let odd = rig.fill_in(&mut browser, BACKUPS, &delete, &[("backup", "../posthaste.db")]).await;
    assert_eq!(odd.status, StatusCode::CONFLICT);
    let gone = rig.fill_in(&mut browser, BACKUPS, &delete, &[("backup", "backup-0.db")]).await;
    assert_eq!(gone.to(), BACKUPS);
    assert!(rig.shelf.list().await.unwrap().is_empty());
    let mut viewer = rig.logged_in("viewer").await;
    assert!(!rig.get(&mut viewer, BACKUPS).await.page().contains("/backups/make"));
}

#[tokio::test]
async fn a_store_with_its_own_way_of_back_ups_says_so() {
    let rig = Rig::with_people().await;
    let mut browser = rig.logged_in("admin").await;
    let made = rig.fill_in(&mut browser, BACKUPS, &format!("{BACKUPS}/make"), &[]).await;
    assert_eq!(made.status, StatusCode::CONFLICT);
    assert!(made.html.contains("has its own way"), "{}", made.html);
}
