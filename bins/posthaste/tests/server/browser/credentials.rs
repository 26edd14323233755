//! Accounts of every kind of credential, added on the pages: a key, AWS's pair, Azure's, a log-in by browser and one by device.

use posthaste_testkit::ScriptedUpstream;

use super::{driver::Browser, pages};
use crate::{
    logins::Desk,
    support::{Bench, UPSTREAM_KEY, serving, whole},
};

async fn at_the_form(browser: &Browser, preset: &str, name: &str) {
    browser.go("/admin-next/accounts/new").await;
    browser.click(&format!("a[href$='/accounts/new/{preset}']")).await;
    browser.fill("name", name).await;
}

async fn save(browser: &Browser) {
    browser.click("form.fields button.primary").await;
}

fn with_owner() -> Bench {
    let bench = Bench::new();
    std::fs::write(bench.folder.path().join("password"), pages::PASSWORD).unwrap();
    bench.cli("admin create ada --password-file password");
    bench
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_with_keys_are_added_and_their_secrets_are_not_shown_again() {
    let bench = with_owner();
    let upstream = ScriptedUpstream::start(serving).await;
    let server = bench.serve();
    let browser = Browser::start(&server).await;
    browser.width(1440).await;
    browser.log_in("ada", pages::PASSWORD).await;

    at_the_form(&browser, "anthropic-compatible", "plain").await;
    browser.fill("base_url", &upstream.base_url()).await;
    browser.fill("api_key", UPSTREAM_KEY).await;
    browser.click("details > summary:not([aria-label])").await;
    browser.click("input[name='allow_private']").await;
    save(&browser).await;
    browser.says("plain is added.").await;

    at_the_form(&browser, "bedrock", "cloud").await;
    browser.fill("aws_id", "AKIADUMMYDUMMYDUMMY0").await;
    browser.fill("aws_secret", "dummy-secret-of-aws").await;
    browser.fill("region", "eu-central-1").await;
    save(&browser).await;
    browser.says("cloud is added.").await;

    at_the_form(&browser, "azure-openai", "azure").await;
    browser.fill("base_url", "https://example.openai.azure.com").await;
    browser.fill("api_key", "dummy-key-of-azure").await;
    save(&browser).await;
    browser.says("azure is added.").await;

    for (name, preset) in [("plain", "anthropic-compatible"), ("cloud", "bedrock"), ("azure", "azure-openai")]
    {
        let shown = bench.cli(&format!("accounts show {name}"));
        assert_eq!(
            (shown["preset"].as_str(), shown["has_credential"].as_bool()),
            (Some(preset), Some(true)),
            "{shown}"
        );
        browser.go(&format!("/admin-next/accounts/{}/edit", shown["id"].as_str().unwrap())).await;
        browser.find("form.fields").await;
        let source = browser.web.source().await.unwrap();
        for secret in [UPSTREAM_KEY, "dummy-secret-of-aws", "dummy-key-of-azure"] {
            assert!(!source.contains(secret), "{name}");
        }
    }
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_logged_in_by_the_code_that_the_browser_brings() {
    // Nobody listens there: the address is copied from the browser's bar.
    let bench =
        with_owner().with("POSTHASTE_OAUTH__SANDBOX__REDIRECT_URI", "http://127.0.0.1:54545/callback");
    let desk = Desk::on(bench, "inference").await;
    let key = desk.bench.create_key("team");
    let server = desk.bench.serve();
    let browser = Browser::start(&server).await;
    browser.width(1440).await;
    browser.log_in("ada", pages::PASSWORD).await;
    at_the_form(&browser, "sandbox", "subscribed").await;
    browser.fill("base_url", &format!("{}/signed-in", desk.vendor.base_url())).await;
    browser.click("button[name='log_in'][value='code']").await;
    let link = browser.find("ol.todo a.button").await;
    let vendors = link.attr("href").await.unwrap().unwrap();
    // What does not fit says so, and the page stays what it was.
    browser.fill("brought", "this is no code").await;
    save(&browser).await;
    browser.find("p.trouble").await;

    let ours = browser.web.window().await.unwrap();
    let other = browser.web.new_window(true).await.unwrap();
    browser.web.switch_to_window(other.handle).await.unwrap();
    browser.web.goto(&vendors).await.unwrap();
    browser.click("button[name='approve'][value='1']").await;
    let back = loop {
        let url = browser.web.current_url().await.unwrap();
        if url.query().is_some_and(|query| query.contains("code=")) {
            break url;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    };
    browser.web.close_window().await.unwrap();
    browser.web.switch_to_window(ours).await.unwrap();
    browser.fill("brought", back.as_str()).await;
    save(&browser).await;
    browser.says("subscribed is logged in.").await;
    let answer = server.post(&key, &whole()).await.unwrap();
    assert_eq!(answer.status, 200);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_logged_in_on_another_device_while_the_page_waits() {
    let desk = Desk::on(with_owner(), "inference interval-0").await;
    let key = desk.bench.create_key("team");
    let server = desk.bench.serve();
    let browser = Browser::start(&server).await;
    browser.width(390).await;
    browser.log_in("ada", pages::PASSWORD).await;
    at_the_form(&browser, "sandbox", "subscribed").await;
    browser.fill("base_url", &format!("{}/signed-in", desk.vendor.base_url())).await;
    browser.click("button[name='log_in'][value='device']").await;
    let code = browser.find("#code").await.text().await.unwrap();
    browser.find(".qr svg").await;

    // The other device is another browser, which knows nothing of this one.
    let device = Browser::start(&server).await;
    let page = format!("{}/oauth/activate?user_code={code}", desk.vendor.base_url());
    device.web.goto(&page).await.unwrap();
    device.click("button[name='approve'][value='1']").await;
    // Nobody clicks here: the page has asked meanwhile.
    browser.says("subscribed is logged in.").await;
    let answer = server.post(&key, &whole()).await.unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    server.stop().await;
}
