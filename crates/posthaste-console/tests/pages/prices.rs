//! Prices on their pages.

use http::StatusCode;
use posthaste_core::{AttemptRow, ClientKeyId, CostBasis, NanoUsd, ProviderKind};

use crate::{booked::row, support::Rig};

const PRICES: &str = "/admin-next/prices";
const OWN: &str = "/admin-next/prices/own";
const NEW: &str = "/admin-next/prices/own/new";
const RATES: &str = "/admin-next/prices/rates";

#[tokio::test]
async fn the_book_is_searched() {
    let rig = Rig::with_people().await;
    let mut browser = rig.logged_in("viewer").await;
    let all = rig.get(&mut browser, PRICES).await;
    assert!(all.page().contains("anthropic/claude") && all.html.contains("rel=\"next\""), "{}", all.html);
    assert!(!all.html.contains(NEW), "a viewer says no price");
    let some = rig.get(&mut browser, &format!("{PRICES}?search=claude-sonnet&list=anthropic")).await;
    assert!(some.page().contains("anthropic/claude-sonnet") && !some.html.contains("<code>openai/"));
    assert!(
        rig.get(&mut browser, &format!("{PRICES}?search=zzzz"))
            .await
            .page()
            .contains("No price is like that.")
    );
}

#[tokio::test]
async fn a_price_of_ones_own_is_said_changed_and_removed() {
    let rig = Rig::with_people().await;
    let mut browser = rig.logged_in("admin").await;
    assert!(rig.get(&mut browser, OWN).await.page().contains("There is no price of your own."));
    let form = [("provider", "anthropic"), ("model", "house-model"), ("input", "lots"), ("note", "till May")];
    let wrong = rig.fill_in(&mut browser, NEW, NEW, &form).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    for kept in ["value=\"house-model\"", "value=\"lots\"", "value=\"till May\"", "input: "] {
        assert!(wrong.html.contains(kept), "{kept}: {}", wrong.html);
    }
    let form = [("provider", "anthropic"), ("model", "house-model"), ("input", "0.25"), ("output", "1.5")];
    assert_eq!(rig.fill_in(&mut browser, NEW, NEW, &form).await.to(), OWN);
    let list = rig.get(&mut browser, OWN).await;
    assert!(list.page().contains("anthropic/house-model") && list.html.contains("$0.25"), "{}", list.html);
    let book = rig.get(&mut browser, &format!("{PRICES}?own=on")).await;
    assert!(book.page().contains("anthropic/house-model"), "{}", book.html);
    let id = rig.admin.own_prices().list().await.unwrap()[0].id;
    let edit = format!("{OWN}/{id}");
    let page = rig.get(&mut browser, &edit).await;
    let (csrf, version) = (page.field("csrf"), page.field("version"));
    assert!(page.html.contains("value=\"0.25\"") && page.html.contains("value=\"1.50\""), "{}", page.html);
    let form = |input| [("csrf", csrf.as_str()), ("version", version.as_str()), ("input", input)];
    assert_eq!(rig.post(&mut browser, &edit, &form("0.5")).await.to(), OWN);
    let late = rig.post(&mut browser, &edit, &form("0.75")).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert!(late.html.contains("value=\"0.75\""), "{}", late.html);
    let rates = rig.admin.own_prices().list().await.unwrap()[0].rates;
    assert_eq!((rates.input, rates.output), (Some(500_000_000), None));
    let gone = rig.fill_in(&mut browser, OWN, &format!("{edit}/delete"), &[]).await;
    assert_eq!(gone.to(), OWN);
    assert!(rig.admin.own_prices().list().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_model_without_a_price_gets_one() {
    let rig = Rig::with_people().await;
    let mut browser = rig.logged_in("admin").await;
    let unknown = format!("{PRICES}/unknown");
    assert!(rig.get(&mut browser, &unknown).await.page().contains("Every model that was used"));
    let row = row(ClientKeyId::generate(), rig.admin.now(), "house-odd", 7);
    let row = AttemptRow {
        cost_basis: CostBasis::Unpriced,
        cost: NanoUsd::ZERO,
        provider: ProviderKind::Anthropic,
        ..row
    };
    rig.stores.ledger.append(&[row]).await.unwrap();
    let page = rig.get(&mut browser, &unknown).await;
    let to = format!("{NEW}?provider=anthropic&#38;model=house-odd");
    assert!(page.page().contains(&to), "{}", page.html);
    let form = rig.get(&mut browser, &to.replace("&#38;", "&")).await;
    assert!(form.page().contains("value=\"house-odd\""), "{}", form.html);
}

#[tokio::test]
async fn a_rate_changes_and_the_others_stay() {
    let rig = Rig::with_people().await;
    let mut browser = rig.logged_in("admin").await;
    let wrong = [("rate_anthropic", "dear"), ("was_anthropic", "")];
    let wrong = rig.fill_in(&mut browser, RATES, RATES, &wrong).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.html.contains("value=\"dear\""), "{}", wrong.html);
    let form = [("rate_anthropic", "1.25"), ("was_anthropic", ""), ("rate_openai", ""), ("was_openai", "")];
    assert_eq!(rig.fill_in(&mut browser, RATES, RATES, &form).await.to(), RATES);
    let page = rig.get(&mut browser, RATES).await;
    assert!(page.page().contains("× 1.25") && page.html.contains("an operator"), "{}", page.html);
    let mut viewer = rig.logged_in("viewer").await;
    let seen = rig.get(&mut viewer, RATES).await;
    assert!(seen.page().contains("× 1.25") && !seen.html.contains("name=\"rate_"), "{}", seen.html);
}
