//! `posthaste logs`

use clap::{Args, Subcommand};
use posthaste_admin::{Command as Work, LogFilterInput, LogInput, LogLevel, LogLine, LogPage, Reply};

use super::{
    Failure, Output,
    output::{self, note},
    session::{Session, unexpected},
};
use crate::Config;

#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Logs {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    list: List,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Log other events, until the next start or until a reload brings another log.filter
    Filter {
        /// A level (error, warn, info, debug, trace), or levels by module such as `info,posthaste_gateway=debug`; without it
        /// the one that holds is told
        filter: Option<String>,
    },
}

#[derive(Args, Debug)]
struct List {
    /// Go on with the lines that come, until interrupted
    #[arg(long, short = 'f', visible_alias = "watch")]
    follow: bool,
    /// How many lines, 1 to 1000
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
    /// Only lines that are at least this grave: trace, debug, info, warn or error
    #[arg(long, value_name = "LEVEL", value_parser = level)]
    level: Option<LogLevel>,
    /// Only lines of parts of the program whose name begins like this, such as posthaste_gateway
    #[arg(long, value_name = "PART")]
    target: Option<String>,
    /// Only lines that hold this text
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
}

pub(super) async fn run(logs: Logs, config: &Config, out: &Output) -> Result<(), Failure> {
    match logs.command {
        None => list(logs.list, config, out).await,
        Some(Command::Filter { filter }) => {
            let work = match filter {
                Some(filter) => Work::SetLogFilter(LogFilterInput { filter }),
                None => Work::ListLogs(LogInput { limit: Some(1), ..LogInput::default() }),
            };
            let session = Session::open(config, &work).await?;
            let Reply::Logs(page) = session.execute(work).await? else { return Err(unexpected()) };
            out.show(&serde_json::json!({ "filter": page.filter }), || page.filter.clone())
        }
    }
}

async fn list(list: List, config: &Config, out: &Output) -> Result<(), Failure> {
    let List { follow, limit, level, target, search } = list;
    let mut input =
        LogInput { level, target, search, limit: Some(limit.clamp(1, 1_000)), ..LogInput::default() };
    let mut session = Session::open(config, &Work::ListLogs(input.clone())).await?;
    let mut page = ask(&mut session, &input).await?;
    if !follow {
        session.close().await?;
        return out.show(&page.lines, || page.lines.iter().map(text).collect::<Vec<_>>().join("\n"));
    }
    loop {
        if page.missed > 0 {
            note(&format!("{} lines came too fast and were missed", page.missed));
        }
        for line in &page.lines {
            let line =
                if out.is_json() { serde_json::to_string(line).unwrap_or_default() } else { text(line) };
            // Whoever no longer reads has seen enough.
            if !output::line(&line) {
                return session.close().await;
            }
        }
        input.after = Some(page.next);
        input.wait_seconds = Some(WAIT_SECONDS);
        input.limit = Some(1_000);
        page = ask(&mut session, &input).await?;
    }
}

async fn ask(session: &mut Session, input: &LogInput) -> Result<LogPage, Failure> {
    match session.call(Work::ListLogs(input.clone())).await? {
        Reply::Logs(page) => Ok(page),
        _ => Err(unexpected()),
    }
}

fn text(line: &LogLine) -> String {
    let level = format!("{:?}", line.level).to_uppercase();
    let fields: Vec<_> = line.fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let text = format!("{} {level:>5} {}: {} {}", line.at, line.target, line.message, fields.join(" "));
    text.trim_end().to_owned()
}

fn level(text: &str) -> Result<LogLevel, String> {
    serde_json::from_value(serde_json::Value::from(text.to_lowercase()))
        .map_err(|_| "is none of trace, debug, info, warn, error".to_owned())
}

/// Shorter than the relay keeps a silent connection of its socket.
const WAIT_SECONDS: u64 = 10;
