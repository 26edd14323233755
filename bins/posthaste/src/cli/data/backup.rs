//! `posthaste data backup` and `posthaste data backups`

use std::path::{Path, PathBuf};

use clap::Args;
use posthaste_admin::{BackupView, Command as Work, Reply};
use serde_json::json;

use super::{Failure, Output};
use crate::{
    Config,
    cli::{
        output,
        session::{Session, nothing_here, unexpected},
        spinner::Spinner,
    },
    wiring::{self, files},
};

#[derive(Args, Debug)]
pub(in crate::cli) struct Backup {
    /// The new file; one that is there already is never written over. Without it the back-up goes into the folder for
    /// back-ups [config key data.backups], of which the oldest are forgotten
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
}

impl Backup {
    /// Whether the relay makes it, in the folder for back-ups.
    pub(super) fn is_for_folder(&self) -> bool {
        self.to.is_none()
    }
}

pub(super) async fn run(backup: &Backup, config: &Config, out: &Output) -> Result<(), Failure> {
    match &backup.to {
        Some(to) => into_file(to, config, out).await,
        None => into_folder(config, out).await,
    }
}

/// Tells which back-ups lie in the folder.
pub(super) async fn list(config: &Config, out: &Output) -> Result<(), Failure> {
    let work = Work::ListBackups;
    match Session::open(config, &work).await?.execute(work).await? {
        Reply::Backups(backups) => out.show(&backups, || table(&backups)),
        _ => Err(unexpected()),
    }
}

async fn into_folder(config: &Config, out: &Output) -> Result<(), Failure> {
    if config.elsewhere.is_none() {
        files::embedded(config)?;
    }
    let work = Work::CreateBackup;
    let session = Session::open(config, &work).await?;
    let made = Spinner::new("copying and checking", out.is_json()).turn(session.execute(work)).await?;
    match made {
        Reply::Backup(made) => out.show(&made, || {
            format!(
                "{} holds the store as it was ({} bytes, integrity checked)\n{KEY_APART}",
                made.path, made.bytes
            )
        }),
        _ => Err(unexpected()),
    }
}

fn table(backups: &[BackupView]) -> String {
    if backups.is_empty() {
        return "no back-ups in the folder for them; make one: posthaste data backup".to_owned();
    }
    let mut table = output::table(&["MADE", "BYTES", "FILE"]);
    for backup in backups {
        table.add_row([backup.made_at.to_string(), backup.bytes.to_string(), backup.path.clone()]);
    }
    table.to_string()
}

async fn into_file(to: &Path, config: &Config, out: &Output) -> Result<(), Failure> {
    let from = files::embedded(config)?;
    if !wiring::is_initialised(config) {
        return Err(nothing_here(config));
    }
    if to.exists() {
        return Err(Failure::conflict(format!("{} exists already", to.display())).hint("name a new file"));
    }
    let copied = Spinner::new("copying and checking", out.is_json()).turn(files::backup(&from, to)).await?;
    let told = json!({
        "file": to, "bytes": copied.bytes, "schema": copied.schema, "integrity": "ok", "holds_master_key": false,
    });
    out.show(&told, || {
        format!(
            "{} holds the store as it was ({} bytes, schema {}, integrity checked)\n{KEY_APART}",
            to.display(),
            copied.bytes,
            copied.schema
        )
    })
}

const KEY_APART: &str =
    "the master key is not in it: keep that apart, without it the secrets in the back-up cannot be opened";
