//! Records as the audit log shows them: without secrets.

use posthaste_core::{
    Account, ApiToken, Card, Channel, ClientKey, OwnPrice, Owner, Pool, Route, Setting, Team, User,
};
use posthaste_storage::{RecordKind, Repository};
use posthaste_vault::hash_token;
use serde_json::{Map, Value};

use super::AuditTarget;
use crate::{
    Admin, AdminError,
    change::{Named, find},
};

/// A record as it is now, by name or id, and what it is called; `None` where there is none.
pub(crate) async fn seen(
    admin: &Admin,
    kind: RecordKind,
    selector: &str,
) -> Result<Option<(AuditTarget, Value)>, AdminError> {
    match kind {
        RecordKind::Keyring => Ok(None),
        RecordKind::Account => record(&admin.account_records(), selector).await,
        RecordKind::ClientKey => record(&admin.key_records(), selector).await,
        RecordKind::Pool => record(&admin.pool_records(), selector).await,
        RecordKind::Route => record(&admin.route_records(), selector).await,
        RecordKind::Owner => record(&admin.owner_records(), selector).await,
        RecordKind::Team => record(&admin.team_records(), selector).await,
        RecordKind::Channel => record(&admin.channel_records(), selector).await,
        RecordKind::User => record(&admin.user_records(), selector).await,
        RecordKind::ApiToken => record(&admin.token_records(), selector).await,
        RecordKind::OwnPrice => record(&admin.own_price_records(), selector).await,
        RecordKind::Card => record(&admin.card_records(), selector).await,
        RecordKind::Setting => record(&admin.setting_records(), selector).await,
    }
}

/// A kind of record that the log can show.
trait Shown: Named {
    /// The fields, from the record's top on, that hold something secret.
    const SECRETS: &'static [&'static [&'static str]];
}

impl Shown for Account {
    const SECRETS: &'static [&'static [&'static str]] = &[&["credential"], &["proxy", "password"]];
}

impl Shown for ClientKey {
    const SECRETS: &'static [&'static [&'static str]] = &[&["hash"]];
}

impl Shown for Pool {
    const SECRETS: &'static [&'static [&'static str]] = &[];
}

impl Shown for Route {
    const SECRETS: &'static [&'static [&'static str]] = &[];
}

impl Shown for Owner {
    const SECRETS: &'static [&'static [&'static str]] = &[];
}

impl Shown for Team {
    const SECRETS: &'static [&'static [&'static str]] = &[];
}

impl Shown for Channel {
    const SECRETS: &'static [&'static [&'static str]] = &[&["target"], &["key"], &["proxy", "password"]];
}

impl Shown for User {
    const SECRETS: &'static [&'static [&'static str]] =
        &[&["sign_in", "hash"], &["second_factor", "secret"], &["second_factor", "recovery"]];
}

impl Shown for ApiToken {
    const SECRETS: &'static [&'static [&'static str]] = &[&["token"]];
}

impl Shown for OwnPrice {
    const SECRETS: &'static [&'static [&'static str]] = &[];
}

impl Shown for Card {
    const SECRETS: &'static [&'static [&'static str]] = &[&["code"]];
}

/// A list of prices is no secret, but longer than all else that the log has.
impl Shown for Setting {
    const SECRETS: &'static [&'static [&'static str]] = &[&["value", "list"]];
}

async fn record<T: Shown>(
    records: &Repository<T>,
    selector: &str,
) -> Result<Option<(AuditTarget, Value)>, AdminError> {
    let found = match find(records, selector).await {
        Err(AdminError::NotFound { .. }) => return Ok(None),
        found => found?.value,
    };
    let target = AuditTarget {
        kind: T::KIND.as_str().to_owned(),
        id: Some(found.id()),
        name: Named::name(&found).into_owned(),
    };
    let mut value = serde_json::to_value(&found).unwrap_or(Value::Null);
    for path in T::SECRETS {
        hide(&mut value, path);
    }
    Ok(Some((target, value)))
}

/// Puts a mark in the place of a secret: the same secret has the same mark, and the mark says nothing of it.
fn hide(value: &mut Value, path: &[&str]) {
    let Some((field, rest)) = path.split_first() else {
        if !value.is_null() {
            let mark = hash_token(&value.to_string()).to_hex();
            *value = Value::String(format!("hidden {}", &mark[..8]));
        }
        return;
    };
    if let Some(inner) = value.get_mut(field) {
        hide(inner, rest);
    }
}

/// The fields that differ. What was made or removed is told whole.
pub(super) fn differing(before: Option<Value>, after: Option<Value>) -> (Option<Value>, Option<Value>) {
    let (Some(Value::Object(before)), Some(Value::Object(after))) = (&before, &after) else {
        return (before, after);
    };
    let only = |these: &Map<String, Value>, those: &Map<String, Value>| {
        let differ = these.iter().filter(|(name, value)| those.get(*name) != Some(value));
        Some(Value::Object(differ.map(|(name, value)| (name.clone(), value.clone())).collect()))
    };
    (only(before, after), only(after, before))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_differs_is_told() {
        let (before, after) = differing(
            Some(json!({ "name": "a", "enabled": true, "gone": 1 })),
            Some(json!({ "name": "b", "enabled": true, "new": null })),
        );
        assert_eq!(before, Some(json!({ "name": "a", "gone": 1 })));
        assert_eq!(after, Some(json!({ "name": "b", "new": null })));
        let made = Some(json!({ "name": "a" }));
        assert_eq!(differing(None, made.clone()), (None, made));
    }

    #[test]
    fn a_secret_leaves_a_mark_that_changes_with_it() {
        let hidden = |secret: &str| {
            let mut value = json!({ "proxy": { "password": secret, "host": "h" }, "credential": null });
            hide(&mut value, &["proxy", "password"]);
            hide(&mut value, &["credential"]);
            hide(&mut value, &["absent", "field"]);
            value
        };
        let (one, other) = (hidden("canary"), hidden("another"));
        assert!(!one.to_string().contains("canary") && one != other && one == hidden("canary"));
        assert_eq!((&one["credential"], &one["proxy"]["host"]), (&Value::Null, &json!("h")));
    }
}
