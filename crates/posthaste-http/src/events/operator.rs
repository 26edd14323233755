//! An operator who watches.
//!
//! What went on is looked at a few times a second and told together: being woken by each request would cost more than the telling.

use std::{collections::BTreeSet, convert::Infallible, sync::Arc};

use axum::extract::ws::close_code;
use posthaste_admin::{AdminError, Command, LogInput, LogPage, Replied};
use posthaste_core::{Fault, FaultKind, NoticeKind, Origin};
use posthaste_gateway::{LiveEvent, LiveFeed, LiveTotals};
use serde::Serialize;
use serde_json::json;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};
use tokio_util::sync::CancellationToken;

use super::{
    door::{Operator, Visit, fault},
    message::{self, Incoming},
    session::{read, refuse, stopping},
    shown::{ShownRequest, ShownTotals},
    topic::Topic,
};
use crate::link::{Heard, Link, Over, over};

/// Somebody who watches, and what.
pub(super) struct Watcher {
    visit: Arc<Visit>,
    operator: Operator,
    topics: BTreeSet<Topic>,
    /// Where the log was read up to.
    logs_after: Option<u64>,
    feed: Option<LiveFeed>,
    told: Option<(LiveTotals, Instant)>,
    /// When something was last asked for.
    busy: Instant,
}

impl Watcher {
    pub(super) fn new(visit: &Arc<Visit>, operator: Operator) -> Self {
        let visit = Arc::clone(visit);
        let topics = BTreeSet::new();
        Self { visit, operator, topics, logs_after: None, feed: None, told: None, busy: Instant::now() }
    }

    pub(super) async fn serve(
        &mut self,
        link: &mut Link,
        stop: &CancellationToken,
    ) -> Result<Infallible, Over> {
        let options = self.visit.front.sockets.options;
        let (mut ticks, mut rechecks) = (interval(options.tick), interval(options.recheck));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        rechecks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let watches = !self.topics.is_empty();
            tokio::select! {
                heard = link.hear() => self.heard(heard?, link).await?,
                _ = ticks.tick(), if watches => self.look(link).await?,
                _ = rechecks.tick() => self.recheck().await?,
                () = stop.cancelled() => return Err(stopping()),
                () = sleep_until(self.busy + options.idle), if !watches => {
                    return Err(over(close_code::NORMAL, "nothing was asked for a long time"));
                }
            }
        }
    }

    async fn heard(&mut self, heard: Heard, link: &mut Link) -> Result<(), Over> {
        self.busy = Instant::now();
        let is_too_large = matches!(heard, Heard::TooLarge);
        let done = read(heard, "send JSON as text").and_then(|asked| self.asked(asked));
        match done {
            Ok((kind, content)) => {
                link.tell(message::message(kind, None, &content, self.visit.front.relay.now())).await
            }
            Err(fault) => {
                refuse(&self.visit, link, &fault, None).await?;
                if is_too_large {
                    return Err(over(close_code::SIZE, "the message is too large"));
                }
                Ok(())
            }
        }
    }

    fn asked(&mut self, asked: Incoming) -> Result<(&'static str, serde_json::Value), Fault> {
        match asked {
            Incoming::Subscribe(wanted) => {
                let wanted = wanted.topics.iter().map(|name| Topic::parse(name));
                let wanted: BTreeSet<_> = wanted.collect::<Result<_, _>>()?;
                for topic in &wanted {
                    self.operator.actor.check(topic.need()).map_err(|error| fault(&error))?;
                }
                self.topics.extend(wanted);
                Ok(self.subscribed())
            }
            Incoming::Unsubscribe(unwanted) => {
                for name in &unwanted.topics {
                    self.topics.remove(&Topic::parse(name)?);
                }
                Ok(self.subscribed())
            }
            Incoming::Ping(content) => Ok(("pong", json!(content))),
            Incoming::Auth(_) => {
                Err(Fault::invalid_request("you are logged in; connect again as somebody else"))
            }
            Incoming::Text(_) | Incoming::Request(_) | Incoming::Cancel(_) => {
                let message = "operators watch here; log in with a client key to ask a model";
                Err(Fault::new(FaultKind::PermissionDenied, Origin::Client, message))
            }
        }
    }

    /// Keeps only what is still needed for what is watched.
    fn subscribed(&mut self) -> (&'static str, serde_json::Value) {
        let wants_events = [Topic::Requests, Topic::Accounts, Topic::Notices];
        match wants_events.iter().any(|topic| self.topics.contains(topic)) {
            true => {
                self.feed.get_or_insert_with(|| self.visit.front.relay.watch_live());
            }
            false => self.feed = None,
        }
        if !self.topics.contains(&Topic::Logs) {
            self.logs_after = None;
        }
        self.told = None;
        let topics: Vec<_> = self.topics.iter().map(|topic| topic.as_str()).collect();
        ("subscribed", json!({ "topics": topics }))
    }

    async fn recheck(&mut self) -> Result<(), Over> {
        if !self.operator.is_known_still().await {
            return Err(over(close_code::POLICY, "the log-in is over"));
        }
        let may = |topic: &Topic| self.operator.actor.may(topic.need());
        if !self.topics.iter().all(may) || !Topic::ALL.iter().any(may) {
            return Err(over(close_code::POLICY, "what is watched may not be seen any more"));
        }
        Ok(())
    }

    async fn look(&mut self, link: &mut Link) -> Result<(), Over> {
        self.tell_events(link).await?;
        if self.topics.contains(&Topic::Totals) {
            self.tell_totals(link).await?;
        }
        if self.topics.contains(&Topic::Logs) {
            self.tell_logs(link).await?;
        }
        Ok(())
    }

    async fn tell_totals(&mut self, link: &mut Link) -> Result<(), Over> {
        let due = |at: Instant, most| at.elapsed() >= most;
        let totals = match self.told {
            Some((_, at)) if !due(at, EACH) => return Ok(()),
            told => {
                let totals = self.visit.front.relay.totals();
                if told.is_some_and(|(last, at)| last == totals && !due(at, AT_LEAST_EACH)) {
                    return Ok(());
                }
                totals
            }
        };
        self.told = Some((totals, Instant::now()));
        self.tell(link, "totals", &ShownTotals::of(&totals)).await
    }

    async fn tell_events(&mut self, link: &mut Link) -> Result<(), Over> {
        let Some(feed) = &mut self.feed else { return Ok(()) };
        let (mut requests, mut notices, mut lost) = (Vec::new(), Vec::new(), 0_u64);
        // As many as are kept, so that nobody who is too busy is read to for ever.
        for _ in 0..MOST_READ {
            match feed.look() {
                None => break,
                Some(Err(missed)) => lost = lost.saturating_add(missed),
                Some(Ok(event)) => match &*event {
                    LiveEvent::Notice(_) => notices.push(event),
                    LiveEvent::Began(_) | LiveEvent::Ended(..) => requests.push(event),
                },
            }
        }
        if self.topics.contains(&Topic::Requests) {
            lost = lost.saturating_add(requests.len().saturating_sub(MOST_TOLD) as u64);
            let shown: Vec<_> = requests.iter().rev().take(MOST_TOLD).rev().collect();
            let shown: Vec<_> = shown
                .into_iter()
                .filter_map(|event| ShownRequest::of(event, &self.visit.front.relay))
                .collect();
            if !shown.is_empty() {
                self.tell(link, "requests", &shown).await?;
            }
        }
        for (topic, kind) in [(Topic::Accounts, Some(NoticeKind::AccountState)), (Topic::Notices, None)] {
            let told: Vec<_> = notices
                .iter()
                .filter_map(|event| match &**event {
                    LiveEvent::Notice(notice) => Some(notice),
                    LiveEvent::Began(_) | LiveEvent::Ended(..) => None,
                })
                .filter(|notice| kind.is_none_or(|kind| notice.kind() == kind))
                .collect();
            if self.topics.contains(&topic) && !told.is_empty() {
                self.tell(link, topic.as_str(), &told).await?;
            }
        }
        if lost > 0 {
            self.tell(link, "lost", &json!({ "events": lost })).await?;
        }
        Ok(())
    }

    async fn tell_logs(&mut self, link: &mut Link) -> Result<(), Over> {
        // The first look only finds out where the log stands.
        let limit = if self.logs_after.is_some() { MOST_TOLD } else { 1 };
        let input = LogInput { after: self.logs_after, limit: Some(limit), ..LogInput::default() };
        let page = self.operator.admin.admin.act(&self.operator.actor, Command::ListLogs(input)).await;
        let page = match page.map(LogPage::from_reply) {
            Ok(Some(page)) => page,
            Ok(None) | Err(AdminError::NotFound { .. }) => return Ok(()),
            Err(error) => {
                tracing::debug!(%error, "the log cannot be told");
                return Ok(());
            }
        };
        let LogPage { lines, next, missed, .. } = page;
        if self.logs_after.replace(next).is_none() {
            return Ok(());
        }
        if !lines.is_empty() {
            self.tell(link, "logs", &lines).await?;
        }
        if missed > 0 {
            self.tell(link, "lost", &json!({ "log_lines": missed })).await?;
        }
        Ok(())
    }

    async fn tell(&self, link: &mut Link, kind: &str, content: &impl Serialize) -> Result<(), Over> {
        link.tell(message::message(kind, None, content, self.visit.front.relay.now())).await
    }
}

/// The time between two totals, and the longest where nothing changes.
const EACH: std::time::Duration = std::time::Duration::from_secs(1);
const AT_LEAST_EACH: std::time::Duration = std::time::Duration::from_secs(10);

/// Events of one look that are read, and that are told: a page shows no more than these, and telling has a price.
const MOST_READ: usize = 2_048;
const MOST_TOLD: usize = 100;
