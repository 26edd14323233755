//! The try-out of fall-backs: who would serve, while nothing is sent.

use super::{driver::Browser, pages};
use crate::{
    planned::{ask_for_house, busy, lead},
    support::{Bench, furnished},
};

#[tokio::test(flavor = "multi_thread")]
async fn the_page_shows_the_fall_back_that_serves_and_why() {
    let (bench, good, key) = furnished(Bench::new()).await;
    std::fs::write(bench.folder.path().join("password"), pages::PASSWORD).unwrap();
    bench.cli("admin create ada --password-file password");
    let busy = busy().await;
    lead(&bench, &busy);
    let server = bench.serve();
    ask_for_house(&server, &key).await;
    let sent = [good.received().len(), busy.received().len()];
    let requests = bench.cli("requests list").as_array().map(Vec::len);

    let browser = Browser::start(&server).await;
    browser.width(1440).await;
    browser.log_in("ada", pages::PASSWORD).await;
    // From the route, whose name is filled in.
    browser.go("/admin-next/routes").await;
    browser.click("tbody a").await;
    browser.click(".head a[href*='/plan?model=']").await;
    browser.find(".turns").await;
    let order =
        browser.script("return [...document.querySelectorAll('.turns li')].map((one) => one.textContent)");
    assert_eq!(order.await, serde_json::json!(["one"]), "the second pool's account serves");
    let text = browser.text().await;
    let (first, second) = text.split_once("2. claude").unwrap_or_else(|| panic!("{text}"));
    assert!(
        first.contains("tired") && first.contains("rests until") && first.contains("slow down"),
        "{first}"
    );
    assert!(second.contains("one") && second.contains("second"), "{second}");

    // Then with a key, typed into the form, and a limit that refuses.
    bench.cli("keys update team --limit requests=0/5h,name=none");
    browser.fill("key", "team").await;
    for _ in 0..100 {
        browser.click("form.fields button.primary").await;
        browser.find(".turns").await;
        if browser.text().await.contains("A limit would refuse it") {
            break;
        }
    }
    browser.says("A limit would refuse it").await;
    browser.says("Were it let in, these would be asked").await;
    assert!(browser.path().await.contains("key=team"), "{}", browser.path().await);

    // An account that is switched off is passed over as well; then nobody is left.
    bench.cli("accounts disable one");
    for _ in 0..100 {
        browser.go("/admin-next/plan?model=house").await;
        if browser.text().await.contains("Nobody could serve it") {
            break;
        }
    }
    browser.says("Nobody could serve it").await;
    browser.says("switched off").await;

    assert_eq!(browser.complaints().await, Vec::<String>::new());
    assert_eq!([good.received().len(), busy.received().len()], sent, "nothing was sent upstream");
    assert_eq!(bench.cli("requests list").as_array().map(Vec::len), requests, "and nothing is on record");
    server.stop().await;
}
