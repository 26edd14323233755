//! Client keys on their pages.

use http::StatusCode;
use posthaste_admin::NewKey;

use crate::support::{Browser, Rig};

const NEW: &str = "/admin-next/keys/new";

async fn key(rig: &Rig, name: &str) -> String {
    rig.admin
        .keys()
        .create(NewKey { name: name.to_owned(), ..NewKey::default() })
        .await
        .unwrap()
        .view
        .id
        .to_string()
}

async fn told(rig: &Rig, browser: &mut Browser, path: &str) -> String {
    let page = rig.get(browser, path).await;
    let told = page
        .page()
        .split_once("role=\"status\">")
        .map(|(_, rest)| rest.split('<').next().unwrap().to_owned());
    told.unwrap_or_default()
}

#[tokio::test]
async fn what_is_wrong_is_said_and_nothing_typed_is_lost() {
    let rig = Rig::with_people().await;
    let mut browser = rig.logged_in("operator").await;
    let form = [
        ("name", "ci"),
        ("limits", "cost=lots/day"),
        ("tags", "one, two"),
        ("expiry", "in"),
        ("expiry_span", "30d"),
    ];
    let wrong = rig.fill_in(&mut browser, NEW, NEW, &form).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    for kept in ["value=\"ci\"", "cost=lots/day", "value=\"one, two\"", "value=\"30d\"", "limits: "] {
        assert!(wrong.html.contains(kept), "{kept}: {}", wrong.html);
    }
}

#[tokio::test]
async fn a_key_is_changed_as_its_page_showed_it_or_not_at_all() {
    let rig = Rig::with_people().await;
    let mut browser = rig.logged_in("operator").await;
    let id = key(&rig, "laptop").await;
    let edit = format!("/admin-next/keys/{id}/edit");
    let page = rig.get(&mut browser, &edit).await;
    let (csrf, version) = (page.field("csrf"), page.field("version"));
    let form = |name: &'static str| {
        vec![
            ("csrf", csrf.clone()),
            ("version", version.clone()),
            ("name", name.to_owned()),
            ("enabled", "on".to_owned()),
            ("expiry", "keep".to_owned()),
            ("limits", "requests=9/day".to_owned()),
        ]
    };
    let send = |form: Vec<(&'static str, String)>| {
        let (rig, edit, mut browser) = (&rig, edit.clone(), browser.clone());
        async move {
            let form: Vec<_> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
            rig.post(&mut browser, &edit, &form).await
        }
    };
    assert_eq!(send(form("renamed")).await.to(), format!("/admin-next/keys/{id}"));
    let late = send(form("too late")).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert!(
        late.html.contains("was changed in the meantime") && late.html.contains("value=\"too late\""),
        "{}",
        late.html
    );
    let now = rig.admin.keys().show(&id).await.unwrap();
    assert_eq!((now.name.as_str(), now.policy.limits.len()), ("renamed", 1));
}

#[tokio::test]
async fn a_key_ends_and_comes_back() {
    let rig = Rig::with_people().await;
    let mut browser = rig.logged_in("operator").await;
    let id = key(&rig, "laptop").await;
    let page = format!("/admin-next/keys/{id}");
    for (action, says) in [("delete", "can be restored"), ("restore", "is back"), ("revoke", "opens no door")]
    {
        let done = rig.fill_in(&mut browser, &page, &format!("{page}/{action}"), &[]).await;
        assert_eq!(done.to(), page);
        let told = told(&rig, &mut browser, &page).await;
        assert!(told.contains(says), "{action}: {told}");
    }
    let odd = rig.fill_in(&mut browser, &page, &format!("{page}/explode"), &[]).await;
    assert_eq!(odd.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn many_keys_are_made_and_changed_at_once() {
    let rig = Rig::with_people().await;
    let mut browser = rig.logged_in("operator").await;
    let batch = "/admin-next/keys/batch";
    let form =
        [("prefix", "student"), ("count", "3"), ("tags", "course"), ("expiry", "never"), ("multiplier", "1")];
    let made = rig.fill_in(&mut browser, batch, batch, &form).await;
    assert_eq!(made.page().matches("student-").count(), 3, "{}", made.html);
    let keys = rig.admin.keys().list().await.unwrap();
    let ids: Vec<_> = keys.iter().map(|key| key.id.to_string()).collect();
    let chosen: Vec<_> = ids[..2].iter().map(|id| ("key", id.as_str())).collect();
    let preview =
        [chosen.as_slice(), &[("preview", "on"), ("enabled", "off"), ("add_tags", "late")]].concat();
    let shown = rig.fill_in(&mut browser, "/admin-next/keys", "/admin-next/keys/edit", &preview).await;
    assert!(
        shown.page().contains("switched off") && shown.page().contains("tags added: late"),
        "{}",
        shown.html
    );
    assert!(
        rig.admin.keys().list().await.unwrap().iter().all(|key| key.enabled),
        "a preview changes nothing"
    );
    let done = rig.fill_in(&mut browser, "/admin-next/keys", "/admin-next/keys/edit/apply", &preview).await;
    assert!(done.page().contains("2 keys are done"), "{}", done.html);
    let off = rig.admin.keys().list().await.unwrap().iter().filter(|key| !key.enabled).count();
    assert_eq!(off, 2);
}

#[tokio::test]
async fn a_list_is_found_again_by_its_address() {
    let rig = Rig::with_people().await;
    let mut browser = rig.logged_in("viewer").await;
    for number in 0..60 {
        key(&rig, &format!("key-{number:02}")).await;
    }
    let page = rig.get(&mut browser, "/admin-next/keys?sort=name&order=desc").await;
    let (first, last) = (page.page().find("key-59").unwrap(), page.page().find("key-10").unwrap());
    assert!(first < last && !page.html.contains("key-09"));
    assert!(
        page.html.contains("rel=\"next\" href=\"/admin-next/keys?sort=name&#38;order=desc&#38;page=2\""),
        "{}",
        page.html
    );
    let found = rig.get(&mut browser, "/admin-next/keys?search=key-07").await;
    assert!(found.page().contains("key-07") && !found.html.contains("key-08"));
    assert!(
        rig.get(&mut browser, "/admin-next/keys?search=nothing")
            .await
            .page()
            .contains("No key is like that.")
    );
    // A viewer sees no button that he may not press.
    assert!(!page.html.contains("/admin-next/keys/new"));
}
