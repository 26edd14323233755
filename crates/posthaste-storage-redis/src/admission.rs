//! Limits and leases: one script for each step, on keys of one owner's half.
//!
//! Amounts travel as decimal texts and are exact over the whole of `i64`; sums saturate. Moments are scores of a sorted
//! set, hence doubles: exact up to 2^53 microseconds, which is the year 2255.

use std::time::Duration;

use async_trait::async_trait;
use fred::{
    interfaces::{HashesInterface, KeysInterface},
    types::Value,
};
use posthaste_core::Timestamp;
use posthaste_storage::{
    AdmissionStore, Claim, Counter, CounterWindow, Half, LeaseRef, LimitCheck, Outcome, Refusal, Settlement,
    Standing, StorageError, Unit,
};
use uuid::Uuid;

use crate::{
    error::CallError,
    keys::{Keys, counter_name},
    link::{Link, Repeat},
    reply, script,
    script::ttl_millis,
};

/// Keeps counters and leases.
pub(crate) struct RedisAdmission {
    link: Link,
    keys: Keys,
}

impl RedisAdmission {
    pub(crate) fn new(link: Link, keys: Keys) -> Self {
        Self { link, keys }
    }

    fn lease_keys(&self, half: Half, owner: Uuid) -> Vec<String> {
        vec![self.keys.leases(half, owner), self.keys.book(half, owner)]
    }
}

#[async_trait]
impl AdmissionStore for RedisAdmission {
    async fn reserve(&self, claim: &Claim, now: Timestamp) -> Result<Outcome, StorageError> {
        let mut keys = self.lease_keys(claim.half, claim.owner);
        let mut arguments = lease_arguments(claim.lease_ref(), claim.ttl, now);
        for check in &claim.checks {
            let place = place(&check.counter, now);
            if matches!(place, Place::Window | Place::Rolling) {
                keys.push(self.keys.counter(claim.half, claim.owner, &check.counter));
            }
            arguments.extend(check_arguments(check, place, keys.len(), now));
        }
        let answer = self.link.eval(RESERVING, &script::RESERVE, Repeat::Harmless, keys, arguments).await?;
        outcome(claim, answer).map_err(|error| error.during(RESERVING))
    }

    async fn renew(&self, lease: LeaseRef, ttl: Duration, now: Timestamp) -> Result<bool, StorageError> {
        let keys = self.lease_keys(lease.half, lease.owner);
        let arguments = lease_arguments(lease, ttl, now);
        let answer = self.link.eval(RENEWING, &script::RENEW, Repeat::Harmless, keys, arguments).await?;
        reply::number(answer).map(|held: i64| held == 1).map_err(|error| error.during(RENEWING))
    }

    async fn settle(
        &self,
        lease: LeaseRef,
        truth: &[Settlement],
        now: Timestamp,
    ) -> Result<(), StorageError> {
        let mut keys = self.lease_keys(lease.half, lease.owner);
        let mut arguments = vec![text(lease.lease.0), text(now.as_micros())];
        for told in truth {
            let kind = match place(&told.counter, now) {
                Place::Held | Place::Past => continue,
                Place::Window => "window",
                Place::Rolling => "rolling",
            };
            keys.push(self.keys.counter(lease.half, lease.owner, &told.counter));
            arguments.extend([
                Value::from(counter_name(&told.counter)),
                text(told.actual),
                Value::from(kind),
            ]);
        }
        let what = "settling a lease";
        self.link.eval(what, &script::SETTLE, Repeat::Harmless, keys, arguments).await.map(drop)
    }

    async fn used(
        &self,
        half: Half,
        owner: Uuid,
        counter: &Counter,
        now: Timestamp,
    ) -> Result<i64, StorageError> {
        let found = match place(counter, now) {
            Place::Past => return Ok(0),
            Place::Held => {
                let arguments = vec![text(now.as_micros()), Value::from(counter_name(counter))];
                let keys = self.lease_keys(half, owner);
                self.link.eval(COUNTING, &script::HELD, Repeat::Harmless, keys, arguments).await?
            }
            Place::Window => {
                let key = self.keys.counter(half, owner, counter);
                self.link.call(COUNTING, |client| async move { client.get(key).await }).await?
            }
            Place::Rolling => {
                let key = self.keys.counter(half, owner, counter);
                let fields = vec!["used", "end"];
                let found =
                    self.link.call(COUNTING, |client| async move { client.hmget(key, fields).await }).await?;
                let [used, end] = reply::tuple(found).map_err(|error| error.during(COUNTING))?;
                let open = !end.is_null()
                    && reply::number::<i64>(end).map_err(|error| error.during(COUNTING))? > now.as_micros();
                if open { used } else { Value::Null }
            }
        };
        if found.is_null() {
            return Ok(0);
        }
        reply::number(found).map_err(|error| error.during(COUNTING))
    }
}

/// Where a counter is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// With the leases, and given back with them.
    Held,
    /// Under a key of its own.
    Window,
    /// Under a key of its own, with the moment at which it opened.
    Rolling,
    /// Nowhere: its window has ended.
    Past,
}

fn place(counter: &Counter, now: Timestamp) -> Place {
    match counter.window {
        _ if counter.unit == Unit::Concurrency => Place::Held,
        CounterWindow::Held => Place::Held,
        CounterWindow::Span { end, .. } if end <= now => Place::Past,
        CounterWindow::Span { .. } | CounterWindow::Total => Place::Window,
        CounterWindow::Rolling(_) => Place::Rolling,
    }
}

/// Lease, now, end, and for how long to keep the lease's keys.
fn lease_arguments(lease: LeaseRef, ttl: Duration, now: Timestamp) -> Vec<Value> {
    let keep = ttl_millis(ttl.saturating_add(SLACK));
    vec![text(lease.lease.0), text(now.as_micros()), text(now.plus(ttl).as_micros()), text(keep)]
}

/// The seven arguments of a check; a window's key is the last of `keys` so far.
fn check_arguments(check: &LimitCheck, place: Place, keys: usize, now: Timestamp) -> [Value; 7] {
    let window = match check.counter.window {
        CounterWindow::Span { end, .. } => text(ttl_millis(end.since(now).saturating_add(SLACK))),
        CounterWindow::Rolling(length) => text(ttl_millis(length.saturating_add(SLACK))),
        CounterWindow::Held | CounterWindow::Total => Value::from(""),
    };
    [
        match place {
            Place::Held => Value::from("held"),
            Place::Past => Value::from("past"),
            Place::Window | Place::Rolling => text(keys),
        },
        Value::from(counter_name(&check.counter)),
        text(check.amount),
        text(check.limit),
        text(u8::from(check.shadow)),
        window,
        match check.counter.window {
            CounterWindow::Rolling(length) => text(now.plus(length).as_micros()),
            _ => Value::from(""),
        },
    ]
}

fn outcome(claim: &Claim, answer: Value) -> Result<Outcome, CallError> {
    let mut answer = reply::list(answer)?.into_iter();
    let granted = answer.next().map(reply::number::<i64>).transpose()? == Some(1);
    let rest: Vec<_> = answer.collect();
    if granted {
        return standings(claim, rest).map(Outcome::Granted);
    }
    let [number, used, end] = reply::tuple(Value::Array(rest))?;
    let check = claim.checks.get(reply::number::<usize>(number)?);
    let check = check.ok_or_else(|| CallError::Unreadable("a check that was not asked for".into()))?;
    let used = reply::number(used)?;
    let resets_at = resets_at(&check.counter, end)?;
    Ok(Outcome::Refused(Refusal { counter: check.counter.clone(), used, limit: check.limit, resets_at }))
}

fn standings(claim: &Claim, answer: Vec<Value>) -> Result<Vec<Standing>, CallError> {
    if answer.len() != 2 * claim.checks.len() {
        return Err(CallError::Unreadable("another number of counters than was asked for".into()));
    }
    let mut answer = answer.into_iter();
    let mut standings = Vec::with_capacity(claim.checks.len());
    for check in &claim.checks {
        let mut next = || answer.next().unwrap_or(Value::Null);
        let used = reply::number(next())?;
        standings.push(Standing { used, resets_at: resets_at(&check.counter, next())? });
    }
    Ok(standings)
}

/// `end` is the script's word on a rolling window.
fn resets_at(counter: &Counter, end: Value) -> Result<Option<Timestamp>, CallError> {
    Ok(match counter.window {
        CounterWindow::Span { end, .. } => Some(end),
        CounterWindow::Rolling(_) => match reply::text(end)?.as_str() {
            "" => None,
            end => Some(Timestamp::from_micros(reply::number(Value::from(end))?)),
        },
        CounterWindow::Held | CounterWindow::Total => None,
    })
}

/// Numbers go out as texts: the client sends no others.
fn text(value: impl ToString) -> Value {
    Value::from(value.to_string())
}

/// For how long keys outlive what they hold, so that relays whose clocks differ a little see the same.
const SLACK: Duration = Duration::from_secs(60);

const RESERVING: &str = "reserving limits";
const RENEWING: &str = "renewing a lease";
const COUNTING: &str = "reading a counter";
