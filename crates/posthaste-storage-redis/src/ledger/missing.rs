//! Which rows are not there.

use std::collections::BTreeMap;

use bytes::Bytes;
use fred::types::Value;
use futures_util::{StreamExt, TryStreamExt, stream};
use posthaste_core::{ClientKeyId, RequestId};
use posthaste_storage::StorageError;

use super::{AT_ONCE, READING, RedisLedger, booking::RowId, caller, numbers};
use crate::{link::Repeat, reply, script};

impl RedisLedger {
    /// The index tells whose each row is, and that client key's slot whether it is there: only there it is booked as one with
    /// its sums.
    pub(super) async fn missing_of(
        &self,
        rows: &[(RequestId, u16)],
    ) -> Result<Vec<(RequestId, u16)>, StorageError> {
        let names: Vec<[u8; 19]> =
            rows.iter().map(|&(request, attempt)| RowId::new(request, attempt).name()).collect();
        // The index has them without the mark that tells rows from roll-ups.
        let arguments = names.iter().map(|name| bytes(&name[1..])).collect();
        let index = vec![self.keys.ledger_index()];
        let found =
            self.link.eval(READING, &script::LEDGER_CALLERS, Repeat::Harmless, index, arguments).await?;
        let found = reply::each(found, Ok).map_err(|error| error.during(READING))?;
        let mut missing = Vec::new();
        let mut by_key: BTreeMap<ClientKeyId, Vec<usize>> = BTreeMap::new();
        for (place, key) in found.into_iter().enumerate() {
            match key {
                Value::Null => missing.push(place),
                key => {
                    by_key.entry(caller(key).map_err(|error| error.during(READING))?).or_default().push(place)
                }
            }
        }
        let names = &names;
        let of_keys = stream::iter(by_key).map(|(key, places)| async move {
            let asked = places.iter().map(|&place| bytes(&names[place])).collect();
            let rows = vec![self.keys.ledger_books(key)];
            let absent =
                self.link.eval(READING, &script::LEDGER_MISSING, Repeat::Harmless, rows, asked).await?;
            let absent = numbers(absent).map_err(|error| error.during(READING))?;
            let absent = absent.into_iter().filter_map(|number| places.get(number).copied());
            Ok::<_, StorageError>(absent.collect::<Vec<usize>>())
        });
        missing.extend(of_keys.buffer_unordered(AT_ONCE).try_concat().await?);
        missing.sort_unstable();
        Ok(missing.into_iter().filter_map(|place| rows.get(place).copied()).collect())
    }
}

fn bytes(name: &[u8]) -> Value {
    Value::Bytes(Bytes::copy_from_slice(name))
}

/// Names in one script: each is looked up, and nothing of a row is sent.
pub(super) const CHUNK: usize = 1_000;
