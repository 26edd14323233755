//! Amounts of booked rows that are put right: each client key's in one script with their sums.

use std::collections::BTreeMap;

use bytes::Bytes;
use fred::types::Value;
use futures_util::{StreamExt, TryStreamExt, stream};
use posthaste_core::{AttemptRow, ClientKeyId, RequestId};
use posthaste_storage::{Correction, Shifts, StorageError, pack_row, unpack_row};

use super::{AT_ONCE, CORRECTING, RedisLedger, booking::RowId, numbers, rollup};
use crate::{link::Repeat, msgpack::Packer, script};

/// A row as it lies in the books, as it is to lie there, and what that adds to sums.
struct Step {
    name: [u8; 19],
    before: Bytes,
    after: Vec<u8>,
    row: AttemptRow,
    correction: Correction,
}

impl RedisLedger {
    /// At most as many as one script takes.
    pub(super) async fn correct_some(
        &self,
        corrections: &[Correction],
    ) -> Result<Vec<(RequestId, u16)>, StorageError> {
        let mut by_key: BTreeMap<ClientKeyId, BTreeMap<(RequestId, u16), Correction>> = BTreeMap::new();
        for correction in corrections {
            by_key.entry(correction.key_id).or_default().entry(correction.name()).or_insert(*correction);
        }
        let each = stream::iter(by_key)
            .map(|(key, corrections)| self.correct_key(key, corrections.into_values().collect()));
        each.buffer_unordered(AT_ONCE).try_concat().await
    }

    /// Corrects what is as it was; tries again without what somebody else has just changed.
    async fn correct_key(
        &self,
        key: ClientKeyId,
        corrections: Vec<Correction>,
    ) -> Result<Vec<(RequestId, u16)>, StorageError> {
        let mut steps = self.steps(key, corrections).await?;
        while !steps.is_empty() {
            let (keys, arguments) = (vec![self.keys.ledger_books(key)], vec![Value::Bytes(packed(&steps))]);
            // Run twice it would tell that nothing was changed.
            let others =
                self.link.eval(CORRECTING, &script::LEDGER_CORRECT, Repeat::Never, keys, arguments).await?;
            let others = numbers(others).map_err(|error| error.during(CORRECTING))?;
            if others.is_empty() {
                return Ok(steps.iter().map(|step| step.correction.name()).collect());
            }
            let mut number = 0..;
            steps.retain(|_| number.next().is_none_or(|number| !others.contains(&number)));
        }
        Ok(Vec::new())
    }

    async fn steps(&self, key: ClientKeyId, corrections: Vec<Correction>) -> Result<Vec<Step>, StorageError> {
        let id = |correction: &Correction| RowId::new(correction.request_id, correction.attempt);
        let names: Vec<_> =
            corrections.iter().map(|correction| Bytes::copy_from_slice(&id(correction).name())).collect();
        let held = self.held(key, &names).await?;
        let mut steps = Vec::new();
        for (correction, before) in corrections.into_iter().zip(held) {
            let (id, Some(before)) = (id(&correction), before) else { continue };
            let row = unpack_row(&before, (id.request, id.attempt, key));
            let row = row.map_err(|error| StorageError::corrupt(format!("ledger row {id}"), error))?;
            if correction.fits(&row) {
                let mut after = row.clone();
                correction.is.put_into(&mut after);
                steps.push(Step { name: id.name(), before, after: pack_row(&after), row, correction });
            }
        }
        Ok(steps)
    }
}

fn packed(steps: &[Step]) -> Bytes {
    let (mut shifts, mut packer) = (Shifts::default(), Packer::default());
    packer.list(2).list(3 * steps.len());
    for Step { name, before, after, row, correction } in steps {
        packer.bytes(name).bytes(before).bytes(after);
        shifts.add(row, correction);
    }
    rollup::pack_shifts(&shifts, &mut packer);
    packer.finish()
}
