//! Pools for people.

use std::time::Duration;

use posthaste_admin::PoolView;

use crate::cli::{keys, output};

pub(super) fn table(pools: &[PoolView]) -> String {
    if pools.is_empty() {
        return "no pools: all accounts serve all keys, by the relay's own rules".to_owned();
    }
    let mut table = output::table(&["NAME", "STRATEGY", "RETRY", "ACCOUNTS", "ID"]);
    for pool in pools {
        table.add_row([
            pool.name.clone(),
            pool.rules.strategy.to_string(),
            pool.rules.retry.to_string(),
            members(pool),
            pool.id.to_string(),
        ]);
    }
    table.to_string()
}

pub(super) fn one(pool: &PoolView) -> String {
    let rules = &pool.rules;
    let affinity = match &rules.affinity {
        affinity if !affinity.enabled => "off".to_owned(),
        affinity => format!(
            "for {} s{}",
            affinity.ttl_seconds,
            if affinity.renew { ", renewed by each request" } else { " from the first request on" }
        ),
    };
    output::list(&[
        ("name", pool.name.clone()),
        ("id", pool.id.to_string()),
        ("strategy", rules.strategy.to_string()),
        ("retry", rules.retry.to_string()),
        ("patience", format!("{:?}", Duration::from_millis(rules.patience_ms))),
        ("affinity", affinity),
        ("limits", keys::view::limits(&pool.limits)),
        ("accounts", members(pool)),
        ("made", pool.created_at.to_string()),
        ("changed", pool.updated_at.to_string()),
    ])
}

fn members(pool: &PoolView) -> String {
    if pool.members.is_empty() { "none yet".to_owned() } else { pool.members.join(", ") }
}
