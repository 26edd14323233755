//! Logins that cannot be begun or finished: each has a state and a word on what to do.

use super::Desk;

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_client_is_told_with_what_to_set_and_makes_nothing() {
    let desk = Desk::new("inference").await;
    let presets = desk.bench.cli("accounts presets");
    let sign_ins = presets.as_array().unwrap().iter().filter_map(|row| Some((row, row["oauth"].as_str()?)));
    let vendors: Vec<_> = sign_ins.filter(|(_, section)| *section != "sandbox").collect();
    assert!(!vendors.is_empty(), "{presets}");
    for (preset, section) in vendors {
        let preset = preset["name"].as_str().unwrap();
        let ended = desk.log_in(&format!("--preset {preset} --name x")).end();
        let (state, hint) = ended.failure();
        assert_eq!((ended.code, state.as_str()), (2, "not_configured"), "{}", ended.err);
        let variable = format!("POSTHASTE_OAUTH__{}__CLIENT_ID", section.to_uppercase());
        assert!(hint.contains(&variable) && hint.contains(&format!("[oauth.{section}]")), "{hint}");
    }
    assert!(!desk.bench.data().exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preset_without_a_sign_in_names_those_that_have_one() {
    let desk = Desk::new("inference").await;
    let ended = desk.log_in("--preset deepseek --name x").end();
    assert_eq!(ended.code, 2);
    assert!(ended.err.contains("no sign-in") && ended.err.contains("anthropic"), "{}", ended.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_the_vendor_does_not_take_ends_the_login() {
    let desk = Desk::new("token-invalid-grant").await;
    let server = desk.bench.serve();
    let mut login = desk.log_in(&format!("{} --name ada --paste", desk.preset()));
    let brought = desk.allow(&login).await;
    login.paste(&brought);
    let ended = login.end();
    assert_eq!(ended.failure().0, "invalid_grant", "{}", ended.err);
    assert_eq!(desk.bench.cli("accounts list").as_array().unwrap().len(), 0);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_pasted_ends_the_login() {
    let desk = Desk::new("inference").await;
    let ended = desk.log_in(&format!("{} --name ada --paste", desk.preset())).end();
    assert_eq!(ended.code, 2, "{}", ended.err);
    assert!(ended.err.contains("no code"), "{}", ended.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_of_an_ended_login_says_so() {
    let desk = Desk::new("inference lifetime-1 refresh-invalid-grant").await;
    desk.logged_in("ada").await;
    let mut last = String::new();
    crate::support::eventually("the token has ended", || {
        let output = desk.bench.command("accounts test ada --json").output().unwrap();
        last = String::from_utf8(output.stdout).unwrap();
        last.contains("invalid_grant").then_some(())
    })
    .await;
    let report: serde_json::Value = serde_json::from_str(&last).unwrap();
    assert_eq!((&report["ok"], &report["state"]), (&false.into(), &"invalid_grant".into()));
    assert_eq!(report["advice"], "log the account in again");
    assert!(report["steps"]["credential_us"].is_u64(), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_of_a_login_whose_client_was_taken_away_says_what_to_set() {
    let desk = Desk::new("inference lifetime-1").await;
    desk.logged_in("ada").await;
    // The same store, by an operator who set up no client; the sandbox's own would be built in.
    let mut report = serde_json::Value::Null;
    crate::support::eventually("the token has ended", || {
        let mut command = desk.bench.command("accounts test ada --json");
        command.env("POSTHASTE_OAUTH__SANDBOX__CLIENT_ID", "somebody");
        report = serde_json::from_slice(&command.output().unwrap().stdout).unwrap();
        // The vendor may say that it has ended a moment before the relay knows.
        (report["state"] == "invalid_client").then_some(())
    })
    .await;
    assert_eq!(report["ok"], false, "{report}");
    assert!(report["advice"].as_str().unwrap().contains("`client_id`"), "{report}");
}
