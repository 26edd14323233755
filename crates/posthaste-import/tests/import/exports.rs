//! From its exports: as far as they contain the data, they give what its Redis gives.

use posthaste_core::{Account, ClientKey, Timestamp};
use posthaste_import::read_file;
use posthaste_testkit::spawn_redis;
use posthaste_vault::{CrsSeal, account_credential_place};
use serde_json::{Map, Value, json};

use crate::{
    predecessor::{Predecessor, crs_key, id, secret},
    support::{Home, read},
};

/// Puts opened secrets in the place of sealed ones; what does not open stays, as the predecessor does it.
fn opened(mut record: Map<String, Value>, seal: CrsSeal, json_field: &str) -> Map<String, Value> {
    let key = crs_key();
    for (name, value) in &mut record {
        if let Some(plain) = value.as_str().and_then(|text| key.open(seal, text).ok()) {
            *value = if name == json_field {
                serde_json::from_str(plain.expose()).unwrap()
            } else {
                json!(plain.expose())
            };
        }
    }
    record
}

fn v1() -> Value {
    let data = Predecessor::whole();
    json!({
        "metadata": {"version": "1.0", "exportDate": "2026-11-26T00:00:00Z", "sanitized": false, "types": ["all"]},
        "data": {
            "apiKeys": data.exported("apikey:"), "claudeAccounts": data.exported("claude:account:"),
            "geminiAccounts": data.exported("gemini_account:"), "admins": [{"username": "admin"}],
        },
    })
}

fn v2() -> Value {
    let data = Predecessor::whole();
    let of = |prefix, seal, field: &str| -> Vec<_> {
        data.exported(prefix).into_iter().map(|record| opened(record, seal, field)).collect()
    };
    let mut keys = data.exported("apikey:");
    let own = id(0x101);
    let everything = keys.iter_mut().find(|key| key["id"] == json!(own)).unwrap();
    let hash = |name: &str| json!(data.hashes[&format!("usage:{own}{name}")]);
    everything.insert("usageStats".to_owned(), json!({
        "total": hash(""), "costTotal": "20.5", "opusWeekly": {"2026-11-25T09": "1.75"},
        "costDaily": {"2026-11-27": "0.6", "2026-11-26": "9"},
        "models": {
            "claude-sonnet-4-5": {
                "daily": {"2026-11-26": hash(":model:daily:claude-sonnet-4-5:2026-11-26"), "2026-11-25": hash(":model:daily:claude-sonnet-4-5:2026-11-25")},
                "monthly": {"2026-11": hash(":model:monthly:claude-sonnet-4-5:2026-11"), "2026-10": hash(":model:monthly:claude-sonnet-4-5:2026-10")},
            },
            "gpt-5": {"daily": {"2026-11-25": hash(":model:daily:gpt-5:2026-11-25")}, "monthly": {"2026-11": hash(":model:monthly:gpt-5:2026-11")}},
        },
    }));
    json!({
        "metadata": {"version": "2.0", "decrypted": true, "sanitized": false},
        "data": {
            "apiKeys": keys,
            "claudeAccounts": of("claude:account:", CrsSeal::Claude, "claudeAiOauth"),
            "geminiAccounts": of("gemini_account:", CrsSeal::Gemini, "geminiOauth"),
            "globalModelStats": {"globalTotal": {}},
        },
    })
}

fn sync() -> Value {
    json!({"success": true, "data": {
        "exportedAt": "2026-11-26T00:00:00Z",
        "claudeAccounts": [{"kind": "claude-oauth", "id": id(1), "name": "max", "description": "the first one", "isActive": true,
            "schedulable": true, "priority": 10, "status": "active",
            "proxy": {"protocol": "socks5", "host": "proxy.test", "port": 1080, "username": "me", "password": "dummy-pass"},
            "credentials": {"access_token": "sk-ant-oat-dummy", "refresh_token": "sk-ant-ort-dummy", "expires_at": 1_790_000_000_000_i64},
            "extra": {"crs_account_type": "group", "crs_subscription_expires_at": "2027-01-01T00:00:00.000Z"}}],
        "claudeConsoleAccounts": [{"kind": "claude-console", "id": id(3), "name": "console", "isActive": true, "schedulable": true,
            "priority": 50, "credentials": {"api_key": "console-dummy", "base_url": "https://claude.test/anthropic",
                "model_mapping": {"claude-sonnet-4-5": "sonnet-best", "claude-haiku-4-5": "claude-haiku-4-5"}},
            "extra": {"crs_daily_quota": "5.5", "crs_quota_reset_time": "06:30", "crs_max_concurrent_tasks": 3}}],
        "openaiOAuthAccounts": [{"kind": "openai-oauth", "id": id(9), "name": "chatgpt", "isActive": true, "schedulable": true,
            "priority": 50, "credentials": {"access_token": "eyJ-dummy", "refresh_token": "rt-dummy", "chatgpt_account_id": "acct-dummy",
                "expires_at": "2026-12-24T00:00:00.000Z"}}],
        "openaiResponsesAccounts": [{"kind": "openai-responses", "id": id(10), "name": "openai key", "isActive": true,
            "schedulable": true, "priority": 50, "credentials": {"api_key": "sk-dummy", "base_url": "https://api.openai.com"}}],
    }})
}

/// An account without what an export cannot know: pools, times, and what is sealed.
fn bare(mut account: Account) -> Account {
    account.credential = None;
    account.proxy.iter_mut().for_each(|proxy| proxy.password = None);
    account.scheduling.pools.clear();
    (account.created_at, account.updated_at) = (Timestamp::EPOCH, Timestamp::EPOCH);
    account
}

/// A key without what rests on groups, users and the relay's settings.
fn bare_key(mut key: ClientKey) -> ClientKey {
    key.policy.binding = None;
    key.policy.owner = None;
    key.policy.queue = None;
    (key.enabled, key.disabled_because) = (true, None);
    key
}

async fn from_redis() -> Home {
    let redis = spawn_redis();
    Predecessor::whole().write(&redis.url()).await;
    let home = Home::new().await;
    home.apply(&read(&redis.url()).await, false).await;
    home
}

async fn from_file(export: &Value) -> Home {
    let home = Home::new().await;
    home.apply(&read_file(&export.to_string()).unwrap(), false).await;
    home
}

async fn assert_accounts(home: &Home, reference: &Home, least: usize) {
    let all = reference.all::<Account>().await;
    let taken = home.all::<Account>().await;
    assert!(taken.len() >= least, "{}", taken.len());
    for account in taken {
        let same = all.iter().find(|other| other.id == account.id).unwrap();
        assert_eq!(bare(account), bare(same.clone()));
    }
}

#[tokio::test]
async fn versions_one_and_two_give_the_same_keys_and_accounts() {
    let reference = from_redis().await;
    let keys: Vec<_> = reference.all::<ClientKey>().await.into_iter().map(bare_key).collect();
    for export in [v1(), v2()] {
        let home = from_file(&export).await;
        assert_eq!(home.all::<ClientKey>().await.into_iter().map(bare_key).collect::<Vec<_>>(), keys);
        assert_accounts(&home, &reference, 3).await;
        let max = home.account("max").await;
        let token =
            home.vault.unseal(&account_credential_place(max.id), max.credential.as_ref().unwrap()).unwrap();
        assert!(token.expose().contains("sk-ant-ort-dummy"));
        let again = home.report(&read_file(&export.to_string()).unwrap()).await;
        assert!(again.is_all_same(), "{}", again.text(50));
    }
}

#[tokio::test]
async fn version_two_carries_the_books() {
    use posthaste_storage::{RollupPeriod, UsageQuery};
    let (reference, home) = (from_redis().await, from_file(&v2()).await);
    let key = home.key("everything").await.id;
    let query = UsageQuery { key_id: Some(key), ..UsageQuery::all(RollupPeriod::Month) };
    let mine = home.stores.ledger.sums(&query, &[]).await.unwrap().remove(0).sums;
    let theirs = reference.stores.ledger.sums(&query, &[]).await.unwrap().remove(0).sums;
    // It does not tell what was paid apart from what was billed, over all time.
    assert_eq!((mine.attempts, mine.usage, mine.billed), (theirs.attempts, theirs.usage, theirs.billed));
}

#[tokio::test]
async fn the_sync_export_gives_the_same_accounts() {
    let (reference, home) = (from_redis().await, from_file(&sync()).await);
    assert_accounts(&home, &reference, 4).await;
}

#[test]
fn what_is_no_export_or_a_masked_one_is_refused() {
    let refused = |value: Value| read_file(&value.to_string()).unwrap_err().to_string();
    assert!(refused(json!({"metadata": {"version": "3.0"}})).contains("3.0"));
    assert!(refused(json!([])).contains("no version"));
    assert!(refused(json!({"metadata": {"version": "2.0", "sanitized": true}})).contains("--sanitize"));
    assert!(read_file("{").unwrap_err().to_string().contains("line 1"));
}

#[tokio::test]
async fn a_key_in_plain_text_is_kept_under_the_relays_own_hash_at_once() {
    let export = json!({"metadata": {"version": "2.0"}, "data": {"apiKeys": [
        {"id": id(1), "name": "typed", "apiKey": secret(7), "isActive": "true"},
        {"name": "nobody"},
    ]}});
    let home = Home::new().await;
    let found = read_file(&export.to_string()).unwrap();
    let plan = home.plan_with(&found, None).await.unwrap();
    assert_eq!(plan.report.flaws.len(), 1);
    posthaste_import::apply(home.target(), plan, None, false, crate::support::now(), &|_, _, _| {})
        .await
        .unwrap();
    let key = home.key("typed").await;
    assert_eq!(key.hash, home.vault.hash_client_key(&secret(7)));
    assert_eq!(key.hint, "0707");
}
