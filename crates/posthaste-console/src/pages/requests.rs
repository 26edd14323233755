//! Requests: which came, and why each went as it did.

use std::sync::Arc;

use askama::Template;
use axum::response::Response;
use posthaste_admin::{AdminError, Command, ExplainView, RequestsInput, RequestsPage};
use posthaste_core::{
    AccountId, Area, AskedAccount, AttemptRow, Barrier, CapturedBody, LimitUnit, PassedOver, RequestRecord,
    Stop, StopEnd, Strategy, Timestamp,
};

use crate::{
    asked::Asked,
    fields::Fields,
    frame::Frame,
    pages::{
        plan::words,
        pools::strategy_words,
        reading::{end, field_text, moment},
    },
    reasons,
    serve::{Door, Page, shows},
    show::Number,
};

pub(super) fn pages() -> Vec<Page> {
    let read = Door::Needs(Area::Requests.read());
    vec![shows("/requests", read, list), shows("/requests/{request}", read, one)]
}

#[derive(Template)]
#[template(path = "requests/list.html")]
struct List<'a> {
    p: Frame,
    query: &'a Fields,
    page: RequestsPage,
    next: Option<String>,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
}

#[derive(Template)]
#[template(path = "requests/one.html")]
struct One {
    p: Frame,
    view: ExplainView,
    steps: Vec<Step>,
    may_read_bodies: bool,
}

/// A step of a request, with where it begins and ends as shares of the whole.
struct Step {
    name: &'static str,
    began_us: u64,
    ended_us: u64,
    took_us: u64,
}

async fn list(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let query = &asked.query;
    let given = |name: &str| query.text(name).map(str::to_owned);
    let (since, until) = (moment(query, "since"), end(query, "until"));
    let input = RequestsInput {
        key: given("key"),
        account: given("account"),
        model: given("model"),
        endpoint: given("endpoint"),
        status: given("status"),
        since,
        until,
        after: query.text("after").and_then(|after| after.parse().ok()),
        limit: Some(50),
    };
    let page: RequestsPage = asked.act(Command::PageRequests(input)).await?;
    let next = page
        .next
        .map(|next| format!("{}{}", asked.path, query.clone().set("after", next.to_string()).to_query()));
    let p = asked.frame(asked.say("Requests")).await?;
    asked.page(&List { p, query, page, next, since, until })
}

async fn one(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let request = asked.parameter("request").to_owned();
    let may_read_bodies = asked.may(Area::Bodies.read());
    let bodies = may_read_bodies && asked.query.ticked("bodies");
    let view: ExplainView = asked.act(Command::Explain { request, bodies }).await?;
    let p = asked.frame(asked.say("Request")).await?;
    let steps = steps(&view.record);
    asked.page(&One { p, view, steps, may_read_bodies })
}

/// The relay's own steps one after the other, as far as the request came.
fn steps(record: &RequestRecord) -> Vec<Step> {
    fn text(text: &'static str) -> &'static str {
        text
    }
    let ends = [
        (text("looked at"), record.steps.peeked_us),
        (text("let in"), record.steps.admitted_us),
        (text("limits reserved"), record.steps.reserved_us),
        (text("planned"), record.steps.planned_us),
        (text("answer's head"), record.steps.answered_us),
        (text("all over"), Some(record.steps.ended_us)),
    ];
    let mut began_us = 0;
    let mut steps = Vec::new();
    for (name, ended_us) in ends {
        let Some(ended_us) = ended_us else { continue };
        steps.push(Step { name, began_us, ended_us, took_us: ended_us.saturating_sub(began_us) });
        began_us = ended_us;
    }
    steps
}

impl List<'_> {
    /// The bounds of the time that is looked at: the name of each field, its label, and what it says.
    fn bounds(&self) -> [(&'static str, &'static str, Option<Timestamp>); 2] {
        fn text(text: &'static str) -> &'static str {
            text
        }
        [("since", text("From"), self.since), ("until", text("Until"), self.until)]
    }

    fn field(&self, at: &Timestamp) -> String {
        field_text(*at)
    }

    fn is_filtered(&self) -> bool {
        ["key", "account", "model", "status", "since", "until"]
            .iter()
            .any(|name| self.query.text(name).is_some())
    }
}

impl One {
    fn row(&self, stop: &Stop) -> Option<&AttemptRow> {
        let attempt = stop.attempt?;
        self.view.attempts.iter().find(|row| row.attempt == attempt)
    }

    fn span(&self, from: &Option<u64>, to: &Option<u64>) -> String {
        match (from, to) {
            (Some(from), Some(to)) => self.p.took(to.saturating_sub(*from)),
            _ => "–".to_owned(),
        }
    }

    fn why(&self, asked: &AskedAccount) -> String {
        reasons::placed(&self.p, asked)
    }

    fn why_not(&self, passed: &PassedOver) -> String {
        match &passed.rest {
            Some(rest) => format!("{}: {}", self.p.t(reasons::rest(rest.reason)), rest.why),
            None => self.p.t(reasons::barrier(passed.barrier)).to_owned(),
        }
    }

    fn barrier(&self, barrier: &Barrier) -> &'static str {
        reasons::barrier(*barrier)
    }

    fn end(&self, stop: &Stop) -> &'static str {
        reasons::end(stop.end)
    }

    fn strategy(&self, strategy: &Strategy) -> &'static str {
        strategy_words(*strategy)
    }

    fn asked_for(&self) -> &'static str {
        words::operation(self.view.record.operation)
    }

    fn dialect(&self) -> &'static str {
        words::dialect(self.view.record.dialect)
    }

    fn amount(&self, unit: &LimitUnit, amount: &i64) -> String {
        words::amount(*unit, *amount)
    }

    fn unit(&self, unit: &LimitUnit) -> &'static str {
        reasons::unit(*unit)
    }

    fn served_by(&self) -> Option<String> {
        let stop = self.view.record.stops.iter().rev().find(|stop| stop.end == StopEnd::Delivered)?;
        Some(self.view.account(stop.account))
    }

    fn account(&self, id: &AccountId) -> String {
        self.view.account(*id)
    }

    /// When a turn was over; it goes on to the end where that is not known.
    fn over(&self, stop: &Stop) -> u64 {
        stop.ended_us.unwrap_or(self.view.record.steps.ended_us)
    }

    /// A bar's place in the timeline, in hundredths of its width.
    fn left(&self, micros: impl Number) -> u64 {
        micros.counted().saturating_mul(1_000) / self.view.record.steps.ended_us.max(1)
    }

    fn width(&self, from: impl Number, to: impl Number) -> u64 {
        (self.left(to).saturating_sub(self.left(from))).max(4)
    }

    fn losses(&self) -> Vec<String> {
        let of = |row: &AttemptRow| {
            row.request_losses.iter().chain(row.answer_losses.iter()).map(str::to_owned).collect::<Vec<_>>()
        };
        let mut losses: Vec<_> = self.view.attempts.iter().flat_map(of).collect();
        losses.dedup();
        losses
    }

    fn bodies(&self) -> Vec<&CapturedBody> {
        let Some(bodies) = &self.view.bodies else { return Vec::new() };
        std::iter::once(&bodies.request).chain(&bodies.answer).collect()
    }
}
