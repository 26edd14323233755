//! One account's page.

use std::time::Duration;

use posthaste_admin::{Disclosed, NewAccount};
use posthaste_core::{AttemptRow, ClientKeyId, Secret};

use crate::{booked::row, support::Rig};

#[tokio::test]
async fn what_an_account_served_is_told_by_the_day_and_by_the_hour() {
    let rig = Rig::with_people().await;
    let new = NewAccount {
        preset: "anthropic".to_owned(),
        name: "main".to_owned(),
        api_key: Some(Disclosed::new(Secret::new("sk-ant-dummy"))),
        ..NewAccount::default()
    };
    let id = rig.admin.accounts().add(new).await.unwrap().account.id;
    let page = format!("/admin-next/accounts/{id}");
    let mut viewer = rig.logged_in("viewer").await;
    let empty = rig.get(&mut viewer, &page).await;
    assert!(empty.page().contains("Nothing was used in this time."), "{}", empty.html);

    let (now, key) = (rig.admin.now(), ClientKeyId::generate());
    let at = |ago: u64, cost: u64| {
        let begun = now.minus(Duration::from_secs(ago));
        AttemptRow { account_id: id, ..row(key, begun, "house", cost) }
    };
    let others = row(key, now, "house", 7_000_000_000);
    let rows = [at(0, 1_000_000_000), at(3_600, 2_000_000_000), at(3 * 86_400, 4_000_000_000), others];
    rig.stores.ledger.append(&rows).await.unwrap();
    let days = rig.get(&mut viewer, &page).await;
    assert!(
        days.page().contains("<strong><data") && days.html.contains(">$7.00</data></strong>"),
        "{}",
        days.html
    );
    assert_eq!(days.html.matches("data-chart=\"bars\"").count(), 1);
    let bars = |html: &str| html.split("<th scope=\"row\">").count() - 1;
    assert_eq!(bars(&days.html), 31, "days without use are bars too: {}", days.html);
    let hours = rig.get(&mut viewer, &format!("{page}?every=hour")).await;
    assert!(hours.page().contains(">$3.00</data></strong>"), "{}", hours.html);
    assert!(hours.html.contains(":00</th>") && bars(&hours.html) == 49, "{}", hours.html);
    assert!(hours.html.contains("?every=hour#used\" aria-current=\"true\""), "{}", hours.html);
}

#[tokio::test]
async fn a_test_can_be_watched_by_whoever_may_have_one() {
    let rig = Rig::with_people().await;
    let new = NewAccount { preset: "sandbox".to_owned(), name: "box".to_owned(), ..NewAccount::default() };
    let id = rig.admin.accounts().add(new).await.unwrap().account.id;
    let page = format!("/admin-next/accounts/{id}");
    let shown = rig.get(&mut rig.logged_in("operator").await, &page).await;
    for part in [
        &format!("data-test=\"/admin/accounts/{id}/test-stream\""),
        "data-step=\"first_event\"",
        "data-trial hidden",
    ] {
        assert!(shown.page().contains(part), "{part}: {}", shown.html);
    }
    let viewer = rig.get(&mut rig.logged_in("viewer").await, &page).await;
    assert!(!viewer.page().contains("data-test"), "{}", viewer.html);
}
