//! Credentials, opened.

use posthaste_core::{Secret, Timestamp, TokenFacts};
use posthaste_vault::{StoredAwsKeys, StoredToken};
use serde_json::Value;

use crate::{
    found::{AccountKind, Fields, FoundAccount},
    secrets::Secrets,
};

/// A credential on its way to being sealed. `Debug` shows no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Plain {
    Key(Secret),
    Aws(StoredAwsKeys),
    Token(StoredToken),
}

/// Reads the tokens of an account that was logged in; `None` when there are none that can be read.
pub(super) fn token(account: &FoundAccount, secrets: &mut Secrets<'_>) -> Option<Plain> {
    let (provider, blob) = match account.kind {
        AccountKind::Gemini => ("google", "geminiOauth"),
        AccountKind::OpenAi => ("openai", "openaiOauth"),
        _ => ("claude", "claudeAiOauth"),
    };
    let blob = blob_of(account, blob, secrets);
    let mut part = |name: &str, other: &str| {
        let own =
            [name, other].iter().find_map(|name| blob.text(name)).map(|text| Secret::new(text.into_owned()));
        own.or_else(|| secrets.read(account, name))
    };
    let access = part("accessToken", "access_token");
    let refresh = part("refreshToken", "refresh_token");
    let told = ["expiresAt", "expiry_date", "expires_at"].iter().find_map(|name| blob.moment(name));
    let expires = account.fields.moment("expiresAt").or(told);
    let (access_token, expires_at) = match (access, &refresh) {
        (Some(access), _) => (access, expires),
        // One that has ended, so that another is asked for before it is presented.
        (None, Some(_)) => (Secret::new("ended"), Some(Timestamp::EPOCH)),
        (None, None) => return None,
    };
    let identity = secrets.read(account, "email").map(|mail| mail.expose().to_owned());
    let facts = TokenFacts {
        base_url: None,
        account: account
            .fields
            .text("accountId")
            .filter(|_| account.kind == AccountKind::OpenAi)
            .map(|id| id.into_owned()),
        identity,
    };
    Some(Plain::Token(StoredToken {
        provider: provider.to_owned(),
        access_token,
        refresh_token: refresh,
        issued_at: account.fields.moment("lastRefreshAt"),
        expires_at,
        facts,
        generation: 1,
        refreshing: None,
        refused: None,
    }))
}

/// The JSON that the token server's answer is kept as: sealed in Redis, an object in exports.
fn blob_of(account: &FoundAccount, name: &str, secrets: &mut Secrets<'_>) -> Fields {
    match account.fields.json(name) {
        Some(Value::Object(map)) if !map.contains_key("iv") => Fields::of(Value::Object(map)),
        _ => {
            let opened = secrets.read(account, name);
            let parsed = opened.and_then(|text| serde_json::from_str(text.expose()).ok());
            parsed.map(Fields::of).unwrap_or_default()
        }
    }
}

/// Reads a single key.
pub(super) fn key(account: &FoundAccount, secrets: &mut Secrets<'_>) -> Option<Plain> {
    secrets.read(account, "apiKey").map(Plain::Key)
}

/// Reads what an account at Bedrock has: access keys or a bearer token.
pub(super) fn aws(account: &FoundAccount, secrets: &mut Secrets<'_>) -> Option<Plain> {
    let bearer = account.fields.text("credentialType").as_deref() == Some("bearer_token");
    let name = if bearer { "bearerToken" } else { "awsCredentials" };
    let opened = secrets.read(account, name)?;
    let parts = serde_json::from_str(opened.expose()).map(Fields::of).unwrap_or_default();
    let part = |name: &str| parts.text(name).map(|text| Secret::new(text.into_owned()));
    let read = if bearer {
        part("token").map(Plain::Key)
    } else {
        parts.text("accessKeyId").zip(part("secretAccessKey")).map(|(id, secret_access_key)| {
            Plain::Aws(StoredAwsKeys {
                access_key_id: id.into_owned(),
                secret_access_key,
                session_token: part("sessionToken"),
            })
        })
    };
    if read.is_none() {
        secrets.complain(account, name, "it opens, but the parts that it should have are not in it");
    }
    read
}
