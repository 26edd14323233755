//! Every page in both themes, both languages and at three widths: nothing goes wrong, nothing is asked of anybody else, nothing is
//! broader than the window.

use super::{driver::Browser, pages};
use crate::support::Bench;

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_sound_in_every_look() {
    let (bench, _upstream, paths) = pages::furnished(Bench::new()).await;
    let server = bench.serve();
    let browser = Browser::start(&server).await;
    browser.log_in("ada", pages::PASSWORD).await;
    let mut troubles = Vec::new();
    for (look, width) in [("light en", 1440), ("dark zh", 1440), ("dark en", 820), ("light zh", 390)] {
        browser.width(width).await;
        for word in look.split(' ') {
            browser.go("/admin-next").await;
            if width < 900 {
                browser.script("document.querySelector('[data-menu]').open = true").await;
            }
            browser.click(&format!("button[name='look'][value='{word}']")).await;
        }
        for path in &paths {
            browser.go(path).await;
            browser.find("h1").await;
            troubles.extend(of_page(&browser, &format!("{path} ({look}, {width})")).await);
        }
        hold(&browser, &bench).await;
        troubles.extend(of_page(&browser, &format!("a holder's key ({look}, {width})")).await);
        browser.click("form[action$='/key/leave'] button").await;
        browser.find("input[name='key']").await;
    }
    assert!(troubles.is_empty(), "{troubles:#?}");
    server.stop().await;
}

/// What is wrong with the page that is shown.
async fn of_page(browser: &Browser, place: &str) -> Vec<String> {
    let mut troubles = browser.complaints().await;
    let broad = browser.script("return document.documentElement.scrollWidth - innerWidth").await;
    if broad.as_i64().unwrap() > 0 {
        troubles.push(format!("it is {broad} pixels too broad"));
    }
    let is_elsewhere = |url: &String| !url.starts_with(&browser.base) && !url.starts_with("data:");
    let elsewhere = browser.asked_for().await.into_iter().filter(is_elsewhere);
    troubles.extend(elsewhere.map(|url| format!("it asks for {url}")));
    troubles.into_iter().map(|trouble| format!("{place}: {trouble}")).collect()
}

/// Goes to the page of whoever holds a key, and presents one there.
async fn hold(browser: &Browser, bench: &Bench) {
    let key = std::fs::read_to_string(bench.folder.path().join(pages::HOLDERS_KEY)).unwrap();
    browser.go("/admin-next/key").await;
    browser.fill("key", &key).await;
    browser.click("form.fields button.primary").await;
    browser.find("form[action$='/key/leave']").await;
}

/// With `POSTHASTE_AXE` naming axe-core's `axe.min.js`.
#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::disallowed_methods, reason = "where axe-core is, whoever starts the test says")]
#[ignore = "needs axe-core, which `cargo xtask test` installs and names in POSTHASTE_AXE"]
async fn pages_can_be_used_by_everybody() {
    let axe = std::fs::read_to_string(std::env::var("POSTHASTE_AXE").unwrap()).unwrap();
    let (bench, _upstream, paths) = pages::furnished(Bench::new()).await;
    let server = bench.serve();
    let browser = Browser::start(&server).await;
    browser.width(1440).await;
    let mut findings = Vec::new();
    for path in ["/admin-next/sign-in"] {
        findings.extend(look(&browser, &axe, path, "light").await);
    }
    browser.log_in("ada", pages::PASSWORD).await;
    for theme in ["light", "dark"] {
        browser.go("/admin-next").await;
        browser.click(&format!("button[name='look'][value='{theme}']")).await;
        for path in &paths {
            findings.extend(look(&browser, &axe, path, theme).await);
        }
        hold(&browser, &bench).await;
        findings.extend(seen(&browser, &axe, "a holder's key", theme).await);
        browser.click("form[action$='/key/leave'] button").await;
        browser.find("input[name='key']").await;
    }
    assert!(findings.is_empty(), "{findings:#?}");
    server.stop().await;
}

/// What axe finds serious or worse on a page.
async fn look(browser: &Browser, axe: &str, path: &str, theme: &str) -> Vec<String> {
    browser.go(path).await;
    browser.find("h1").await;
    seen(browser, axe, path, theme).await
}

/// The same of the page that is shown.
async fn seen(browser: &Browser, axe: &str, path: &str, theme: &str) -> Vec<String> {
    browser.script(axe).await;
    let script = "const done = arguments[0]; axe.run().then((found) => done(found.violations.filter((one) => ['serious', 'critical'].includes(one.impact)) \
                  .map((one) => `${one.id}: ${one.nodes.slice(0, 3).map((node) => node.html).join(' | ')}`)))";
    let found = browser.web.execute_async(script, Vec::new()).await.unwrap();
    let found: Vec<String> = serde_json::from_value(found).unwrap();
    found.into_iter().map(|one| format!("{path} ({theme}): {one}")).collect()
}
