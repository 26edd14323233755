//! Ways to log in, looked at on their page.

use posthaste_testkit::{SpawnedSlapd, spawn_slapd};

use super::{driver::Browser, pages};
use crate::support::Bench;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_the_way_of_log_ins_is_shown_step_by_step() {
    let mut slapd = spawn_slapd();
    slapd.add_person("eve", "another horse battery");
    let bench = Bench::new()
        .with("POSTHASTE_LDAP__URL", &slapd.url())
        .with("POSTHASTE_LDAP__BIND_DN", SpawnedSlapd::READER)
        .with("POSTHASTE_LDAP__BIND_PASSWORD", SpawnedSlapd::READER_PASSWORD)
        .with("POSTHASTE_LDAP__BASE", SpawnedSlapd::BASE);
    std::fs::write(bench.folder.path().join("password"), pages::PASSWORD).unwrap();
    bench.cli("admin create ada --password-file password");
    let server = bench.serve();
    let browser = Browser::start(&server).await;
    browser.width(390).await;
    browser.log_in("ada", pages::PASSWORD).await;
    browser.go("/admin-next/people/sign-in").await;
    browser.fill("name", "eve").await;
    browser.fill("password", "another horse battery").await;
    browser.click("form[action$='/sign-in/test'] button").await;
    browser.says("nothing in the way").await;
    for part in ["uid=eve,ou=people,dc=example,dc=com", "the directory takes it", "user at the first log-in"]
    {
        browser.says(part).await;
    }
    let source = browser.web.source().await.unwrap();
    for secret in ["another horse battery", SpawnedSlapd::READER_PASSWORD] {
        assert!(!source.contains(secret), "{source}");
    }
    let broad = browser.script("return document.documentElement.scrollWidth - innerWidth").await;
    assert_eq!(broad, 0, "pixels too broad");

    slapd.kill();
    browser.click("form[action$='/sign-in/test'] button").await;
    browser.says("people cannot log in").await;
    browser.says("look at `ldap.url`").await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    server.stop().await;
}
