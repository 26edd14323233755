//! Looking where limits stand, without taking anything.

use posthaste_core::{CheckedLimit, Limit, LimitOwner, Timestamp};
use posthaste_storage::{Claim, CounterWindow, Half, LeaseId, Refusal, StorageError, Unit};
use uuid::Uuid;

use super::{Estimate, LEASE, checks, state_words};
use crate::{engine::Engine, shares::Share, trail::unit};

/// A limit, and whether it would let a request through.
pub(crate) struct Looked {
    /// Whose it is.
    pub(crate) whose: LimitOwner,
    /// The name of the one whose it is.
    pub(crate) of: String,
    /// What a claim would be told if it refused.
    pub(crate) refusal: Refusal,
    /// Whether it refuses.
    pub(crate) refuses: bool,
    amount: i64,
    shadow: bool,
}

/// Looks at what [`Hold::take`](super::Hold::take) would take, in the same order. Where several limits refuse, a claim is told
/// of the first.
pub(crate) async fn look(
    engine: &Engine,
    half: Half,
    owner: Uuid,
    shares: &[Share<'_>],
    covers: impl Fn(&Limit) -> bool,
    estimate: &Estimate,
) -> Result<Vec<Looked>, StorageError> {
    let now = engine.clock.now();
    let (checks, told) = checks(shares, covers, estimate, now);
    // Never shown to the store: it adds up what several checks take of one counter.
    let claim = Claim { half, owner, lease: LeaseId::generate(), ttl: LEASE, checks };
    let mut looked = Vec::with_capacity(claim.checks.len());
    for (check, (whose, of, name)) in claim.checks.iter().zip(told) {
        let used = engine.admission.used(half, owner, &check.counter, now).await?;
        let taken = claim.sum_of(&check.counter);
        let mut counter = check.counter.clone();
        counter.name = name;
        looked.push(Looked {
            whose,
            of: of.to_owned(),
            refuses: !check.shadow && used.saturating_add(taken) > check.limit,
            refusal: Refusal { resets_at: end(counter.window), counter, used, limit: check.limit },
            amount: taken,
            shadow: check.shadow,
        });
    }
    Ok(looked)
}

impl Looked {
    /// As a request's record would have it.
    pub(crate) fn checked(&self) -> CheckedLimit {
        let Refusal { counter, used, limit, resets_at } = &self.refusal;
        CheckedLimit {
            name: counter.name.clone(),
            unit: unit(counter.unit),
            reserved: (!self.refuses).then_some(self.amount),
            used: if self.refuses { *used } else { used.saturating_add(self.amount) },
            limit: *limit,
            shadow: self.shadow,
            resets_at: *resets_at,
        }
    }

    /// Whether places get free again without anybody's doing.
    pub(crate) fn is_crowded(&self) -> bool {
        self.refuses && self.refusal.counter.unit == Unit::Concurrency
    }

    /// What is told of a window of which only a claim learns when it ends; `None` where its end is known.
    pub(crate) fn open_ended(&self, whose: &str) -> Option<String> {
        let Refusal { counter, used, limit, .. } = &self.refusal;
        let CounterWindow::Rolling(length) = counter.window else { return None };
        let state = state_words(counter.unit, *used, *limit);
        let (name, seconds) = (&counter.name, length.as_secs());
        Some(format!(
            "limit `{name}` of {whose}: {state}; it starts anew when its window of {seconds} s is over"
        ))
    }
}

/// When a counter starts anew, as far as that is known without asking for a place.
const fn end(window: CounterWindow) -> Option<Timestamp> {
    match window {
        CounterWindow::Span { end, .. } => Some(end),
        CounterWindow::Held | CounterWindow::Rolling(_) | CounterWindow::Total => None,
    }
}
