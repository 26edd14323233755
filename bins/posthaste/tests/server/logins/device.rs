//! The device flow.

use super::{Desk, chat};

#[tokio::test(flavor = "multi_thread")]
async fn a_person_allows_it_on_another_device() {
    let desk = Desk::new("inference").await;
    let key = desk.bench.create_key("team");
    let server = desk.bench.serve();
    let login = desk.log_in(&format!("{} --name ada --device", desk.preset()));
    let code = login.task["user_code"].as_str().unwrap();
    assert_eq!(login.task["flow"], "device");
    let page = format!("{}/oauth/activate?user_code={code}", desk.vendor.base_url());
    desk.browse(&format!("{page}&approve=1&login_hint=ada@sandbox.example")).await;
    assert_eq!(login.end().saved()["name"], "ada");
    assert_eq!(chat(&server, &key).await.0, 200);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_vendor_is_asked_until_the_person_is_done() {
    // Nobody has answered when it is asked for the first time.
    let desk = Desk::new("inference auto-approve interval-0").await;
    let login = desk.log_in(&format!("{} --name ada --device", desk.preset()));
    assert_eq!(login.end().saved()["name"], "ada");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_that_wants_to_be_asked_less_often_is() {
    let desk = Desk::new("inference auto-approve interval-0 slow-down-once").await;
    let login = desk.log_in(&format!("{} --name ada --device", desk.preset()));
    assert_eq!(login.end().saved()["name"], "ada");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_refuses_or_does_nothing() {
    let cases = [
        ("inference auto-deny interval-0", "denied", "allow it"),
        ("inference interval-0 device-expires-1", "expired_code", "sooner"),
    ];
    for (scope, state, hint) in cases {
        let desk = Desk::new(scope).await;
        let ended = desk.log_in(&format!("{} --name ada --device", desk.preset())).end();
        let failure = ended.failure();
        assert_eq!((failure.0.as_str(), ended.code), (state, 1), "{}", ended.err);
        assert!(failure.1.contains(hint), "{}", failure.1);
        assert_eq!(desk.bench.cli("accounts list").as_array().unwrap().len(), 0);
    }
}
