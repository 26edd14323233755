//! `posthaste audit`

use clap::{Args, Subcommand};
use posthaste_admin::{AuditEntry, AuditInput, AuditReport, Command as Work, Outcome, Reply};
use posthaste_core::Timestamp;

use super::{
    Failure, Output, input, output,
    session::{Session, unexpected},
};
use crate::Config;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List who did what, the newest first
    List(List),
    /// Check that the log is as it was written: nothing changed, added or removed
    Verify,
    /// Write the whole log as a line of JSON an entry, the oldest first
    Export,
}

#[derive(Args, Debug)]
pub(super) struct List {
    /// How many
    #[arg(long, value_name = "NUMBER", default_value_t = 50)]
    limit: usize,
    /// Only actions that begin like this, such as `key.`
    #[arg(long, value_name = "ACTION")]
    action: Option<String>,
    /// Only what was done to the record with this id or name
    #[arg(long, value_name = "NAME")]
    target: Option<String>,
    /// Only what was done by whom with this id or name
    #[arg(long, value_name = "NAME")]
    who: Option<String>,
    /// Only what was done from then on
    #[arg(long, value_name = "DATE", value_parser = input::moment)]
    from: Option<Timestamp>,
    /// Only what was done before
    #[arg(long, value_name = "DATE", value_parser = input::moment)]
    until: Option<Timestamp>,
}

pub(super) async fn run(command: Command, config: &Config, out: &Output) -> Result<(), Failure> {
    match command {
        Command::List(List { limit, action, target, who, from, until }) => {
            let input = AuditInput { before: None, limit: Some(limit), action, target, who, from, until };
            let work = Work::ListAudit(input);
            match Session::open(config, &work).await?.execute(work).await? {
                Reply::Audit(page) => out.show(&page.entries, || table(&page.entries)),
                _ => Err(unexpected()),
            }
        }
        Command::Verify => {
            match Session::open(config, &Work::VerifyAudit).await?.execute(Work::VerifyAudit).await? {
                Reply::AuditVerified(report) => verified(&report, out),
                _ => Err(unexpected()),
            }
        }
        Command::Export => export(config).await,
    }
}

fn verified(report: &AuditReport, out: &Output) -> Result<(), Failure> {
    out.show(report, || {
        let link = report.link.as_deref().unwrap_or("-");
        let mut lines = vec![format!(
            "{}, from {} to {}; link of the last one: {link}",
            output::counted(report.entries, "entry", "entries"),
            report.first.unwrap_or(0),
            report.last.unwrap_or(0),
        )];
        lines.extend(
            report.problems.iter().map(|problem| format!("entry {}: {}", problem.number, problem.what)),
        );
        lines.join("\n")
    })?;
    if report.problems.is_empty() {
        return Ok(());
    }
    Err(Failure::failed("the audit log is not as it was written"))
}

/// The whole log. Read from its end, as it is asked for; told from its beginning.
async fn export(config: &Config) -> Result<(), Failure> {
    let page = |before| AuditInput { before, limit: Some(PAGE), ..AuditInput::default() };
    let mut session = Session::open(config, &Work::ListAudit(page(None))).await?;
    let mut all = Vec::new();
    let mut before = None;
    loop {
        let Reply::Audit(part) = session.call(Work::ListAudit(page(before))).await? else {
            return Err(unexpected());
        };
        all.extend(part.entries);
        before = part.next;
        if before.is_none() {
            break;
        }
    }
    session.close().await?;
    all.reverse();
    output::lines(&all)
}

fn table(entries: &[AuditEntry]) -> String {
    if entries.is_empty() {
        return "nothing of that kind was done".to_owned();
    }
    let mut table = output::table(&["NO", "AT", "WHO", "FROM", "WHAT", "TO", "OUTCOME"]);
    for entry in entries {
        let target = entry.target.as_ref();
        table.add_row([
            entry.number.to_string(),
            entry.at.to_string(),
            who(entry),
            entry.address.map_or_else(|| "-".to_owned(), |address| address.to_string()),
            entry.action.clone(),
            target.map_or_else(|| "-".to_owned(), |target| format!("{} {}", target.kind, target.name)),
            outcome(entry),
        ]);
    }
    table.to_string()
}

fn who(entry: &AuditEntry) -> String {
    let text = |field: &str| entry.who.get(field).and_then(|value| value.as_str());
    match (text("kind"), text("name")) {
        (Some(kind), Some(name)) => format!("{kind} {name}"),
        (Some(kind), None) => kind.to_owned(),
        _ => "-".to_owned(),
    }
}

fn outcome(entry: &AuditEntry) -> String {
    let word = match entry.outcome {
        Outcome::Done => "done",
        Outcome::Refused => "refused",
        Outcome::Failed => "failed",
    };
    entry.why.as_ref().map_or_else(|| word.to_owned(), |why| format!("{word}: {why}"))
}

const PAGE: usize = 1_000;
