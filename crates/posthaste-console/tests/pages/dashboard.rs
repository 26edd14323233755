//! The dashboard.

use std::time::Duration;

use http::StatusCode;
use posthaste_admin::{Disclosed, NewAccount, QuotaView};
use posthaste_core::{
    AttemptOutcome, AttemptRow, ClientKeyId, FaultKind, ModelName, ProviderKind, Secret, Usage,
};

use crate::{booked::row, support::Rig};

const BOARD: &str = "/admin-next";

#[tokio::test]
async fn it_tells_what_caches_save_what_failed_and_what_the_relay_took() {
    let rig = Rig::running().await;
    let now = rig.admin.now();
    let of = |model: &str, usage: Usage| AttemptRow {
        provider: ProviderKind::Anthropic,
        usage,
        ..row(ClientKeyId::generate(), now, model, 1)
    };
    let cached = |cache_read| Usage { cache_read, output: 5, reasoning: 3, ..Usage::default() };
    let rows = [
        // 0.90 dollars less for a million tokens than as plain input.
        of("claude-haiku-4-5", cached(1_000_000)),
        of("nobody-knows", cached(7_000)),
        AttemptRow {
            outcome: AttemptOutcome::Failed(FaultKind::Timeout),
            ..of("claude-haiku-4-5", Usage::default())
        },
    ];
    rig.stores.ledger.append(&rows).await.unwrap();
    let mut browser = rig.logged_in("viewer").await;
    let page = rig.get(&mut browser, BOARD).await;
    for part in [
        "title=\"$0.90\"",
        "7,000 tokens of models without a price",
        "<code>nobody-knows</code>",
        "took too long",
        "0.43 ms",
        "99 % took at most 2 ms",
        "of the latest 64 requests",
        "2 of them streams",
        "data-value=\"1007000\"",
    ] {
        assert!(page.page().contains(part), "{part}: {}", page.html);
    }
    assert!(!page.html.contains("What will run out") && !page.html.contains("Relays that share the store"));
}

#[tokio::test]
async fn it_tells_what_runs_out_first() {
    let rig = Rig::running().await;
    let now = rig.admin.now();
    let later = |secs| now.plus(Duration::from_secs(secs));
    let new = NewAccount {
        preset: "anthropic".to_owned(),
        name: "first".to_owned(),
        api_key: Some(Disclosed::new(Secret::new("sk-ant-dummy"))),
        ..NewAccount::default()
    };
    let id = rig.admin.accounts().add(new).await.unwrap().account.id;
    let window = |used_percent, runs_out_at| QuotaView {
        used_percent,
        starts_at: now.minus(Duration::from_secs(3_600)),
        resets_at: later(9_000),
        runs_out_at,
    };
    *rig.running.quota.lock().unwrap() = vec![window(81, Some(later(900))), window(17, None)];
    let mut browser = rig.logged_in("viewer").await;
    let page = rig.get(&mut browser, BOARD).await;
    for part in
        ["What will run out", &format!("/accounts/{id}\">first</a>"), "81 %", "in 15 min", "in 2 h 30 min"]
    {
        assert!(page.page().contains(part), "{part}: {}", page.html);
    }
    assert!(!page.html.contains("17 %"), "that one lasts");
    *rig.running.quota.lock().unwrap() = vec![window(100, Some(now))];
    assert!(rig.get(&mut browser, BOARD).await.page().contains(">gone</span>"));
}

#[tokio::test]
async fn charts_are_of_the_days_that_one_asks_for() {
    let rig = Rig::with_people().await;
    let now = rig.admin.now();
    let key = ClientKeyId::generate();
    let before = |days: u32, model: &str| {
        let model = ModelName::parse(model).unwrap();
        AttemptRow { model, ..row(key, now.minus(days * Duration::from_secs(86_400)), "m", 1) }
    };
    rig.stores.ledger.append(&[before(0, "house-new"), before(40, "house-old")]).await.unwrap();
    let mut browser = rig.logged_in("viewer").await;
    let week = rig.get(&mut browser, BOARD).await;
    assert!(week.page().contains("house-new") && !week.html.contains("house-old"));
    let days =
        rig.get(&mut browser, &format!("{BOARD}?from=2025-11-20&to=2025-11-30&every=day&by=model")).await;
    assert!(days.page().contains("house-old") && !days.html.contains("house-new"), "{}", days.html);
    for kept in ["value=\"2025-11-20\"", "value=\"2025-11-30\"", ">11-20</th>", ">11-30</th>"] {
        assert!(days.html.contains(kept), "{kept}: {}", days.html);
    }
    assert!(!days.html.contains(">12-01</th>"));
    let wrong = rig.get(&mut browser, &format!("{BOARD}?from=2025-11-20&to=2025-11-01")).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.html.contains("role=\"alert\"") && wrong.html.contains("Requests today"));
    let hours = rig.get(&mut browser, &format!("{BOARD}?range=30d&every=hour")).await;
    assert!(hours.page().contains("by the hour 15 days are shown"));
}
