//! Taking over a list of prices, and computing costs again.

use http::StatusCode;
use posthaste_admin::{Disclosed, NewAccount, NewKey, OwnPriceInput};
use posthaste_core::{AttemptRow, CostBasis, ModelName, NanoUsd, OwnRates, ProviderKind, Secret, Usage};
use posthaste_testkit::{Reply, Sent};
use serde_json::{Value, json};

use crate::{booked::row, support::Rig};

const UPDATE: &str = "/admin-next/prices/update";
const TAKE: &str = "/admin-next/prices/update/take";
const AGAIN: &str = "/admin-next/prices/again";
const APPLY: &str = "/admin-next/prices/again/apply";

/// A list of prices stands at one address; nobody else answers.
pub(crate) fn asked_elsewhere(sent: &Sent) -> Reply {
    match sent.uri.host() {
        Some("prices.example") => Reply::json(200, &list("claude-from-afar", 4_000_000_000)),
        _ => Reply::never(),
    }
}

/// A list with one model of Anthropic's.
fn list(model: &str, input: u64) -> Value {
    json!({
        "schema": 1,
        "as_of": "2026-11-24",
        "unit": "nano-USD per 1000000 tokens",
        "models": [{
            "provider": "anthropic",
            "model": model,
            "mode": "chat",
            "standard": { "price": { "input": input } },
        }],
    })
}

async fn has_price(rig: &Rig, model: &str) -> bool {
    let mut viewer = rig.logged_in("viewer").await;
    let path = format!("/admin-next/prices?search={model}");
    rig.get(&mut viewer, &path).await.page().contains(&format!("<code>anthropic/{model}</code>"))
}

#[tokio::test]
async fn a_list_is_looked_at_and_then_taken() {
    let rig = Rig::with_people().await;
    let mut browser = rig.logged_in("admin").await;
    for (field, text, says) in
        [("list", "no list", "list: "), ("url", "ftp://x", "url: "), ("list", "{}", "list")]
    {
        let wrong = rig.fill_in(&mut browser, UPDATE, UPDATE, &[(field, text), ("source", "a friend")]).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{text}");
        for kept in [text, "value=\"a friend\"", says] {
            assert!(wrong.html.contains(kept), "{kept}: {}", wrong.html);
        }
    }
    let text = list("claude-of-tomorrow", 2_000_000_000).to_string();
    let form = [("list", text.as_str()), ("source", "a friend")];
    let seen = rig.fill_in(&mut browser, UPDATE, UPDATE, &form).await;
    for part in ["anthropic/claude-of-tomorrow", "$2.00", "a friend", "2026-11-24", "/prices/update/take"] {
        assert!(seen.page().contains(part), "{part}: {}", seen.html);
    }
    assert!(!has_price(&rig, "claude-of-tomorrow").await, "a look changes nothing");
    let digest = seen.field("digest");
    let other = list("claude-of-tomorrow", 9_000_000_000).to_string();
    let swapped = [("list", other.as_str()), ("digest", digest.as_str())];
    let swapped = rig.fill_in(&mut browser, UPDATE, TAKE, &swapped).await;
    assert_eq!(swapped.status, StatusCode::CONFLICT);
    assert!(swapped.html.contains("not the one that was shown") && swapped.html.contains("$9.00"));
    assert!(!has_price(&rig, "claude-of-tomorrow").await, "another list is not taken");
    let form = [("list", text.as_str()), ("source", "a friend"), ("digest", digest.as_str())];
    assert_eq!(rig.fill_in(&mut browser, UPDATE, TAKE, &form).await.to(), "/admin-next/prices");
    assert!(has_price(&rig, "claude-of-tomorrow").await);
    let again = rig.fill_in(&mut browser, UPDATE, UPDATE, &form).await;
    assert!(
        again.page().contains("These prices are in force already.") && !again.html.contains("/update/take")
    );
}

#[tokio::test]
async fn prices_that_leap_are_taken_only_on_purpose() {
    let rig = Rig::with_people().await;
    let mut browser = rig.logged_in("admin").await;
    let text = list("claude-opus-5", 1).to_string();
    let seen = rig.fill_in(&mut browser, UPDATE, UPDATE, &[("list", &text)]).await;
    assert!(
        seen.page().contains("anthropic/claude-opus-5") && seen.html.contains(">leaps<"),
        "{}",
        seen.html
    );
    let digest = seen.field("digest");
    let form = [("list", text.as_str()), ("digest", digest.as_str())];
    let refused = rig.fill_in(&mut browser, UPDATE, TAKE, &form).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(refused.html.contains("accept_leaps: ") && refused.html.contains(&digest), "{}", refused.html);
    let meant = [form.as_slice(), &[("accept_leaps", "on")]].concat();
    assert_eq!(rig.fill_in(&mut browser, UPDATE, TAKE, &meant).await.to(), "/admin-next/prices");
}

#[tokio::test]
async fn a_list_is_fetched_from_an_address() {
    let rig = Rig::with_people().await;
    let mut browser = rig.logged_in("admin").await;
    let url = ("url", "https://prices.example/list.json");
    let seen = rig.fill_in(&mut browser, UPDATE, UPDATE, &[url]).await;
    assert!(
        seen.page().contains("anthropic/claude-from-afar") && seen.html.contains("$4.00"),
        "{}",
        seen.html
    );
    let digest = seen.field("digest");
    rig.fill_in(&mut browser, UPDATE, TAKE, &[url, ("digest", &digest)]).await.to();
    assert!(has_price(&rig, "claude-from-afar").await);
}

/// An attempt of a thousand tokens that was booked without a price; its account and its key are there.
async fn unpriced(rig: &Rig, model: &str) {
    let new = NewAccount {
        preset: "anthropic".to_owned(),
        name: "first".to_owned(),
        api_key: Some(Disclosed::new(Secret::new("sk-ant-dummy"))),
        ..NewAccount::default()
    };
    let account = rig.admin.accounts().add(new).await.unwrap().account.id;
    let key =
        rig.admin.keys().create(NewKey { name: "laptop".to_owned(), ..NewKey::default() }).await.unwrap();
    let row = AttemptRow {
        account_id: account,
        provider: ProviderKind::Anthropic,
        usage: Usage { input: 1_000, ..Usage::default() },
        cost: NanoUsd::ZERO,
        billed: NanoUsd::ZERO,
        cost_basis: CostBasis::Unpriced,
        upstream_model: ModelName::parse(model).unwrap(),
        ..row(key.view.id, rig.admin.now(), model, 0)
    };
    rig.stores.ledger.append(&[row]).await.unwrap();
}

async fn cost(rig: &Rig) -> i64 {
    let rows = rig.stores.ledger.recent(None, usize::MAX).await.unwrap();
    rows.iter().map(|row| row.cost.as_nanos()).sum()
}

#[tokio::test]
async fn costs_are_looked_at_and_then_written() {
    let rig = Rig::with_people().await;
    let mut browser = rig.logged_in("admin").await;
    unpriced(&rig, "house-odd").await;
    for (from, until, says) in
        [("", "", "from: "), ("May", "", "from: "), ("2099-01-01", "2020-01-01", "until: ")]
    {
        let form = [("from", from), ("until", until), ("model", "house-odd")];
        let wrong = rig.fill_in(&mut browser, AGAIN, AGAIN, &form).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(wrong.html.contains("value=\"house-odd\"") && wrong.html.contains(says), "{}", wrong.html);
    }
    let span = [("from", "1970-01-01"), ("until", "2099-12-31"), ("only_unpriced", "on")];
    let still = rig.fill_in(&mut browser, AGAIN, AGAIN, &span).await;
    assert!(
        still.page().contains("Nothing would change.") && !still.html.contains("/again/apply"),
        "{}",
        still.html
    );
    assert!(still.html.contains("No price still: they stay as they are"), "{}", still.html);
    let rates = OwnRates { input: Some(2_000_000_000), output: Some(0), ..OwnRates::default() };
    let (provider, model) = ("anthropic".to_owned(), "house-odd".to_owned());
    rig.admin.own_prices().set(OwnPriceInput { provider, model, rates, note: None }).await.unwrap();
    let other = [span.as_slice(), &[("model", "another")]].concat();
    let other = rig.fill_in(&mut browser, AGAIN, AGAIN, &other).await;
    assert!(other.page().contains("Nothing would change."), "{}", other.html);
    let seen = rig.fill_in(&mut browser, AGAIN, AGAIN, &span).await;
    assert!(
        seen.page().contains("title=\"$0.002\"") && seen.html.contains("details class=\"confirm\""),
        "{}",
        seen.html
    );
    assert_eq!(cost(&rig).await, 0, "a look changes nothing");
    let done = rig.fill_in(&mut browser, AGAIN, APPLY, &span).await;
    assert!(
        done.page().contains("What was changed") && done.html.contains("title=\"$0.002\""),
        "{}",
        done.html
    );
    assert_eq!(cost(&rig).await, 2_000_000);
}

#[tokio::test]
async fn whoever_may_not_change_prices_sees_neither() {
    let rig = Rig::with_people().await;
    let mut operator = rig.logged_in("operator").await;
    let book = rig.get(&mut operator, "/admin-next/prices").await;
    assert!(!book.page().contains(UPDATE) && !book.html.contains(AGAIN));
    for path in [UPDATE, AGAIN] {
        assert_eq!(rig.get(&mut operator, path).await.status, StatusCode::FORBIDDEN);
    }
    let mut admin = rig.logged_in("admin").await;
    let book = rig.get(&mut admin, "/admin-next/prices").await;
    assert!(book.page().contains(UPDATE) && book.html.contains(AGAIN));
}

#[tokio::test]
async fn what_lists_and_forms_say_is_text() {
    let rig = Rig::with_people().await;
    let mut browser = rig.logged_in("admin").await;
    for nasty in crate::inert::NASTY {
        let text = list(nasty, 1).to_string();
        for form in [
            [("list", text.as_str()), ("source", nasty)],
            [("list", nasty), ("url", "")],
            [("url", nasty), ("list", "")],
        ] {
            let shown = rig.fill_in(&mut browser, UPDATE, UPDATE, &form).await;
            crate::inert::check(&shown.html, "a list of prices");
        }
        let form = [("from", nasty), ("until", nasty), ("model", nasty)];
        let shown = rig.fill_in(&mut browser, AGAIN, AGAIN, &form).await;
        crate::inert::check(&shown.html, "costs");
    }
}
