//! `posthaste status`

use std::time::Duration;

use posthaste_admin::{Command, Reply, StatusView, StoreAway};

use super::{
    Failure, Output,
    accounts::view::state,
    output,
    session::{Session, unexpected},
};
use crate::Config;

pub(super) async fn run(config: &Config, out: &Output) -> Result<(), Failure> {
    let session = Session::open(config, &Command::Status).await?;
    match session.execute(Command::Status).await? {
        Reply::Status(status) => out.show(&status, || text(&status, config)),
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
        ("accounts", status.accounts.len().to_string()),
    ]);
    for account in &status.accounts {
        text.push_str(&format!("\n  {}  {}", account.name, state(account)));
    }
    text
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
