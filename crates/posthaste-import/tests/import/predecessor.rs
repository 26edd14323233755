//! The predecessor's data: every kind of account, keys with every field, groups, users, statistics, and faults.

use std::collections::BTreeMap;

use fred::{
    clients::Client,
    interfaces::{
        ClientLike, HashesInterface, KeysInterface, ListInterface, SetsInterface, SortedSetsInterface,
    },
    types::{Builder, Value, config::Config},
};
use posthaste_core::Secret;
use posthaste_vault::{CrsKey, CrsSeal};
use serde_json::{Map, Value as Json, json};

pub(crate) const ENCRYPTION_KEY: &str = "0123456789abcdef0123456789abcdef";

pub(crate) fn crs_key() -> CrsKey {
    CrsKey::new(Secret::new(ENCRYPTION_KEY))
}

/// A client key's secret: an obvious dummy.
pub(crate) fn secret(number: u8) -> String {
    format!("cr_{}", format!("{number:02x}").repeat(32))
}

/// An id as the predecessor gives them.
pub(crate) fn id(number: u32) -> String {
    format!("{number:08x}-0000-4000-8000-000000000000")
}

/// What lies in its Redis.
#[derive(Default)]
pub(crate) struct Predecessor {
    pub(crate) hashes: BTreeMap<String, BTreeMap<String, String>>,
    pub(crate) texts: BTreeMap<String, String>,
    pub(crate) sets: BTreeMap<String, Vec<String>>,
    pub(crate) ranks: Vec<String>,
    pub(crate) lists: Vec<String>,
}

impl Predecessor {
    /// The whole, faults included.
    pub(crate) fn whole() -> Self {
        let mut made = Self::default();
        made.accounts();
        made.keys();
        made.others();
        made.usage();
        made.faults();
        made
    }

    fn hash(&mut self, key: String, fields: &Json) {
        let text = |value: &Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let fields = fields.as_object().unwrap().iter().map(|(name, value)| (name.clone(), text(value)));
        self.hashes.entry(key).or_default().extend(fields);
    }

    /// An account with what all have.
    fn account(&mut self, prefix: &str, number: u32, name: &str, fields: Json) {
        let common = json!({
            "id": id(number), "name": name, "isActive": "true", "schedulable": "true", "accountType": "shared",
            "priority": "50", "createdAt": format!("2026-01-01T00:00:{:02}.000Z", number % 60), "status": "active",
        });
        let key = format!("{prefix}{}", id(number));
        self.hash(key.clone(), &common);
        self.hash(key, &fields);
    }

    fn accounts(&mut self) {
        let key = crs_key();
        let seal = |seal, text: &str| key.seal(seal, [text.len() as u8; 16], text);
        let oauth = json!({"accessToken": "sk-ant-oat-dummy", "refreshToken": "sk-ant-ort-dummy",
            "expiresAt": 1_790_000_000_000_i64, "scopes": ["user:inference"]});
        let proxy = json!({"type": "socks5", "host": "proxy.test", "port": 1080, "username": "me", "password": "dummy-pass"});
        self.account("claude:account:", 1, "max", json!({
            "claudeAiOauth": seal(CrsSeal::Claude, &oauth.to_string()),
            "accessToken": seal(CrsSeal::Claude, "sk-ant-oat-dummy"),
            "refreshToken": seal(CrsSeal::Claude, "sk-ant-ort-dummy"),
            "email": seal(CrsSeal::Claude, "me@example.org"),
            "expiresAt": "1790000000000", "lastRefreshAt": "2026-11-20T00:00:00.000Z", "priority": "10",
            "proxy": proxy.to_string(), "description": "the first one", "subscriptionExpiresAt": "2027-01-01T00:00:00.000Z",
            "schedulable": "false", "rateLimitAutoStopped": "true", "accountType": "group",
        }));
        self.account(
            "claude:account:",
            2,
            "setup token",
            json!({
                "accessToken": seal(CrsSeal::Claude, "sk-ant-oat-setup-dummy"), "expiresAt": "1795000000000",
                "accountType": "dedicated",
            }),
        );
        self.account("claude_console_account:", 3, "console", json!({
            "apiUrl": "https://claude.test/anthropic", "apiKey": seal(CrsSeal::Console, "console-dummy"),
            "supportedModels": r#"{"claude-sonnet-4-5":"sonnet-best","claude-haiku-4-5":"claude-haiku-4-5"}"#,
            "dailyQuota": "5.5", "quotaResetTime": "06:30", "maxConcurrentTasks": "3",
        }));
        // It saved what it could not open, and so sealed it twice.
        let once = seal(CrsSeal::Console, "sk-ant-twice-dummy");
        self.account(
            "claude_console_account:",
            4,
            "console",
            json!({
                "apiUrl": "http://127.0.0.1:9/v1/messages", "apiKey": seal(CrsSeal::Console, &once),
                "isActive": "false", "schedulable": "false", "status": "rate_limited",
            }),
        );
        self.account("ccr_account:", 5, "router", json!({
            "apiUrl": "https://ccr.test", "apiKey": seal(CrsSeal::Ccr, "ccr-dummy"), "supportedModels": "[\"glm-5\"]",
        }));
        self.account("gemini_account:", 6, "gemini", json!({
            "geminiOauth": seal(CrsSeal::Gemini, r#"{"access_token":"ya29-dummy","refresh_token":"1//dummy","expiry_date":1790000000000}"#),
            "oauthProvider": "gemini-cli", "projectId": "project-dummy",
        }));
        self.account(
            "gemini_account:",
            7,
            "antigravity",
            json!({
                "accessToken": seal(CrsSeal::Gemini, "ya29-other-dummy"), "oauthProvider": "antigravity",
            }),
        );
        self.account("gemini_api_account:", 8, "gemini key", json!({
            "apiKey": seal(CrsSeal::GeminiApi, "AIza-dummy"),
            "baseUrl": "https://gemini.test/v1beta/models/{model}:{action}", "supportedModels": "[\"gemini-3-pro\"]",
        }));
        self.account("openai:account:", 9, "chatgpt", json!({
            "accessToken": seal(CrsSeal::OpenAi, "eyJ-dummy"), "refreshToken": seal(CrsSeal::OpenAi, "rt-dummy"),
            "email": seal(CrsSeal::OpenAi, "me@example.org"), "accountId": "acct-dummy",
            "expiresAt": "2026-12-24T00:00:00.000Z",
        }));
        self.account(
            "openai_responses_account:",
            10,
            "openai key",
            json!({
                "apiKey": seal(CrsSeal::OpenAiResponses, "sk-dummy"), "baseApi": "https://api.openai.com",
                "dailyQuota": "0",
            }),
        );
        self.account("openai_responses_account:", 11, "other relay", json!({
            "apiKey": seal(CrsSeal::OpenAiResponses, "sk-other-dummy"), "baseApi": "https://relay.test/openai",
            "providerEndpoint": "auto", "proxy": r#"{"type":"http","host":"proxy.test","port":"3128"}"#,
        }));
        self.account("azure_openai:account:", 12, "azure", json!({
            "apiKey": seal(CrsSeal::AzureOpenAi, "azure-dummy"), "azureEndpoint": "https://dummy.openai.azure.com",
            "apiVersion": "2024-10-21", "deploymentName": "gpt-5-mini",
        }));
        self.account(
            "droid:account:",
            13,
            "factory",
            json!({"refreshToken": seal(CrsSeal::Droid, "droid-dummy")}),
        );
        for (number, name, kind, field, plain) in [
            (
                14,
                "bedrock",
                "access_key",
                "awsCredentials",
                r#"{"accessKeyId":"AKIADUMMY","secretAccessKey":"aws-dummy"}"#,
            ),
            (15, "bedrock bearer", "bearer_token", "bearerToken", r#"{"token":"bedrock-dummy"}"#),
        ] {
            let sealed = seal(CrsSeal::Bedrock, plain);
            let (iv, encrypted) = sealed.split_once(':').unwrap();
            let account = json!({
                "id": id(number), "name": name, "isActive": true, "schedulable": true, "accountType": "shared",
                "priority": 60, "createdAt": "2026-01-02T00:00:00.000Z", "region": "eu-central-1",
                "credentialType": kind, "defaultModel": "eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
                field: {"encrypted": encrypted, "iv": iv},
            });
            self.texts.insert(format!("bedrock_account:{}", id(number)), account.to_string());
        }
        for prefix in ["claude:account", "claude_console_account", "openai:account"] {
            self.sets.insert(format!("{prefix}:index"), vec![id(1), id(3)]);
        }
        self.texts.insert("ccr_account:index:empty".to_owned(), "1".to_owned());
    }

    /// A client key with what all have.
    fn key(&mut self, number: u8, name: &str, fields: Json) {
        let hash = crs_key().hash_client_key(&secret(number)).to_hex();
        let own = id(0x100 + u32::from(number));
        let common = json!({
            "id": own, "name": name, "apiKey": hash, "isActive": "true", "permissions": "[]", "tags": "[]",
            "createdAt": format!("2026-02-01T00:00:{number:02}.000Z"), "concurrencyLimit": "0", "rateLimitWindow": "0",
            "dailyCostLimit": "0", "totalCostLimit": "0", "weeklyOpusCostLimit": "0", "expiresAt": "",
            "expirationMode": "fixed", "lastUsedAt": "2026-11-25T00:00:00.000Z",
        });
        let key = format!("apikey:{own}");
        self.hash(key.clone(), &common);
        self.hash(key, &fields);
        self.hash("apikey:hash_map".to_owned(), &json!({ hash: own }));
    }

    fn keys(&mut self) {
        self.key(1, "everything", json!({
            "description": "all fields", "icon": "data:image/png;base64,AA==", "tags": r#"["team a","vip"]"#,
            "permissions": r#"["claude"]"#, "claudeAccountId": format!("group:{}", id(0x50)),
            "concurrencyLimit": "4", "rateLimitWindow": "5", "rateLimitRequests": "100", "rateLimitCost": "2.5",
            "tokenLimit": "0", "dailyCostLimit": "10", "totalCostLimit": "100.25", "weeklyOpusCostLimit": "20",
            "weeklyResetDay": "3", "weeklyResetHour": "9", "enableModelRestriction": "true",
            "restrictedModels": r#"["claude-opus-4-1"]"#, "enableClientRestriction": "true",
            "allowedClients": r#"["claude_code","codex_cli"]"#, "serviceRates": r#"{"claude":1.5}"#,
            "userId": "u-1", "userUsername": "alice", "expiresAt": "2027-06-30T00:00:00.000Z",
            "enableOpenAIResponsesPayloadRules": "true",
        }));
        self.key(2, "plain", json!({ "permissions": "all" }));
        self.key(3, "waiting", json!({
            "expirationMode": "activation", "activationDays": "12", "activationUnit": "hours", "isActivated": "false",
        }));
        self.key(
            4,
            "deleted",
            json!({
                "isDeleted": "true", "deletedAt": "2026-10-01T00:00:00.000Z", "isActive": "false",
            }),
        );
        self.key(5, "droid", json!({ "permissions": r#"["droid"]"# }));
        self.key(6, "plain", json!({ "permissions": "claude", "claudeAccountId": id(2) }));
        self.key(
            7,
            "mixed",
            json!({
                "claudeConsoleAccountId": id(3), "geminiAccountId": format!("api:{}", id(8)),
                "openaiAccountId": format!("responses:{}", id(0x9999)),
            }),
        );
        self.key(
            8,
            "of bob",
            json!({ "userId": "u-2", "tokenLimit": "1000", "rateLimitWindow": "60", "rateLimitCost": "9" }),
        );
    }

    fn others(&mut self) {
        let group = id(0x50);
        self.hash(format!("account_group:{group}"), &json!({
            "id": group, "name": "claude group", "platform": "claude", "createdAt": "2026-01-03T00:00:00.000Z",
        }));
        self.sets.insert(format!("account_group_members:{group}"), vec![id(1), id(3)]);
        self.sets.insert("account_groups".to_owned(), vec![group]);
        for (user, name, role, active) in [
            ("u-1", "Alice", "admin", true),
            ("u-2", "bob", "user", false),
            ("u-3", "carol of sales", "user", true),
            ("u-4", "ALICE", "user", true),
        ] {
            let user_json = json!({"id": user, "username": name, "email": format!("{}@example.org", name.to_lowercase()),
                "displayName": format!("{name} Example"), "role": role, "isActive": active,
                "lastLoginAt": "2026-11-01T08:00:00.000Z", "createdAt": "2026-01-04T00:00:00.000Z"});
            self.texts.insert(format!("user:{user}"), user_json.to_string());
            self.texts.insert(format!("username:{name}"), user.to_owned());
        }
        self.texts.insert("user_session:token".to_owned(), "{}".to_owned());
        self.notifications();
        self.texts.insert("claude_relay_config".to_owned(), json!({
            "claudeCodeOnlyEnabled": false, "globalSessionBindingEnabled": true, "concurrentRequestQueueEnabled": true,
            "concurrentRequestQueueMaxSize": 3, "concurrentRequestQueueMaxSizeMultiplier": 2,
            "concurrentRequestQueueTimeoutMs": 15_000,
        }).to_string());
        self.texts.insert(
            "system:service_rates".to_owned(),
            r#"{"baseService":"claude","rates":{"claude":1,"codex":1.2}}"#.to_owned(),
        );
        self.hash(
            "session:admin_credentials".to_owned(),
            &json!({"username": "admin", "passwordHash": "$2b$10$canary", "lastLogin": "null",
                "createdAt": "2026-01-01T00:00:00.000Z"}),
        );
        self.hash("quota_card:1".to_owned(), &json!({"code": "CC_AAAA_BBBB_CCCC"}));
        self.ranks.extend(["apikey:idx:all", "apikey:idx:name", "concurrency:x"].map(str::to_owned));
        self.sets.insert("apikey:set:active".to_owned(), vec![id(0x101)]);
        self.sets.insert("apikey:tag:vip".to_owned(), vec![id(0x101)]);
        self.texts.insert("apikey:index:version".to_owned(), "2".to_owned());
        self.texts.insert("unified_claude_session_mapping:x".to_owned(), "{}".to_owned());
    }

    fn notifications(&mut self) {
        let platforms = json!([
            {"id": id(0x60), "type": "wechat_work", "name": "ops", "enabled": true, "url": "https://wecom.test/send?key=canary-wecom",
                "createdAt": "2026-01-05T00:00:00.000Z"},
            {"id": id(0x61), "type": "dingtalk", "name": "ops", "enabled": false, "url": "https://dingtalk.test/robot?access_token=canary-ding",
                "enableSign": true, "secret": "canary-ding-key"},
            {"id": id(0x62), "type": "feishu", "name": "feishu", "url": "https://feishu.test/hook/canary-feishu", "enableSign": false,
                "secret": "canary-not-used"},
            {"id": id(0x63), "type": "custom", "name": "at home", "url": "http://hook.test/canary-custom"},
            {"id": id(0x64), "type": "telegram", "botToken": "1:canary-bot", "chatId": -100,
                "apiBaseUrl": "https://telegram.test", "proxyUrl": "socks5://me:canary-proxy@proxy.test:1080"},
            {"id": id(0x65), "type": "bark", "deviceKey": "canary-device", "serverUrl": "https://bark.test/push", "sound": "alarm"},
            {"id": id(0x66), "type": "smtp", "name": "mail", "host": "mail.test", "port": 465, "secure": true, "user": "relay@example.org",
                "pass": "canary-mail", "to": "ada@example.org, bob@example.org", "ignoreTLS": true},
            {"id": id(0x67), "type": "slack", "name": "half", "enabled": true},
            {"id": id(0x68), "type": "ntfy", "name": "unknown"},
            "broken",
        ]);
        let settings = json!({
            "enabled": true, "platforms": platforms, "retrySettings": {"maxRetries": 3},
            "notificationTypes": {"accountAnomaly": true, "quotaWarning": true, "systemError": true, "securityAlert": false,
                "rateLimitRecovery": false, "test": true},
        });
        self.texts.insert("webhook_config:default".to_owned(), settings.to_string());
    }

    fn usage(&mut self) {
        let key = id(0x101);
        self.hash(format!("usage:{key}"), &json!({
            "totalRequests": "100", "totalInputTokens": "10000", "totalOutputTokens": "5000",
            "totalCacheCreateTokens": "700", "totalCacheReadTokens": "900", "totalEphemeral1hTokens": "100",
            "totalAllTokens": "16600",
        }));
        let counts = |requests, input, micro| {
            json!({
                "requests": requests, "inputTokens": input, "outputTokens": input / 2, "cacheCreateTokens": 10,
                "cacheReadTokens": 20, "realCostMicro": micro, "ratedCostMicro": micro * 2,
            })
        };
        for (span, requests, micro) in [
            ("daily:claude-sonnet-4-5:2026-11-26", 3, 300_000),
            ("daily:claude-sonnet-4-5:2026-11-25", 5, 500_000),
            ("daily:gpt-5:2026-11-25", 1, 10_000),
            ("monthly:claude-sonnet-4-5:2026-11", 20, 2_000_000),
            ("monthly:gpt-5:2026-11", 1, 10_000),
            ("monthly:claude-sonnet-4-5:2026-10", 30, 3_000_000),
            ("alltime:claude-sonnet-4-5", 80, 8_000_000),
            ("hourly:claude-sonnet-4-5:2026-11-26:05", 1, 1),
        ] {
            self.hash(format!("usage:{key}:model:{span}"), &counts(requests, requests * 100, micro));
        }
        for (name, value) in [("cost:total:", "20.5"), ("cost:real:total:", "10.25"), ("opus:total:", "20")] {
            self.texts.insert(format!("usage:{name}{key}"), value.to_owned());
        }
        self.texts.insert(format!("usage:cost:daily:{key}:2026-11-27"), "0.6".to_owned());
        self.texts.insert(format!("usage:cost:daily:{key}:2026-11-26"), "9".to_owned());
        self.texts.insert(format!("usage:opus:weekly:{key}:2026-11-25T09"), "1.75".to_owned());
        self.hash(format!("usage:daily:{key}:2026-11-26"), &json!({"tokens": "5"}));
        self.hash("usage:global:total".to_owned(), &json!({"totalRequests": "100"}));
        self.hash(format!("account_usage:{}", id(1)), &json!({"totalRequests": "100"}));
        self.sets.insert("usage:daily:index:2026-11-26".to_owned(), vec![key]);
    }

    fn faults(&mut self) {
        let key = crs_key();
        // Old OpenSSL values, plain text, another key's, and a changed one.
        let mut changed = key.seal(CrsSeal::Console, [1; 16], "changed-dummy");
        changed.replace_range(40..42, "00");
        let foreign = CrsKey::new(Secret::new("another ENCRYPTION_KEY, 32 bytes")).seal(
            CrsSeal::Console,
            [2; 16],
            "foreign-dummy",
        );
        for (number, name, sealed) in [
            (0x20, "openssl", "U2FsdGVkX19kdW1teWR1bW15".to_owned()),
            (0x21, "in plain text", "canary-plain-text".to_owned()),
            (0x22, "of another", foreign),
            (0x23, "changed", changed),
        ] {
            self.account(
                "claude_console_account:",
                number,
                name,
                json!({"apiUrl": "https://x.test", "apiKey": sealed}),
            );
        }
        let sealed = key.seal(CrsSeal::Console, [3; 16], "proxied-dummy");
        self.account(
            "claude_console_account:",
            0x24,
            "broken proxy",
            json!({
                "apiUrl": "https://x.test", "apiKey": sealed, "proxy": "{\"type\":\"socks5\",\"host\":",
            }),
        );
        // Half-written hashes.
        self.hash(format!("claude:account:{}", id(0x30)), &json!({"lastUsedAt": "2026-11-25T00:00:00.000Z"}));
        self.hash(format!("apikey:{}", id(0x31)), &json!({"lastUsedAt": "2026-11-25T00:00:00.000Z"}));
        // Two records with one secret.
        let hash = key.hash_client_key(&secret(2)).to_hex();
        self.hash(
            format!("apikey:{}", id(0x32)),
            &json!({"name": "twin", "apiKey": hash, "createdAt": "2026-09-01T00:00:00.000Z"}),
        );
        // Keys of other types under known names.
        self.lists.push(format!("claude_console_account:{}", id(0x33)));
        self.sets.insert(format!("apikey:{}", id(0x34)), vec!["x".to_owned()]);
        self.texts.insert(format!("usage:{}", id(0x35)), "7".to_owned());
        self.texts.insert(format!("user:{}", "u-broken"), "{".to_owned());
        self.hash(format!("claude_account:{}", id(0x36)), &json!({"name": "lost"}));
    }

    /// Writes it all to a server.
    pub(crate) async fn write(&self, url: &str) {
        let client = connect(url).await;
        for (key, fields) in &self.hashes {
            let fields: Vec<(String, String)> = fields.clone().into_iter().collect();
            let () = client.hset(key, fields).await.unwrap();
        }
        for (key, text) in &self.texts {
            let () = client.set(key, text, None, None, false).await.unwrap();
        }
        for (key, members) in &self.sets {
            let () = client.sadd(key, members.clone()).await.unwrap();
        }
        for key in &self.ranks {
            let () = client.zadd(key, None, None, false, false, vec![(1.0, "x")]).await.unwrap();
        }
        for key in &self.lists {
            let () = client.rpush(key, "x").await.unwrap();
        }
        client.quit().await.unwrap();
    }

    /// The hashes below a prefix, as exports have them: each with its id.
    pub(crate) fn exported(&self, prefix: &str) -> Vec<Map<String, Json>> {
        let below = self.hashes.iter().filter_map(|(key, fields)| Some((key.strip_prefix(prefix)?, fields)));
        below
            .filter(|(id, _)| *id != "hash_map" && !id.contains(':'))
            .map(|(id, fields)| {
                let mut map: Map<_, _> =
                    fields.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
                map.insert("id".to_owned(), json!(id));
                map
            })
            .collect()
    }
}

pub(crate) async fn connect(url: &str) -> Client {
    let client = Builder::from_config(Config::from_url(url).unwrap()).build().unwrap();
    client.init().await.unwrap();
    client
}

/// Every key with its value and time to live.
pub(crate) async fn dump(url: &str) -> BTreeMap<String, (Vec<u8>, i64)> {
    let client = connect(url).await;
    let (cursor, names): (String, Vec<String>) =
        client.scan_page("0", "*", Some(100_000), None).await.unwrap();
    assert_eq!(cursor, "0");
    let mut all = BTreeMap::new();
    for name in names {
        let value: Value = client.dump(&name).await.unwrap();
        let ttl: i64 = client.pttl(&name).await.unwrap();
        all.insert(name, (value.as_bytes().unwrap().to_vec(), ttl));
    }
    client.quit().await.unwrap();
    all
}
