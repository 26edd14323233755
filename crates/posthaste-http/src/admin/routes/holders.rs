//! What the holder of a client key sees with nothing but the key.
//!
//! The predecessor let anybody look who knew a key's id. Here the key itself is wanted, each time.

use posthaste_admin::{
    AdminError, Disclosed, HolderOverview, HolderUsage, HolderView, ModelUsage, Period, UsageView,
};
use posthaste_core::ClientKey;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::admin::{
    asked::Asked,
    endpoint::{Endpoint, get, post},
    input::{Json, NoBody, invalid},
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get("/apiStats/overview", "What the client key is, where its limits stand, and what it used")
            .client_key()
            .answers(overview),
        get("/api/v1/key-info", "What the client key is, and where its limits stand")
            .client_key()
            .answers(info),
        get("/api/v1/me", "What the client key is, and where its limits stand").client_key().answers(info),
        get("/api/v1/usage", "What the client key used, in all, by model and by day")
            .client_key()
            .answers(usage),
        post("/apiStats/api/get-key-id", "The client key's identity")
            .open()
            .body::<KeyInput>()
            .answers(identity),
        post("/apiStats/api/user-stats", "What the client key is, where its limits stand, and what it used")
            .open()
            .body::<KeyInput>()
            .answers(stats),
        post("/apiStats/api/user-model-stats", "What the client key used of each model")
            .open()
            .body::<PeriodInput>()
            .answers(model_stats),
        post("/apiStats/api/batch-stats", "What up to 30 client keys used, each and together")
            .open()
            .body::<KeysInput>()
            .answers(batch_stats),
        post("/apiStats/api/batch-model-stats", "What up to 30 client keys used of each model, together")
            .open()
            .body::<KeysInput>()
            .answers(batch_model_stats),
    ]
}

/// A client key, and since when.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PeriodInput {
    /// The key itself; its id does not do.
    #[serde(rename = "apiKey")]
    api_key: Disclosed,
    /// Since when: `daily` for today, `7days`, `monthly` for this month, or `alltime`.
    #[serde(default)]
    period: Period,
}

/// Client keys, and since when.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct KeysInput {
    /// The keys themselves, 30 at most; their ids do not do.
    #[serde(rename = "apiKeys")]
    api_keys: Vec<Disclosed>,
    /// Since when: `daily` for today, `7days`, `monthly` for this month, or `alltime`.
    #[serde(default)]
    period: Period,
}

/// A client key.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct KeyInput {
    /// The key itself; its id does not do.
    #[serde(rename = "apiKey")]
    api_key: Disclosed,
}

/// A client key's identity.
#[derive(Serialize, JsonSchema)]
struct Identity {
    /// Tells it from others; opens nothing.
    id: String,
}

async fn overview(asked: Asked, _: NoBody) -> Result<HolderOverview, AdminError> {
    asked.admin.holders().overview(asked.client_key()?).await
}

async fn info(asked: Asked, _: NoBody) -> Result<HolderView, AdminError> {
    asked.admin.holders().view(asked.client_key()?).await
}

async fn usage(asked: Asked, _: NoBody) -> Result<UsageView, AdminError> {
    asked.admin.holders().usage(asked.client_key()?).await
}

async fn identity(asked: Asked, Json(input): Json<KeyInput>) -> Result<Identity, AdminError> {
    Ok(Identity { id: presented(&asked, &input.api_key).await?.id.to_string() })
}

async fn stats(asked: Asked, Json(input): Json<KeyInput>) -> Result<HolderOverview, AdminError> {
    let key = presented(&asked, &input.api_key).await?;
    asked.admin.holders().overview(&key).await
}

async fn presented(asked: &Asked, key: &Disclosed) -> Result<ClientKey, AdminError> {
    asked.admin.holders().key(key, asked.visit.address).await
}

async fn model_stats(asked: Asked, Json(input): Json<PeriodInput>) -> Result<HolderUsage, AdminError> {
    let keys = [presented(&asked, &input.api_key).await?];
    asked.admin.holders().used_by(&keys, input.period.since(asked.admin.now())).await
}

async fn batch_stats(asked: Asked, Json(input): Json<KeysInput>) -> Result<HolderUsage, AdminError> {
    asked
        .admin
        .holders()
        .used_by(&all(&asked, &input.api_keys).await?, input.period.since(asked.admin.now()))
        .await
}

async fn batch_model_stats(
    asked: Asked,
    Json(input): Json<KeysInput>,
) -> Result<Vec<ModelUsage>, AdminError> {
    let keys = all(&asked, &input.api_keys).await?;
    Ok(asked.admin.holders().used_by(&keys, input.period.since(asked.admin.now())).await?.by_model)
}

/// All of these keys: whoever presents one that is not known learns nothing of the others.
async fn all(asked: &Asked, presented_keys: &[Disclosed]) -> Result<Vec<ClientKey>, AdminError> {
    if presented_keys.is_empty() || presented_keys.len() > MOST_KEYS {
        let message = format!("has {} keys, not from 1 to {MOST_KEYS}", presented_keys.len());
        return Err(invalid("apiKeys", message));
    }
    let mut keys: Vec<ClientKey> = Vec::with_capacity(presented_keys.len());
    for one in presented_keys {
        let key = presented(asked, one).await?;
        // The same key twice counts once.
        if !keys.iter().any(|known| known.id == key.id) {
            keys.push(key);
        }
    }
    Ok(keys)
}

const MOST_KEYS: usize = 30;
