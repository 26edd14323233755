//! `posthaste data backup`

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::{Failure, Output};
use crate::{
    Config,
    cli::{session::nothing_here, spinner::Spinner},
    wiring::{self, files},
};

#[derive(Args, Debug)]
pub(in crate::cli) struct Backup {
    /// The new file; one that is there already is never written over
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
}

pub(super) async fn run(backup: &Backup, config: &Config, out: &Output) -> Result<(), Failure> {
    let from = files::embedded(config)?;
    if !wiring::is_initialised(config) {
        return Err(nothing_here(config));
    }
    let to = &backup.to;
    if to.exists() {
        return Err(Failure::conflict(format!("{} exists already", to.display())).hint("name a new file"));
    }
    let copied = Spinner::new("copying and checking", out.is_json()).turn(files::backup(&from, to)).await?;
    let told = json!({
        "file": to, "bytes": copied.bytes, "schema": copied.schema, "integrity": "ok", "holds_master_key": false,
    });
    out.show(&told, || {
        format!(
            "{} holds the store as it was ({} bytes, schema {}, integrity checked)\nthe master key is not in it: keep that \
             apart, without it the secrets in the back-up cannot be opened",
            to.display(),
            copied.bytes,
            copied.schema
        )
    })
}
