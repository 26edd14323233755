//! What the holder of a client key sees with nothing but the key.
//!
//! The predecessor let anybody look who knew a key's id. Here the key itself is wanted, each time.

use posthaste_admin::{AdminError, Disclosed, HolderOverview, HolderView, UsageView};
use posthaste_core::ClientKey;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::admin::{
    asked::Asked,
    endpoint::{Endpoint, get, post},
    input::{Json, NoBody},
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
    ]
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
    Ok(Identity { id: presented(&asked, &input).await?.id.to_string() })
}

async fn stats(asked: Asked, Json(input): Json<KeyInput>) -> Result<HolderOverview, AdminError> {
    let key = presented(&asked, &input).await?;
    asked.admin.holders().overview(&key).await
}

async fn presented(asked: &Asked, input: &KeyInput) -> Result<ClientKey, AdminError> {
    asked.admin.holders().key(&input.api_key, asked.visit.address).await
}
