//! Use and cost on their page.

use std::time::Duration;

use http::StatusCode;
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
async fn the_same_leads_to_programs_and_spreadsheets() {
    let rig = used().await;
    let mut browser = rig.logged_in("viewer").await;
    let page = rig.get(&mut browser, &format!("{USAGE}?by=key&every=day&key=laptop&range=all")).await;
    let json = "/admin/usage?key=laptop&#38;by=day%2Ckey";
    assert!(page.page().contains(json), "{}", page.html);
    assert!(page.html.contains("/admin/usage/export?key=laptop"), "{}", page.html);
}
