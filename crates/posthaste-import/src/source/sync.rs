//! The sync export (`GET /admin/sync/export-accounts?include_secrets=true`): accounts of four kinds, secrets in plain text.

use serde_json::{Map, Value, json};

use crate::found::{AccountKind, Fields, Flaw, Found, FoundAccount};

pub(super) fn read(data: &Value) -> Found {
    let mut found = Found::default();
    for (list, kind) in [
        ("claudeAccounts", AccountKind::ClaudeOfficial),
        ("claudeConsoleAccounts", AccountKind::ClaudeConsole),
        ("openaiOAuthAccounts", AccountKind::OpenAi),
        ("openaiResponsesAccounts", AccountKind::OpenAiResponses),
    ] {
        for (at, item) in data[list].as_array().into_iter().flatten().enumerate() {
            match account(kind, item) {
                Some(account) => found.accounts.push(account),
                None => {
                    found.flaws.push(Flaw { place: format!("{list}[{at}]"), what: "it has no id".to_owned() })
                }
            }
        }
    }
    found
}

/// Puts an account into the words that Redis has for it.
fn account(kind: AccountKind, item: &Value) -> Option<FoundAccount> {
    let id = item["id"].as_str().filter(|id| !id.is_empty())?.to_owned();
    let mut fields = Map::new();
    for name in ["name", "description", "isActive", "schedulable", "priority", "status"] {
        copy(&mut fields, name, &item[name]);
    }
    let credentials = &item["credentials"];
    for (theirs, ours) in [
        ("access_token", "accessToken"),
        ("refresh_token", "refreshToken"),
        ("expires_at", "expiresAt"),
        ("id_token", "idToken"),
        ("chatgpt_account_id", "accountId"),
        ("api_key", "apiKey"),
        ("model_mapping", "supportedModels"),
        ("user_agent", "userAgent"),
    ] {
        copy(&mut fields, ours, &credentials[theirs]);
    }
    let address = if kind == AccountKind::ClaudeConsole { "apiUrl" } else { "baseApi" };
    copy(&mut fields, address, &credentials["base_url"]);
    if let Value::Object(proxy) = &item["proxy"] {
        let mut proxy = proxy.clone();
        if let Some(protocol) = proxy.remove("protocol") {
            proxy.insert("type".to_owned(), protocol);
        }
        fields.insert("proxy".to_owned(), json!(proxy));
    }
    // Whatever of the predecessor's own it carries along, such as `crs_account_type`.
    for (name, value) in item["extra"].as_object().into_iter().flatten() {
        if let Some(name) = name.strip_prefix("crs_") {
            let name = camel(name);
            if !fields.contains_key(&name) {
                copy(&mut fields, &name, value);
            }
        }
    }
    Some(FoundAccount { kind, id, fields: Fields::of(Value::Object(fields)), sealed: false })
}

fn copy(fields: &mut Map<String, Value>, name: &str, value: &Value) {
    if !value.is_null() {
        fields.insert(name.to_owned(), value.clone());
    }
}

/// `account_type` as `accountType`.
fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |mut name, word| {
        let mut letters = word.chars();
        name.extend(letters.next().into_iter().flat_map(char::to_uppercase));
        name.extend(letters);
        name
    })
}
