//! `posthaste data verify`

use std::path::{Path, PathBuf};

use clap::Args;
use posthaste_admin::data::{self, Findings};
use serde_json::json;

use super::{Failure, Output, progress::Bar};
use crate::{
    Config,
    cli::{output::counted, session::nothing_here},
    config::StoreKind,
    wiring::{
        self,
        files::{self, Copy},
    },
};

#[derive(Args, Debug)]
pub(in crate::cli) struct Verify {
    /// A back-up [default: the store of the data folder]
    file: Option<PathBuf>,
}

pub(super) async fn run(verify: &Verify, config: &Config, out: &Output) -> Result<(), Failure> {
    let bar = Bar::new(out.is_json());
    let (name, schema, findings) = match &verify.file {
        Some(file) => file_findings(file, config, &bar).await?,
        None if !wiring::is_initialised(config) => return Err(nothing_here(config)),
        None if config.data.store == StoreKind::Redis => {
            let opened = wiring::open_stores(config).await?;
            let mut findings = look(&opened, &bar).await;
            opened.close().await.map_err(anyhow::Error::from)?;
            wiring::spool::verify(config, &mut findings)?;
            (opened.store_name, None, findings)
        }
        None => file_findings(&files::embedded(config)?, config, &bar).await?,
    };
    drop(bar);
    let told =
        json!({ "store": name, "schema": schema, "ok": findings.problems.is_empty(), "findings": findings });
    out.show(&told, || text(&name, schema, &findings))?;
    refuse_problems(&findings)
}

/// Looks through a copy of a file: nobody writes to that, and older tables can be brought up to date in it.
async fn file_findings(
    file: &Path,
    config: &Config,
    bar: &Bar,
) -> Result<(String, Option<i64>, Findings), Failure> {
    let name = file.display().to_string();
    let master = files::master_key(config)?;
    let copy = Copy::of(file, config).await?;
    let schema = Some(copy.copied.schema);
    if !copy.copied.problems.is_empty() {
        return Ok((name, schema, damaged(&copy)));
    }
    let opened = copy.open(&master).await?;
    let mut findings = look(&opened, bar).await;
    copy.copied.damaged.iter().for_each(|row| findings.problem("the books", row));
    opened.close().await.map_err(anyhow::Error::from)?;
    Ok((name, schema, findings))
}

/// Looks through an opened store.
pub(super) async fn look(opened: &wiring::Opened, bar: &Bar) -> Findings {
    data::verify(&opened.stores, &opened.vault, &|what, done, total| bar.tell(what, done, total)).await
}

/// What SQLite finds wrong. Nothing else is looked at then.
pub(super) fn damaged(copy: &Copy) -> Findings {
    let mut findings = Findings::default();
    copy.copied.problems.iter().for_each(|problem| findings.problem("the file", problem));
    findings
}

/// The failure that problems are.
pub(super) fn refuse_problems(findings: &Findings) -> Result<(), Failure> {
    match findings.problems.len() as u64 {
        0 => Ok(()),
        problems => {
            Err(Failure::failed(format!("{} found", counted(problems, "problem was", "problems were"))))
        }
    }
}

/// Problems, one a line.
pub(super) fn problems(findings: &Findings) -> String {
    let line = |problem: &data::Problem| format!("{}: {}", problem.place, problem.what);
    findings.problems.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn text(name: &str, schema: Option<i64>, findings: &Findings) -> String {
    let Findings { records, secrets, rows, rollups, requests, sessions, audit, .. } = findings;
    let schema = schema.map(|schema| format!(" (schema {schema})")).unwrap_or_default();
    let looked = format!(
        "{name}{schema}: {records} records, {secrets} secrets, {rows} ledger rows, {rollups} roll-ups, {requests} records of \
         requests, {sessions} sessions, {audit} entries of the audit log"
    );
    match findings.problems.is_empty() {
        true => format!("{looked}\nall is in order"),
        false => format!("{looked}\n{}", problems(findings)),
    }
}
