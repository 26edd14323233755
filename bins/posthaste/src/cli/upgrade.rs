//! `posthaste upgrade`

use std::{env, fs, path::Path, process::Command as Process};

use clap::Args;
use posthaste_admin::{Command as Work, Reply};
use posthaste_storage_sqlite::{Schema, schema_of};
use serde_json::json;

use super::{
    Failure, Output,
    ask::confirmed,
    output::{self, note, tell},
    session::{Session, unexpected},
    spinner::Spinner,
};
use crate::{
    Config,
    config::StoreKind,
    handover::{self, LookError, Progress, Seen},
    wiring,
};

#[derive(Args, Debug)]
pub(super) struct Upgrade {
    /// Look whether it would work, and change nothing
    #[arg(long)]
    check: bool,
    /// Make no back-up first, also where the new program changes the store's tables
    #[arg(long)]
    no_backup: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

pub(super) async fn run(asked: Upgrade, config: &Config, out: &Output) -> Result<(), Failure> {
    let seen = handover::look(&config.data.dir).await.map_err(no_answer)?;
    let plan = Plan::of(config, seen)?;
    if asked.check {
        out.show(&plan.json(), || plan.text())?;
        return plan.refuse();
    }
    plan.refuse()?;
    let what = "have it take over";
    if !asked.yes && !out.is_json() && !confirmed(&plan.text(), what)? {
        tell("nothing was changed");
        return Ok(());
    }
    if plan.changes_tables() && !asked.no_backup {
        back_up(config).await?;
    }
    let upgrading = handover::ask_for_upgrade(&config.data.dir, |_| {});
    let waited = Spinner::new("the new process is setting up", out.is_json()).turn(upgrading).await;
    match waited.map_err(no_answer)? {
        Progress::Serving { pid, version } => {
            let before = plan.seen.pid;
            out.show(&json!({ "pid": pid, "version": version, "before": before }), || {
                format!(
                    "release {version} serves as process {pid}; process {before} ends with its last stream"
                )
            })
        }
        Progress::Failed { reason } => {
            Err(Failure::failed(format!("the relay was not upgraded and goes on as before: {reason}")))
        }
        Progress::Started { .. } => Err(unexpected()),
    }
}

/// What an upgrade would do.
struct Plan {
    seen: Seen,
    /// What the program on disk says of itself, or why it says nothing.
    release: Result<String, String>,
    /// Whether that program is the one that runs this command, which has read the configuration.
    is_this: bool,
    store: Store,
}

enum Store {
    Schema(Schema),
    Redis,
    Memory,
}

impl Plan {
    fn of(config: &Config, seen: Seen) -> Result<Self, Failure> {
        let program = Path::new(&seen.program);
        let release = release_of(program);
        let this = env::current_exe().and_then(fs::canonicalize);
        let is_this = matches!((this, fs::canonicalize(program)), (Ok(this), Ok(program)) if this == program);
        let store = match config.data.store {
            StoreKind::Memory => Store::Memory,
            StoreKind::Redis => Store::Redis,
            StoreKind::Sqlite => {
                let schema = schema_of(&wiring::sqlite_file(config));
                Store::Schema(schema.map_err(|error| Failure::from(anyhow::Error::from(error)))?)
            }
        };
        Ok(Self { seen, release, is_this, store })
    }

    fn changes_tables(&self) -> bool {
        matches!(self.store, Store::Schema(Schema { found, known }) if self.is_this && found < known)
    }

    /// Why it would not work.
    fn hindrances(&self) -> Vec<String> {
        let mut found: Vec<_> = self.seen.refuses.iter().cloned().collect();
        if let Err(error) = &self.release {
            found.push(format!("{} does not run: {error}", self.seen.program));
        }
        if let Store::Schema(Schema { found: schema, known }) = self.store
            && self.is_this
            && schema > known
        {
            found.push(format!(
                "the store has schema {schema} and this release knows {known}: going back needs a back-up from before, \
                 see `posthaste data backups`"
            ));
        }
        if let Store::Schema(schema) = self.store
            && self.changes_tables()
            && !schema.lets_the_one_before_book()
        {
            found.push(
                "the relay that runs could not book what it still serves: make a back-up (`posthaste data backup`), then stop it \
                 and start the new program"
                    .to_owned(),
            );
        }
        found
    }

    fn refuse(&self) -> Result<(), Failure> {
        match self.hindrances().first() {
            None => Ok(()),
            Some(first) => Err(Failure::failed(format!("the relay cannot be upgraded: {first}"))),
        }
    }

    fn json(&self) -> serde_json::Value {
        json!({
            "running": self.seen,
            "program": { "file": self.seen.program, "release": self.release.as_ref().ok() },
            "changes_tables": self.changes_tables(),
            "hindrances": self.hindrances(),
        })
    }

    fn text(&self) -> String {
        let Seen { version, pid, program, in_flight, sockets, .. } = &self.seen;
        let in_flight = output::counted(*in_flight, "request", "requests");
        let release = match &self.release {
            Ok(release) => format!("{program} ({release})"),
            Err(error) => format!("{program} does not run: {error}"),
        };
        let config = if self.is_this {
            "is in order for the new program".to_owned()
        } else {
            format!("is in order for this program; ask the new one: {program} upgrade --check")
        };
        let mut text = output::list(&[
            ("running", format!("release {version}, process {pid}, {in_flight} under way")),
            ("program", release),
            ("sockets", sockets.join(", ")),
            ("configuration", config),
            ("store", self.store_text()),
        ]);
        for hindrance in self.hindrances() {
            text.push_str(&format!("\nin the way: {hindrance}"));
        }
        text
    }

    fn store_text(&self) -> String {
        match self.store {
            Store::Memory => "memory".to_owned(),
            Store::Redis => "redis".to_owned(),
            Store::Schema(Schema { found, known }) if self.changes_tables() => format!(
                "sqlite, its tables are changed from schema {found} to {known}: the way back is the back-up that is made \
                 first"
            ),
            Store::Schema(Schema { found, .. }) => format!("sqlite, schema {found}, stays as it is"),
        }
    }
}

fn release_of(program: &Path) -> Result<String, String> {
    let said = Process::new(program).arg("--version").output().map_err(|error| error.to_string())?;
    if !said.status.success() {
        return Err(said.status.to_string());
    }
    Ok(String::from_utf8_lossy(&said.stdout).trim().to_owned())
}

async fn back_up(config: &Config) -> Result<(), Failure> {
    let work = Work::CreateBackup;
    let session = Session::open(config, &work).await?;
    match session.execute(work).await? {
        Reply::Backup(made) => {
            note(&format!("the store as it was is in {}", made.path));
            Ok(())
        }
        _ => Err(unexpected()),
    }
}

fn no_answer(error: LookError) -> Failure {
    match error {
        LookError::Nobody => Failure::not_found(error.to_string()).hint("start it: posthaste serve"),
        LookError::NoAnswer(_) => Failure::from(anyhow::Error::from(error)),
    }
}
