//! Sums in hashes: one hash for each client key, period and span, with fields `<account>:<model>:<sum>`.

use std::collections::BTreeMap;

use fred::{
    interfaces::{HashesInterface, SortedSetsInterface},
    types::{
        Value,
        sorted_sets::{ZRange, ZRangeBound, ZRangeKind},
    },
};
use futures_util::{StreamExt, TryStreamExt, stream};
use posthaste_core::{AccountId, ClientKeyId, ModelName, NanoUsd, Timestamp};
use posthaste_storage::{RollupKey, RollupPeriod, RollupRow, StorageError, UsageQuery};

use super::{AT_ONCE, READING, RedisLedger};
use crate::{error::CallError, reply};

impl RedisLedger {
    /// One client key's roll-ups, in no order.
    pub(super) async fn key_usage(
        &self,
        key: ClientKeyId,
        query: &UsageQuery,
    ) -> Result<Vec<RollupRow>, StorageError> {
        let spans = self.keys.spans(key, query.period);
        let from = bound(query.from, ZRangeKind::Inclusive, ZRangeBound::NegInfiniteScore);
        let until = bound(query.until, ZRangeKind::Exclusive, ZRangeBound::InfiniteScore);
        let found: Value = self
            .link
            .call(
                READING,
                |client| async move { client.zrangebyscore(spans, from, until, false, None).await },
            )
            .await?;
        let starts = reply::each(found, reply::number).map_err(|error| error.during(READING))?;
        let starts = starts.into_iter().map(Timestamp::from_micros);
        let sums = stream::iter(starts).map(|start| self.span_usage(key, query.period, start));
        let mut rollups = sums.buffer_unordered(AT_ONCE).try_concat().await?;
        rollups.retain(|rollup| query.account_id.is_none_or(|account| rollup.account_id == account));
        Ok(rollups)
    }

    async fn span_usage(
        &self,
        key_id: ClientKeyId,
        period: RollupPeriod,
        start: Timestamp,
    ) -> Result<Vec<RollupRow>, StorageError> {
        let sums = self.keys.sums(key_id, period, start);
        let found: Value =
            self.link.call(READING, |client| async move { client.hgetall(sums).await }).await?;
        read(found, |account_id, model| RollupKey { period, start, key_id, account_id, model })
            .map_err(|error| error.during(READING))
    }
}

fn bound(moment: Option<Timestamp>, kind: ZRangeKind, unbounded: ZRangeBound) -> ZRange {
    match moment {
        Some(moment) => ZRange { kind, range: ZRangeBound::Index(moment.as_micros()) },
        None => ZRange { kind: ZRangeKind::Inclusive, range: unbounded },
    }
}

/// What a roll-up adds to its hash; what adds nothing is left out.
pub(super) fn fields(sums: &RollupRow) -> Vec<(String, i64)> {
    let all = SUMS.into_iter().map(|(name, value, _)| (name, value(sums)));
    // The number of attempts is always there, so that a roll-up of nothing else is kept too.
    let told = all.filter(|(_, amount)| *amount != 0);
    told.map(|(name, amount)| (format!("{}:{}:{name}", sums.account_id, sums.model), amount)).collect()
}

fn read(found: Value, key: impl Fn(AccountId, ModelName) -> RollupKey) -> Result<Vec<RollupRow>, CallError> {
    let mut rollups: BTreeMap<RollupKey, RollupRow> = BTreeMap::new();
    for (field, amount) in pairs(found)? {
        let (account, model, name) =
            split(&field).ok_or_else(|| CallError::Unreadable("not a sum's name".into()))?;
        let rollup = rollups.entry(key(account, model)).or_insert_with_key(RollupRow::empty);
        // A sum that this release does not know was written by a newer one.
        if let Some((_, _, add)) = SUMS.iter().find(|(known, _, _)| *known == name) {
            add(rollup, amount);
        }
    }
    Ok(rollups.into_values().collect())
}

fn split(field: &str) -> Option<(AccountId, ModelName, &str)> {
    let (account, rest) = field.split_once(':')?;
    // A model's name may hold colons.
    let (model, name) = rest.rsplit_once(':')?;
    Some((account.parse().ok()?, ModelName::parse(model).ok()?, name))
}

fn pairs(found: Value) -> Result<Vec<(String, i64)>, CallError> {
    let map = match found {
        Value::Map(map) => map,
        Value::Array(ref all) if all.is_empty() => return Ok(Vec::new()),
        other => other.into_map().map_err(CallError::from)?,
    };
    map.inner()
        .into_iter()
        .map(|(field, amount)| {
            let field = field.into_string().ok_or_else(|| CallError::Unreadable("expected UTF-8".into()))?;
            Ok((field, reply::number(amount)?))
        })
        .collect()
}

/// A sum's name, how it is read from a roll-up, and how it is put into an empty one.
type Sum = (&'static str, fn(&RollupRow) -> i64, fn(&mut RollupRow, i64));

/// The sums of a roll-up. Redis counts in `i64`, where sums saturate; so larger counts are told as the greatest `i64`.
const SUMS: [Sum; 18] = [
    ("attempts", |sums| count(sums.attempts), |sums, amount| sums.attempts = size(amount)),
    ("completed", |sums| count(sums.completed), |sums, amount| sums.completed = size(amount)),
    ("estimated", |sums| count(sums.estimated), |sums, amount| sums.estimated = size(amount)),
    ("unpriced", |sums| count(sums.unpriced), |sums, amount| sums.unpriced = size(amount)),
    ("input", |sums| count(sums.usage.input), |sums, amount| sums.usage.input = size(amount)),
    ("output", |sums| count(sums.usage.output), |sums, amount| sums.usage.output = size(amount)),
    ("cache_read", |sums| count(sums.usage.cache_read), |sums, amount| sums.usage.cache_read = size(amount)),
    (
        "cache_write_5m",
        |sums| count(sums.usage.cache_write_5m),
        |sums, amount| sums.usage.cache_write_5m = size(amount),
    ),
    (
        "cache_write_1h",
        |sums| count(sums.usage.cache_write_1h),
        |sums, amount| sums.usage.cache_write_1h = size(amount),
    ),
    ("reasoning", |sums| count(sums.usage.reasoning), |sums, amount| sums.usage.reasoning = size(amount)),
    (
        "web_searches",
        |sums| count(sums.usage.web_searches),
        |sums, amount| sums.usage.web_searches = size(amount),
    ),
    ("cost", |sums| sums.cost.as_nanos(), |sums, amount| sums.cost = NanoUsd::from_nanos(amount)),
    ("billed", |sums| sums.billed.as_nanos(), |sums, amount| sums.billed = NanoUsd::from_nanos(amount)),
    (
        "input_audio",
        |sums| count(sums.usage.input_audio),
        |sums, amount| sums.usage.input_audio = size(amount),
    ),
    (
        "cache_read_audio",
        |sums| count(sums.usage.cache_read_audio),
        |sums, amount| sums.usage.cache_read_audio = size(amount),
    ),
    (
        "output_audio",
        |sums| count(sums.usage.output_audio),
        |sums, amount| sums.usage.output_audio = size(amount),
    ),
    (
        "input_image",
        |sums| count(sums.usage.input_image),
        |sums, amount| sums.usage.input_image = size(amount),
    ),
    (
        "output_image",
        |sums| count(sums.usage.output_image),
        |sums, amount| sums.usage.output_image = size(amount),
    ),
];

fn count(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn size(amount: i64) -> u64 {
    u64::try_from(amount).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use posthaste_core::{Terms, Usage};

    use super::*;

    fn key(account_id: AccountId, model: ModelName) -> RollupKey {
        let key_id = ClientKeyId::from_uuid(uuid::Uuid::nil());
        RollupKey { period: RollupPeriod::Day, start: Timestamp::EPOCH, key_id, account_id, model }
    }

    #[test]
    fn every_sum_comes_back() {
        let model = ModelName::parse("arn:aws:bedrock:eu::model/a:0").unwrap();
        let empty = RollupRow::empty(&key(AccountId::generate(), model));
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
        let (cost, billed) = (NanoUsd::from_nanos(-17), NanoUsd::from_nanos(18));
        let sums =
            RollupRow { attempts: 1, completed: 2, estimated: 3, unpriced: 4, usage, cost, billed, ..empty };
        let map = fields(&sums).into_iter().map(|(field, amount)| (field, Value::from(amount.to_string())));
        let found: BTreeMap<String, Value> = map.collect();
        let found = Value::Map(found.try_into().unwrap());
        assert_eq!(read(found, key).unwrap(), [sums]);
    }
}
