//! Client keys and what they used, as tables for spreadsheets.

use posthaste_admin::{StatsInput, export_keys, export_usage};
use posthaste_core::{Area, Timestamp};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::admin::{
    asked::Asked,
    endpoint::{Endpoint, get},
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get("/admin/api-keys/export", "The client keys as comma-separated values, without secrets")
            .needs(Area::Keys.read())
            .table("client-keys.csv", |asked: Asked, _: Everything| async move {
                export_keys(&asked.admin, &asked.actor).await
            }),
        get("/admin/usage/export", "What client keys used, by day and key, as comma-separated values")
            .needs(Area::Usage.read())
            .table("client-key-usage.csv", |asked: Asked, query: Within| async move {
                let Within { key, since, until } = query;
                let within = StatsInput { key, since, until, ..StatsInput::default() };
                export_usage(&asked.admin, &asked.actor, within).await
            }),
    ]
}

/// Nothing is asked.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Everything {}

/// Which use is wanted.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Within {
    /// Only this client key's, by name or id.
    key: Option<String>,
    /// From this moment on; 30 days unless told.
    since: Option<Timestamp>,
    /// Up to this moment.
    until: Option<Timestamp>,
}
