//! `posthaste data move`

use clap::Args;
use posthaste_admin::{
    AdminFailure,
    data::{self, Findings, Moved},
};
use posthaste_core::Secret;
use serde_json::json;

use super::{Failure, Output, progress::Bar, refuse_nothing};
use crate::{
    Config, admin_socket,
    wiring::{self, files, other::Target},
};

#[derive(Args, Debug)]
pub(in crate::cli) struct Move {
    /// An empty store: `redis://…` or `rediss://…`, `redis` for the address in data.redis_url, `sqlite:FILE`
    #[arg(long, value_name = "STORE", value_parser = |text: &str| Ok::<_, String>(Secret::new(text)))]
    to: Secret,
}

pub(super) async fn run(wanted: &Move, config: &Config, out: &Output) -> Result<(), Failure> {
    refuse_nothing(config)?;
    let target =
        Target::parse(wanted.to.expose(), config).map_err(|error| Failure::usage(error.to_string()))?;
    files::make_folder(config)?;
    let _held = admin_socket::hold(&admin_socket::path(&config.data.dir)).await.map_err(|error| {
        Failure::from(anyhow::Error::from(error)).hint("stop the relay first; nothing was changed")
    })?;
    let waiting = wiring::spool::verify(config, &mut Findings::default())?;
    if waiting > 0 {
        return Err(Failure::failed(format!("{waiting} ledger rows wait in the spool of the data folder"))
            .hint(
                "start the relay on it once, so that they are booked, and stop it again; nothing was changed",
            ));
    }
    let opened = wiring::open_stores(config).await?;
    let other = target.open().await?;
    let bar = Bar::new(out.is_json());
    let done =
        data::transfer(&opened.stores, &other.stores(), &|what, done, total| bar.tell(what, done, total))
            .await;
    drop(bar);
    let closed = (other.close().await, opened.close().await);
    let moved = done.map_err(|error| AdminFailure::from(&error))?;
    closed.0.and(closed.1).map_err(anyhow::Error::from)?;
    out.show(&json!({ "from": opened.store_name, "to": target.name(), "moved": moved }), || {
        text(&moved, &target)
    })?;
    match moved.problems.is_empty() {
        true => Ok(()),
        false => Err(Failure::failed("the target is not like the source").hint("the source is as it was")),
    }
}

fn text(moved: &Moved, target: &Target) -> String {
    let Moved { records, written, rows, rollups, sessions, entries, problems } = moved;
    let mut text = format!(
        "{} holds {records} records ({written} of them written now), {rows} ledger rows, {rollups} roll-ups, {sessions} \
         sessions and {entries} entries of journals; the source is as it was",
        target.name()
    );
    for problem in problems {
        text.push_str(&format!("\n{}: {}", problem.place, problem.what));
    }
    text.push_str(
        "\ncounters of limits begin anew there, conversations find an account anew, records of requests stay behind",
    );
    text.push_str(&format!("\nnext: {}; the master key stays the same", target.advice()));
    text
}
