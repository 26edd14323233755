//! `posthaste status`

use std::time::Duration;

use clap::Args;
use posthaste_admin::{
    Command, InstanceView, LastCleanup, Reply, SpoolStatus, StatusView, StoreAway, data::Part,
};

use super::{
    Failure, Output,
    accounts::view::state,
    output,
    session::{Session, unexpected},
    watch::Watch,
};
use crate::Config;

#[derive(Args, Debug)]
pub(super) struct Status {
    /// Show it again whenever it changes, until interrupted
    #[arg(long)]
    watch: bool,
}

pub(super) async fn run(asked: Status, config: &Config, out: &Output) -> Result<(), Failure> {
    if !asked.watch {
        let status = ask(config).await?;
        return out.show(&status, || text(&status, config));
    }
    let mut watch = Watch::new(out);
    // Each time anew: a relay may start or stop meanwhile.
    loop {
        let status = ask(config).await?;
        if !watch.show(&status, || text(&status, config)).await? {
            return Ok(());
        }
    }
}

async fn ask(config: &Config) -> Result<StatusView, Failure> {
    let session = Session::open(config, &Command::Status).await?;
    match session.execute(Command::Status).await? {
        Reply::Status(status) => Ok(status),
        _ => Err(unexpected()),
    }
}

fn text(status: &StatusView, config: &Config) -> String {
    let server = match &status.server {
        None => format!("not running on {}", config.data.dir.display()),
        Some(server) => {
            let uptime = Duration::from_secs(server.uptime_seconds);
            let in_flight = output::counted(server.in_flight, "request", "requests");
            format!("running for {}, {in_flight} in flight", span(uptime))
        }
    };
    if let Some(StoreAway { since, reason }) = &status.store_away {
        return output::list(&[
            ("relay", server),
            ("version", status.version.clone()),
            ("store", format!("{}, away since {since}", status.store)),
            ("why", reason.clone()),
            ("meanwhile", "requests are served; limits are kept as their on-loss says".to_owned()),
        ]);
    }
    let mut text = output::list(&[
        ("relay", server),
        ("version", status.version.clone()),
        ("store", status.store.clone()),
        ("client keys", format!("{} of {} open the door", status.keys.active, status.keys.total)),
        ("instances", status.instances.len().to_string()),
        ("accounts", status.accounts.len().to_string()),
    ]);
    for instance in &status.instances {
        text.push_str(&format!("\n  {}", told(instance)));
    }
    if let Some(waiting) = status.server.as_ref().and_then(|server| server.spool.as_ref()).and_then(spool) {
        text.push_str(&format!("\n{waiting}"));
    }
    if let Some(cleanup) = status.server.as_ref().and_then(|server| server.cleanup.as_ref()) {
        text.push_str(&format!("\n{}", cleaned(cleanup)));
    }
    if !status.instances.is_empty() && !status.accounts.is_empty() {
        text.push('\n');
    }
    for account in &status.accounts {
        text.push_str(&format!("\n  {}  {}", account.name, state(account)));
    }
    text
}

fn told(instance: &InstanceView) -> String {
    let InstanceView {
        id,
        host,
        address,
        version,
        started_at,
        revision,
        heartbeat_age_seconds: age,
        answers,
    } = instance;
    let answers = if *answers { ", answers" } else { "" };
    format!(
        "{id}  {host} {address}  {version}, up since {started_at}, revision {revision}, heard of {age} s ago{answers}"
    )
}

/// What there is to say of the spool; nothing while all is well.
fn spool(spool: &SpoolStatus) -> Option<String> {
    let mut said = Vec::new();
    if spool.lost || spool.failing {
        let rows = output::counted(spool.rows, "row waits", "rows wait");
        let oldest = spool.oldest_seconds.map(Duration::from_secs).map(span);
        let oldest = oldest.map(|span| format!(", the oldest for {span}")).unwrap_or_default();
        said.push(format!("{rows} ({} KiB{oldest})", spool.bytes.div_ceil(1_024)));
    }
    if spool.lost {
        said.push("the shared ledger does not take them".to_owned());
    }
    if spool.failing {
        said.push("the spool takes no more".to_owned());
    }
    if spool.damaged > 0 {
        said.push(format!("{} kept aside", output::counted(spool.damaged, "damaged file", "damaged files")));
    }
    (!said.is_empty()).then(|| format!("spool: {}", said.join("; ")))
}

/// What came of the last round of cleaning up.
fn cleaned(last: &LastCleanup) -> String {
    let forgotten: u64 = Part::ALL.into_iter().map(|part| last.forgotten.of(part)).sum();
    let forgotten = output::counted(forgotten, "record", "records");
    let problems = last.problems.iter().map(|problem| format!("; {problem}")).collect::<String>();
    format!("cleaned up at {}: {forgotten} forgotten in {} ms{problems}", last.ended_at, last.took_ms)
}

fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}
