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
            let place = format!("{path} ({look}, {width})");
            troubles
                .extend(browser.complaints().await.into_iter().map(|trouble| format!("{place}: {trouble}")));
            let broad = browser.script("return document.documentElement.scrollWidth - innerWidth").await;
            if broad.as_i64().unwrap() > 0 {
                troubles.push(format!("{place} is {broad} pixels too broad"));
            }
            let elsewhere = browser.asked_for().await;
            troubles.extend(
                elsewhere
                    .into_iter()
                    .filter(|url| !url.starts_with(&server.base) && !url.starts_with("data:"))
                    .map(|url| format!("{place} asks for {url}")),
            );
        }
    }
    assert!(troubles.is_empty(), "{troubles:#?}");
    server.stop().await;
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
    }
    assert!(findings.is_empty(), "{findings:#?}");
    server.stop().await;
}

/// What axe finds serious or worse on a page.
async fn look(browser: &Browser, axe: &str, path: &str, theme: &str) -> Vec<String> {
    browser.go(path).await;
    browser.find("h1").await;
    browser.script(axe).await;
    let script = "const done = arguments[0]; axe.run().then((found) => done(found.violations.filter((one) => ['serious', 'critical'].includes(one.impact)) \
                  .map((one) => `${one.id}: ${one.nodes.slice(0, 3).map((node) => node.html).join(' | ')}`)))";
    let found = browser.web.execute_async(script, Vec::new()).await.unwrap();
    let found: Vec<String> = serde_json::from_value(found).unwrap();
    found.into_iter().map(|one| format!("{path} ({theme}): {one}")).collect()
}
