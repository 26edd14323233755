//! Redemption cards and service rates over HTTP.

use http::{Method, StatusCode};
use posthaste_core::Area;
use serde_json::{Value, json};

use crate::support::{Rig, Shown};

const DOLLAR: u64 = 1_000_000_000;

async fn rig() -> (Rig, Shown) {
    let rig = Rig::new().await;
    let shown = rig.token("admin", &[Area::Keys.write(), Area::Settings.write(), Area::Usage.read()]).await;
    (rig, shown)
}

/// A client key with a dollar in all: its id and its secret.
async fn key(rig: &Rig, shown: &Shown, name: &str) -> (String, String) {
    let limit = json!({
        "name": "total", "unit": "cost", "amount": DOLLAR, "window": { "window": "total" }, "models": [],
    });
    let body = json!({ "name": name, "limits": [limit] });
    let made = rig.send(&Method::POST, "/admin/api-keys", shown, Some(body)).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.json);
    let text = |field: &str| made.data()[field].as_str().unwrap().to_owned();
    (text("id"), text("key"))
}

async fn card(rig: &Rig, shown: &Shown) -> Value {
    let body = json!({ "quota": 2 * DOLLAR, "note": "paid" });
    let made = rig.send(&Method::POST, "/admin/quota-cards", shown, Some(body)).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.json);
    made.data()[0].clone()
}

#[tokio::test]
async fn a_card_goes_from_the_operator_to_the_holder_and_back() {
    let (rig, shown) = rig().await;
    let (id, secret) = key(&rig, &shown, "held").await;
    let card = card(&rig, &shown).await;
    let body = json!({ "apiKey": secret, "code": card["code"] });
    let nobody = Shown::default();
    let redeemed = rig.send(&Method::POST, "/apiStats/api/redeem-card", &nobody, Some(body.clone())).await;
    assert_eq!(redeemed.status, StatusCode::OK, "{}", redeemed.json);
    assert_eq!(redeemed.data()["gives"]["quota"], 2 * DOLLAR);
    assert!(redeemed.data().get("by").is_none() && redeemed.data().get("code").is_none());
    let again = rig.send(&Method::POST, "/apiStats/api/redeem-card", &nobody, Some(body)).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    let by_id = json!({ "apiKey": id, "code": card["code"] });
    let refused = rig.send(&Method::POST, "/apiStats/api/redeem-card", &nobody, Some(by_id)).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "an id is no key");
    let listed = rig.get("/admin/quota-cards?status=redeemed", &shown).await;
    assert_eq!((&listed.data()["total"], &listed.data()["items"][0]["note"]), (&json!(1), &json!("paid")));
    let found = rig.get(&format!("/admin/redemptions?key={id}"), &shown).await;
    let redemption = found.data()["items"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("/admin/redemptions/{redemption}/revoke");
    let back = rig.send(&Method::POST, &path, &shown, None).await;
    assert_eq!(back.data()["taken_back"]["quota"], 2 * DOLLAR, "{}", back.json);
    assert_eq!(rig.send(&Method::POST, &path, &shown, None).await.status, StatusCode::CONFLICT);
    assert_eq!(rig.get("/admin/quota-cards/stats", &shown).await.data()["taken_back"], 2 * DOLLAR);
}

#[tokio::test]
async fn limits_and_rates_are_read_and_changed() {
    let (rig, shown) = rig().await;
    let limits = rig.get("/admin/quota-cards/limits", &shown).await;
    assert_eq!(limits.data(), &json!({ "most_quota": 1_000 * DOLLAR, "most_days": 90 }));
    let body = json!({ "most_quota": 2 * DOLLAR });
    rig.send(&Method::PUT, "/admin/quota-cards/limits", &shown, Some(body)).await;
    let (id, _) = key(&rig, &shown, "held").await;
    let code = card(&rig, &shown).await["code"].clone();
    let path = format!("/admin/api-keys/{id}/redeem-card");
    let refused = rig.send(&Method::POST, &path, &shown, Some(json!({ "code": code }))).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.json);
    let body = json!({ "rates": { "anthropic": "1.25" } });
    let set = rig.send(&Method::PUT, "/admin/service-rates", &shown, Some(body)).await;
    assert_eq!(set.status, StatusCode::OK, "{}", set.json);
    let told = rig.get("/apiStats/service-rates", &Shown::default()).await;
    assert_eq!(told.data()[0], json!({ "provider": "anthropic", "rate": "1.25", "set": true }));
    let services = rig.get("/admin/service-rates/services", &shown).await;
    assert_eq!(services.data()[0], "anthropic", "{}", services.json);
    let wrong = json!({ "rates": { "anthropic": "dear" } });
    let refused = rig.send(&Method::PUT, "/admin/service-rates", &shown, Some(wrong)).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
}
