//! Redemption cards on their pages.

use http::{StatusCode, header};
use posthaste_admin::{
    Actor, CardListInput, Command, CreatedCard, Disclosed, NewCards, NewKey, Replied, parse_limit,
};
use posthaste_core::{CardStatus, Limit, LimitUnit, LimitWindow};

use crate::support::{Browser, Rig};

const LIST: &str = "/admin-next/cards";
const NEW: &str = "/admin-next/cards/new";
const REDEEM: &str = "/admin-next/cards/redeem";
const LIMITS: &str = "/admin-next/cards/limits";
const DOLLAR: u64 = 1_000_000_000;

/// A key that money can be added to: it has a limit on its total cost.
fn new_key(name: &str) -> NewKey {
    let limits = vec![parse_limit("cost=10/total").unwrap()];
    NewKey { name: name.to_owned(), limits, ..NewKey::default() }
}

async fn key(rig: &Rig, name: &str) -> String {
    let new = new_key(name);
    rig.admin.keys().create(new).await.unwrap().view.id.to_string()
}

/// What the key may cost in all, where its limits say so.
async fn most(rig: &Rig, id: &str) -> Option<u64> {
    let of_total = |limit: &&Limit| limit.unit == LimitUnit::Cost && limit.window == LimitWindow::Total;
    let key = rig.admin.keys().show(id).await.unwrap();
    key.policy.limits.iter().find(of_total).map(|limit| limit.amount)
}

async fn make(rig: &Rig, new: NewCards) -> Vec<CreatedCard> {
    let reply = rig.admin.act(&Actor::machine(), Command::CreateCards(new)).await.unwrap();
    Replied::from_reply(reply).unwrap()
}

async fn statuses(rig: &Rig) -> Vec<CardStatus> {
    let page = rig.admin.cards().page(&CardListInput::default()).await.unwrap();
    page.items.into_iter().map(|card| card.status).collect()
}

async fn told(rig: &Rig, browser: &mut Browser, path: &str) -> String {
    let page = rig.get(browser, path).await;
    let told = page.page().split_once("role=\"status\">").map(|(_, rest)| rest.split('<').next().unwrap());
    told.unwrap_or_default().to_owned()
}

#[tokio::test]
async fn cards_are_made_and_their_codes_are_shown_once() {
    let rig = Rig::with_people().await;
    let mut browser = rig.logged_in("operator").await;
    assert!(rig.get(&mut browser, LIST).await.page().contains("There is no card yet."));
    for (field, value) in [("quota", "lots"), ("time", "long"), ("expires_at", "May"), ("count", "101")] {
        let form = [("count", "2"), ("quota", "5"), ("note", "for May")];
        let form: Vec<_> =
            form.into_iter().filter(|(name, _)| *name != field).chain([(field, value)]).collect();
        let wrong = rig.fill_in(&mut browser, NEW, NEW, &form).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{field}");
        for kept in [format!("value=\"{value}\""), "value=\"for May\"".to_owned(), format!("{field}: ")] {
            assert!(wrong.html.contains(&kept), "{kept}: {}", wrong.html);
        }
    }
    assert!(statuses(&rig).await.is_empty());
    let form = [("count", "3"), ("quota", "2.50"), ("time", "30d"), ("note", "=course, May")];
    let made = rig.fill_in(&mut browser, NEW, NEW, &form).await;
    assert!(made.page().contains("3 cards are made") && made.html.contains("$2.50 + 30d"), "{}", made.html);
    let codes = made.html.split_once("<code>").unwrap().1.split_once("</code>").unwrap().0;
    let codes: Vec<_> = codes.lines().map(str::to_owned).collect();
    assert_eq!((codes.len(), statuses(&rig).await), (3, vec![CardStatus::Unused; 3]));
    let table = made.field("table").replace("&#34;", "\"").replace("&#39;", "'");
    let file = [("csrf", made.field("csrf")), ("table", table)];
    let file: Vec<_> = file.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let file = rig.post(&mut browser, "/admin-next/cards/csv", &file).await;
    assert_eq!(file.header(header::CONTENT_TYPE), "text/csv; charset=utf-8");
    assert!(file.header(header::CONTENT_DISPOSITION).contains("redemption-cards.csv"));
    assert_eq!(file.page().lines().next(), Some("code,gives,redeemable_until,remarks"));
    for code in &codes {
        assert!(file.html.contains(&format!("{code},$2.50 + 30d,,\"'=course, May\"")), "{}", file.html);
        let list = rig.get(&mut browser, LIST).await;
        assert!(!list.page().contains(code) && list.html.contains(&code[code.len() - 4..]), "{}", list.html);
    }
}

#[tokio::test]
async fn a_card_is_redeemed_by_hand_and_taken_back() {
    let rig = Rig::with_people().await;
    let mut browser = rig.logged_in("operator").await;
    let id = key(&rig, "laptop").await;
    let made = make(&rig, NewCards { quota: 5 * DOLLAR, ..NewCards::default() }).await;
    let code = made[0].code.secret().expose();
    assert!(rig.get(&mut browser, &format!("{REDEEM}?key=laptop")).await.page().contains("value=\"laptop\""));
    for (code, key, says) in
        [("", "laptop", "code: "), ("no-such-code", "laptop", ""), (code, "nobody", "nobody")]
    {
        let wrong = rig.fill_in(&mut browser, REDEEM, REDEEM, &[("code", code), ("key", key)]).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(
            wrong.html.contains(&format!("value=\"{key}\"")) && wrong.html.contains(says),
            "{}",
            wrong.html
        );
        assert!(wrong.html.contains("role=\"alert\""));
    }
    assert_eq!(most(&rig, &id).await, Some(10 * DOLLAR));
    let done = rig.fill_in(&mut browser, REDEEM, REDEEM, &[("code", code), ("key", "laptop")]).await;
    let page = done.to().to_owned();
    assert_eq!(page, format!("{LIST}/{}", made[0].view.id));
    assert_eq!(told(&rig, &mut browser, &page).await, "laptop has what the card gives.");
    assert_eq!(statuses(&rig).await, [CardStatus::Redeemed]);
    assert_eq!(most(&rig, &id).await, Some(15 * DOLLAR));
    let again = rig.fill_in(&mut browser, REDEEM, REDEEM, &[("code", code), ("key", "laptop")]).await;
    assert!(again.html.contains("was redeemed already"), "{}", again.html);
    let list = rig.get(&mut browser, &format!("{LIST}/redemptions?key=laptop")).await;
    assert!(list.page().contains("$5.00") && list.html.contains("Take it back"), "{}", list.html);
    let redemption = rig.admin.cards().show(&made[0].view.id.to_string()).await.unwrap().redemption.unwrap();
    let back = format!("{LIST}/redemptions/{}/take-back", redemption.id);
    assert_eq!(rig.fill_in(&mut browser, &page, &back, &[]).await.to(), page);
    assert_eq!(statuses(&rig).await, [CardStatus::TakenBack]);
    assert_eq!(most(&rig, &id).await, Some(10 * DOLLAR));
    let twice = rig.fill_in(&mut browser, REDEEM, &back, &[]).await;
    assert_eq!(twice.status, StatusCode::CONFLICT);
    let shown = rig.get(&mut browser, &page).await;
    assert!(shown.page().contains("taken back") && !shown.html.contains("/take-back\""), "{}", shown.html);
    let none = rig.get(&mut browser, &format!("{LIST}/redemptions?key=stranger")).await;
    assert!(none.page().contains("role=\"alert\"") && none.html.contains("stranger"), "{}", none.html);
}

#[tokio::test]
async fn a_card_is_withdrawn_and_removed() {
    let rig = Rig::with_people().await;
    let mut browser = rig.logged_in("operator").await;
    let made = make(&rig, NewCards { seconds: 86_400, ..NewCards::default() }).await;
    let page = format!("{LIST}/{}", made[0].view.id);
    let shown = rig.get(&mut browser, &page).await;
    assert!(shown.page().contains("<details class=\"confirm\"><summary>Withdraw the card"), "{}", shown.html);
    let done = rig.fill_in(&mut browser, &page, &format!("{page}/withdraw"), &[]).await;
    assert_eq!((done.to(), statuses(&rig).await), (page.as_str(), vec![CardStatus::Revoked]));
    let shown = rig.get(&mut browser, &page).await;
    assert!(shown.page().contains("It was withdrawn:") && !shown.html.contains("/withdraw\""));
    let odd = rig.fill_in(&mut browser, &page, &format!("{page}/explode"), &[]).await;
    assert_eq!(odd.status, StatusCode::NOT_FOUND);
    let gone = rig.fill_in(&mut browser, &page, &format!("{page}/delete"), &[]).await;
    assert_eq!((gone.to(), statuses(&rig).await.len()), (LIST, 0));
}

#[tokio::test]
async fn a_list_of_cards_is_found_again_by_its_address() {
    let rig = Rig::with_people().await;
    let mut viewer = rig.logged_in("viewer").await;
    make(&rig, NewCards { count: Some(60), quota: DOLLAR, note: "many".to_owned(), ..NewCards::default() })
        .await;
    make(&rig, NewCards { seconds: 3_600, note: "single one".to_owned(), ..NewCards::default() }).await;
    let all = rig.get(&mut viewer, &format!("{LIST}?search=many")).await;
    assert!(
        all.page().contains("rel=\"next\" href=\"/admin-next/cards?search=many&#38;page=2\""),
        "{}",
        all.html
    );
    assert!(!all.html.contains("single one"));
    let second = rig.get(&mut viewer, &format!("{LIST}?search=many&page=2")).await;
    assert_eq!(second.page().matches(">many<").count(), 10);
    let time = rig.get(&mut viewer, &format!("{LIST}?kind=time&status=unused")).await;
    assert!(time.page().contains("single one") && !time.html.contains(">many<"), "{}", time.html);
    let none = rig.get(&mut viewer, &format!("{LIST}?status=redeemed")).await;
    assert!(none.page().contains("No card is like that."));
    for button in ["/cards/new", "/cards/redeem\""] {
        assert!(!all.html.contains(button), "a viewer has {button}");
    }
}

#[tokio::test]
async fn limits_of_cards_are_for_those_who_may_change_settings() {
    let rig = Rig::with_people().await;
    let mut admin = rig.logged_in("admin").await;
    let wrong = [("most_quota", "lots"), ("was_quota", ""), ("most_days", "30"), ("was_days", "")];
    let wrong = rig.fill_in(&mut admin, LIMITS, LIMITS, &wrong).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.html.contains("value=\"lots\"") && wrong.html.contains("value=\"30\""), "{}", wrong.html);
    let form = [("most_quota", "12.5"), ("was_quota", ""), ("most_days", ""), ("was_days", "")];
    assert_eq!(rig.fill_in(&mut admin, LIMITS, LIMITS, &form).await.to(), LIMITS);
    let limits = rig.admin.cards().limits().await.unwrap();
    assert_eq!((limits.most_quota, limits.most_days), (12_500_000_000, 90));
    assert!(rig.get(&mut admin, LIMITS).await.page().contains("name=\"most_quota\" value=\"12.50\""));
    let mut operator = rig.logged_in("operator").await;
    let seen = rig.get(&mut operator, LIMITS).await;
    assert!(seen.page().contains("$12.50") && !seen.html.contains("name=\"most_quota\""), "{}", seen.html);
    assert_eq!(
        rig.fill_in(&mut operator, REDEEM, LIMITS, &[("most_days", "1")]).await.status,
        StatusCode::FORBIDDEN
    );
}

#[tokio::test]
async fn remarks_and_names_on_cards_are_text() {
    let rig = Rig::with_people().await;
    let mut browser = rig.logged_in("owner").await;
    for (number, nasty) in crate::inert::NASTY.into_iter().enumerate() {
        let made = rig.fill_in(&mut browser, NEW, NEW, &[("quota", "1"), ("note", nasty)]).await;
        crate::inert::check(made.page(), "new cards");
        let wrong =
            rig.fill_in(&mut browser, NEW, NEW, &[("quota", nasty), ("note", nasty), ("time", nasty)]).await;
        crate::inert::check(&wrong.html, "a form of cards");
        let name = format!("{number} {nasty}");
        let new = new_key(&name);
        let cards = make(&rig, NewCards { quota: 1, note: nasty.to_owned(), ..NewCards::default() }).await;
        if rig.admin.keys().create(new).await.is_ok() {
            let code = Disclosed::new(cards[0].code.secret().clone());
            let redeem = Command::RedeemCard { code, key: name };
            rig.admin.act(&Actor::machine(), redeem).await.unwrap();
        }
        let query: String = form_urlencoded::byte_serialize(nasty.as_bytes()).collect();
        for path in [
            LIST.to_owned(),
            format!("{LIST}/{}", cards[0].view.id),
            format!("{LIST}/redemptions"),
            format!("{LIST}?search={query}&status={query}&kind={query}"),
            format!("{LIST}/redemptions?key={query}"),
            format!("{REDEEM}?key={query}"),
        ] {
            let shown = rig.get(&mut browser, &path).await;
            crate::inert::check(shown.page(), &path);
        }
        let lost = rig.get(&mut browser, &format!("{LIST}/{query}")).await;
        crate::inert::check(&lost.html, "no card");
    }
}
