//! Accounts that are tried out on their pages, with and without the module that shows a test as it goes on.

use super::{driver::Browser, pages};
use crate::support::Bench;

/// A relay with an account at the built-in imitation, and the path of its page.
fn furnished() -> (Bench, String) {
    let bench = Bench::new();
    std::fs::write(bench.folder.path().join("password"), pages::PASSWORD).unwrap();
    bench.cli("admin create ada --password-file password");
    let account = bench.cli("accounts add --preset sandbox --name box");
    let page = format!("/admin-next/accounts/{}", account["id"].as_str().unwrap());
    (bench, page)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_shows_its_steps_as_they_come_and_what_it_used() {
    let (bench, page) = furnished();
    let server = bench.serve();
    let browser = Browser::start(&server).await;
    browser.width(1440).await;
    browser.log_in("ada", pages::PASSWORD).await;
    browser.go(&page).await;
    browser.find("form[data-test]").await;
    wait_for_module(&browser).await;

    // It waits between its events, so that there is something to watch.
    browser.fill("model", "sandbox-slow-400").await;
    browser.click("form[data-test] button").await;
    browser.find("[data-step='first_event'][data-begun], [data-step='end'][data-begun]").await;
    assert_eq!(shown(&browser, "[data-verdict='going']").await, [true]);
    browser.find("[data-verdict='good']:not([hidden])").await;
    for step in ["credential", "head", "first_event", "end", "tokens"] {
        assert_eq!(shown(&browser, &format!("[data-step='{step}']")).await, [true], "{step}");
    }
    // Within the process nothing is looked up and nothing connected to.
    assert_eq!(
        shown(&browser, "[data-step='lookup'], [data-step='connect'], [data-step='tls']").await,
        [false; 3]
    );
    assert!(!browser.find("[data-part='words']").await.text().await.unwrap().is_empty());
    // It is the same page still.
    assert_eq!(browser.path().await, page);

    browser.fill("model", "sandbox-401").await;
    browser.click("form[data-test] button").await;
    browser.find("[data-verdict='bad']:not([hidden])").await;
    browser.says("401").await;
    assert_eq!(shown(&browser, "[data-part='problem'], [data-part='advice']").await, [true; 2]);
    assert_eq!(shown(&browser, "[data-step='tokens'], [data-part='words']").await, [false; 2]);
    assert_eq!(browser.complaints().await, Vec::<String>::new());

    // Whose log-in has ended meanwhile is told so.
    browser.web.delete_all_cookies().await.unwrap();
    browser.click("form[data-test] button").await;
    browser.find("[data-verdict='bad']:not([hidden])").await;
    assert!(!browser.find("[data-part='problem']").await.text().await.unwrap().is_empty());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_without_scripts_leads_to_a_page_with_the_whole() {
    let (bench, page) = furnished();
    let server = bench.serve();
    let browser = Browser::start(&server).await;
    browser.width(1440).await;
    browser.log_in("ada", pages::PASSWORD).await;
    browser.go(&page).await;
    // What a browser without scripts would send.
    browser.script("document.querySelector('form[data-test]').submit()").await;
    browser.says("it serves").await;
    browser.says("tokens in → out").await;
    assert_eq!(browser.path().await, format!("{page}/test"));
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    server.stop().await;
}

/// The module comes after the page.
async fn wait_for_module(browser: &Browser) {
    browser.find("form[data-test][data-ready]").await;
}

/// Whether each of the elements is shown.
async fn shown(browser: &Browser, css: &str) -> Vec<bool> {
    let script =
        format!("return [...document.querySelectorAll(`{css}`)].map((one) => one.checkVisibility())");
    serde_json::from_value(browser.script(&script).await).unwrap()
}
