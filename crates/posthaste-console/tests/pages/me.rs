//! The own page: password, second factor, sessions, client keys.

use http::StatusCode;
use posthaste_admin::{Actor, Command, NewCards, OwnerInput, parse_limit};
use posthaste_vault::CodeSecret;

use crate::support::{Browser, PASSWORD, Rig};

const ME: &str = "/admin-next/me";
const FACTOR: &str = "/admin-next/me/second-factor";
const KEYS: &str = "/admin-next/me/keys";

#[tokio::test]
async fn everybody_lands_where_one_may_be() {
    let rig = Rig::with_people().await;
    let mut user = rig.logged_in("user").await;
    assert_eq!(rig.get(&mut user, "/admin-next").await.to(), ME);
    let shown = rig.get(&mut user, ME).await;
    for part in
        ["keeps own client keys, and sees nothing else", "0 / 5", "this one", "/admin-next/me\"><strong>user"]
    {
        assert!(shown.page().contains(part), "{part}: {}", shown.html);
    }
    assert!(!shown.html.contains("/people/tokens") && !shown.html.contains("You may"), "{}", shown.html);
    let mut viewer = rig.logged_in("viewer").await;
    assert_eq!(rig.get(&mut viewer, "/admin-next").await.status, StatusCode::OK);
    let shown = rig.get(&mut viewer, ME).await;
    assert!(shown.page().contains("keys:read") && !shown.html.contains("keys:write"), "{}", shown.html);
    let mut operator = rig.logged_in("operator").await;
    let shown = rig.get(&mut operator, ME).await;
    assert!(shown.page().contains("keys:write") && !shown.html.contains("keys:read"), "each area once");
}

#[tokio::test]
async fn a_password_is_changed_by_who_knows_it() {
    let rig = Rig::with_people().await;
    let mut browser = rig.logged_in("user").await;
    let mut other = rig.logged_in("user").await;
    let to = format!("{ME}/password");
    let next = "battery staple one";
    for (current, password, again, said) in [
        ("wrong horse battery", next, next, "current: is not your present password"),
        (PASSWORD, next, "battery staple two", "The two passwords differ."),
        (PASSWORD, "short", "short", "password: "),
        (PASSWORD, "", "", "Give the new password twice."),
    ] {
        let form = [("current", current), ("password", password), ("again", again)];
        let wrong = rig.fill_in(&mut browser, ME, &to, &form).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{said}");
        assert!(wrong.html.contains(said) && !wrong.html.contains("staple"), "{said}: {}", wrong.html);
    }
    let form = [("current", PASSWORD), ("password", next), ("again", next)];
    assert_eq!(rig.fill_in(&mut browser, ME, &to, &form).await.to(), ME);
    assert_eq!(rig.get(&mut browser, ME).await.status, StatusCode::OK);
    assert!(rig.get(&mut other, ME).await.to().contains("/sign-in"), "the other session is over");
    let mut again = Browser::default();
    let form = [("name", "user"), ("password", next)];
    assert_eq!(rig.post(&mut again, "/admin-next/sign-in", &form).await.to(), "/admin-next");
}

#[tokio::test]
async fn other_sessions_are_ended() {
    let rig = Rig::with_people().await;
    let mut browser = rig.logged_in("user").await;
    assert!(!rig.get(&mut browser, ME).await.page().contains("End the others"), "there are none");
    let mut other = rig.logged_in("user").await;
    let page = rig.get(&mut browser, ME).await;
    assert_eq!(page.page().matches(">this one<").count(), 1);
    let ended = rig.fill_in(&mut browser, ME, &format!("{ME}/end-other-sessions"), &[]).await;
    assert_eq!(ended.to(), ME);
    assert!(rig.get(&mut browser, ME).await.page().contains("1 other sessions are ended."));
    assert!(rig.get(&mut other, ME).await.to().contains("/sign-in"));
}

#[tokio::test]
async fn a_second_factor_is_set_up_used_and_taken_away() {
    let rig = Rig::with_people().await;
    let mut browser = rig.logged_in("user").await;
    let page = rig.get(&mut browser, FACTOR).await;
    let (secret, url) = (page.field("secret"), page.field("url").replace("&amp;", "&").replace("&#38;", "&"));
    assert!(page.page().contains("<svg viewBox") && url.starts_with("otpauth://"), "{}", page.html);
    let shared = CodeSecret::from_base32(posthaste_core::Secret::new(secret.as_str()));
    let form = |code| [("secret", secret.as_str()), ("url", url.as_str()), ("code", code)];
    let wrong = rig.fill_in(&mut browser, FACTOR, FACTOR, &form("00")).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.html.contains("code: ") && wrong.field("secret") == secret, "{}", wrong.html);
    assert!(wrong.html.contains("<svg viewBox"), "the picture is there again");
    assert!(!rig.admin.people().show("user").await.unwrap().second_factor);
    let code = shared.code(rig.admin.now()).unwrap().expose().to_owned();
    let done = rig.fill_in(&mut browser, FACTOR, FACTOR, &form(&code)).await;
    let codes = done.page().split("id=\"codes\"><code>").nth(1).unwrap().split("</code>").next().unwrap();
    let codes: Vec<_> = codes.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    assert_eq!(codes.len(), 10, "{}", done.html);
    let mut again = Browser::default();
    let form = [("name", "user"), ("password", PASSWORD)];
    let asked = rig.post(&mut again, "/admin-next/sign-in", &form).await;
    assert!(asked.page().contains("name=\"code\""), "{}", asked.html);
    let form = [("name", "user"), ("password", PASSWORD), ("code", codes[0])];
    assert_eq!(rig.post(&mut again, "/admin-next/sign-in", &form).await.to(), "/admin-next");
    assert!(rig.get(&mut again, ME).await.page().contains("9 recovery codes left"));
    let remove = format!("{FACTOR}/remove");
    let wrong = rig.fill_in(&mut again, ME, &remove, &[("password", "wrong horse battery")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(rig.admin.people().show("user").await.unwrap().second_factor);
    assert_eq!(rig.fill_in(&mut again, ME, &remove, &[("password", PASSWORD)]).await.to(), ME);
    assert!(!rig.admin.people().show("user").await.unwrap().second_factor);
}

#[tokio::test]
async fn an_operator_takes_a_lost_second_factor_away() {
    let rig = Rig::with_people().await;
    let mut user = rig.logged_in("user").await;
    let secret = rig.get(&mut user, FACTOR).await.field("secret");
    let shared = CodeSecret::from_base32(posthaste_core::Secret::new(secret.as_str()));
    let code = shared.code(rig.admin.now()).unwrap().expose().to_owned();
    rig.fill_in(&mut user, FACTOR, FACTOR, &[("secret", &secret), ("code", &code)]).await.page();
    let mut browser = rig.logged_in("owner").await;
    let person = rig.admin.people().show("user").await.unwrap();
    let page = format!("/admin-next/people/{}", person.id);
    assert!(rig.get(&mut browser, &page).await.page().contains("10 recovery codes left"));
    let gone = rig.fill_in(&mut browser, &page, &format!("{page}/drop-second-factor"), &[]).await;
    assert_eq!(gone.to(), page);
    assert!(!rig.admin.people().show("user").await.unwrap().second_factor);
    assert!(!rig.get(&mut browser, &page).await.page().contains("/drop-second-factor\""));
}

#[tokio::test]
async fn keys_of_ones_own_are_made_and_removed() {
    let rig = Rig::with_people().await;
    let limits = Some(vec![parse_limit("cost=20/month").unwrap()]);
    let set =
        Command::SetOwner { owner: "user".to_owned(), with: OwnerInput { limits, ..OwnerInput::default() } };
    rig.admin.act(&Actor::machine(), set).await.unwrap();
    let mut browser = rig.logged_in("user").await;
    let empty = rig.get(&mut browser, KEYS).await;
    assert!(
        empty.page().contains("You have no client key yet.") && empty.html.contains("cost=20.00/month:1")
    );
    let wrong = [("name", "laptop"), ("expiry", "in"), ("expiry_span", "soon"), ("limits", "concurrency=2")];
    let wrong = rig.fill_in(&mut browser, KEYS, KEYS, &wrong).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    for kept in ["value=\"laptop\"", "value=\"in\" selected", "value=\"soon\"", "concurrency=2", "expiry: "] {
        assert!(wrong.html.contains(kept), "{kept}: {}", wrong.html);
    }
    let form = [("name", "laptop"), ("expiry", "in"), ("expiry_span", "30d"), ("limits", "concurrency=2")];
    let made = rig.fill_in(&mut browser, KEYS, KEYS, &form).await;
    assert!(made.page().contains("cr_") && made.html.contains("http://relay.example"), "{}", made.html);
    let kept = rig.admin.keys().show("user/laptop").await.unwrap();
    assert_eq!((kept.owner.as_deref(), kept.policy.limits.len()), (Some("user"), 1));
    let list = rig.get(&mut browser, KEYS).await;
    assert!(list.page().contains("laptop") && list.html.contains("1 / 5"), "{}", list.html);
    let card = [("key", kept.id.to_string()), ("code", "CC_AAAA-no-such-card".to_owned())];
    let card: Vec<_> = card.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let no_card = rig.fill_in(&mut browser, KEYS, &format!("{KEYS}/redeem"), &card).await;
    assert_eq!(no_card.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", no_card.html);
    assert!(no_card.html.contains("class=\"trouble\""));
    let mut eve = rig.logged_in("viewer").await;
    let id = kept.id.to_string();
    let others = rig.fill_in(&mut eve, KEYS, &format!("{KEYS}/delete"), &[("key", &id)]).await;
    assert_eq!(others.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(rig.admin.keys().show(&id).await.unwrap().deleted_at.is_none());
    let gone = rig.fill_in(&mut browser, KEYS, &format!("{KEYS}/delete"), &[("key", &id)]).await;
    assert_eq!(gone.to(), KEYS);
    assert!(rig.get(&mut browser, KEYS).await.page().contains("You have no client key yet."));
}

#[tokio::test]
async fn a_card_fills_a_key_of_ones_own_up() {
    let rig = Rig::with_people().await;
    let mut browser = rig.logged_in("user").await;
    let form = [("name", "laptop"), ("expiry", "in"), ("expiry_span", "30d"), ("limits", "")];
    rig.fill_in(&mut browser, KEYS, KEYS, &form).await.page();
    let key = rig.admin.keys().show("user/laptop").await.unwrap();
    let new = NewCards { seconds: 7 * 86_400, ..NewCards::default() };
    let cards = rig.admin.cards().create(&Actor::machine(), new).await.unwrap();
    let code = cards[0].code.secret().expose().to_owned();
    let id = key.id.to_string();
    let done =
        rig.fill_in(&mut browser, KEYS, &format!("{KEYS}/redeem"), &[("key", &id), ("code", &code)]).await;
    assert_eq!(done.to(), KEYS);
    let later = rig.admin.keys().show(&id).await.unwrap().expires_at.unwrap();
    assert_eq!(later.since(key.expires_at.unwrap()).as_secs(), 7 * 86_400);
    assert!(rig.get(&mut browser, KEYS).await.page().contains("7d"));
}

#[tokio::test]
async fn who_has_as_many_keys_as_may_be_is_told() {
    let rig = Rig::with_people().await;
    let mut browser = rig.logged_in("user").await;
    for number in 0..5 {
        let name = format!("key {number}");
        rig.fill_in(&mut browser, KEYS, KEYS, &[("name", name.as_str())]).await.page();
    }
    let full = rig.get(&mut browser, KEYS).await;
    assert!(
        full.page().contains("You have as many keys as you may have.")
            && !full.html.contains("name=\"limits\"")
    );
    let sixth = rig.fill_in(&mut browser, KEYS, KEYS, &[("name", "one more")]).await;
    assert_eq!(sixth.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(sixth.html.contains("room for another client key"), "{}", sixth.html);
}
