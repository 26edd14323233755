//! Limits and leases: steps of one script, on keys of one owner's half.
//!
//! Amounts are exact over the whole of `i64`; sums saturate. Moments are doubles in the server: exact up to 2^53
//! microseconds, which is the year 2255.

mod lanes;
mod step;

use std::time::Duration;

use async_trait::async_trait;
use fred::{interfaces::HashesInterface, types::Value};
use posthaste_core::Timestamp;
use posthaste_storage::{
    AdmissionStore, Claim, Counter, CounterWindow, Half, HeldLease, LeaseId, LeaseRef, Outcome, Refusal,
    Settlement, Standing, StorageError, Unit,
};
use uuid::Uuid;

use self::{lanes::Lanes, step::Step};
use crate::{
    error::CallError,
    keys::{Keys, counter_field},
    link::{Link, Repeat},
    reply, script,
};

/// Keeps counters and leases.
pub(crate) struct RedisAdmission {
    link: Link,
    keys: Keys,
    lanes: Lanes,
}

impl RedisAdmission {
    pub(crate) fn new(link: Link, keys: Keys) -> Self {
        let lanes = Lanes::new(link.clone(), keys.clone());
        Self { link, keys, lanes }
    }

    async fn take<T>(
        &self,
        what: &str,
        (half, owner): (Half, Uuid),
        step: Step,
        read: impl FnOnce(&str) -> Result<T, CallError>,
    ) -> Result<T, StorageError> {
        let line = self.lanes.take((half, owner), step).await;
        line.and_then(|line| read(&line)).map_err(|error| error.during(what))
    }
}

#[async_trait]
impl AdmissionStore for RedisAdmission {
    async fn reserve(&self, claim: &Claim, now: Timestamp) -> Result<Outcome, StorageError> {
        let owner = (claim.half, claim.owner);
        self.take("reserving limits", owner, Step::reserve(claim, now), |line| outcome(claim, line)).await
    }

    async fn renew(&self, lease: LeaseRef, ttl: Duration, now: Timestamp) -> Result<bool, StorageError> {
        let owner = (lease.half, lease.owner);
        let read = |line: &str| Ok(number::<i64>(line)? == 1);
        self.take("renewing a lease", owner, Step::renew(lease.lease, ttl, now), read).await
    }

    async fn settle(
        &self,
        lease: LeaseRef,
        truth: &[Settlement],
        now: Timestamp,
    ) -> Result<(), StorageError> {
        let owner = (lease.half, lease.owner);
        self.take("settling a lease", owner, Step::settle(lease.lease, truth, now), |_| Ok(())).await
    }

    async fn used(
        &self,
        half: Half,
        owner: Uuid,
        counter: &Counter,
        now: Timestamp,
    ) -> Result<i64, StorageError> {
        let key = match place(counter, now) {
            Place::Past => return Ok(0),
            Place::Held => {
                return self.take(COUNTING, (half, owner), Step::look(counter, now), number).await;
            }
            Place::Total => self.keys.totals(half, owner),
            Place::Span | Place::Rolling => self.keys.book(half, owner),
        };
        let field = Value::Bytes(counter_field(counter).to_vec().into());
        let found: Value = self
            .link
            .call(COUNTING, |client| async move {
                let field: fred::types::Key = field.try_into()?;
                client.hget(key, field).await
            })
            .await?;
        let used = match place(counter, now) {
            _ if found.is_null() => Ok(0),
            Place::Rolling => reply::optional_bytes(found).and_then(|window| {
                let [used, _, end] = crate::msgpack::amounts(&window.unwrap_or_default())?
                    .try_into()
                    .map_err(|_| CallError::Unreadable("not a rolling window".into()))?;
                Ok(if end > now.as_micros() { used } else { 0 })
            }),
            _ => reply::number(found),
        };
        used.map_err(|error| error.during(COUNTING))
    }

    async fn leases(
        &self,
        half: Half,
        owner: Uuid,
        counter: &Counter,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<HeldLease>, StorageError> {
        let keys = vec![self.keys.leases(half, owner), self.keys.book(half, owner)];
        let (mut leases, mut behind) = (Vec::new(), now.as_micros().to_string());
        loop {
            let arguments = vec![
                Value::Bytes(counter_field(counter).to_vec().into()),
                Value::from(behind),
                Value::from(LOOKED_AT.to_string()),
            ];
            let script = &script::LEASES;
            let told = self.link.eval(LISTING, script, Repeat::Harmless, keys.clone(), arguments).await?;
            let (last, mut part) = leases_part(told).map_err(|error| error.during(LISTING))?;
            leases.append(&mut part);
            if last.is_empty() || leases.len() >= limit {
                leases.truncate(limit);
                return Ok(leases);
            }
            behind = last;
        }
    }
}

/// Up to where was looked, nothing where that was the end; and what was found.
fn leases_part(told: Value) -> Result<(String, Vec<HeldLease>), CallError> {
    let mut told = reply::list(told)?.into_iter();
    let last = told.next().ok_or_else(|| CallError::Unreadable("expected a moment".into()))?;
    Ok((reply::text(last)?, told.map(held_lease).collect::<Result<_, _>>()?))
}

fn held_lease(found: Value) -> Result<HeldLease, CallError> {
    let [id, until] = reply::tuple(found)?;
    let id = Uuid::from_slice(&reply::bytes(id)?)
        .map_err(|_| CallError::Unreadable("not a lease's identity".into()))?;
    Ok(HeldLease { until: Timestamp::from_micros(reply::number(until)?), lease: LeaseId(id) })
}

const LISTING: &str = "reading leases";

/// Leases of an owner that are looked at in one step of the server's.
const LOOKED_AT: usize = 2_000;

/// Where a counter is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// In the book, and given back with the leases.
    Held,
    /// In the book.
    Span,
    /// In the book, with the moment at which it opened.
    Rolling,
    /// With the totals, which stay.
    Total,
    /// Nowhere: its window has ended.
    Past,
}

fn place(counter: &Counter, now: Timestamp) -> Place {
    match counter.window {
        _ if counter.unit == Unit::Concurrency => Place::Held,
        CounterWindow::Held => Place::Held,
        CounterWindow::Span { end, .. } if end <= now => Place::Past,
        CounterWindow::Span { .. } => Place::Span,
        CounterWindow::Total => Place::Total,
        CounterWindow::Rolling(_) => Place::Rolling,
    }
}

fn outcome(claim: &Claim, line: &str) -> Result<Outcome, CallError> {
    let mut words = line.split(' ');
    let mut next = || words.next().ok_or_else(|| CallError::Unreadable("a line that is too short".into()));
    if next()? == "1" {
        let standings = claim.checks.iter().map(|check| {
            let used = number(next()?)?;
            Ok(Standing { used, resets_at: resets_at(&check.counter, next()?)? })
        });
        return standings.collect::<Result<_, CallError>>().map(Outcome::Granted);
    }
    let check = claim.checks.get(number::<usize>(next()?)?);
    let check = check.ok_or_else(|| CallError::Unreadable("a check that was not asked for".into()))?;
    let used = number(next()?)?;
    let resets_at = resets_at(&check.counter, next()?)?;
    Ok(Outcome::Refused(Refusal { counter: check.counter.clone(), used, limit: check.limit, resets_at }))
}

/// `end` is the script's word on a rolling window.
fn resets_at(counter: &Counter, end: &str) -> Result<Option<Timestamp>, CallError> {
    Ok(match counter.window {
        CounterWindow::Span { end, .. } => Some(end),
        CounterWindow::Rolling(_) if end == "-" => None,
        CounterWindow::Rolling(_) => Some(Timestamp::from_micros(number(end)?)),
        CounterWindow::Held | CounterWindow::Total => None,
    })
}

fn number<T: std::str::FromStr>(word: &str) -> Result<T, CallError> {
    word.parse().map_err(|_| CallError::Unreadable("expected a whole number".into()))
}

const COUNTING: &str = "reading a counter";
