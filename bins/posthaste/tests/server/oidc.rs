//! People of an OpenID provider at a running relay: the sandbox's identity server, and a browser that is a script.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use http::header::{COOKIE, LOCATION, SET_COOKIE};
use posthaste_core::{Clock, Egress, Payload, Secret, SystemClock, Transport};
use posthaste_sandbox::{SANDBOX_CONFIDENTIAL_CLIENT_ID, SANDBOX_CONFIDENTIAL_CLIENT_SECRET, Sandbox};
use posthaste_testkit::{SandboxServer, spawn_redis};
use posthaste_upstream::{HttpTransport, UpstreamOptions};
use posthaste_vault::CodeSecret;
use serde_json::{Value, json};

use crate::support::{Bench, Server, eventually};

/// Where browsers find the relay, as the provider is told. The script goes to where the relay really listens.
const PUBLIC: &str = "http://127.0.0.1:1";

const PASSWORD: &str = "correct-horse-battery";

struct Browser {
    transport: Arc<HttpTransport>,
    cookies: BTreeMap<String, String>,
}

struct Page {
    status: u16,
    location: String,
    set_cookies: Vec<String>,
    text: String,
}

impl Page {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("{}: {}", self.status, self.text))
    }

    fn message(&self) -> String {
        self.json()["message"].as_str().unwrap().to_owned()
    }
}

impl Browser {
    fn new() -> Self {
        let transport = Arc::new(HttpTransport::new(&UpstreamOptions::default()).unwrap());
        Self { transport, cookies: BTreeMap::new() }
    }

    /// Opens a page of the relay.
    async fn open(&mut self, server: &Server, path: &str) -> Page {
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let page = self.get(&format!("{}{path}", server.base), &cookies.join("; ")).await;
        self.keep(page)
    }

    /// Sends a form's content to the relay.
    async fn post(&mut self, server: &Server, path: &str, body: &Value) -> Page {
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = http::Request::post(format!("{}{path}", server.base))
            .header(COOKIE, cookies.join("; "))
            .header("content-type", "application/json");
        let page = self.send(request.body(Payload::from(Bytes::from(body.to_string()))).unwrap()).await;
        self.keep(page)
    }

    fn keep(&mut self, page: Page) -> Page {
        for set in &page.set_cookies {
            let (name, value) = set.split(';').next().unwrap().split_once('=').unwrap();
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        page
    }

    async fn get(&self, url: &str, cookies: &str) -> Page {
        let mut request = http::Request::get(url);
        if !cookies.is_empty() {
            request = request.header(COOKIE, cookies);
        }
        self.send(request.body(Payload::from(Bytes::new())).unwrap()).await
    }

    async fn send(&self, request: http::Request<Payload>) -> Page {
        let answer = self.transport.send(request, &Egress::direct(true)).await.unwrap();
        let (head, body) = answer.into_parts();
        let text = |value: &http::HeaderValue| value.to_str().unwrap().to_owned();
        let body = http_body_util::BodyExt::collect(body).await.unwrap().to_bytes();
        Page {
            status: head.status.as_u16(),
            location: head.headers.get(LOCATION).map(text).unwrap_or_default(),
            set_cookies: head.headers.get_all(SET_COOKIE).iter().map(text).collect(),
            text: String::from_utf8_lossy(&body).into_owned(),
        }
    }

    /// Begins at the relay and logs in at the provider; gives the path with which the browser comes back.
    async fn visit_provider(&mut self, server: &Server, answers: &str) -> String {
        let away = self.open(server, "/users/oidc/login").await;
        assert_eq!(away.status, 302, "{}", away.text);
        for part in
            ["code_challenge=", "code_challenge_method=S256", "nonce=", "state=", "response_type=code"]
        {
            assert!(away.location.contains(part), "{}", away.location);
        }
        let back = self.get(&format!("{}&{answers}", away.location), "").await;
        assert_eq!(back.status, 302, "{}", back.text);
        back.location.strip_prefix(PUBLIC).unwrap_or_else(|| panic!("{}", back.location)).to_owned()
    }

    /// The whole way.
    async fn log_in(&mut self, server: &Server, answers: &str) -> Page {
        let back = self.visit_provider(server, answers).await;
        self.open(server, &back).await
    }
}

fn at(bench: Bench, issuer: &str) -> Bench {
    bench
        .with("POSTHASTE_OIDC__ISSUER", issuer)
        .with("POSTHASTE_OIDC__CLIENT_ID", SANDBOX_CONFIDENTIAL_CLIENT_ID)
        .with("POSTHASTE_OIDC__CLIENT_SECRET", SANDBOX_CONFIDENTIAL_CLIENT_SECRET)
        .with("POSTHASTE_OIDC__PUBLIC_URL", PUBLIC)
        .with("POSTHASTE_OIDC__LABEL", "Staff")
        .with("POSTHASTE_OIDC__OPERATOR_GROUPS", "ops")
}

async fn provider() -> (SandboxServer, Bench) {
    let provider = SandboxServer::start(Sandbox::default()).await;
    let bench = at(Bench::new(), &format!("{}/oidc", provider.base_url()));
    (provider, bench)
}

const ADA: &str = "approve=1&login_hint=ada@sandbox.example";

#[tokio::test(flavor = "multi_thread")]
async fn a_person_logs_in_at_the_provider_and_is_the_same_one_later() {
    let (_provider, bench) = provider().await;
    let server = bench.serve();
    let mut browser = Browser::new();
    let state = browser.open(&server, "/web/auth/state").await.json();
    let ways = json!({ "password": true, "directory": false, "oidc": "Staff" });
    assert_eq!(state["data"]["ways"], ways);

    let back = browser.visit_provider(&server, &format!("{ADA}&groups=ops,dev")).await;
    let ticket = browser.cookies["posthaste_oidc"].clone();
    let landed = browser.open(&server, &back).await;
    assert_eq!((landed.status, landed.location.as_str()), (302, "/users/profile"), "{}", landed.text);
    let session = landed.set_cookies.iter().find(|set| set.starts_with("posthaste_session=")).unwrap();
    assert!(session.contains("HttpOnly") && session.contains("SameSite=Lax"), "{session}");
    assert!(!browser.cookies.contains_key("posthaste_oidc"), "the ticket is not kept");
    let first = browser.open(&server, "/users/profile").await.json();
    let user = &first["data"];
    assert_eq!((&user["name"], &user["role"]), (&json!("ada"), &json!("operator")), "{first}");

    let mut later = Browser::new();
    assert_eq!(later.log_in(&server, ADA).await.status, 302);
    let second = later.open(&server, "/users/profile").await.json();
    assert_eq!(second["data"]["id"], user["id"]);
    assert_eq!(second["data"]["role"], "user", "roles follow groups: {second}");
    assert_eq!(browser.open(&server, "/users/profile").await.status, 401, "who lost rights is logged out");

    let entries = bench.cli("audit list --action session.begin").to_string();
    assert!(entries.contains("\"oidc\""), "{entries}");
    let (log, code) = (server.log(), back.split("code=").nth(1).unwrap().split('&').next().unwrap());
    for secret in [SANDBOX_CONFIDENTIAL_CLIENT_SECRET, code, &ticket] {
        assert!(!log.contains(secret) && !entries.contains(secret), "{log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_taken_for_another_of_the_same_name() {
    let (_provider, bench) = provider().await;
    bench.cli(&format!("admin create ada --password {PASSWORD}"));
    bench.cli("owners set bob");
    let server = bench.serve();
    let mut browser = Browser::new();
    for name in ["ada@sandbox.example", "bob@sandbox.example"] {
        let refused = browser.log_in(&server, &format!("approve=1&login_hint={name}")).await;
        assert_eq!(refused.status, 401, "{name}: {}", refused.text);
        assert!(refused.message().contains("belongs to somebody else here"), "{}", refused.text);
    }
    assert_eq!(browser.log_in(&server, "approve=1&login_hint=eve@one.example").await.status, 302);
    let refused = Browser::new().log_in(&server, "approve=1&login_hint=eve@two.example").await;
    assert_eq!(refused.status, 401, "another subject of the same name: {}", refused.text);
    let login = json!({ "username": "eve", "password": PASSWORD });
    let password = server.ask(http::Method::POST, "/users/login", None, &login).await;
    assert_eq!(password.status, 401, "she has no password");
    let login = json!({ "username": "ada", "password": PASSWORD });
    assert_eq!(server.ask(http::Method::POST, "/users/login", None, &login).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_believed_is_refused() {
    let (_provider, bench) = provider().await;
    let server = bench.serve();
    for (fault, words) in [
        ("unsigned", "is not signed"),
        ("key-as-password", "is not signed"),
        ("forged", "is not signed"),
        ("unknown-key", "is not signed"),
        ("other-issuer", "by another provider"),
        ("other-audience", "to somebody else"),
        ("two-audiences", "to somebody else"),
        ("other-party", "to somebody else"),
        ("other-nonce", "in another log-in"),
        ("no-nonce", "in another log-in"),
        ("expired", "has ended"),
        ("no-token", "cannot be used"),
        ("no-name", "tells no name"),
    ] {
        let mut browser = Browser::new();
        let refused = browser.log_in(&server, &format!("{ADA}&fault={fault}")).await;
        assert_eq!(refused.status, 401, "{fault}: {}", refused.text);
        assert!(refused.message().contains(words), "{fault}: {}", refused.text);
        assert!(!browser.cookies.contains_key("posthaste_session"), "{fault}");
    }
    let away = Browser::new().log_in(&server, &format!("{ADA}&fault=token-away")).await;
    assert_eq!(away.status, 502, "{}", away.text);
    assert!(away.message().contains("identity provider cannot be asked"), "{}", away.text);
    let denied = Browser::new().log_in(&server, "approve=0").await;
    assert_eq!(denied.status, 401);
    assert!(denied.message().contains("access was denied"), "{}", denied.text);

    let entries = bench.cli("audit list --action session.begin");
    let refused: Vec<_> =
        entries.as_array().unwrap().iter().filter(|entry| entry["outcome"] == "refused").collect();
    assert!((1..=3).contains(&refused.len()), "told once, and then counted: {entries}");
    let people = bench.cli("users list");
    assert!(people.as_array().unwrap().is_empty(), "{people}");
    server.stop().await;
    let told = bench.cli("audit list --action session.begin").to_string();
    assert!(told.contains("refused again"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_belongs_to_one_browser_and_is_taken_once() {
    let (_provider, bench) = provider().await;
    let server = bench.serve();
    let mut browser = Browser::new();
    let back = browser.visit_provider(&server, ADA).await;
    let stranger = Browser::new().open(&server, &back).await;
    assert_eq!(stranger.status, 401, "{}", stranger.text);
    assert!(stranger.message().contains("did not begin a log-in here"), "{}", stranger.text);

    let mut other = Browser::new();
    other.visit_provider(&server, ADA).await;
    let forced = other.open(&server, &back).await;
    assert_eq!(forced.status, 401, "{}", forced.text);
    assert!(forced.message().contains("belongs to another log-in"), "{}", forced.text);

    let elsewhere = browser.open(&server, &format!("{back}&iss=https://other.example")).await;
    assert_eq!(elsewhere.status, 401);
    assert!(elsewhere.message().contains("by another provider"), "{}", elsewhere.text);

    let back = browser.visit_provider(&server, ADA).await;
    let kept = browser.cookies.clone();
    assert_eq!(browser.open(&server, &back).await.status, 302);
    let mut again = Browser { cookies: kept, ..Browser::new() };
    let replayed = again.open(&server, &back).await;
    assert_eq!(replayed.status, 401);
    assert!(replayed.message().contains("used before"), "{}", replayed.text);

    for to in ["//evil.example", "https://evil.example", "/%5Cevil.example", "evil"] {
        let asked = Browser::new().open(&server, &format!("/users/oidc/login?to={to}")).await;
        assert_eq!(asked.status, 400, "{to}: {}", asked.text);
    }
    let none = Browser::new().open(&server, "/users/oidc/callback").await;
    assert_eq!(none.status, 401, "{}", none.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_a_second_factor_gives_its_code_after_coming_back() {
    let (_provider, bench) = provider().await;
    let server = bench.serve();
    let mut browser = Browser::new();
    assert_eq!(browser.log_in(&server, ADA).await.status, 302);
    let session = browser.cookies["posthaste_session"].clone();
    let ask = async |path: &str, body: &Value| {
        let answer = server.ask(http::Method::POST, path, Some(&session), body).await;
        assert_eq!(answer.status, 200, "{path}");
        answer.json().await["data"].clone()
    };
    let factor = ask("/users/me/second-factor", &Value::Null).await;
    let secret = factor["secret"].as_str().unwrap();
    let code = CodeSecret::from_base32(Secret::new(secret)).code(SystemClock.now()).unwrap();
    let confirm = json!({ "secret": secret, "code": code.expose() });
    let codes = ask("/users/me/second-factor/confirm", &confirm).await["recovery_codes"].clone();

    let mut browser = Browser::new();
    let back = browser.visit_provider(&server, ADA).await;
    let first_step = browser.cookies["posthaste_oidc"].clone();
    let landed = browser.open(&server, &back).await;
    assert_eq!(landed.status, 302, "{}", landed.text);
    assert_eq!(landed.location, "/users/profile?second_factor=needed");
    assert!(!browser.cookies.contains_key("posthaste_session"), "half a log-in is none");
    assert_eq!(browser.open(&server, "/users/profile").await.status, 401);
    let second_step = browser.cookies["posthaste_oidc"].clone();
    let mut stranger = Browser::new();
    let right = json!({ "code": codes[0] });
    for (who, ticket) in [("nobody", None), ("who is at the provider", Some(first_step))] {
        stranger.cookies.extend(ticket.map(|ticket| ("posthaste_oidc".to_owned(), ticket)));
        let refused = stranger.post(&server, "/users/oidc/code", &right).await;
        assert_eq!(refused.status, 401, "{who}: {}", refused.text);
        assert!(refused.message().contains("log in at the identity provider first"), "{}", refused.text);
    }
    let wrong = browser.post(&server, "/users/oidc/code", &json!({ "code": "no-code-of-hers" })).await;
    assert_eq!(wrong.status, 401, "{}", wrong.text);
    let entered = browser.post(&server, "/users/oidc/code", &right).await;
    assert_eq!(entered.status, 200, "{}", entered.text);
    assert!(!browser.cookies.contains_key("posthaste_oidc"), "the ticket is not kept");
    assert_eq!(browser.open(&server, "/users/profile").await.status, 200);
    let mut again = Browser::new();
    again.cookies.insert("posthaste_oidc".to_owned(), second_step);
    let used = again.post(&server, "/users/oidc/code", &right).await;
    assert_eq!(used.status, 401, "a recovery code is taken once: {}", used.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_switched_off_here_does_not_come_in() {
    let (_provider, bench) = provider().await;
    let server = bench.serve();
    let mut browser = Browser::new();
    assert_eq!(browser.log_in(&server, ADA).await.status, 302);
    bench.cli("users update ada --disable");
    assert_eq!(browser.open(&server, "/users/profile").await.status, 401, "the session is over");
    let refused = browser.log_in(&server, ADA).await;
    assert_eq!(refused.status, 401, "{}", refused.text);
    assert!(refused.message().contains("may not log in here"), "{}", refused.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_new_at_the_provider_is_learnt() {
    let (_provider, bench) = provider().await;
    let server = bench.serve();
    assert_eq!(Browser::new().log_in(&server, ADA).await.status, 302);
    let landed = Browser::new().log_in(&server, &format!("{ADA}&fault=new-key")).await;
    assert_eq!(landed.status, 302, "{}", landed.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_away_or_another_one_lets_nobody_in() {
    let provider = SandboxServer::start(Sandbox::default()).await;
    for (prefix, logged) in [("/away", "503"), ("/other-issuer", "unexpected issuer")] {
        let bench = at(Bench::new(), &format!("{}{prefix}/oidc", provider.base_url()));
        bench.cli(&format!("admin create ada --password {PASSWORD}"));
        let server = bench.serve();
        let page = Browser::new().open(&server, "/users/oidc/login").await;
        assert_eq!(page.status, 502, "{prefix}: {}", page.text);
        assert!(page.message().contains("the identity provider cannot be asked now"), "{}", page.text);
        assert!(!page.text.contains("127.0.0.1"), "{}", page.text);
        eventually("the log tells", || server.log().contains(logged).then_some(())).await;
        let login = json!({ "username": "ada", "password": PASSWORD });
        let local = server.ask(http::Method::POST, "/users/login", None, &login).await;
        assert_eq!(local.status, 200, "people of this relay come in all the same");
    }
    let server = Bench::new().serve();
    assert_eq!(Browser::new().open(&server, "/users/oidc/login").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_in_begins_at_one_relay_and_ends_at_another() {
    let (_provider, bench) = provider().await;
    let redis = spawn_redis();
    let one = bench
        .with("POSTHASTE_DATA__STORE", "redis")
        .with("POSTHASTE_DATA__REDIS_URL", &redis.url())
        .with("POSTHASTE_VAULT__MASTER_KEY", &"5a".repeat(32));
    let two = one.like();
    let (first, second) = (one.serve(), two.serve());
    let mut browser = Browser::new();
    let back = browser.visit_provider(&first, ADA).await;
    let kept = browser.cookies.clone();
    let landed = browser.open(&second, &back).await;
    assert_eq!(landed.status, 302, "{}", landed.text);
    assert_eq!(browser.open(&first, "/users/profile").await.status, 200);
    let replayed = Browser { cookies: kept, ..Browser::new() }.open(&first, &back).await;
    assert_eq!(replayed.status, 401);
    assert!(replayed.message().contains("used before"), "{}", replayed.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_the_way_of_log_ins_is_found_without_a_browser() {
    let (_provider, bench) = provider().await;
    let server = bench.serve();
    let of = |report: &Value, step: &str| {
        let found = report["findings"].as_array().unwrap().iter().find(|one| one["step"] == step);
        found.unwrap_or_else(|| panic!("{step}: {report}")).clone()
    };
    let report = bench.cli("users test-sign-in oidc");
    assert_eq!((&report["ok"], &of(&report, "client")["state"]), (&json!(true), &json!("good")), "{report}");
    assert!(of(&report, "redirect")["found"].as_str().unwrap().contains("/users/oidc/callback"), "{report}");
    assert!(!report.to_string().contains(SANDBOX_CONFIDENTIAL_CLIENT_SECRET), "{report}");
    server.stop().await;
    // Without a relay it looks by itself, with the settings of the moment.
    let bench = bench.with("POSTHASTE_OIDC__CLIENT_SECRET", "dummy-other-secret");
    let refused = bench.command("users test-sign-in oidc --json").output().unwrap();
    let report: Value = serde_json::from_slice(&refused.stdout).unwrap();
    assert!(!refused.status.success() && report["ok"] == false, "{report}");
    assert_eq!(of(&report, "client")["state"], "bad", "{report}");
    assert!(!report.to_string().contains("dummy-other-secret"), "{report}");
}
