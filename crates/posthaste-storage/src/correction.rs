//! Amounts of booked rows that are put right, and what that changes in roll-ups.

use std::collections::BTreeMap;

use posthaste_core::{AttemptRow, ClientKeyId, CostBasis, NanoUsd, RequestId};

use crate::{RollupKey, RollupPeriod, Sums};

/// What a row says that its attempt cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amount {
    /// The cost.
    pub cost: NanoUsd,
    /// What the client key is billed for it.
    pub billed: NanoUsd,
    /// What it rests on.
    pub basis: CostBasis,
}

impl Amount {
    /// A row's.
    pub const fn of(row: &AttemptRow) -> Self {
        Self { cost: row.cost, billed: row.billed, basis: row.cost_basis }
    }

    /// Puts it into a row.
    pub const fn put_into(self, row: &mut AttemptRow) {
        (row.cost, row.billed, row.cost_basis) = (self.cost, self.billed, self.basis);
    }
}

/// Another amount for a booked row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Correction {
    /// The client's request.
    pub request_id: RequestId,
    /// Which attempt of it.
    pub attempt: u16,
    /// Whose row it is.
    pub key_id: ClientKeyId,
    /// What the row says. Where it says anything else, it stays as it is.
    pub was: Amount,
    /// What it is to say.
    pub is: Amount,
}

impl Correction {
    /// The row's identity.
    pub const fn name(&self) -> (RequestId, u16) {
        (self.request_id, self.attempt)
    }

    /// Whether it is about this row, as it stands.
    pub fn fits(&self, row: &AttemptRow) -> bool {
        self.name() == (row.request_id, row.attempt)
            && self.key_id == row.key_id
            && self.was == Amount::of(row)
    }
}

/// What a correction adds to sums; less than nothing where it takes away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shift {
    /// Attempts whose model has no price.
    pub unpriced: i64,
    /// Nano-dollars of cost.
    pub cost: i64,
    /// Nano-dollars that client keys are billed.
    pub billed: i64,
}

/// What corrections add to roll-ups, so that a store touches each once for each batch.
#[derive(Clone, Debug, Default)]
pub struct Shifts(BTreeMap<RollupKey, Shift>);

impl Shifts {
    /// Adds one correction to the roll-up of each period that its row is in.
    pub fn add(&mut self, row: &AttemptRow, correction: &Correction) {
        let part =
            |amount: &Amount, part: NanoUsd| if amount.basis.is_amount() { part.as_nanos() } else { 0 };
        let unpriced = |amount: &Amount| i64::from(amount.basis == CostBasis::Unpriced);
        let (was, is) = (&correction.was, &correction.is);
        for period in RollupPeriod::ALL {
            let shift = self.0.entry(RollupKey::of(row, period)).or_default();
            shift.unpriced += unpriced(is) - unpriced(was);
            let cost = part(is, is.cost).saturating_sub(part(was, was.cost));
            shift.cost = shift.cost.saturating_add(cost);
            let billed = part(is, is.billed).saturating_sub(part(was, was.billed));
            shift.billed = shift.billed.saturating_add(billed);
        }
    }

    /// Those that change anything, in the order of the roll-ups.
    pub fn iter(&self) -> impl Iterator<Item = (&RollupKey, Shift)> {
        let changes = self.0.iter().filter(|(_, shift)| **shift != Shift::default());
        changes.map(|(key, shift)| (key, *shift))
    }
}

impl Sums {
    /// Adds what corrections add.
    pub(crate) fn shift(&mut self, shift: Shift) {
        self.unpriced = self.unpriced.saturating_add_signed(shift.unpriced);
        self.cost += NanoUsd::from_nanos(shift.cost);
        self.billed += NanoUsd::from_nanos(shift.billed);
    }
}
