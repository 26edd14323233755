//! `posthaste data cleanup`

use std::sync::Arc;

use clap::Args;
use posthaste_admin::{
    AdminFailure,
    data::{self, Cleaned},
};
use posthaste_core::{Clock, SystemClock};
use serde_json::json;

use super::{Failure, Output, refuse_nothing};
use crate::{
    Config,
    cli::{
        output::{counted, list},
        spinner::Spinner,
    },
    wiring::{self, Live},
};

#[derive(Args, Debug)]
pub(in crate::cli) struct Cleanup {
    /// Only count
    #[arg(long)]
    dry_run: bool,
}

pub(super) async fn run(cleanup: &Cleanup, config: &Config, out: &Output) -> Result<(), Failure> {
    refuse_nothing(config)?;
    let rules = config.cleanup();
    let opened = wiring::open_stores(config).await?;
    let (prices, transport) = (wiring::prices(config)?, wiring::transport(config)?);
    let credentials = wiring::credentials(config, &opened, Arc::clone(&transport));
    let admin = wiring::admin(config, &opened, credentials, prices, transport, Live::default());
    let work = data::clean_up(&admin, &rules, SystemClock.now(), cleanup.dry_run);
    let done = Spinner::new("looking for what is too old", out.is_json()).turn(work).await;
    let closed = opened.close().await;
    let cleaned = done.map_err(|error| AdminFailure::from(&error))?;
    closed.map_err(anyhow::Error::from)?;
    out.show(&json!({ "dry_run": cleanup.dry_run, "forgotten": cleaned }), || text(&cleaned, cleanup.dry_run))
}

fn text(cleaned: &Cleaned, dry_run: bool) -> String {
    if *cleaned == Cleaned::default() {
        return "nothing is older than it is kept for".to_owned();
    }
    let rows = list(&[
        ("ledger", counted(cleaned.rows, "row", "rows")),
        ("roll-ups", cleaned.rollups.to_string()),
        ("requests", counted(cleaned.requests, "record", "records")),
        ("audit log", counted(cleaned.audit, "entry", "entries")),
        ("deliveries", cleaned.deliveries.to_string()),
        ("account errors", cleaned.account_errors.to_string()),
        ("deleted client keys", cleaned.deleted_keys.to_string()),
        ("sessions", cleaned.sessions.to_string()),
    ]);
    format!("{}\n{rows}", if dry_run { "would be forgotten:" } else { "forgotten:" })
}
