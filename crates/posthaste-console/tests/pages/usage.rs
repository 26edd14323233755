//! Use and cost on their page.

use std::time::Duration;

use http::{StatusCode, header};
use posthaste_admin::NewKey;
use posthaste_core::{AttemptRow, CostBasis, NanoUsd};

use crate::{booked::row, support::Rig};

const USAGE: &str = "/admin-next/usage";

/// Two keys' attempts of today and of the day before yesterday.
async fn used() -> Rig {
    let rig = Rig::with_people().await;
    let now = rig.admin.now();
    let before = now.minus(Duration::from_secs(2 * 86_400));
    let new = NewKey { name: "laptop".to_owned(), ..NewKey::default() };
    let key = rig.admin.keys().create(new).await.unwrap().view.id;
    let gone = posthaste_core::ClientKeyId::generate();
    let rows = [
        row(key, now, "house-large", 3_000_000_000),
        row(key, before, "house-small", 1_000_000_000),
        AttemptRow { cost_basis: CostBasis::Unpriced, cost: NanoUsd::ZERO, ..row(gone, now, "house-odd", 7) },
    ];
    rig.stores.ledger.append(&rows).await.unwrap();
    rig
}

#[tokio::test]
async fn the_books_are_told_apart_as_one_asks() {
    let rig = used().await;
    let mut browser = rig.logged_in("viewer").await;
    let page = rig.get(&mut browser, USAGE).await;
    for part in ["house-large", "house-small", "$4.00", "$8.00", "1 attempts without a price", "data-chart"] {
        assert!(page.page().contains(part), "{part}: {}", page.html);
    }
    let (dear, cheap) = (page.html.find(">house-large<").unwrap(), page.html.find(">house-small<").unwrap());
    assert!(dear < cheap, "the dearest comes first");
    let today = rig.get(&mut browser, &format!("{USAGE}?range=today&by=key")).await;
    assert!(today.page().contains(">laptop</a>") && !today.html.contains("$4.00"), "{}", today.html);
    let days = rig.get(&mut browser, &format!("{USAGE}?by=none&every=day")).await;
    assert!(days.page().contains("2025-12-30") && days.html.contains("2026-01-01"), "{}", days.html);
    assert!(!days.html.contains("house-large"));
    let one = rig.get(&mut browser, &format!("{USAGE}?model=house-small")).await;
    assert!(one.page().contains("$1.00") && !one.html.contains(">house-large<"), "{}", one.html);
}

#[tokio::test]
async fn a_filter_that_means_nobody_says_so_and_stays() {
    let rig = used().await;
    let mut browser = rig.logged_in("viewer").await;
    let wrong = rig.get(&mut browser, &format!("{USAGE}?key=nobody&every=day")).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    for kept in ["value=\"nobody\"", "value=\"day\" selected", "role=\"alert\""] {
        assert!(wrong.html.contains(kept), "{kept}: {}", wrong.html);
    }
}

#[tokio::test]
async fn what_the_page_shows_is_there_as_a_file() {
    let rig = used().await;
    let formula = NewKey { name: "=1+1".to_owned(), ..NewKey::default() };
    let key = rig.admin.keys().create(formula).await.unwrap().view.id;
    rig.stores.ledger.append(&[row(key, rig.admin.now(), "house-large", 2_000_000_000)]).await.unwrap();
    let mut browser = rig.logged_in("viewer").await;
    let asked = "by=key&every=day&range=all";
    let page = rig.get(&mut browser, &format!("{USAGE}?{asked}")).await;
    let to = format!("{USAGE}/export?{asked}&format=csv");
    assert!(page.page().contains(&to.replace('&', "&#38;")), "{}", page.html);
    let table = rig.get(&mut browser, &to).await;
    assert!(table.page().starts_with("day,key,key_id,attempts,"), "{}", table.html);
    assert_eq!(table.header(header::CONTENT_TYPE), "text/csv; charset=utf-8");
    assert_eq!(table.header(header::CONTENT_DISPOSITION), "attachment; filename=\"usage-2026-01-01.csv\"");
    assert_eq!(table.html.lines().count(), 5, "{}", table.html);
    assert!(table.html.contains("2025-12-30T00:00:00Z,laptop,") && table.html.contains(",'=1+1,"));
    let json = rig
        .get(&mut browser, &format!("{USAGE}/export?by=model&model=house-small&range=all&format=json"))
        .await;
    let told: serde_json::Value = serde_json::from_str(json.page()).unwrap();
    assert_eq!(told["rows"].as_array().unwrap().len(), 1);
    assert_eq!(told["rows"][0]["cost_nano_usd"], 1_000_000_000);
    let wrong = rig.get(&mut browser, &format!("{USAGE}/export?key=nobody")).await;
    assert_eq!(wrong.status, StatusCode::NOT_FOUND);
    let mut holder = rig.logged_in("user").await;
    assert_eq!(rig.get(&mut holder, &to).await.status, StatusCode::FORBIDDEN);
}
