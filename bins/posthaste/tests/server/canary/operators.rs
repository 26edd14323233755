//! The operators' surface: every endpoint that the relay describes, with people, tokens and channels that have marked secrets.

use bytes::Bytes;
use posthaste_core::{Clock, Payload, Secret, SystemClock};
use posthaste_testkit::{Received, Script, ScriptedUpstream};
use posthaste_vault::CodeSecret;
use serde_json::{Value, json};

use super::{cast::Cast, places::Places};
use crate::support::Server;

const PASSWORD: &str = "dummy-CANARY-persons-password";
const WRONG_PASSWORD: &str = "dummy-CANARY-mistyped-password";
const TARGET: &str = "dummy-CANARY-channel-path";
const CHANNEL_KEY: &str = "dummy-CANARY-channel-key";
const CHANNEL_PROXY: &str = "dummy-CANARY-channel-proxy";
const BOT_TOKEN: &str = "1:dummy-CANARY-bot-token";
const PASSPHRASE: &str = "dummy-CANARY-passphrase";

/// What was made at random.
pub(super) struct Operators {
    token: String,
    session: String,
    factor: String,
    codes: Vec<String>,
}

impl Operators {
    /// Every secret with what it is.
    pub(super) fn secrets(&self) -> Vec<(String, String)> {
        let fixed = [
            ("a person's password", PASSWORD),
            ("a mistyped password", WRONG_PASSWORD),
            ("a channel's address", TARGET),
            ("a channel's key", CHANNEL_KEY),
            ("the password of a channel's proxy", CHANNEL_PROXY),
            ("a bot's token", BOT_TOKEN),
            ("a passphrase", PASSPHRASE),
            ("an API token", &self.token),
            ("a session's token", &self.session),
            ("a second factor's secret", &self.factor),
        ];
        let codes = self.codes.iter().map(|code| ("a recovery code", code.as_str()));
        fixed.into_iter().chain(codes).map(|(label, secret)| (label.to_owned(), secret.to_owned())).collect()
    }
}

impl Cast {
    /// People and channels come, everything is asked for, and the records leave for elsewhere.
    pub(super) async fn operate(&self, server: &Server, places: &mut Places) -> Operators {
        // Whoever is told repeats what it was sent.
        let receiver = ScriptedUpstream::start(|request: &Received| {
            let said =
                format!("{} {:?} {}", request.path, request.headers, String::from_utf8_lossy(&request.body));
            Script::json(403, &json!({ "ok": false, "error_code": 403, "description": said }))
        })
        .await;
        self.bench.cli(&format!("admin create ada --password {PASSWORD}"));
        let scopes = ["accounts", "pools", "keys", "users", "settings", "notifications"]
            .map(|area| format!("{area}:write"));
        let reading = ["usage", "requests", "bodies", "audit", "system"].map(|area| format!("{area}:read"));
        let scopes: Vec<_> = scopes.iter().chain(&reading).map(|scope| format!("--scope {scope}")).collect();
        let made = self.bench.cli(&format!("tokens create everything {}", scopes.join(" ")));
        let token = made["token"].as_str().unwrap().to_owned();
        let (base, mut asking) = (receiver.base_url(), Asking { server, places });
        let login = |password: &str| json!({ "username": "ada", "password": password });
        let told = asking.ask("POST", "/web/auth/login", None, &login(WRONG_PASSWORD)).await;
        assert_eq!(told["success"], false, "{told}");
        // What is told once is not noted.
        let session =
            asking.whole("POST", "/web/auth/login", None, &login(PASSWORD)).await["data"]["token"].clone();
        let session = session.as_str().unwrap().to_owned();
        let factor = asking.whole("POST", "/users/me/second-factor", Some(&session), &Value::Null).await;
        let factor = factor["data"]["secret"].as_str().unwrap().to_owned();
        let code = CodeSecret::from_base32(Secret::new(&*factor)).code(SystemClock.now()).unwrap();
        let confirm = |code: &str| json!({ "secret": factor, "code": code });
        asking.ask("POST", "/users/me/second-factor/confirm", Some(&session), &confirm("000000")).await;
        let told = asking
            .whole("POST", "/users/me/second-factor/confirm", Some(&session), &confirm(code.expose()))
            .await;
        let codes = told["data"]["recovery_codes"].as_array().unwrap().iter();
        let codes = codes.map(|code| code.as_str().unwrap().to_owned()).collect();
        let settings = json!({ "target": format!("{base}/{TARGET}"), "key": CHANNEL_KEY, "allow_private": true,
            "proxy": format!("http://me:{CHANNEL_PROXY}@127.0.0.1:9") });
        let hook = json!({ "name": "hook", "service": { "kind": "webhook" }, "with": settings });
        let bot = json!({ "name": "bot", "service": { "kind": "telegram", "chat": "7", "api_base": base },
            "with": { "target": BOT_TOKEN, "allow_private": true } });
        for channel in [&hook, &bot] {
            let told = asking.ask("POST", "/admin/channels", Some(&token), channel).await;
            assert_eq!(told["success"], true, "{told}");
        }
        for name in ["hook", "bot"] {
            for line in [
                format!("channels test {name}"),
                format!("channels show {name}"),
                format!("channels deliveries {name}"),
            ] {
                self.run(&line, asking.places);
            }
        }
        // The proxy is away; without it the address and the key are in use.
        let without = json!({ "proxy": "" });
        asking.ask("PUT", "/admin/channels/hook", Some(&token), &without).await;
        self.run("channels test hook", asking.places);
        let with = json!({ "proxy": format!("http://me:{CHANNEL_PROXY}@127.0.0.1:9") });
        asking.ask("PUT", "/admin/channels/hook", Some(&token), &with).await;
        let sent: String = receiver.received().iter().map(|sent| sent.path.clone()).collect();
        assert!(sent.contains(TARGET) && sent.contains(BOT_TOKEN), "the channels are in use: {sent}");

        asking.everything(&token, &session).await;
        self.leave(asking.places);
        Operators { token, session, factor, codes }
    }

    /// Exports, a back-up, and the audit log.
    fn leave(&self, places: &mut Places) {
        let folder = self.bench.folder.path();
        std::fs::write(folder.join("phrase"), PASSPHRASE).unwrap();
        let sealed = "data export --to data/sealed.json --with-secrets --passphrase-file phrase";
        for line in [
            "data export --to -",
            sealed,
            "data backup --to data/copy.db",
            "audit export",
            "audit list",
            "audit verify",
        ] {
            assert_eq!(self.run(line, places), Some(0), "{line}");
        }
        for line in ["users list", "users show ada", "users sessions ada", "tokens list", "channels list"] {
            for line in [line.to_owned(), format!("{line} --json")] {
                assert_eq!(self.run(&line, places), Some(0), "{line}");
            }
        }
        // Inputs that are refused are not repeated either.
        for line in [
            format!("channels update hook --target ftp://{TARGET}"),
            format!("channels update hook --proxy {CHANNEL_PROXY}"),
            format!("users reset-password ada --password {}", &PASSWORD[..9]),
        ] {
            assert_eq!(self.run(&line, places), Some(2), "{line}");
        }
    }
}

struct Asking<'a> {
    server: &'a Server,
    places: &'a mut Places,
}

impl Asking<'_> {
    /// Asks for everything that the relay describes: as it should be asked, with inputs that it does not know, and by nobody.
    async fn everything(&mut self, token: &str, session: &str) {
        let described = self.whole("GET", "/admin/openapi.json", None, &Value::Null).await;
        let request = self.whole("GET", "/admin/requests", Some(token), &Value::Null).await;
        let request = request["data"][0]["id"].as_str().unwrap().to_owned();
        let paths = described["paths"].as_object().unwrap();
        let marked = json!({ "name": "x", "api_key": super::cast::API_KEY, "password": WRONG_PASSWORD, "target": TARGET,
            "key": CHANNEL_KEY, "proxy": CHANNEL_PROXY, "secret": PASSPHRASE, "with": { "target": BOT_TOKEN } });
        let mut asked = 0;
        for (path, methods) in paths {
            let ends = ["logout", "change-password", "me/sessions", "/revoke", "second-factor"];
            if ends.iter().any(|end| path.contains(end)) {
                continue;
            }
            let named = [
                ("account", "key"),
                ("key", "team"),
                ("channel", "hook"),
                ("user", "ada"),
                ("token", "everything"),
            ];
            let mut at = path.replace("{request}", &request);
            for (part, name) in named {
                at = at.replace(&format!("{{{part}}}"), name);
            }
            let at = at.replace(['{', '}'], "");
            for method in methods.as_object().unwrap().keys().map(|method| method.to_uppercase()) {
                let at = if method == "DELETE" { format!("{at}-of-nobody") } else { at.clone() };
                let body = if method == "GET" { Value::Null } else { marked.clone() };
                for who in [Some(token), Some(session), Some("wrong"), None] {
                    // Tests of accounts spend what they have, and are made elsewhere.
                    if !at.ends_with("/test") || who != Some(token) {
                        self.ask(&method, &at, who, &body).await;
                        asked += 1;
                    }
                }
                if method != "GET" {
                    self.ask(&method, &at, Some(token), &json!([marked])).await;
                }
            }
        }
        assert!(asked > 400, "{asked}");
    }

    /// Asks, and notes what was answered.
    async fn ask(&mut self, method: &str, path: &str, token: Option<&str>, body: &Value) -> Value {
        let (told, json) = self.answer(method, path, token, body).await;
        // Captured bodies are what clients said.
        let place = if path.ends_with("/bodies") { super::places::BODIES } else { path };
        self.places.note(place, &told);
        json
    }

    /// Asks for what is told once.
    async fn whole(&self, method: &str, path: &str, token: Option<&str>, body: &Value) -> Value {
        self.answer(method, path, token, body).await.1
    }

    async fn answer(&self, method: &str, path: &str, token: Option<&str>, body: &Value) -> (String, Value) {
        let mut request = http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.server.base))
            .header("content-type", "application/json");
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
        let answer = self.server.client().send(request.body(Payload::from(body)).unwrap()).await.unwrap();
        let head = format!("{} {:?}\n", answer.status, answer.headers);
        assert!(answer.status < 500 || answer.status == 502, "{method} {path}: {head}");
        let text = answer.text().await.unwrap();
        let json = serde_json::from_str(&text).unwrap_or_default();
        (head + text.as_str(), json)
    }
}
