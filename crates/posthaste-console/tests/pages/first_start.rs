//! From the set-up token to the first key.

use http::StatusCode;

use crate::support::{Browser, PASSWORD, Rig};

#[tokio::test]
async fn the_set_up_token_makes_the_owner_who_goes_on_to_accounts_and_keys() {
    let rig = Rig::new().await;
    let mut browser = Browser::default();
    assert_eq!(rig.get(&mut browser, "/admin-next/sign-in").await.to(), "/admin-next/start");
    let form = |token: &'static str, again: &'static str| {
        [("token", token), ("name", "ada"), ("password", PASSWORD), ("again", again)]
    };
    let differing = rig.post(&mut browser, "/admin-next/start", &form("x", "other")).await;
    assert_eq!(differing.status, StatusCode::UNPROCESSABLE_ENTITY);
    let wrong = rig.post(&mut browser, "/admin-next/start", &form("wrong", PASSWORD)).await;
    assert!(wrong.html.contains("role=\"alert\""), "{}", wrong.html);
    let token = rig.setup_token.expose().to_owned();
    let right = [("token", token.as_str()), ("name", "ada"), ("password", PASSWORD), ("again", PASSWORD)];
    let made = rig.post(&mut browser, "/admin-next/start", &right).await;
    assert_eq!(made.to(), "/admin-next/accounts/new");
    let kinds = rig.get(&mut browser, "/admin-next/accounts/new").await;
    assert!(kinds.page().contains("/admin-next/accounts/new/anthropic\""));
    let form = [("name", "main"), ("api_key", "sk-ant-dummy"), ("priority", "10")];
    let place = "/admin-next/accounts/new/anthropic";
    let added = rig.fill_in(&mut browser, place, place, &form).await;
    let account = added.to().to_owned();
    let told = rig.get(&mut browser, &account).await;
    assert!(told.page().contains("main is added."), "{}", told.html);
    // Once.
    assert!(!rig.get(&mut browser, &account).await.page().contains("main is added."));
    let made = rig
        .fill_in(
            &mut browser,
            "/admin-next/keys/new",
            "/admin-next/keys/new",
            &[("name", "laptop"), ("expiry", "never")],
        )
        .await;
    assert!(made.page().contains("cr_"), "{}", made.html);
    assert!(made.page().contains("ANTHROPIC_BASE_URL=\"http://relay.example\""), "{}", made.html);
    assert_eq!(rig.get(&mut browser, "/admin-next/start").await.to(), "/admin-next");
}

#[tokio::test]
async fn logging_in_goes_where_one_wanted_and_never_elsewhere() {
    let rig = Rig::with_people().await;
    for (to, leads) in
        [("/admin-next/keys?search=a", "/admin-next/keys?search=a"), ("https://evil.example/", "/admin-next")]
    {
        let form = [("name", "owner"), ("password", PASSWORD), ("to", to)];
        assert_eq!(rig.post(&mut Browser::default(), "/admin-next/sign-in", &form).await.to(), leads);
    }
    let mut browser = Browser::default();
    let wrong = rig.post(&mut browser, "/admin-next/sign-in", &[("name", "owner"), ("password", "no")]).await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    let mut browser = rig.logged_in("owner").await;
    let out = rig.fill_in(&mut browser, "/admin-next/keys", "/admin-next/sign-out", &[]).await;
    assert_eq!(out.to(), "/admin-next/sign-in");
    assert!(rig.get(&mut browser, "/admin-next/keys").await.to().starts_with("/admin-next/sign-in"));
}

#[tokio::test]
async fn the_look_is_chosen_and_kept() {
    let rig = Rig::with_people().await;
    let mut browser = rig.logged_in("owner").await;
    let page = rig.get(&mut browser, "/admin-next/keys").await;
    assert!(page.page().contains("<html lang=\"en\" data-theme=\"auto\">"));
    for look in ["zh", "dark", "dense"] {
        let chosen =
            rig.post(&mut browser, "/admin-next/look", &[("look", look), ("to", "/admin-next/keys")]).await;
        assert_eq!(chosen.to(), "/admin-next/keys");
    }
    let page = rig.get(&mut browser, "/admin-next/keys").await;
    assert!(page.page().contains("<html lang=\"zh-CN\" data-theme=\"dark\" data-dense>"), "{}", page.html);
    assert!(page.page().contains("客户端密钥"));
    let mut chinese = Browser { language: "zh-CN,zh;q=0.9", ..Browser::default() };
    assert!(rig.get(&mut chinese, "/admin-next/sign-in").await.page().contains("密码"));
}
