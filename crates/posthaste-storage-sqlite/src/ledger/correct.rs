//! Amounts of booked rows that are put right, all of a call in one transaction with their roll-ups.

use posthaste_core::{AttemptRow, RequestId};
use posthaste_storage::{Correction, RollupKey, Shift, Shifts};
use rusqlite::{Connection, OptionalExtension, params};

use super::{rollup, row};
use crate::error::Failure;

pub(super) fn correct(
    connection: &Connection,
    corrections: &[Correction],
) -> Result<Vec<(RequestId, u16)>, Failure> {
    let mut find = connection.prepare_cached(FIND)?;
    let mut update = connection.prepare_cached(UPDATE)?;
    let (mut changed, mut shifts) = (Vec::new(), Shifts::default());
    for correction in corrections {
        let (request, attempt) = correction.name();
        let found = find.query_row(params![request.uuid(), attempt], row::read).optional()?;
        let Some(found) = found.filter(|found| correction.fits(found)) else { continue };
        shifts.add(&found, correction);
        let amount = &correction.is;
        let corrected =
            AttemptRow { cost: amount.cost, billed: amount.billed, cost_basis: amount.basis, ..found };
        update.execute(params![request.uuid(), attempt, row::checked(&corrected)])?;
        changed.push(correction.name());
    }
    for (key, sum) in shifts.iter() {
        shift(connection, key, sum)?;
    }
    Ok(changed)
}

fn shift(connection: &Connection, key: &RollupKey, shift: Shift) -> Result<(), Failure> {
    connection.prepare_cached(SHIFT)?.execute(params![
        key.period.as_str(),
        key.start.as_micros(),
        key.key_id.uuid(),
        key.account_id.uuid(),
        key.model.as_str(),
        rollup::owner(&key.owner),
        key.provider.as_str(),
        shift.unpriced,
        shift.cost,
        shift.billed,
    ])?;
    Ok(())
}

const FIND: &str = "SELECT * FROM attempt WHERE request_id = ?1 AND attempt = ?2";

const UPDATE: &str = "UPDATE attempt SET row = ?3 WHERE request_id = ?1 AND attempt = ?2";

/// Held at the top as where rows are added.
const SHIFT: &str = "
    UPDATE rollup SET
        unpriced = max(unpriced + ?8, 0),
        cost_nanos = cost_nanos + min(?9, 9223372036854775807 - max(cost_nanos, 0)),
        billed_nanos = billed_nanos + min(?10, 9223372036854775807 - max(billed_nanos, 0))
    WHERE period = ?1 AND start = ?2 AND key_id = ?3 AND account_id = ?4 AND model = ?5 AND owner = ?6 AND provider = ?7";
