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
