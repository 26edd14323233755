//! Counts and leases. Each claim and settlement is one write, so that it is whole or not at all; a process that is
//! [`alone`] with its file keeps them in memory instead.

pub(crate) mod alone;
mod saved;

use std::{borrow::Cow, time::Duration};

use async_trait::async_trait;
use posthaste_core::Timestamp;
use posthaste_storage::{
    AdmissionStore, Claim, Counter, CounterWindow, Half, HeldLease, LeaseId, LeaseRef, LimitCheck, Outcome,
    Refusal, SPANS_KEPT, Settlement, Standing, StorageError,
};
use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

use crate::{error::Failure, stores::Database};

#[async_trait]
impl AdmissionStore for Database {
    async fn reserve(&self, claim: &Claim, now: Timestamp) -> Result<Outcome, StorageError> {
        let claim = claim.clone();
        let write =
            move |connection: &Connection| Place::of(connection, &claim.lease_ref()).reserve(&claim, now);
        self.writer.write("reserving", write).await
    }

    async fn renew(&self, lease: LeaseRef, ttl: Duration, now: Timestamp) -> Result<bool, StorageError> {
        let write =
            move |connection: &Connection| Place::of(connection, &lease).renew(&lease, now.plus(ttl), now);
        self.writer.write("renewing a lease", write).await
    }

    async fn settle(
        &self,
        lease: LeaseRef,
        truth: &[Settlement],
        now: Timestamp,
    ) -> Result<(), StorageError> {
        let truth = truth.to_vec();
        let write = move |connection: &Connection| Place::of(connection, &lease).settle(&lease, &truth, now);
        self.writer.write("settling", write).await
    }

    async fn used(
        &self,
        half: Half,
        owner: Uuid,
        counter: &Counter,
        now: Timestamp,
    ) -> Result<i64, StorageError> {
        let counter = counter.clone();
        let read = move |connection: &Connection| Place { connection, half, owner }.used(&counter, now);
        self.readers.read("reading a counter", read).await
    }

    async fn leases(
        &self,
        half: Half,
        owner: Uuid,
        counter: &Counter,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<HeldLease>, StorageError> {
        let (counter, limit) = (counter.clone(), i64::try_from(limit).unwrap_or(i64::MAX));
        let read = move |connection: &Connection| {
            let mut select = connection.prepare_cached(LEASES)?;
            let held = select.query_map(
                params![
                    half.as_str(),
                    owner,
                    now.as_micros(),
                    stored_name(&counter),
                    counter.unit.as_str(),
                    BEFORE_ALL.as_micros(),
                    limit
                ],
                |row| {
                    Ok(HeldLease { lease: LeaseId(row.get(0)?), until: Timestamp::from_micros(row.get(1)?) })
                },
            )?;
            Ok(held.collect::<Result<_, _>>()?)
        };
        self.readers.read("reading leases", read).await
    }
}

/// The counters and leases of one owner's half.
struct Place<'a> {
    connection: &'a Connection,
    half: Half,
    owner: Uuid,
}

impl<'a> Place<'a> {
    fn of(connection: &'a Connection, lease: &LeaseRef) -> Self {
        Self { connection, half: lease.half, owner: lease.owner }
    }

    fn reserve(&self, claim: &Claim, now: Timestamp) -> Result<Outcome, Failure> {
        self.sweep(now)?;
        if self.renew(&claim.lease_ref(), now.plus(claim.ttl), now)? {
            return self.standings(claim, now);
        }
        for check in &claim.checks {
            if let Some(refusal) = self.refusal(check, claim.sum_of(&check.counter), now)? {
                return Ok(Outcome::Refused(refusal));
            }
        }
        self.hold(claim, now)?;
        for (counter, amount) in claim.sums() {
            let row = self.row_of(counter, now)?;
            self.note_reserve(claim, counter, amount, row.start)?;
            if !counter.is_held() {
                self.count(counter, row, amount)?;
            }
        }
        self.standings(claim, now)
    }

    fn standings(&self, claim: &Claim, now: Timestamp) -> Result<Outcome, Failure> {
        let counters = claim.checks.iter().map(|check| &check.counter);
        let standings = counters.map(|counter| {
            Ok(Standing { used: self.used(counter, now)?, resets_at: self.resets_at(counter, now)? })
        });
        standings.collect::<Result<_, Failure>>().map(Outcome::Granted)
    }

    fn resets_at(&self, counter: &Counter, now: Timestamp) -> Result<Option<Timestamp>, Failure> {
        Ok(match counter.window {
            CounterWindow::Span { end, .. } => Some(end),
            CounterWindow::Rolling(_) => self.open_window(counter, now)?.and_then(|row| row.end),
            CounterWindow::Held | CounterWindow::Total => None,
        })
    }

    /// `asked` is what the whole claim reserves of the counter.
    fn refusal(&self, check: &LimitCheck, asked: i64, now: Timestamp) -> Result<Option<Refusal>, Failure> {
        if check.shadow {
            return Ok(None);
        }
        let used = self.used(&check.counter, now)?;
        let fits = used.saturating_add(asked) <= check.limit;
        if fits {
            return Ok(None);
        }
        let resets_at = self.resets_at(&check.counter, now)?;
        Ok(Some(Refusal { counter: check.counter.clone(), used, limit: check.limit, resets_at }))
    }

    fn renew(&self, lease: &LeaseRef, until: Timestamp, now: Timestamp) -> Result<bool, Failure> {
        let mut renew = self.connection.prepare_cached(
            "UPDATE lease SET until = ?4 WHERE half = ?1 AND owner = ?2 AND id = ?3 AND until > ?5",
        )?;
        let renewed = renew.execute(params![
            self.half.as_str(),
            self.owner,
            lease.lease.0,
            until.as_micros(),
            now.as_micros()
        ])?;
        Ok(renewed > 0)
    }

    fn settle(&self, lease: &LeaseRef, truth: &[Settlement], now: Timestamp) -> Result<(), Failure> {
        self.sweep(now)?;
        for (at, told) in truth.iter().enumerate().filter(|(_, told)| !told.counter.is_held()) {
            if truth.iter().take(at).any(|earlier| earlier.counter.is_same(&told.counter)) {
                continue;
            }
            if let Some((start, reserved)) = self.reserved(lease, &told.counter)? {
                self.replace(&told.counter, start, reserved, told.actual)?;
            }
        }
        // What the lease has reserved goes with it.
        self.connection
            .prepare_cached("DELETE FROM lease WHERE half = ?1 AND owner = ?2 AND id = ?3")?
            .execute(params![self.half.as_str(), self.owner, lease.lease.0])?;
        Ok(())
    }

    /// Forgets leases that lapsed, rolling windows that ended, and spans that ended a day ago: a clock that was ahead and is set
    /// back must not find them empty.
    fn sweep(&self, now: Timestamp) -> Result<(), Failure> {
        let place = params![self.half.as_str(), self.owner, now.as_micros()];
        self.connection
            .prepare_cached("DELETE FROM lease WHERE half = ?1 AND owner = ?2 AND until <= ?3")?
            .execute(place)?;
        self.connection.prepare_cached(FORGET)?.execute(params![
            self.half.as_str(),
            self.owner,
            now.as_micros(),
            now.minus(SPANS_KEPT).as_micros()
        ])?;
        Ok(())
    }

    fn used(&self, counter: &Counter, now: Timestamp) -> Result<i64, Failure> {
        if counter.is_held() {
            return self.held(counter, now);
        }
        let row = self.row_of(counter, now)?;
        Ok(self.counted(counter, row.start, now)?.unwrap_or(0))
    }

    /// Where a counter's window is kept: for a rolling one the window that is open, else the one that would open now.
    fn row_of(&self, counter: &Counter, now: Timestamp) -> Result<Row, Failure> {
        Ok(match counter.window {
            CounterWindow::Span { start, end } => Row { start: start.as_micros(), end: Some(end) },
            CounterWindow::Held | CounterWindow::Total => Row { start: BEFORE_ALL.as_micros(), end: None },
            CounterWindow::Rolling(length) => self
                .open_window(counter, now)?
                .unwrap_or_else(|| Row { start: now.as_micros(), end: Some(now.plus(length)) }),
        })
    }

    fn open_window(&self, counter: &Counter, now: Timestamp) -> Result<Option<Row>, Failure> {
        let mut select = self.connection.prepare_cached(OPEN_WINDOW)?;
        let row = select.query_row(
            params![
                self.half.as_str(),
                self.owner,
                stored_name(counter),
                counter.unit.as_str(),
                now.as_micros()
            ],
            |row| Ok(Row { start: row.get(0)?, end: Some(Timestamp::from_micros(row.get(1)?)) }),
        );
        Ok(row.optional()?)
    }

    /// What leases that have not lapsed hold; added up here, as SQLite's `sum` fails where it would overflow.
    fn held(&self, counter: &Counter, now: Timestamp) -> Result<i64, Failure> {
        let mut select = self.connection.prepare_cached(HELD)?;
        let amounts = select.query_map(
            params![
                self.half.as_str(),
                self.owner,
                now.as_micros(),
                stored_name(counter),
                counter.unit.as_str(),
                BEFORE_ALL.as_micros()
            ],
            |row| row.get::<_, i64>(0),
        )?;
        let mut held: i64 = 0;
        for amount in amounts {
            held = held.saturating_add(amount?);
        }
        Ok(held)
    }

    fn counted(&self, counter: &Counter, start: i64, now: Timestamp) -> Result<Option<i64>, Failure> {
        let mut select = self.connection.prepare_cached(COUNTED)?;
        let used = select.query_row(
            params![
                self.half.as_str(),
                self.owner,
                stored_name(counter),
                counter.unit.as_str(),
                start,
                now.as_micros()
            ],
            |row| row.get(0),
        );
        Ok(used.optional()?)
    }

    fn hold(&self, claim: &Claim, now: Timestamp) -> Result<(), Failure> {
        self.connection
            .prepare_cached("INSERT INTO lease (half, owner, id, until) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![
                self.half.as_str(),
                self.owner,
                claim.lease.0,
                now.plus(claim.ttl).as_micros()
            ])?;
        Ok(())
    }

    fn note_reserve(&self, claim: &Claim, counter: &Counter, amount: i64, start: i64) -> Result<(), Failure> {
        self.connection.prepare_cached(NOTE_RESERVE)?.execute(params![
            self.half.as_str(),
            self.owner,
            claim.lease.0,
            stored_name(counter),
            counter.unit.as_str(),
            start,
            amount
        ])?;
        Ok(())
    }

    /// What a lease reserved of a counter, and the start of the window that it was counted in.
    fn reserved(&self, lease: &LeaseRef, counter: &Counter) -> Result<Option<(i64, i64)>, Failure> {
        let start = match counter.window {
            CounterWindow::Span { start, .. } => Some(start.as_micros()),
            CounterWindow::Held | CounterWindow::Total => Some(BEFORE_ALL.as_micros()),
            CounterWindow::Rolling(_) => None,
        };
        let mut select = self.connection.prepare_cached(RESERVED)?;
        let reserved = select.query_row(
            params![
                self.half.as_str(),
                self.owner,
                lease.lease.0,
                stored_name(counter),
                counter.unit.as_str(),
                start
            ],
            |row| Ok((row.get(0)?, row.get(1)?)),
        );
        Ok(reserved.optional()?)
    }

    fn count(&self, counter: &Counter, row: Row, amount: i64) -> Result<(), Failure> {
        let used = self.counted(counter, row.start, BEFORE_ALL)?.unwrap_or(0);
        self.set(counter, row, used.saturating_add(amount))
    }

    /// Does nothing for a span that has ended and is forgotten.
    fn replace(&self, counter: &Counter, start: i64, reserved: i64, actual: i64) -> Result<(), Failure> {
        let Some(used) = self.counted(counter, start, BEFORE_ALL)? else { return Ok(()) };
        let used = used.saturating_sub(reserved).saturating_add(actual);
        self.connection.prepare_cached(REPLACE)?.execute(params![
            self.half.as_str(),
            self.owner,
            stored_name(counter),
            counter.unit.as_str(),
            start,
            used
        ])?;
        Ok(())
    }

    fn set(&self, counter: &Counter, row: Row, used: i64) -> Result<(), Failure> {
        self.connection.prepare_cached(SET)?.execute(params![
            self.half.as_str(),
            self.owner,
            stored_name(counter),
            counter.unit.as_str(),
            row.start,
            row.end.map(Timestamp::as_micros),
            used
        ])?;
        Ok(())
    }
}

/// A window of a counter, known by its start.
#[derive(Clone, Copy)]
struct Row {
    start: i64,
    end: Option<Timestamp>,
}

/// Rolling windows are known by a mark that no limit's name holds, so that they do not meet a calendar's.
fn stored_name(counter: &Counter) -> Cow<'_, str> {
    match counter.window {
        CounterWindow::Rolling(_) => Cow::Owned([counter.name.as_str(), ROLLING_MARK].concat()),
        _ => Cow::Borrowed(&counter.name),
    }
}

/// Behind the name of a counter whose window opens with a claim.
const ROLLING_MARK: &str = "~";

/// The moment before which nothing has ended.
const BEFORE_ALL: Timestamp = Timestamp::from_micros(i64::MIN);

/// The name of a rolling window ends with its mark.
const FORGET: &str = "
    DELETE FROM counter WHERE half = ?1 AND owner = ?2 AND span_end <= ?3
        AND (substr(name, -1) = '~' OR span_end <= ?4)";

const HELD: &str = "
    SELECT reserve.amount FROM lease JOIN reserve
        ON reserve.half = lease.half AND reserve.owner = lease.owner AND reserve.lease = lease.id
    WHERE lease.half = ?1 AND lease.owner = ?2 AND lease.until > ?3
        AND reserve.name = ?4 AND reserve.unit = ?5 AND reserve.span_start = ?6";

const LEASES: &str = "
    SELECT lease.id, lease.until FROM lease JOIN reserve
        ON reserve.half = lease.half AND reserve.owner = lease.owner AND reserve.lease = lease.id
    WHERE lease.half = ?1 AND lease.owner = ?2 AND lease.until > ?3
        AND reserve.name = ?4 AND reserve.unit = ?5 AND reserve.span_start = ?6
    ORDER BY lease.until, lease.id LIMIT ?7";

const COUNTED: &str = "
    SELECT used FROM counter
    WHERE half = ?1 AND owner = ?2 AND name = ?3 AND unit = ?4 AND span_start = ?5
        AND (span_end IS NULL OR span_end > ?6)";

const OPEN_WINDOW: &str = "
    SELECT span_start, span_end FROM counter
    WHERE half = ?1 AND owner = ?2 AND name = ?3 AND unit = ?4 AND span_end > ?5";

const RESERVED: &str = "
    SELECT span_start, amount FROM reserve
    WHERE half = ?1 AND owner = ?2 AND lease = ?3 AND name = ?4 AND unit = ?5
        AND (?6 IS NULL OR span_start = ?6)";

const REPLACE: &str = "
    UPDATE counter SET used = ?6
    WHERE half = ?1 AND owner = ?2 AND name = ?3 AND unit = ?4 AND span_start = ?5";

const NOTE_RESERVE: &str = "
    INSERT INTO reserve (half, owner, lease, name, unit, span_start, amount)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

const SET: &str = "
    INSERT INTO counter (half, owner, name, unit, span_start, span_end, used)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
    ON CONFLICT (half, owner, name, unit, span_start) DO UPDATE SET used = excluded.used";
