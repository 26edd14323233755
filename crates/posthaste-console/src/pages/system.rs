//! What runs here: the process, the store, the relays that share it, what waits and what was cleaned up.

use std::{sync::Arc, time::Duration};

use askama::Template;
use axum::response::Response;
use posthaste_admin::{AdminError, Command, LastCleanup, SpoolStatus, StatusView, SystemView};
use posthaste_core::Area;

use crate::{
    asked::Asked,
    frame::Frame,
    serve::{Door, Page, shows},
    show::span_words,
};

pub(super) fn pages() -> Vec<Page> {
    vec![shows("/system", Door::Needs(Area::System.read()), show)]
}

#[derive(Template)]
#[template(path = "system.html")]
struct System {
    p: Frame,
    view: SystemView,
    spool: Option<SpoolStatus>,
    uptime: Option<String>,
    /// For how long the oldest row of the spool has waited.
    waiting: Option<String>,
}

async fn show(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let view: SystemView = asked.act(Command::System).await?;
    let status: StatusView = asked.act(Command::Status).await?;
    let spool = status.server.and_then(|server| server.spool);
    let words = |secs| span_words(Duration::from_secs(secs), asked.look.language);
    let uptime = view.uptime_seconds.map(words);
    let waiting = spool.and_then(|spool| spool.oldest_seconds).map(words);
    let p = asked.frame(asked.say("System")).await?;
    asked.page(&System { p, view, spool, uptime, waiting })
}

impl System {
    fn age(&self, secs: &u64) -> String {
        span_words(Duration::from_secs(*secs), self.p.look.language)
    }

    /// What the last round forgot, without what there was none of.
    fn forgotten(&self, cleanup: &LastCleanup) -> Vec<(&'static str, u64)> {
        fn text(text: &'static str) -> &'static str {
            text
        }
        let forgotten = &cleanup.forgotten;
        [
            (text("rows of the books"), forgotten.rows),
            (text("sums of the books"), forgotten.rollups),
            (text("records of requests"), forgotten.requests),
            (text("entries of the audit log"), forgotten.audit),
            (text("messages to channels"), forgotten.deliveries),
            (text("failures of accounts"), forgotten.account_errors),
            (text("sessions"), forgotten.sessions),
            (text("deleted keys"), forgotten.deleted_keys),
        ]
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .collect()
    }
}
