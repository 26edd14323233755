//! Who may see which page.

use axum::body::Body;
use http::{Method, Request, StatusCode, header};
use posthaste_console::{PageEntry, page_table};
use posthaste_core::Role;

use crate::support::{Browser, Rig};

/// The page's path, with something in the place of each parameter.
fn path(page: &PageEntry) -> String {
    let parts = page.path.split('/').map(|part| if part.starts_with('{') { "anthropic" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn a_stranger_sees_where_one_logs_in_and_nothing_else() {
    let rig = Rig::with_people().await;
    for page in page_table().into_iter().filter(|page| page.needs.is_some()) {
        let mut browser = Browser::default();
        let shown = match page.method {
            Method::GET => rig.get(&mut browser, &path(&page)).await,
            _ => rig.post(&mut browser, &path(&page), &[]).await,
        };
        assert!(shown.to().starts_with("/admin-next/sign-in"), "{page:?}");
    }
    let open = page_table().into_iter().filter(|page| page.needs.is_none() && page.method == Method::GET);
    let open: Vec<_> = open.map(|page| page.path).collect();
    assert_eq!(open, ["/admin-next/sign-in", "/admin-next/start", "/admin-next/key"]);
}

#[tokio::test]
async fn everybody_sees_what_the_role_allows() {
    let rig = Rig::with_people().await;
    for role in Role::ALL {
        let browser = rig.logged_in(&role.to_string()).await;
        for page in page_table() {
            let Some(needs) = page.needs.as_deref().filter(|needs| *needs != "a log-in") else { continue };
            let may = role.may(needs.parse().unwrap());
            let mut browser = browser.clone();
            let shown = match page.method {
                Method::GET => rig.get(&mut browser, &path(&page)).await,
                _ => rig.post(&mut browser, &path(&page), &[]).await,
            };
            match (may, page.method) {
                (false, _) => assert_eq!(shown.status, StatusCode::FORBIDDEN, "{role} {}", page.path),
                // Without the token of a page.
                (true, Method::POST) => {
                    assert_eq!(shown.status, StatusCode::FORBIDDEN, "{role} {}", page.path)
                }
                (true, _) => {
                    let fits = matches!(
                        shown.status,
                        StatusCode::OK | StatusCode::NOT_FOUND | StatusCode::UNPROCESSABLE_ENTITY
                    );
                    assert!(fits, "{role} {}: {} {}", page.path, shown.status, shown.html);
                }
            }
        }
    }
}

#[tokio::test]
async fn a_form_needs_the_token_of_a_page_of_the_same_log_in() {
    let rig = Rig::with_people().await;
    let mut ada = rig.logged_in("owner").await;
    let mut eve = rig.logged_in("admin").await;
    let others = rig.get(&mut eve, "/admin-next/keys/new").await.field("csrf");
    for csrf in ["", "00", &others] {
        let sent = rig.post(&mut ada, "/admin-next/keys/new", &[("name", "x"), ("csrf", csrf)]).await;
        assert_eq!(sent.status, StatusCode::FORBIDDEN, "{csrf}");
    }
    let made = rig.fill_in(&mut ada, "/admin-next/keys/new", "/admin-next/keys/new", &[("name", "x")]).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.html);
}

#[tokio::test]
async fn another_sites_form_changes_nothing_not_even_the_log_in() {
    let rig = Rig::with_people().await;
    for path in ["sign-in", "look", "start", "key", "key/leave", "key/redeem"]
        .map(|page| format!("/admin-next/{page}"))
    {
        let request = Request::post(&path)
            .header("host", "relay.example")
            .header("origin", "https://evil.example")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from("name=owner&password=x"))
            .unwrap();
        assert_eq!(rig.raw(request).await.status, StatusCode::FORBIDDEN, "{path}");
    }
}

#[tokio::test]
async fn every_page_tells_the_browser_what_it_may_do() {
    let rig = Rig::with_people().await;
    let mut browser = rig.logged_in("owner").await;
    for path in ["/admin-next", "/admin-next/keys", "/admin-next/nothing-here"] {
        let shown = rig.get(&mut browser, path).await;
        let policy = shown.header(header::CONTENT_SECURITY_POLICY);
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        assert_eq!(shown.header(header::CACHE_CONTROL), "no-store");
        assert_eq!(shown.header(header::X_CONTENT_TYPE_OPTIONS), "nosniff");
        for inline in ["<script>", " style=", " onclick=", "<style"] {
            assert!(!shown.html.contains(inline), "{path} has {inline}");
        }
    }
}

#[tokio::test]
async fn files_are_kept_and_packed() {
    let rig = Rig::with_people().await;
    let page = rig.get(&mut Browser::default(), "/admin-next/sign-in").await;
    let href = page.page().split("href=\"").find(|part| part.contains(".css\"")).unwrap();
    let href = href.split('"').next().unwrap();
    let request = Request::get(href).header("host", "relay.example").header("accept-encoding", "gzip");
    let file = rig.raw(request.body(Body::empty()).unwrap()).await;
    assert_eq!(file.status, StatusCode::OK);
    assert!(file.header(header::CACHE_CONTROL).contains("immutable"));
    assert_eq!(
        (file.header(header::CONTENT_ENCODING), file.header(header::CONTENT_TYPE)),
        ("gzip", "text/css; charset=utf-8")
    );
    let other = rig.get(&mut Browser::default(), "/admin-next/assets/000000000000/console.css").await;
    assert_eq!((other.status, other.header(header::CACHE_CONTROL)), (StatusCode::OK, "no-store"));
    let none = rig.get(&mut Browser::default(), "/admin-next/assets/x/../Cargo.toml").await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn pages_are_small() {
    use std::io::Write;
    let rig = Rig::with_people().await;
    let mut browser = rig.logged_in("owner").await;
    let packed = |text: &str| {
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(5));
        writer.write_all(text.as_bytes()).unwrap();
        writer.finish().unwrap().len()
    };
    let page = rig.get(&mut browser, "/admin-next/keys").await;
    let mut files = 0;
    for name in [
        "console.css",
        "console.js",
        "times.js",
        "charts.js",
        "shortcuts.js",
        "copy.js",
        "lists.js",
        "fill.js",
        "live.js",
        "test.js",
        "drag.js",
        "icon.svg",
    ] {
        let shown = rig.get(&mut browser, &format!("/admin-next/assets/x/{name}")).await;
        files += packed(shown.page());
    }
    let later = packed(page.page());
    assert!(later <= 30 * 1024, "{later} bytes after the first visit");
    assert!(later + files <= 150 * 1024, "{} bytes on the first visit", later + files);
}
