//! `posthaste stats`

use clap::Args;
use posthaste_admin::{Command as Work, NamedId, Rank, Reply, StatsBy, StatsInput, StatsRow, StatsView};
use posthaste_core::{Clock, ProviderKind, SystemClock, Timestamp};

use super::{
    Failure, Output, input, output,
    session::{Session, unexpected},
    totals,
};
use crate::{Config, config::parse_duration};

#[derive(Args, Debug)]
pub(super) struct Question {
    /// Tell sums apart by key, owner, team, account, model, provider, hour, day or month; may be repeated or separated by commas
    #[arg(long, value_name = "WHAT", value_delimiter = ',', value_parser = by)]
    by: Vec<StatsBy>,
    /// From this date (its start, UTC) or moment on, or from so long ago: 2027-01-31, 2027-01-31T18:00:00Z, 7d; rounded
    /// down to a whole hour, day or month [default: 24h by hour, 30d by day, else all that is kept]
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    since: Option<Timestamp>,
    /// Up to this date, moment or so long ago; rounded up
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    until: Option<Timestamp>,
    /// Only this client key's, by name or id
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Only of client keys that were this owner's at the time
    #[arg(long, value_name = "OWNER")]
    owner: Option<String>,
    /// Only of owners who belong to this team now
    #[arg(long, value_name = "TEAM")]
    team: Option<String>,
    /// Only this account's, by name or id
    #[arg(long, value_name = "ACCOUNT")]
    account: Option<String>,
    /// Only of this model, as clients named it
    #[arg(long, value_name = "MODEL")]
    model: Option<String>,
    /// Only of accounts of this provider, such as `anthropic`
    #[arg(long, value_name = "PROVIDER")]
    provider: Option<String>,
    /// Sort what is not told apart by time by this: cost, requests or tokens
    #[arg(long, value_name = "WHAT", default_value = "cost", value_parser = rank)]
    rank: Rank,
    /// Tell the first so many only
    #[arg(long, value_name = "COUNT")]
    top: Option<usize>,
}

pub(super) async fn run(question: Question, config: &Config, out: &Output) -> Result<(), Failure> {
    let Question { by, since, until, key, owner, team, account, model, provider, rank, top } = question;
    let asked = StatsInput { by, key, owner, team, account, model, provider, since, until, rank, top };
    let work = Work::Stats(asked);
    let session = Session::open(config, &work).await?;
    match session.execute(work).await? {
        Reply::Stats(stats) => out.show(&stats, || text(&stats)),
        _ => Err(unexpected()),
    }
}

fn by(text: &str) -> Result<StatsBy, String> {
    StatsBy::parse(text)
        .ok_or_else(|| format!("expected one of {}", StatsBy::ALL.map(StatsBy::as_str).join(", ")))
}

fn rank(text: &str) -> Result<Rank, String> {
    match text {
        "cost" => Ok(Rank::Cost),
        "requests" => Ok(Rank::Requests),
        "tokens" => Ok(Rank::Tokens),
        _ => Err("expected cost, requests or tokens".to_owned()),
    }
}

/// A moment, or how long ago it was.
fn moment(text: &str) -> Result<Timestamp, String> {
    if let Some(ago) = parse_duration(text) {
        return Ok(SystemClock.now().minus(ago));
    }
    input::moment(text).map_err(|_| "expected a date, a moment or a time ago: 2027-01-31, 7d".to_owned())
}

fn text(stats: &StatsView) -> String {
    let mut text = span(stats);
    if !stats.rows.is_empty() {
        let columns: Vec<&str> = stats.by.iter().copied().map(column).collect();
        let cells = |row: &StatsRow| stats.by.iter().map(|by| cell(*by, row)).collect();
        let rows = stats.rows.iter().map(|row| (cells(row), &row.totals));
        text.push_str(&format!("\n{}\n", totals::table(&columns, rows)));
    }
    if stats.left_out > 0 {
        let left_out = output::counted(stats.left_out as u64, "row is", "rows are");
        text.push_str(&format!("{left_out} not shown: ask for less\n"));
    }
    text.push_str(&format!(
        "\n{}{}",
        totals::table(&[""], std::iter::once((vec!["all".to_owned()], &stats.totals))),
        totals::remarks(&stats.totals)
    ));
    text
}

fn span(stats: &StatsView) -> String {
    match (stats.since, stats.until) {
        (None, None) => "all that is kept".to_owned(),
        (Some(since), None) => format!("from {since} on"),
        (None, Some(until)) => format!("up to {until}"),
        (Some(since), Some(until)) => format!("from {since} to {until}"),
    }
}

const fn column(by: StatsBy) -> &'static str {
    match by {
        StatsBy::Hour => "HOUR (UTC)",
        StatsBy::Day => "DAY (UTC)",
        StatsBy::Month => "MONTH (UTC)",
        StatsBy::Key => "KEY",
        StatsBy::Owner => "OWNER",
        StatsBy::Team => "TEAM",
        StatsBy::Account => "ACCOUNT",
        StatsBy::Model => "MODEL",
        StatsBy::Provider => "PROVIDER",
    }
}

fn cell(by: StatsBy, row: &StatsRow) -> String {
    let start = |length: usize| {
        let moment = row.start.map(|start| start.to_string()).unwrap_or_default();
        moment.get(..length).unwrap_or(&moment).replace('T', " ")
    };
    let named = |id: &Option<NamedId>| match id {
        None => "-".to_owned(),
        Some(NamedId { name: Some(name), .. }) => name.clone(),
        Some(NamedId { id, name: None }) => id.to_string(),
    };
    match by {
        StatsBy::Hour => start("2027-01-31T18:00".len()),
        StatsBy::Day => start("2027-01-31".len()),
        StatsBy::Month => start("2027-01".len()),
        StatsBy::Key => named(&row.key),
        StatsBy::Owner => named(&row.owner),
        StatsBy::Team => named(&row.team),
        StatsBy::Account => named(&row.account),
        StatsBy::Model => row.model.as_ref().map_or("-".to_owned(), ToString::to_string),
        StatsBy::Provider => row.provider.map_or("-", ProviderKind::as_str).to_owned(),
    }
}
