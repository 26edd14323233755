//! Limits as the record has them.

use posthaste_core::{CheckedLimit, LimitUnit};
use posthaste_storage::{Refusal, Unit};

use crate::limits::Hold;

/// The limits that a hold was granted by.
pub(super) fn checked(hold: &Hold) -> Vec<CheckedLimit> {
    let checks = hold.checks().map(|(check, standing)| CheckedLimit {
        name: check.counter.name.clone(),
        unit: unit(check.counter.unit),
        reserved: Some(check.amount),
        used: standing.used,
        limit: check.limit,
        shadow: check.shadow,
        resets_at: standing.resets_at,
    });
    checks.collect()
}

/// The limit that refused.
pub(super) fn refused(refusal: &Refusal) -> CheckedLimit {
    CheckedLimit {
        name: refusal.counter.name.clone(),
        unit: unit(refusal.counter.unit),
        reserved: None,
        used: refusal.used,
        limit: refusal.limit,
        shadow: false,
        resets_at: refusal.resets_at,
    }
}

pub(crate) const fn unit(unit: Unit) -> LimitUnit {
    match unit {
        Unit::Requests => LimitUnit::Requests,
        Unit::Tokens => LimitUnit::Tokens,
        Unit::Cost => LimitUnit::Cost,
        Unit::Concurrency => LimitUnit::Concurrency,
    }
}
