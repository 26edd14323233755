//! `posthaste import`

use std::{
    collections::BTreeSet,
    fs,
    io::{self, IsTerminal, Write as _},
    path::PathBuf,
    sync::Arc,
};

use clap::{Args, Subcommand};
use posthaste_core::{Channel, Clock, Secret, SystemClock, Timestamp};
use posthaste_import::{
    Applied, Clash, Found, ImportError, MapOptions, Part, Plan, ReadOptions, Report, State, Step, Target,
    read_file, read_redis,
};
use posthaste_vault::{CrsKey, VaultError};
use serde::Serialize;

use super::{Failure, Output, ask::asked, input, output::counted, session};
use crate::{
    Config,
    config::StoreKind,
    wiring::{self, Notify, Opened},
};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Move in from claude-relay-service: shows what would be taken over; `--apply` does it
    ///
    /// The source is only read, and no token is refreshed. Give its ENCRYPTION_KEY in the environment variable
    /// CRS_ENCRYPTION_KEY or in a file.
    Crs(Box<Crs>),
}

#[derive(Args, Debug)]
#[command(group = clap::ArgGroup::new("source").required(true).args(["redis", "file"]))]
pub(super) struct Crs {
    /// Its Redis, as `redis://USER:PASSWORD@HOST:PORT/DATABASE`; `-` reads the URL from a pipe or asks for it
    #[arg(long, value_name = "URL", value_parser = input::secret)]
    redis: Option<Secret>,
    /// One of its exports: JSON of version 1.0 or 2.0, or the sync export
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// A file that holds its ENCRYPTION_KEY; otherwise CRS_ENCRYPTION_KEY of the environment is taken
    #[arg(long, value_name = "FILE")]
    encryption_key_file: Option<PathBuf>,
    /// Take over what is new
    #[arg(long)]
    apply: bool,
    /// Also put what is there in the place of what differs here
    #[arg(long, requires = "apply")]
    update: bool,
    /// Only these parts: pools, accounts, owners, people, keys, usage, channels
    #[arg(long, value_name = "PART", value_delimiter = ',', value_parser = part)]
    only: Vec<Part>,
    /// The time zone in which its days and weeks begin (its TIMEZONE_OFFSET is 8 hours unless it was set)
    #[arg(long, value_name = "ZONE", default_value = "Asia/Shanghai")]
    timezone: String,
    /// Do not ask before writing
    #[arg(long, requires = "apply")]
    yes: bool,
}

fn part(text: &str) -> Result<Part, String> {
    Part::parse(text.trim())
        .ok_or_else(|| format!("expected one of {}", Part::ALL.map(Part::as_str).join(", ")))
}

/// The result, for programs.
#[derive(Serialize)]
struct Told<'a> {
    applied: Option<&'a Applied>,
    #[serde(flatten)]
    report: &'a Report,
}

pub(super) async fn run(command: Command, config: &Config, out: &Output) -> Result<(), Failure> {
    let Command::Crs(crs) = command;
    wiring::check_folder(config)?;
    refuse_where_it_cannot_be(&crs, config).await?;
    let now = SystemClock.now();
    let key = encryption_key(&crs)?;
    let progress = ProgressLine::new(out.is_json());
    let found = read(&crs, now, &progress).await?;
    // Before a data folder is made for nothing.
    let keys = crs.only.is_empty() || crs.only.contains(&Part::Keys);
    if crs.apply && keys && key.is_none() && found.has_hashed_keys() {
        return Err(failure(ImportError::NoKey));
    }
    let opened = open(&crs, config).await?;
    let done = take_over((&crs, config), &opened, &found, key.as_ref(), now, out, &progress).await;
    let closed = opened.close().await;
    done?;
    closed.map_err(|error| anyhow::Error::from(error).into())
}

async fn take_over(
    (crs, config): (&Crs, &Config),
    opened: &Opened,
    found: &Found,
    key: Option<&CrsKey>,
    now: Timestamp,
    out: &Output,
    progress: &ProgressLine,
) -> Result<(), Failure> {
    let (vault, clock) = (Arc::clone(&opened.vault), Arc::clone(&opened.clock));
    let notify = Notify::start(config, &opened.stores, vault, wiring::transport(config)?, clock);
    let check_channel = |channel: &Channel| match &notify {
        Some(notify) => notify.notifier.check(channel).map_err(|error| error.to_string()),
        None => Ok(()),
    };
    let target = Target { stores: &opened.stores, vault: &opened.vault, check_channel: &check_channel };
    let only: BTreeSet<Part> = crs.only.iter().copied().collect();
    let options = MapOptions { zone: crs.timezone.clone(), now };
    let plan = posthaste_import::plan(target, found, key, &options, &only).await.map_err(failure)?;
    progress.end();
    if !crs.apply {
        let report = &plan.report;
        return out.show(&Told { applied: None, report }, || dry_text(report));
    }
    if !crs.yes && io::stdin().is_terminal() && !confirmed(&plan, crs.update)? {
        return Err(Failure::failed("nothing was written"));
    }
    let report = plan.report.clone();
    let told = |step, done, all| progress.tell(step, done, all);
    let applied =
        posthaste_import::apply(target, plan, key, crs.update, now, &told).await.map_err(failure)?;
    progress.end();
    out.show(&Told { applied: Some(&applied), report: &report }, || applied_text(&applied, &report))?;
    match applied.conflicts.len() as u64 {
        0 => Ok(()),
        many => {
            let records = counted(many, "record was", "records were");
            Err(Failure::conflict(format!(
                "{records} in the way of others and not written; everything else was"
            ))
            .hint("look at what has changed here since, and run the same command again"))
        }
    }
}

/// Only what holds still can be written to: a relay that runs has the counters of limits in memory.
async fn refuse_where_it_cannot_be(crs: &Crs, config: &Config) -> Result<(), Failure> {
    if jiff::tz::TimeZone::get(&crs.timezone).is_err() {
        let message = format!("`{}` is no time zone", crs.timezone);
        return Err(Failure::usage(message).hint("give an IANA name such as Asia/Shanghai or Etc/GMT-8"));
    }
    match config.data.store {
        StoreKind::Memory => Err(Failure::usage("the memory store keeps nothing that could be taken over")
            .hint("set data.store to sqlite or redis")),
        StoreKind::Sqlite if crs.apply && session::connect(config).await?.is_some() => Err(Failure::failed(
            "a relay runs on this data folder",
        )
        .hint("stop it, run this again, and start it: look with the same command without --apply meanwhile")),
        StoreKind::Sqlite | StoreKind::Redis => Ok(()),
    }
}

/// Nothing is made for a look.
async fn open(crs: &Crs, config: &Config) -> Result<Opened, Failure> {
    let is_there = wiring::is_initialised(config) && wiring::has_master_key(config);
    if !crs.apply && !is_there {
        return Ok(wiring::open_forgetful().await?);
    }
    let opened = wiring::open_stores(config).await?;
    opened.made.iter().for_each(|made| super::output::note(&format!("made {made}")));
    opened.notices.iter().for_each(|notice| super::output::note(notice));
    Ok(opened)
}

async fn read(crs: &Crs, now: Timestamp, progress: &ProgressLine) -> Result<Found, Failure> {
    if let Some(path) = &crs.file {
        let text = fs::read_to_string(path).map_err(|error| {
            Failure::usage(format!("{} cannot be read", path.display())).caused_by(error.to_string())
        })?;
        return read_file(&text).map_err(failure);
    }
    let url = input::redis_url(crs.redis.as_ref())?;
    let zone = jiff::tz::TimeZone::get(&crs.timezone).unwrap_or(jiff::tz::TimeZone::UTC);
    let today = zone.to_datetime(now.into()).strftime("%Y-%m-%d").to_string();
    let told = |step, done, all| progress.tell(step, done, all);
    read_redis(&url, &ReadOptions { today }, &told).await.map_err(failure)
}

fn encryption_key(crs: &Crs) -> Result<Option<CrsKey>, Failure> {
    let text = match &crs.encryption_key_file {
        Some(path) => Some(fs::read_to_string(path).map_err(|error| {
            Failure::usage(format!("the file {} cannot be read", path.display())).caused_by(error.to_string())
        })?),
        None => input::environment("CRS_ENCRYPTION_KEY"),
    };
    let text =
        text.map(|text| text.trim_end_matches(['\r', '\n']).to_owned()).filter(|text| !text.is_empty());
    Ok(text.map(|text| CrsKey::new(Secret::new(text))))
}

fn failure(error: ImportError) -> Failure {
    let message = error.to_string();
    match error {
        ImportError::Url | ImportError::File(_) => Failure::usage(message),
        ImportError::Nothing(_) => Failure::not_found(message).hint("is it another database, such as …/1?"),
        ImportError::NoKey | ImportError::WrongKey(_) => Failure::usage(message).hint(
            "give the ENCRYPTION_KEY of the old .env file in CRS_ENCRYPTION_KEY or with --encryption-key-file",
        ),
        ImportError::Vault(VaultError::AnotherCrsKey) => {
            Failure::failed(VaultError::AnotherCrsKey.to_string()).hint("a store can take in the keys of one CRS")
        }
        ImportError::Redis(_) => Failure::failed(message),
        ImportError::Store(_) | ImportError::Vault(_) => anyhow::Error::from(error).into(),
    }
}

fn dry_text(report: &Report) -> String {
    let text = report.text(MOST_LINES);
    if report.is_all_same() {
        return format!("{text}\neverything is here already");
    }
    let changed =
        Part::ALL.iter().any(|part| *part != Part::Usage && report.count(*part, State::Changed) > 0);
    let update =
        if changed { ", and --update to put what differs (~) in the place of what is here" } else { "" };
    format!("{text}\nnothing was written: give --apply to take over what is new (+){update}")
}

fn applied_text(applied: &Applied, report: &Report) -> String {
    let mut lines: Vec<_> =
        applied.written.iter().map(|(part, count)| format!("wrote {count} of {}", part.as_str())).collect();
    if lines.is_empty() {
        lines.push("nothing to do: everything is here already".to_owned());
    }
    if applied.kept > 0 {
        let kept = counted(applied.kept, "record differs", "records differ");
        lines.push(format!("{kept} and stayed as here; --update would change that"));
    }
    for Clash { part, name, why } in &applied.conflicts {
        lines.push(format!("NOT written, of {}: {name}: {why}", part.as_str()));
    }
    let unreadable = report.unreadable.len() as u64;
    if unreadable > 0 {
        let secrets = counted(unreadable, "secret", "secrets");
        lines.push(format!("{secrets} could not be read; the same command without --apply lists them"));
    }
    if let Some(people) = applied.written.get(&Part::People) {
        let people = counted(*people, "person has", "people have");
        lines.push(format!(
            "{people} no password yet: give each one with `posthaste users reset-password NAME`"
        ));
    }
    lines.push(
        "tokens of accounts that are logged in are refreshed once the relay runs: stop the old one before"
            .to_owned(),
    );
    lines.join("\n")
}

fn confirmed(plan: &Plan, update: bool) -> Result<bool, Failure> {
    let what = if update { "take over what is new and what differs" } else { "take over what is new" };
    asked(&plan.report.text(MOST_LINES), what)
}

/// A line on standard error that tells how far the work is. Where nobody watches, nothing is written.
struct ProgressLine {
    shown: bool,
    last: parking_lot::Mutex<Option<(Step, u64)>>,
}

impl ProgressLine {
    fn new(quiet: bool) -> Self {
        Self { shown: !quiet && io::stderr().is_terminal(), last: parking_lot::Mutex::new(None) }
    }

    fn tell(&self, step: Step, done: u64, all: u64) {
        let percent = done.saturating_mul(100).checked_div(all).unwrap_or(100);
        let mut last = self.last.lock();
        if !self.shown || *last == Some((step, percent)) {
            return;
        }
        *last = Some((step, percent));
        let what = match step {
            Step::Reading => "reading names",
            Step::Writing(part) => part.as_str(),
        };
        let filled = usize::try_from(percent / 5).unwrap_or(0).min(BAR);
        let bar = format!("{}{}", "#".repeat(filled), "-".repeat(BAR - filled));
        let mut err = io::stderr().lock();
        let _ =
            write!(err, "\r{what:14} [{bar}] {percent:3} %  {done}/{all}\u{1b}[K").and_then(|()| err.flush());
    }

    fn end(&self) {
        if self.shown && self.last.lock().take().is_some() {
            let mut err = io::stderr().lock();
            let _ = write!(err, "\r\u{1b}[K").and_then(|()| err.flush());
        }
    }
}

const BAR: usize = 20;
/// Lines of a part that are shown to people.
const MOST_LINES: usize = 50;
