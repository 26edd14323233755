//! From the set-up token to the first key.

use http::StatusCode;

use crate::{
    booked::row,
    support::{Browser, PASSWORD, Rig},
};

/// The step that the page is at, how many are finished, and where its button leads.
fn way(html: &str) -> (String, usize, Option<String>) {
    let (_, bar) = html.split_once("<nav class=\"way\"").unwrap();
    let (bar, _) = bar.split_once("</nav>").unwrap();
    let (_, now) = bar.split_once("aria-current=\"step\"").unwrap();
    let words = now.split(['<', '>']).map(str::trim);
    let label = words.skip(1).find(|word| word.starts_with(|first: char| first.is_uppercase())).unwrap();
    let next =
        bar.split_once("class=\"button primary\" href=\"").map(|(_, rest)| rest.split('"').next().unwrap());
    (label.to_owned(), bar.matches("is-done").count(), next.map(str::to_owned))
}

#[tokio::test]
async fn the_set_up_token_makes_the_owner_who_goes_on_to_accounts_and_keys() {
    let rig = Rig::new().await;
    let mut browser = Browser::default();
    assert_eq!(rig.get(&mut browser, "/admin-next/sign-in").await.to(), "/admin-next/start");
    let first = rig.get(&mut browser, "/admin-next/start").await;
    assert_eq!(way(first.page()), ("Owner".to_owned(), 0, None));
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
    assert_eq!(way(&kinds.html), ("First account".to_owned(), 1, None));
    let next = Some("/admin-next/accounts/new".to_owned());
    assert_eq!(way(rig.get(&mut browser, "/admin-next").await.page()), ("First account".to_owned(), 1, next));
    let form = [("name", "main"), ("api_key", "sk-ant-dummy"), ("priority", "10")];
    let place = "/admin-next/accounts/new/anthropic";
    let added = rig.fill_in(&mut browser, place, place, &form).await;
    let account = added.to().to_owned();
    let told = rig.get(&mut browser, &account).await;
    assert!(told.page().contains("main is added."), "{}", told.html);
    let next = Some("/admin-next/keys/new".to_owned());
    assert_eq!(way(&told.html), ("First key".to_owned(), 2, next));
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
    assert!(made.page().contains("ANTHROPIC_BASE_URL=&#34;http://relay.example/api&#34;"), "{}", made.html);
    assert_eq!(way(&made.html), ("First request".to_owned(), 3, None));
    let next = Some("/admin-next/guides".to_owned());
    let keys = rig.get(&mut browser, "/admin-next/keys").await;
    assert_eq!(way(keys.page()), ("First request".to_owned(), 3, next));
    let guides = rig.get(&mut browser, "/admin-next/guides").await;
    assert!(
        guides.page().contains("data-live=\"first\"")
            && guides.html.contains("Waiting for the first request…")
    );
    // One is not made to go it, and it is over once a request was served.
    let key = rig.admin.keys().list().await.unwrap()[0].id;
    rig.stores.ledger.append(&[row(key, rig.admin.now(), "house", 1)]).await.unwrap();
    for page in ["", "/keys", "/accounts", "/guides"] {
        let shown = rig.get(&mut browser, &format!("/admin-next{page}")).await;
        assert!(!shown.page().contains("class=\"way\"") && !shown.html.contains("Waiting for"), "{page}");
    }
    assert_eq!(rig.get(&mut browser, "/admin-next/start").await.to(), "/admin-next");
}

#[tokio::test]
async fn who_may_make_neither_accounts_nor_keys_is_not_led_to_them() {
    let rig = Rig::with_people().await;
    for (role, is_led) in [("viewer", false), ("operator", true), ("owner", true)] {
        let mut browser = rig.logged_in(role).await;
        let page = rig.get(&mut browser, "/admin-next/keys").await;
        assert_eq!(page.page().contains("class=\"way\""), is_led, "{role}");
        let other = rig.get(&mut browser, "/admin-next/usage").await;
        assert!(!other.page().contains("class=\"way\""), "{role}: it is on the pages of the way alone");
    }
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
    assert!(wrong.html.contains("the name or the password is wrong"), "{}", wrong.html);
    let mut chinese = Browser { language: "zh-CN", ..Browser::default() };
    let wrong = rig.post(&mut chinese, "/admin-next/sign-in", &[("name", "owner"), ("password", "no")]).await;
    assert!(wrong.html.contains("用户名或密码错误"), "{}", wrong.html);
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
