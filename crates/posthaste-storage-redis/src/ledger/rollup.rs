//! Sums in the books of a client key: a name for each roll-up, which tells its span and its group, and its sums as a list of
//! amounts. The names sort by period and start.

use std::collections::BTreeMap;

use bytes::Bytes;
use fred::{interfaces::SetsInterface, types::Value};
use posthaste_core::{ClientKeyId, NanoUsd, Timestamp};
use posthaste_storage::{
    RollupKey, RollupPeriod, RollupRow, Rollups, Shift, Shifts, StorageError, Sums, UsageQuery, pack_group,
    unpack_group,
};

use super::{CARRYING, CHUNK, READING, RedisLedger, bound};
use crate::{
    error::CallError,
    link::Repeat,
    msgpack::{Packer, amounts},
    script,
};

impl RedisLedger {
    /// One client key's roll-ups, in no order.
    pub(super) async fn key_usage(
        &self,
        key: ClientKeyId,
        query: &UsageQuery,
    ) -> Result<Vec<RollupRow>, StorageError> {
        let mut rollups = Vec::new();
        let mut from = query.from.map_or_else(
            || bound(b"[", &[letter(query.period)]),
            |from| bound(b"[", &span(query.period, from)),
        );
        let until = end(query.period, query.until);
        loop {
            let order = self.keys.ledger_order(key);
            let names = self.names("ZRANGEBYLEX", order, from, until.clone(), Some(CHUNK)).await?;
            let Some(last) = names.last() else { break };
            from = bound(b"(", last);
            let held = self.held(key, &names).await?;
            // Sums may be missing where they were forgotten between the two looks.
            let held = names.iter().zip(held).filter_map(|(name, sums)| Some((name, sums?)));
            let read = held.map(|(name, sums)| read(query.period, key, name, &sums));
            let read = read.collect::<Result<Vec<_>, _>>().map_err(|error| error.during(READING))?;
            rollups.extend(read.into_iter().filter(|rollup| query.wants(&rollup.key)));
            if names.len() < CHUNK {
                break;
            }
        }
        Ok(rollups)
    }

    /// Puts sums in the place of a roll-up. Steps that are cut off are made up for by doing all of them again.
    pub(super) async fn put(&self, rollup: RollupRow) -> Result<(), StorageError> {
        let RollupRow { key, sums } = &rollup;
        let (callers, caller) =
            (self.keys.ledger_callers(), Bytes::copy_from_slice(key.key_id.uuid().as_bytes()));
        let () = self.link.call(CARRYING, |client| async move { client.sadd(callers, caller).await }).await?;
        let keys = vec![self.keys.ledger_books(key.key_id), self.keys.ledger_order(key.key_id)];
        let mut packed = Packer::default();
        if *sums != Sums::default() {
            pack_sums(&told(sums), &mut packed);
        }
        let arguments = vec![Value::Bytes(name(key).into()), Value::Bytes(packed.finish())];
        self.link.eval(CARRYING, &script::LEDGER_CARRY, Repeat::Harmless, keys, arguments).await.map(drop)
    }

    /// Forgets the oldest of one client key's roll-ups of a period, at most `most`; answers how many.
    pub(super) async fn forget_key_rollups(
        &self,
        key: ClientKeyId,
        period: RollupPeriod,
        before: Timestamp,
        most: usize,
    ) -> Result<usize, StorageError> {
        let mut forgotten = 0;
        while forgotten < most {
            let (order, from) = (self.keys.ledger_order(key), bound(b"[", &[letter(period)]));
            let (until, few) = (end(period, Some(before)), CHUNK.min(most - forgotten));
            let names = self.names("ZRANGEBYLEX", order, from, until, Some(few)).await?;
            let count = names.len();
            if count > 0 {
                self.forget_names(key, names).await?;
            }
            forgotten += count;
            if count < few {
                break;
            }
        }
        Ok(forgotten)
    }
}

/// A group, and what is added to its sums.
type Added = (Vec<u8>, Vec<i64>);

/// Packs what is added to each group's sums, together with all spans in which that is the same.
pub(super) fn pack(rollups: &Rollups, packer: &mut Packer) {
    let mut groups: BTreeMap<Added, Vec<[u8; 9]>> = BTreeMap::new();
    for (key, sums) in rollups.iter() {
        groups.entry((pack_group(key), told(sums))).or_default().push(span(key.period, key.start));
    }
    pack_groups(groups, packer);
}

/// The same of what is added by corrections.
pub(super) fn pack_shifts(shifts: &Shifts, packer: &mut Packer) {
    let mut groups: BTreeMap<Added, Vec<[u8; 9]>> = BTreeMap::new();
    for (key, shift) in shifts.iter() {
        groups.entry((pack_group(key), shifted(shift))).or_default().push(span(key.period, key.start));
    }
    pack_groups(groups, packer);
}

/// A shift in the places of the sums.
fn shifted(shift: Shift) -> Vec<i64> {
    let mut amounts = vec![0; BILLED + 1];
    (amounts[UNPRICED], amounts[COST], amounts[BILLED]) = (shift.unpriced, shift.cost, shift.billed);
    amounts
}

fn pack_groups(groups: BTreeMap<Added, Vec<[u8; 9]>>, packer: &mut Packer) {
    packer.list(groups.len());
    for ((group, sums), spans) in groups {
        packer.list(3).bytes(group).list(spans.len());
        for span in spans {
            packer.bytes(span);
        }
        pack_sums(&sums, packer);
    }
}

fn pack_sums(sums: &[i64], packer: &mut Packer) {
    packer.list(sums.len());
    for amount in sums {
        packer.amount(*amount);
    }
}

/// A roll-up's name.
fn name(key: &RollupKey) -> Vec<u8> {
    [&span(key.period, key.start)[..], &pack_group(key)].concat()
}

/// What the names of a span's roll-ups begin with; such texts sort as spans do.
fn span(period: RollupPeriod, start: Timestamp) -> [u8; 9] {
    let mut span = [letter(period); 9];
    span[1..].copy_from_slice(&(start.as_micros() ^ i64::MIN).to_be_bytes());
    span
}

/// The bound of names of spans that start before a moment, or of all of a period.
fn end(period: RollupPeriod, before: Option<Timestamp>) -> Bytes {
    match before {
        Some(before) => bound(b"(", &span(period, before)),
        None => bound(b"(", &[letter(period) + 1]),
    }
}

/// No period's is that of rows.
const fn letter(period: RollupPeriod) -> u8 {
    match period {
        RollupPeriod::Hour => b'h',
        RollupPeriod::Day => b'd',
        RollupPeriod::Month => b'm',
    }
}

fn read(period: RollupPeriod, key_id: ClientKeyId, name: &[u8], sums: &[u8]) -> Result<RollupRow, CallError> {
    let unreadable = || CallError::Unreadable("not a roll-up's name".into());
    let (start, group) =
        name.get(1..).and_then(|rest| rest.split_first_chunk::<8>()).ok_or_else(unreadable)?;
    let start = Timestamp::from_micros(i64::from_be_bytes(*start) ^ i64::MIN);
    let key = unpack_group(group, (period, start, key_id)).map_err(|_| unreadable())?;
    let mut row = RollupRow { key, sums: Sums::default() };
    // Sums beyond those that this release knows were written by a newer one.
    for (amount, (_, put)) in amounts(sums)?.into_iter().zip(SUMS) {
        put(&mut row.sums, amount);
    }
    Ok(row)
}

/// The sums in their order, as far as any is not zero.
fn told(sums: &Sums) -> Vec<i64> {
    let mut told: Vec<_> = SUMS.iter().map(|(value, _)| value(sums)).collect();
    let length = told.iter().rposition(|amount| *amount != 0).map_or(0, |last| last + 1);
    told.truncate(length);
    told
}

/// How a sum is read from a roll-up, and how it is put into an empty one.
type Sum = (fn(&Sums) -> i64, fn(&mut Sums, i64));

/// The sums of a roll-up, in the order that lies in stores: a new one comes last. The scripts count in `i64`, where sums saturate; so
/// larger counts are told as the greatest `i64`.
const SUMS: [Sum; 18] = [
    (|sums| count(sums.attempts), |sums, amount| sums.attempts = size(amount)),
    (|sums| count(sums.completed), |sums, amount| sums.completed = size(amount)),
    (|sums| count(sums.estimated), |sums, amount| sums.estimated = size(amount)),
    (|sums| count(sums.unpriced), |sums, amount| sums.unpriced = size(amount)),
    (|sums| count(sums.usage.input), |sums, amount| sums.usage.input = size(amount)),
    (|sums| count(sums.usage.output), |sums, amount| sums.usage.output = size(amount)),
    (|sums| count(sums.usage.cache_read), |sums, amount| sums.usage.cache_read = size(amount)),
    (|sums| count(sums.usage.cache_write_5m), |sums, amount| sums.usage.cache_write_5m = size(amount)),
    (|sums| count(sums.usage.cache_write_1h), |sums, amount| sums.usage.cache_write_1h = size(amount)),
    (|sums| count(sums.usage.reasoning), |sums, amount| sums.usage.reasoning = size(amount)),
    (|sums| count(sums.usage.web_searches), |sums, amount| sums.usage.web_searches = size(amount)),
    (|sums| sums.cost.as_nanos(), |sums, amount| sums.cost = NanoUsd::from_nanos(amount)),
    (|sums| sums.billed.as_nanos(), |sums, amount| sums.billed = NanoUsd::from_nanos(amount)),
    (|sums| count(sums.usage.input_audio), |sums, amount| sums.usage.input_audio = size(amount)),
    (|sums| count(sums.usage.cache_read_audio), |sums, amount| sums.usage.cache_read_audio = size(amount)),
    (|sums| count(sums.usage.output_audio), |sums, amount| sums.usage.output_audio = size(amount)),
    (|sums| count(sums.usage.input_image), |sums, amount| sums.usage.input_image = size(amount)),
    (|sums| count(sums.usage.output_image), |sums, amount| sums.usage.output_image = size(amount)),
];

/// Where [`SUMS`] has what corrections change.
const UNPRICED: usize = 3;
const COST: usize = 11;
const BILLED: usize = 12;

fn count(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn size(amount: i64) -> u64 {
    u64::try_from(amount).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use posthaste_core::{AccountId, ModelName, ProviderKind, Terms, Usage, UserId};

    use super::*;

    fn key(owner: Option<UserId>, start: Timestamp) -> RollupKey {
        RollupKey {
            period: RollupPeriod::Day,
            start,
            key_id: ClientKeyId::from_uuid(uuid::Uuid::nil()),
            account_id: AccountId::generate(),
            model: ModelName::parse("arn:aws:bedrock:eu::model/a:0").unwrap(),
            owner,
            provider: ProviderKind::Bedrock,
        }
    }

    #[test]
    fn every_sum_comes_back() {
        let usage = Usage {
            input: 5,
            output: 6,
            cache_read: 7,
            cache_write_5m: 8,
            cache_write_1h: 9,
            reasoning: 10,
            web_searches: 11,
            input_audio: 12,
            cache_read_audio: 13,
            output_audio: 14,
            input_image: 15,
            output_image: 16,
            terms: Terms::default(),
        };
        let (cost, billed) = (NanoUsd::from_nanos(i64::MIN), NanoUsd::from_nanos(18));
        let all = Sums { attempts: 1, completed: 2, estimated: 3, unpriced: 4, usage, cost, billed };
        let few = Sums { attempts: 1, ..Sums::default() };
        for (key, sums) in
            [(key(None, Timestamp::EPOCH), all), (key(Some(UserId::generate()), Timestamp::EPOCH), few)]
        {
            let mut packer = Packer::default();
            pack_sums(&told(&sums), &mut packer);
            let found = read(key.period, key.key_id, &name(&key), &packer.finish()).unwrap();
            assert_eq!(found, RollupRow { key, sums });
        }
    }

    #[test]
    fn corrections_are_told_in_the_places_of_their_sums() {
        let mut sums = Sums::default();
        for (amount, (_, put)) in shifted(Shift { unpriced: 1, cost: 2, billed: 3 }).into_iter().zip(SUMS) {
            put(&mut sums, amount);
        }
        let (cost, billed) = (NanoUsd::from_nanos(2), NanoUsd::from_nanos(3));
        assert_eq!(sums, Sums { unpriced: 1, cost, billed, ..Sums::default() });
    }

    /// What lies in stores says by its place which sum it is.
    #[test]
    fn sums_keep_their_places() {
        for (place, (_, put)) in SUMS.iter().enumerate() {
            let mut sums = Sums::default();
            put(&mut sums, 7);
            assert_eq!(told(&sums), [vec![0; place], vec![7]].concat(), "{place}");
        }
        let billed = Sums { billed: NanoUsd::from_nanos(1), ..Sums::default() };
        assert_eq!((told(&billed).len(), told(&Sums::default()).len()), (13, 0));
    }

    #[test]
    fn names_sort_by_their_start() {
        let moments = [i64::MIN, -3_600_000_000, 0, 3_600_000_000, i64::MAX];
        let spans = moments.map(|moment| span(RollupPeriod::Hour, Timestamp::from_micros(moment)));
        assert!(spans.is_sorted());
    }
}
