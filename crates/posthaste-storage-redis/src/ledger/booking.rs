//! What one script books: some rows of one client key with their sums.

use std::{collections::BTreeMap, fmt};

use bytes::Bytes;
use posthaste_core::{AttemptRow, ClientKeyId, RequestId};
use posthaste_storage::{Rollups, pack_row};
use uuid::Uuid;

use super::rollup;
use crate::msgpack::Packer;

/// A row's identity. Its names in the store sort as identities do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RowId {
    pub(super) request: RequestId,
    pub(super) attempt: u16,
}

impl RowId {
    pub(super) fn new(request: RequestId, attempt: u16) -> Self {
        Self { request, attempt }
    }

    pub(super) fn of(row: &AttemptRow) -> Self {
        Self::new(row.request_id, row.attempt)
    }

    /// In the books of a client key.
    pub(super) fn name(self) -> [u8; 19] {
        let mut name = [ROW; 19];
        name[1..17].copy_from_slice(self.request.uuid().as_bytes());
        name[17..].copy_from_slice(&self.attempt.to_be_bytes());
        name
    }

    pub(super) fn parse(name: &[u8]) -> Option<Self> {
        let (&ROW, rest) = name.split_first()? else { return None };
        Self::parse_bare(rest)
    }

    /// In the index over all client keys.
    pub(super) fn indexed(self, key: ClientKeyId) -> [u8; 34] {
        let mut name = [0; 34];
        name[..18].copy_from_slice(&self.name()[1..]);
        name[18..].copy_from_slice(key.uuid().as_bytes());
        name
    }

    pub(super) fn parse_indexed(name: &[u8]) -> Option<(Self, ClientKeyId)> {
        let (row, key) = name.split_at_checked(18)?;
        Some((Self::parse_bare(row)?, ClientKeyId::from_uuid(Uuid::from_slice(key).ok()?)))
    }

    fn parse_bare(name: &[u8]) -> Option<Self> {
        let (request, attempt) = name.split_at_checked(16)?;
        let request = RequestId::from_uuid(Uuid::from_slice(request).ok()?);
        Some(Self { request, attempt: u16::from_be_bytes(attempt.try_into().ok()?) })
    }
}

/// For people.
impl fmt::Display for RowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.request, self.attempt)
    }
}

/// Rows of one client key, each identity once.
pub(super) struct Batch<'a> {
    pub(super) key: ClientKeyId,
    rows: Vec<&'a AttemptRow>,
}

impl<'a> Batch<'a> {
    /// Sorts rows into batches; of rows with the same identity the first counts.
    pub(super) fn by_key(rows: Vec<&'a AttemptRow>) -> Vec<Self> {
        let mut by_key: BTreeMap<ClientKeyId, BTreeMap<RowId, &AttemptRow>> = BTreeMap::new();
        for row in rows {
            by_key.entry(row.key_id).or_default().entry(RowId::of(row)).or_insert(row);
        }
        by_key.into_iter().map(|(key, rows)| Self { key, rows: rows.into_values().collect() }).collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(super) fn leave_out(&mut self, booked: &[usize]) {
        let mut number = 0..;
        self.rows.retain(|_| number.next().is_none_or(|number| !booked.contains(&number)));
    }

    /// The script's argument.
    pub(super) fn packed(&self) -> Bytes {
        let mut sums = Rollups::default();
        let mut packer = Packer::default();
        packer.list(2).list(2 * self.rows.len());
        for row in &self.rows {
            packer.bytes(RowId::of(row).name()).bytes(pack_row(row));
            sums.add(row);
        }
        rollup::pack(&sums, &mut packer);
        packer.finish()
    }
}

/// What the names of rows begin with.
pub(super) const ROW: u8 = b'r';

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_as_identities_do_and_are_read_again() {
        let id = |attempt| RowId::new(RequestId::from_uuid(Uuid::nil()), attempt);
        assert!(id(9).name() < id(10).name() && id(255).name() < id(256).name());
        assert_eq!(RowId::parse(&id(10).name()), Some(id(10)));
        let key = ClientKeyId::generate();
        assert_eq!(RowId::parse_indexed(&id(10).indexed(key)), Some((id(10), key)));
        assert_eq!(RowId::parse(&id(10).name()[1..]), None);
        assert_eq!(RowId::parse_indexed(&id(10).name()), None);
    }
}
