//! What one script books: some rows of one client key with their sums.

use std::{collections::BTreeMap, fmt};

use fred::types::Value;
use posthaste_core::{AttemptRow, ClientKeyId, RequestId};
use posthaste_storage::Rollups;

use super::rollup;
use crate::{error::CallError, keys::Keys};

/// A row's identity as text. Texts sort as identities do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RowId {
    request: RequestId,
    attempt: u16,
}

impl RowId {
    pub(super) fn of(row: &AttemptRow) -> Self {
        Self { request: row.request_id, attempt: row.attempt }
    }

    /// As it stands in the store.
    pub(super) fn name(request: RequestId, attempt: u16) -> String {
        Self { request, attempt }.to_string()
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let (request, attempt) = text.split_once(':')?;
        Some(Self { request: request.parse().ok()?, attempt: attempt.parse().ok()? })
    }
}

impl fmt::Display for RowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{:05}", self.request, self.attempt)
    }
}

/// Rows of one client key, each identity once.
pub(super) struct Batch {
    key: ClientKeyId,
    rows: Vec<(AttemptRow, String)>,
}

impl Batch {
    /// Sorts rows into batches; of rows with the same identity the first counts.
    pub(super) fn by_key(rows: Vec<&AttemptRow>) -> Result<Vec<Self>, CallError> {
        let mut by_key: BTreeMap<ClientKeyId, BTreeMap<RowId, &AttemptRow>> = BTreeMap::new();
        for row in rows {
            by_key.entry(row.key_id).or_default().entry(RowId::of(row)).or_insert(row);
        }
        by_key
            .into_iter()
            .map(|(key, rows)| {
                let rows = rows.into_values().map(|row| Ok((row.clone(), json(row)?)));
                Ok(Self { key, rows: rows.collect::<Result<_, CallError>>()? })
            })
            .collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(super) fn leave_out(&mut self, booked: &[usize]) {
        let mut number = 0..;
        self.rows.retain(|_| number.next().is_none_or(|number| !booked.contains(&number)));
    }

    /// Keys and arguments of the script.
    pub(super) fn call(&self, keys: &Keys) -> (Vec<String>, Vec<Value>) {
        let mut call = Call::new(vec![keys.ledger_rows(self.key), keys.ledger_order(self.key)]);
        call.push(self.rows.len());
        let mut sums = Rollups::default();
        for (row, json) in &self.rows {
            call.push(RowId::of(row));
            call.arguments.push(Value::from(json.clone()));
            sums.add(row);
        }
        for (of, sum) in sums.iter() {
            let spans = call.key(keys.spans(self.key, of.period));
            let key = call.key(keys.sums(self.key, of.period, of.start));
            let fields = rollup::fields(of, sum);
            call.push(spans);
            call.push(key);
            call.push(of.start.as_micros());
            call.push(fields.len());
            for (field, amount) in fields {
                call.push(field);
                call.push(amount);
            }
        }
        (call.keys, call.arguments)
    }
}

struct Call {
    keys: Vec<String>,
    arguments: Vec<Value>,
}

impl Call {
    fn new(keys: Vec<String>) -> Self {
        Self { keys, arguments: Vec::new() }
    }

    fn push(&mut self, argument: impl ToString) {
        self.arguments.push(Value::from(argument.to_string()));
    }

    /// The number by which the script knows the key.
    fn key(&mut self, key: String) -> usize {
        let known = self.keys.iter().position(|known| *known == key);
        known.unwrap_or_else(|| {
            self.keys.push(key);
            self.keys.len() - 1
        }) + 1
    }
}

fn json(row: &AttemptRow) -> Result<String, CallError> {
    serde_json::to_string(row).map_err(|_| CallError::Unreadable("a row that JSON cannot hold".into()))
}

#[cfg(test)]
mod tests {
    use posthaste_core::RequestId;

    use super::*;

    #[test]
    fn identities_sort_as_texts() {
        let id = |attempt| RowId { request: RequestId::from_uuid(uuid::Uuid::nil()), attempt };
        assert!(id(9).to_string() < id(10).to_string());
        assert_eq!(RowId::parse(&id(10).to_string()), Some(id(10)));
    }
}
