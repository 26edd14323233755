//! Tokens that are renewed, and logins that are done anew.

use serde_json::json;

use super::{Desk, chat};
use crate::support::eventually;

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_renewed_at_once_with_and_without_a_relay() {
    let desk = Desk::new("inference").await;
    let id = desk.logged_in("ada").await["id"].clone();
    let first = desk.bench.cli("accounts refresh ada");
    assert_eq!((&first["account_id"], first["account"].as_str()), (&id, Some("ada")));
    assert!(first["expires_at"].is_string(), "{first}");
    assert_eq!(first["identity"], "ada@sandbox.example");
    let key = desk.bench.create_key("team");
    let server = desk.bench.serve();
    // Each refresh token is good once: this one is the next.
    for _ in 0..2 {
        desk.bench.cli(&format!("accounts refresh {}", id.as_str().unwrap()));
        assert_eq!(chat(&server, &key).await.0, 200);
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_not_renewed() {
    let desk = Desk::new("inference").await;
    desk.bench.cli("accounts add --preset sandbox --name plain");
    let output = desk.bench.command("accounts refresh plain --json").output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("never renewed"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ended_login_is_told_others_serve_and_a_new_login_keeps_the_account() {
    let desk = Desk::new("inference lifetime-3 refresh-invalid-grant").await;
    let before = desk.logged_in("ada").await;
    desk.bench.cli("accounts update ada --priority 5");
    desk.bench.cli("accounts add --preset sandbox --name other --priority 60");
    let key = desk.bench.create_key("team");
    let server = desk.bench.serve();
    let refused = desk.bench.command("accounts refresh ada --json").output().unwrap();
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(
        said.contains("\"state\":\"invalid_grant\"") && said.contains("log the account in again"),
        "{said}"
    );
    // Once the token has ended, the account rests and the other one serves.
    let mut told = None;
    eventually("the account is unauthorised", || {
        let status =
            tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(chat(&server, &key)).0);
        assert_eq!(status, 200);
        let health = desk.bench.cli("accounts show ada")["health"].clone();
        told = (health["reason"] == "unauthorised").then_some(health);
        told.clone()
    })
    .await;
    let why = told.unwrap()["why"].as_str().unwrap().to_owned();
    assert!(why.contains("log the account in again"), "{why}");

    let mut login = desk.log_in("ada --paste");
    let brought = desk.allow(&login).await;
    login.paste(&brought);
    let after = login.end().saved();
    assert_eq!((&after["id"], after["priority"].as_u64()), (&before["id"], Some(5)));
    assert_eq!(after["health"], json!({"state": "ready"}));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_of_an_account_that_is_there_are_not_taken_by_a_login() {
    let desk = Desk::new("inference").await;
    desk.logged_in("ada").await;
    let output = desk.bench.command("accounts login ada --priority 3 --json").output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    // A name that is taken is told before anybody goes to the vendor.
    let line = format!("accounts login {} --name ada --json", desk.preset());
    let output = desk.bench.command(&line).output().unwrap();
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    assert!(String::from_utf8(output.stderr).unwrap().contains("posthaste accounts login ada"));
}
