//! The page of a client key's holder.

use std::time::Duration;

use http::{StatusCode, header};
use posthaste_admin::{
    Actor, BrandingChange, Command, CreatedKey, ExpiryInput, KeyChange, NewCards, NewKey, PolicyInput,
    parse_limit,
};

use crate::{
    booked::row,
    support::{Browser, Rig, Shown},
};

const KEY: &str = "/admin-next/key";
const DAY: u64 = 86_400;

async fn made(rig: &Rig, new: NewKey) -> CreatedKey {
    rig.admin.keys().create(new).await.unwrap()
}

async fn laptop(rig: &Rig) -> CreatedKey {
    let limits = ["cost=8/total", "requests=3/day", "concurrency=2"];
    let limits = limits.iter().map(|limit| parse_limit(limit).unwrap()).collect();
    let new = NewKey {
        name: "laptop".to_owned(),
        limits,
        allow: vec!["house-*".to_owned()],
        deny: vec!["house-secret".to_owned()],
        ..NewKey::default()
    };
    made(rig, new).await
}

fn secret(key: &CreatedKey) -> String {
    key.key.secret().expose().to_owned()
}

async fn enter(rig: &Rig, browser: &mut Browser, key: &str) -> Shown {
    rig.post(browser, KEY, &[("key", key)]).await
}

/// A browser in which the key was entered.
async fn entered(rig: &Rig, key: &CreatedKey) -> Browser {
    let mut browser = Browser::default();
    assert_eq!(enter(rig, &mut browser, &secret(key)).await.to(), KEY);
    browser
}

#[tokio::test]
async fn who_has_a_key_sees_what_it_is_where_it_stands_and_what_it_used() {
    let rig = Rig::with_people().await;
    let key = laptop(&rig).await;
    let (now, id) = (rig.admin.now(), key.view.id);
    let before = now.minus(Duration::from_secs(20 * DAY));
    let other = named(&rig, "desktop").await;
    let rows = [
        row(id, now, "house-large", 1_500_000_000),
        row(id, before, "house-small", 250_000_000),
        row(other.view.id, now, "house-others", 9_000_000_000),
    ];
    rig.stores.ledger.append(&rows).await.unwrap();
    let sign_in = rig.get(&mut Browser::default(), "/admin-next/sign-in").await;
    assert!(sign_in.page().contains("href=\"/admin-next/key\""), "{}", sign_in.html);
    let mut browser = Browser::default();
    let form = rig.get(&mut browser, KEY).await;
    assert!(form.page().contains("name=\"key\" type=\"password\""), "{}", form.html);
    enter(&rig, &mut browser, &format!(" {} ", secret(&key))).await.to();
    let page = rig.get(&mut browser, KEY).await;
    for part in [
        "laptop",
        &format!("…{}", key.view.hint),
        // Billed is the double of what it cost: today, and in all.
        "$3.00",
        "$3.50",
        "house-*",
        "house-secret",
        "house-large",
        "house-small",
        "cost=8.00/total",
        "requests=3/day",
        "starts anew",
        "data-chart=\"bars\"",
        "http://relay.example/openai/v1",
    ] {
        assert!(page.page().contains(part), "{part}: {}", page.html);
    }
    for others in ["desktop", "house-others", "$18"] {
        assert!(!page.html.contains(others), "{others} is another key's");
    }
    let week = rig.get(&mut browser, "/admin-next/key?range=7d").await;
    assert!(week.page().contains(">house-large<") && !week.html.contains(">house-small<"), "{}", week.html);
    assert!(week.html.contains("range=7d\" aria-current=\"true\""));
}

async fn named(rig: &Rig, name: &str) -> CreatedKey {
    made(rig, NewKey { name: name.to_owned(), ..NewKey::default() }).await
}

#[tokio::test]
async fn the_key_is_in_no_page_no_address_and_no_cookie() {
    let rig = Rig::with_people().await;
    let key = laptop(&rig).await;
    let secret = secret(&key);
    let mut browser = Browser::default();
    let sent = enter(&rig, &mut browser, &secret).await;
    assert!(!sent.to().contains("cr_"), "{}", sent.to());
    let cookie = sent.header(header::SET_COOKIE);
    assert!(!cookie.contains(&secret) && !cookie.contains("cr_"), "{cookie}");
    for part in ["HttpOnly", "SameSite=Strict", "Path=/admin-next/key"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let page = rig.get(&mut browser, KEY).await;
    assert!(!page.page().contains(&secret), "{}", page.html);
    let wrong = enter(&rig, &mut Browser::default(), "cr_dummy-of-nobody").await;
    assert!(!wrong.html.contains("cr_dummy-of-nobody"), "{}", wrong.html);
}

#[tokio::test]
async fn a_ticket_ends_by_itself_by_its_holder_and_with_the_secret() {
    let rig = Rig::with_people().await;
    let key = laptop(&rig).await;
    let asks = |page: &Shown| page.page().contains("name=\"key\"");
    let mut browser = entered(&rig, &key).await;
    rig.clock.advance(Duration::from_secs(3_599));
    assert!(!asks(&rig.get(&mut browser, KEY).await));
    rig.clock.advance(Duration::from_secs(1));
    assert!(asks(&rig.get(&mut browser, KEY).await), "an hour is over");

    let mut browser = entered(&rig, &key).await;
    let kept = browser.clone();
    assert_eq!(rig.post(&mut browser, "/admin-next/key/leave", &[]).await.to(), KEY);
    assert!(asks(&rig.get(&mut browser, KEY).await));

    let mut browser = kept;
    rig.admin.keys().regenerate(&key.view.id.to_string()).await.unwrap();
    assert!(asks(&rig.get(&mut browser, KEY).await), "the key has another secret");

    let mut forged =
        Browser { cookies: vec![("posthaste_held_key".into(), "forged".into())], ..Browser::default() };
    assert!(asks(&rig.get(&mut forged, KEY).await));
    let redeemed = rig.post(&mut forged, "/admin-next/key/redeem", &[("code", "phc-x")]).await;
    assert!(asks(&redeemed), "{}", redeemed.html);
}

#[tokio::test]
async fn each_key_that_opens_nothing_is_told_in_words() {
    let rig = Rig::with_people().await;
    for wrong in ["cr_dummy", "", "<script>alert(1)</script>"] {
        let told = enter(&rig, &mut Browser::default(), wrong).await;
        assert_eq!(told.status, StatusCode::UNAUTHORIZED);
        assert!(told.html.contains("This key is not known here.") && !told.html.contains("<script>alert"));
    }
    let off = named(&rig, "off").await;
    let gone = named(&rig, "gone").await;
    let revoked = named(&rig, "revoked").await;
    let mut before = entered(&rig, &off).await;
    let id = |key: &CreatedKey| key.view.id.to_string();
    let change = KeyChange { enabled: Some(false), ..KeyChange::default() };
    rig.admin.keys().update(&id(&off), change).await.unwrap();
    rig.admin.keys().delete(&id(&gone)).await.unwrap();
    rig.admin.keys().revoke(&id(&revoked)).await.unwrap();
    for key in [&off, &gone, &revoked] {
        let told = enter(&rig, &mut Browser::default(), &secret(key)).await;
        assert_eq!(told.status, StatusCode::FORBIDDEN, "{}", key.view.name);
        assert!(told.html.contains("This key opens nothing now."), "{}", told.html);
        assert!(!told.html.contains(&key.view.hint), "no more is told of it");
    }
    // Also to who had entered it before.
    let told = rig.get(&mut before, KEY).await;
    assert_eq!(told.status, StatusCode::FORBIDDEN);
    assert!(told.html.contains("This key opens nothing now.") && before.cookies.is_empty());
    let networks = PolicyInput { networks: Some(vec!["192.0.2.0/24".to_owned()]), ..PolicyInput::default() };
    let bound = made(&rig, NewKey { name: "bound".to_owned(), policy: networks, ..NewKey::default() }).await;
    let told = enter(&rig, &mut Browser::default(), &secret(&bound)).await;
    assert_eq!(told.status, StatusCode::FORBIDDEN);
    assert!(told.html.contains("This key may not be used from where you are."), "{}", told.html);
}

#[tokio::test]
async fn a_key_that_is_over_is_opened_again_by_a_card_of_time() {
    let rig = Rig::with_people().await;
    let new =
        NewKey { name: "held".to_owned(), expiry: ExpiryInput::In { seconds: 60 }, ..NewKey::default() };
    let key = made(&rig, new).await;
    rig.clock.advance(Duration::from_secs(61));
    let mut browser = entered(&rig, &key).await;
    let page = rig.get(&mut browser, KEY).await;
    assert!(page.page().contains("This key is over") && !page.html.contains("This month"), "{}", page.html);
    let cards = NewCards { seconds: DAY, ..NewCards::default() };
    let card = rig.admin.cards().create(&Actor::machine(), cards).await.unwrap().remove(0);
    let code = card.code.secret().expose().to_owned();
    let redeemed = rig.post(&mut browser, "/admin-next/key/redeem", &[("code", &code)]).await;
    assert_eq!(redeemed.to(), KEY);
    let page = rig.get(&mut browser, KEY).await;
    assert!(page.page().contains("The card is redeemed: + 1 d."), "{}", page.html);
    assert!(!page.html.contains("This key is over") && page.html.contains(&format!("…{}", card.view.hint)));
    let again = rig.post(&mut browser, "/admin-next/key/redeem", &[("code", &code)]).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(again.html.contains("role=\"alert\"") && !again.html.contains(&code), "{}", again.html);
}

#[tokio::test]
async fn who_guesses_codes_waits() {
    let rig = Rig::with_people().await;
    let key = laptop(&rig).await;
    let mut browser = entered(&rig, &key).await;
    let mut told = Vec::new();
    for _ in 0..6 {
        let form = [("code", "phc-aaaa-aaaa-aaaa-aaaa-aaaa-aaaa")];
        told.push(rig.post(&mut browser, "/admin-next/key/redeem", &form).await);
    }
    assert_eq!(told[0].status, StatusCode::UNPROCESSABLE_ENTITY, "{}", told[0].html);
    assert_eq!(told[5].status, StatusCode::TOO_MANY_REQUESTS, "{}", told[5].html);
    assert!(told[5].html.contains("too many tries failed; try again in"), "{}", told[5].html);
    assert!(told[5].html.contains("laptop"), "the page is there all the same");
}

#[tokio::test]
async fn the_notice_is_at_the_top_and_is_text() {
    let rig = Rig::with_people().await;
    let key = laptop(&rig).await;
    let branding = BrandingChange {
        notice: Some("Away on <b>Monday</b>".to_owned()),
        show_admin_button: Some(false),
        ..BrandingChange::default()
    };
    rig.admin.act(&Actor::machine(), Command::SetBranding(branding)).await.unwrap();
    let form = rig.get(&mut Browser::default(), KEY).await;
    assert!(!form.page().contains("/admin-next/sign-in"), "{}", form.html);
    let mut browser = entered(&rig, &key).await;
    for page in [form, rig.get(&mut browser, KEY).await] {
        assert!(page.page().contains("Away on &#60;b&#62;Monday"), "{}", page.html);
    }
    let mut chinese = Browser { language: "zh-CN", ..entered(&rig, &key).await };
    assert!(rig.get(&mut chinese, KEY).await.page().contains("限额"));
}

#[tokio::test]
async fn names_and_models_are_text() {
    let rig = Rig::with_people().await;
    let nasty = "\"><img src=x onerror=alert(1)>";
    let key = named(&rig, nasty).await;
    let model = "<svg/onload=alert(1)>";
    rig.stores.ledger.append(&[row(key.view.id, rig.admin.now(), model, 1)]).await.unwrap();
    let mut browser = entered(&rig, &key).await;
    let page = rig.get(&mut browser, KEY).await;
    assert!(page.page().contains("onerror=alert(1)&#62;"), "{}", page.html);
    assert!(!page.html.contains("<img src=x") && !page.html.contains("<svg/onload"), "{}", page.html);
}
