//! What people do on the pages, from end to end.

use posthaste_testkit::ScriptedUpstream;

use super::{driver::Browser, pages};
use crate::support::{Bench, UPSTREAM_KEY, eventually, serving, whole};

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_is_set_up_in_the_browser_and_its_first_request_is_seen_as_it_comes() {
    let bench = Bench::new();
    let upstream = ScriptedUpstream::start(serving).await;
    let server = bench.serve();
    let token = eventually("a token is shown", || {
        let log = server.log();
        let line = log.lines().find(|line| line.contains("set-up token"))?;
        Some(line.rsplit(' ').next()?.to_owned())
    })
    .await;
    let browser = Browser::start(&server).await;
    browser.width(1440).await;
    // The relay's own address leads there.
    browser.go("/").await;
    browser.find("input[name='token']").await;
    browser.fill("token", &token).await;
    browser.fill("name", "ada").await;
    browser.fill("password", pages::PASSWORD).await;
    browser.fill("again", pages::PASSWORD).await;
    browser.click("form.fields button.primary").await;

    browser.click("a[href$='/accounts/new/anthropic-compatible']").await;
    browser.fill("name", "main").await;
    browser.fill("base_url", &upstream.base_url()).await;
    browser.fill("api_key", UPSTREAM_KEY).await;
    browser.click("details > summary:not([aria-label])").await;
    browser.click("input[name='allow_private']").await;
    browser.click("form.fields button.primary").await;
    browser.says("main is added.").await;

    browser.go("/admin-next/keys/new").await;
    browser.fill("name", "laptop").await;
    browser.click("form.fields button.primary").await;
    let secret = browser.find("#secret").await.text().await.unwrap();
    assert!(secret.starts_with("cr_"), "{secret}");
    browser.find(".waiting.is-live").await;
    let answer = server.post(&secret, &whole()).await.unwrap();
    assert_eq!(answer.status, 200);
    answer.text().await.unwrap();
    browser.find(".waiting.is-done").await;
    browser.says("The first request has come.").await;

    browser.go("/admin-next/requests").await;
    browser.click("tbody a").await;
    browser.says("Who was asked").await;
    browser.says("answered").await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());

    browser.script("document.querySelector('form.who').requestSubmit()").await;
    browser.find("input[name='password']").await;
    browser.go("/admin-next/keys").await;
    assert!(browser.path().await.starts_with("/admin-next/sign-in"), "{}", browser.path().await);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_found_chosen_and_changed_together() {
    let (bench, _upstream, _) = pages::furnished(Bench::new()).await;
    for number in 1..=4 {
        bench.create_key(&format!("student-{number}"));
    }
    let server = bench.serve();
    let browser = Browser::start(&server).await;
    browser.width(1440).await;
    browser.log_in("ada", pages::PASSWORD).await;
    // By the keyboard alone: `g k`, then `/`.
    browser.find("body").await.send_keys("gk").await.unwrap();
    browser.find("[data-search]").await;
    browser.find("body").await.send_keys("/").await.unwrap();
    browser.web.active_element().await.unwrap().send_keys("student\n").await.unwrap();
    browser.says("student-4").await;
    assert!(browser.path().await.contains("search=student"), "{}", browser.path().await);
    browser.click("[data-all]").await;
    browser.click(".chosen button").await;
    browser.says("Change 4 keys").await;
    browser.fill("add_tags", "course").await;
    browser.click("form.fields button").await;
    browser.says("tags added: course").await;
    browser.click("#preview button.primary").await;
    browser.says("4 keys are done").await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    assert_eq!(bench.cli("keys show student-3")["policy"]["tags"][0], "course");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_sees_and_changes_nothing() {
    let (bench, _upstream, _) = pages::furnished(Bench::new()).await;
    bench.cli("users create eve --role viewer --password-file password");
    let server = bench.serve();
    let browser = Browser::start(&server).await;
    browser.width(1440).await;
    browser.log_in("eve", pages::PASSWORD).await;
    browser.go("/admin-next/keys").await;
    browser.says("laptop").await;
    assert!(!browser.text().await.contains("New key"));
    browser.go("/admin-next/keys/new").await;
    browser.says("You may not do that").await;
    server.stop().await;
}
