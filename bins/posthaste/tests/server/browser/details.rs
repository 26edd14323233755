//! What makes pages pleasant: the keyboard, what can be taken back, and times in the reader's own zone.

use serde_json::{Value, json};

use super::{driver::Browser, pages};
use crate::support::{Bench, whole};

#[tokio::test(flavor = "multi_thread")]
async fn a_page_tells_its_own_shortcuts_and_follows_them() {
    let (bench, _upstream, _) = pages::furnished(Bench::new()).await;
    let server = bench.serve();
    let browser = Browser::start(&server).await;
    browser.width(1440).await;
    browser.log_in("ada", pages::PASSWORD).await;
    let own = "return [...document.querySelectorAll('[data-own] .keys div')].map((row) => \
               [...row.children].map((cell) => cell.textContent))";
    browser.go("/admin-next/pools").await;
    browser.find("body").await.send_keys("?").await.unwrap();
    browser.find("dialog[open] [data-own]:not([hidden])").await;
    assert_eq!(browser.script(own).await, json!([["n", "New pool"]]));
    // Behind the list nothing happens.
    browser.web.active_element().await.unwrap().send_keys("n").await.unwrap();
    assert_eq!(browser.path().await, "/admin-next/pools");
    browser.click("dialog form button").await;
    browser.find("body").await.send_keys("n").await.unwrap();
    browser.find("form.fields input[name='name']").await;
    assert_eq!(browser.path().await, "/admin-next/pools/new");
    // In a field a letter is a letter.
    browser.fill("name", "nn").await;
    assert_eq!(browser.path().await, "/admin-next/pools/new");

    browser.go("/admin-next/system").await;
    browser.find("body").await.send_keys("?").await.unwrap();
    browser.find("dialog[open] [data-own][hidden]").await;
    assert_eq!(browser.script(own).await, json!([]), "a page without letters of its own tells of none");
    // `g` goes on as before.
    browser.click("dialog form button").await;
    browser.find("body").await.send_keys("gw").await.unwrap();
    browser.find("form.fields input[name='model']").await;
    assert_eq!(browser.path().await, "/admin-next/plan");
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_done_is_taken_back_from_the_bar_that_says_it() {
    let (bench, _upstream, _) = pages::furnished(Bench::new()).await;
    let server = bench.serve();
    let browser = Browser::start(&server).await;
    browser.width(1440).await;
    browser.log_in("ada", pages::PASSWORD).await;
    let members = || bench.cli("pools show fast")["members"].clone();
    browser.go("/admin-next/pools").await;
    browser.click("tbody a").await;
    browser.click(".confirm summary").await;
    browser.click(".confirm button[name='account']").await;
    browser.says("main has left.").await;
    assert_eq!(members(), json!([]));
    browser.click(".told button").await;
    browser.says("main has joined.").await;
    assert_eq!(members(), json!(["main"]));

    browser.go("/admin-next/keys?search=laptop").await;
    browser.click("tbody a").await;
    browser.click(".confirm:last-of-type summary").await;
    browser.click("form[action$='/delete'] button").await;
    browser.says("laptop is deleted. It can be restored.").await;
    browser.click(".told button").await;
    browser.says("laptop is back.").await;
    assert_eq!(bench.cli("keys show laptop")["state"]["status"], "active");
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_looked_for_in_the_reader_s_own_time() {
    let (bench, _upstream, _) = pages::furnished(Bench::new()).await;
    let server = bench.serve();
    let browser = Browser::start(&server).await;
    browser.width(1440).await;
    browser.log_in("ada", pages::PASSWORD).await;
    browser.zone("Asia/Shanghai").await;
    let requests = bench.cli("requests list");
    // The oldest one.
    let came = requests.as_array().unwrap().last().unwrap()["received_at"].as_str().unwrap();
    // As it was typed without a script, or in a link: in UTC.
    browser.go(&format!("/admin-next/requests?since={}", &came[..16])).await;
    browser.find("tbody tr").await;
    let value = |name: &str| {
        let script = format!("return document.querySelector(\"[name='{name}']\").value");
        let browser = &browser;
        async move { browser.script(&script).await }
    };
    let shift = format!(
        "const at = new Date('{}Z'); at.setUTCHours(at.getUTCHours() + 8); return at.toISOString().slice(0, 16)",
        &came[..16]
    );
    let local = browser.script(&shift).await;
    assert_eq!(value("since").await, local);
    assert_eq!(browser.script("return document.querySelector('[data-zone]')").await, Value::Null);
    // Sent again, it is the same moment.
    browser.click(".filters button").await;
    browser.find("tbody tr").await;
    let path = browser.path().await;
    assert!(path.contains(&format!("since={}%3A{}%3A00Z", &came[..13], &came[14..16])), "{path} and {came}");
    assert_eq!(value("since").await, local);
    // Until before the first of them there is none.
    let set = format!("document.querySelector(\"[name='until']\").value = '{}'", local.as_str().unwrap());
    browser.script(&set).await;
    browser.script("document.querySelector(\"[name='since']\").value = ''").await;
    browser.click(".filters button").await;
    browser.says("No request was like that.").await;
    assert!(!browser.path().await.contains("since=2"), "{}", browser.path().await);
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_jumps_where_something_comes_live() {
    let (bench, _upstream, _) = pages::furnished(Bench::new()).await;
    let key = std::fs::read_to_string(bench.folder.path().join(pages::HOLDERS_KEY)).unwrap();
    let server = bench.serve();
    let browser = Browser::start(&server).await;
    browser.log_in("ada", pages::PASSWORD).await;
    let places = "return [...document.querySelectorAll('h1, .live, .filters, .tile, .tile p, table.rows')] \
                  .map((place) => { const at = place.getBoundingClientRect(); return [at.x, at.y, at.width, at.height]; })";
    for width in [1440, 390] {
        browser.width(width).await;
        browser.go("/admin-next/requests").await;
        browser.find(".live.is-live").await;
        // Until a person has moved the page, it stands where it was drawn.
        let before = browser.script(places).await;
        server.post(&key, &whole()).await.unwrap().text().await.unwrap();
        browser.find("[data-live-more]:not([hidden])").await;
        assert_eq!(browser.script(places).await, before, "requests, {width}");

        browser.go("/admin-next").await;
        browser.find(".live.is-live").await;
        let before = browser.script(places).await;
        let busy = "for (const name of ['in_flight', 'rpm', 'tpm']) \
                    document.querySelector(`[data-live-value='${name}']`).textContent = '987K';";
        browser.script(busy).await;
        assert_eq!(browser.script(places).await, before, "dashboard, {width}");
    }
    server.stop().await;
}
