//! Every route × every kind of caller, from the route table itself.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use http::{Method, StatusCode};
use posthaste_admin::{Actor, KeyChange, UserChange};
use posthaste_core::{Area, Role, Scope};
use posthaste_http::{AdminRoute, Door, admin_route_table};
use serde_json::json;

use crate::support::{Read, Rig, Shown};

/// A path in which nobody is meant.
fn filled(path: &str) -> String {
    let parts = path.split('/').map(|part| if part.starts_with('{') { "nobody" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

async fn ask(rig: &Rig, route: &AdminRoute, shown: &Shown) -> Read {
    let body = (route.method != Method::GET).then(|| json!({}));
    rig.send(&route.method, &filled(&route.path), shown, body).await
}

#[test]
fn every_route_is_listed_once() {
    let table = admin_route_table();
    let routes: BTreeSet<_> =
        table.iter().map(|route| (route.method.to_string(), route.path.clone())).collect();
    assert_eq!(routes.len(), table.len());
    for named in NAMED {
        let (method, path) = named.split_once(' ').unwrap();
        assert!(routes.contains(&(method.to_owned(), path.to_owned())), "{named} is missing");
    }
}

/// Paths that the predecessor's users know.
const NAMED: [&str; 40] = [
    "GET /admin/quota-cards",
    "POST /admin/quota-cards",
    "GET /admin/quota-cards/stats",
    "PUT /admin/quota-cards/limits",
    "DELETE /admin/quota-cards/{card}",
    "POST /admin/redemptions/{redemption}/revoke",
    "GET /admin/quota-cards/{card}",
    "GET /admin/redemptions",
    "GET /admin/service-rates",
    "GET /admin/service-rates/services",
    "PUT /admin/service-rates",
    "POST /apiStats/api/redeem-card",
    "GET /apiStats/api/redemption-history",
    "GET /apiStats/service-rates",
    "POST /users/redeem-card",
    "GET /users/redemption-history",
    "POST /admin/claude-accounts/generate-auth-url",
    "POST /admin/claude-accounts/exchange-code",
    "GET /admin/claude-accounts",
    "POST /admin/claude-accounts",
    "PUT /admin/claude-accounts/{account}",
    "DELETE /admin/claude-accounts/{account}",
    "GET /admin/api-keys",
    "POST /admin/api-keys",
    "PUT /admin/api-keys/{key}",
    "DELETE /admin/api-keys/{key}",
    "POST /users/login",
    "POST /users/logout",
    "GET /users/profile",
    "POST /web/auth/login",
    "GET /admin/dashboard",
    "GET /admin/model-stats",
    "GET /admin/usage-trend",
    "GET /admin/usage-costs",
    "GET /admin/api-keys-usage-trend",
    "GET /admin/account-usage-trend",
    "GET /admin/request-details",
    "POST /apiStats/api/user-stats",
    "POST /apiStats/api/user-model-stats",
    "POST /apiStats/api/batch-stats",
];

/// A path that is none is told of as the admin API tells of everything.
#[tokio::test]
async fn what_nobody_serves_is_told_in_the_same_form() {
    let rig = Rig::new().await;
    for path in ["/admin/nothing", "/nothing"] {
        let none = rig.get(path, &Shown::default()).await;
        assert_eq!((none.status, &none.json["error"]), (StatusCode::NOT_FOUND, &json!("not_found")));
    }
}

/// Nobody in particular gets anything but the door's own answer.
#[tokio::test]
async fn whoever_is_not_known_is_refused_everywhere() {
    let rig = Rig::new().await;
    rig.add("gone", Role::Owner).await;
    rig.add("off", Role::Owner).await;
    rig.add("stays", Role::Owner).await;
    let expired = rig.log_in("gone").await;
    rig.clock.advance(Duration::from_secs(24 * 3_600));
    let disabled = rig.log_in("off").await;
    let off = UserChange { enabled: Some(false), ..UserChange::default() };
    rig.admin.people().update(&Actor::machine(), "off", off).await.unwrap();
    let old_token = rig.token("old", &[Area::Keys.write()]).await;
    rig.clock.advance(Duration::from_secs(3_600));
    let bearer = |text: &str| Shown { bearer: Some(text.to_owned()), ..Shown::default() };
    let strangers = [
        ("nobody", Shown::default()),
        ("a client key", bearer("cr_0000000000000000000000000000000000000000000000000000000000000000")),
        ("a made-up token", bearer("pht_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")),
        ("a JWT without a signature", bearer("eyJhbGciOiJub25lIn0.eyJyb2xlIjoib3duZXIifQ.")),
        ("an expired session", expired),
        ("a disabled person's session", disabled),
        ("an expired token", old_token),
    ];
    for route in admin_route_table().iter().filter(|route| route.door != Door::Open) {
        for (who, shown) in &strangers {
            let read = ask(&rig, route, shown).await;
            let at = format!("{} {} for {who}: {}", route.method, route.path, read.json);
            assert_eq!(read.status, StatusCode::UNAUTHORIZED, "{at}");
            assert_eq!(read.json["error"], "unauthenticated", "{at}");
            assert!(read.headers.contains_key("www-authenticate"), "{at}");
        }
    }
}

#[tokio::test]
async fn each_route_lets_in_whom_it_should_and_nobody_else() {
    let rig = Rig::new().await;
    let mut sessions = BTreeMap::new();
    for role in Role::ALL {
        rig.add(role.as_str(), role).await;
        sessions.insert(role, rig.log_in(role.as_str()).await);
    }
    for route in admin_route_table().iter().filter(|route| is_for_people(route)) {
        for role in Role::ALL {
            let read = ask(&rig, route, &sessions[&role]).await;
            if ends_sessions(route) {
                sessions.insert(role, rig.log_in(role.as_str()).await);
            }
            let may = match route.door {
                Door::Needs(need) => role.may(need),
                Door::Person | Door::Known | Door::Open | Door::ClientKey => true,
            };
            let at = format!("{} {} for {role}: {}", route.method, route.path, read.json);
            let refused = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&read.status);
            assert_eq!(!refused, may, "{at}");
            assert!(!read.status.is_server_error(), "{at}");
            if refused {
                assert_eq!(read.json["error"], "forbidden", "{at}");
            }
        }
    }
}

#[tokio::test]
async fn a_token_opens_the_doors_of_its_scopes() {
    let rig = Rig::new().await;
    let every: Vec<Scope> = Area::ALL.into_iter().flat_map(|area| [area.read(), area.write()]).collect();
    for scope in every {
        let shown = rig.token(&scope.to_string(), &[scope]).await;
        for route in admin_route_table().iter().filter(|route| is_for_people(route)) {
            let read = ask(&rig, route, &shown).await;
            let may = match route.door {
                Door::Needs(need) => scope.covers(need),
                // What it asks for is nothing here.
                Door::Known => true,
                _ => false,
            };
            // A token may not make tokens, whatever it may do else.
            let makes_tokens = (route.method.as_str(), route.path.as_str()) == ("POST", "/admin/tokens");
            let refused = read.status == StatusCode::FORBIDDEN;
            let at = format!("{} {} for {scope}: {} {}", route.method, route.path, read.status, read.json);
            assert!(refused != may || makes_tokens, "{at}");
            assert_ne!(read.status, StatusCode::UNAUTHORIZED, "{at}");
        }
    }
}

#[tokio::test]
async fn a_holder_sees_the_own_key_and_nobody_else_s() {
    let rig = Rig::new().await;
    let (one, other) = (rig.client_key("one", &[]).await, rig.client_key("other", &[]).await);
    let bound = rig.client_key("bound", &["192.0.2.0/24"]).await;
    let off = rig.client_key("off", &[]).await;
    let change = KeyChange { enabled: Some(false), ..KeyChange::default() };
    rig.admin.keys().update("off", change).await.unwrap();
    rig.add("owner", Role::Owner).await;
    let owner = rig.log_in("owner").await;
    let bearer = |key: &str| Shown { bearer: Some(key.to_owned()), ..Shown::default() };
    for route in admin_route_table().iter().filter(|route| route.door == Door::ClientKey) {
        let at = format!("{} {}", route.method, route.path);
        let read = ask(&rig, route, &bearer(&one)).await;
        assert_eq!(read.status, StatusCode::OK, "{at}: {}", read.json);
        let text = read.json.to_string();
        assert!(!text.contains("other") && !text.contains(&other[60..]), "{at}: {text}");
        assert_eq!(ask(&rig, route, &bearer(&off)).await.status, StatusCode::FORBIDDEN, "{at}");
        assert_eq!(ask(&rig, route, &bearer(&bound)).await.status, StatusCode::FORBIDDEN, "{at}");
        // Neither an id nor an operator's session is a key.
        let id = rig.admin.keys().show("one").await.unwrap().id.to_string();
        assert_eq!(ask(&rig, route, &bearer(&id)).await.status, StatusCode::UNAUTHORIZED, "{at}");
        assert_eq!(ask(&rig, route, &owner).await.status, StatusCode::UNAUTHORIZED, "{at}");
    }
    for path in ["/apiStats/api/get-key-id", "/apiStats/api/user-stats", "/apiStats/api/user-model-stats"] {
        let ask = async |key: &str| {
            rig.send(&Method::POST, path, &Shown::default(), Some(json!({ "apiKey": key }))).await
        };
        assert_eq!(ask(&one).await.status, StatusCode::OK);
        assert_eq!(ask(&off).await.status, StatusCode::FORBIDDEN);
        assert_eq!(ask("guess").await.status, StatusCode::UNAUTHORIZED);
    }
    let id = rig.admin.keys().show("one").await.unwrap().id.to_string();
    for path in ["/apiStats/api/batch-stats", "/apiStats/api/batch-model-stats"] {
        let ask = async |keys: &[&str]| {
            rig.send(&Method::POST, path, &Shown::default(), Some(json!({ "apiKeys": keys }))).await
        };
        assert_eq!(ask(&[&one, &one]).await.status, StatusCode::OK);
        assert_eq!(ask(&[&one, &off]).await.status, StatusCode::FORBIDDEN);
        assert_eq!(ask(&[&one, &id]).await.status, StatusCode::UNAUTHORIZED, "an id is no key");
        assert_eq!(ask(&[]).await.status, StatusCode::BAD_REQUEST);
        assert_eq!(ask(&vec![one.as_str(); 31]).await.status, StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn no_other_site_changes_anything_by_a_browser_that_is_logged_in() {
    let rig = Rig::new().await;
    rig.add("owner", Role::Owner).await;
    let good = rig.log_in("owner").await;
    let forged = [
        ("no token", Shown { csrf: None, ..good.clone() }),
        ("another's token", Shown { csrf: Some("0".repeat(64)), ..good.clone() }),
        ("another site", Shown { origin: Some("https://evil.example".to_owned()), ..good.clone() }),
        ("a page in a frame", Shown { origin: Some("null".to_owned()), ..good.clone() }),
    ];
    let changes = admin_route_table();
    for route in changes.iter().filter(|route| route.method != Method::GET && route.door != Door::Open) {
        for (how, shown) in &forged {
            let read = ask(&rig, route, shown).await;
            assert_eq!(read.status, StatusCode::FORBIDDEN, "{} {} by {how}", route.method, route.path);
        }
    }
    for route in changes.iter().filter(|route| route.method != Method::GET && route.door == Door::Open) {
        let shown = Shown { origin: Some("https://evil.example".to_owned()), ..Shown::default() };
        assert_eq!(ask(&rig, route, &shown).await.status, StatusCode::FORBIDDEN, "{}", route.path);
    }
    assert_eq!(rig.get("/users/profile", &good).await.status, StatusCode::OK, "the session is still there");
}

fn is_for_people(route: &AdminRoute) -> bool {
    matches!(route.door, Door::Person | Door::Known | Door::Needs(_))
}

fn ends_sessions(route: &AdminRoute) -> bool {
    route.path.ends_with("/logout") || route.path == "/users/me/sessions"
}
