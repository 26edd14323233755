//! Sums in hashes: one hash for each client key, period and span, with fields
//! `<account>:<provider>:<owner>:<model>:<sum>`; the owner is empty where it is nobody.

use std::collections::BTreeMap;

use fred::{
    interfaces::{HashesInterface, SetsInterface, SortedSetsInterface},
    types::{
        Value,
        sorted_sets::{ZRange, ZRangeBound, ZRangeKind},
    },
};
use futures_util::{StreamExt, TryStreamExt, stream};
use posthaste_core::{ClientKeyId, ModelName, NanoUsd, ProviderKind, Timestamp};
use posthaste_storage::{RollupKey, RollupPeriod, RollupRow, StorageError, Sums, UsageQuery};

use super::{AT_ONCE, CARRYING, FORGETTING, READING, RedisLedger};
use crate::{error::CallError, link::Repeat, reply, script};

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
        let mut rollups: Vec<RollupRow> = sums.buffer_unordered(AT_ONCE).try_concat().await?;
        rollups.retain(|rollup| query.wants(&rollup.key));
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
        read(found, (period, start, key_id)).map_err(|error| error.during(READING))
    }

    /// Puts sums in the place of a roll-up. Steps that are cut off are made up for by doing all of them again.
    pub(super) async fn put(&self, rollup: RollupRow) -> Result<(), StorageError> {
        let RollupRow { key, sums } = &rollup;
        let (callers, caller) = (self.keys.ledger_callers(), key.key_id.to_string());
        let () = self.link.call(CARRYING, |client| async move { client.sadd(callers, caller).await }).await?;
        let keys =
            vec![self.keys.spans(key.key_id, key.period), self.keys.sums(key.key_id, key.period, key.start)];
        let told = fields(key, sums);
        let mut arguments = vec![key.start.as_micros().to_string(), SUMS.len().to_string()];
        arguments.extend(SUMS.map(|(name, _, _)| field(key, name)));
        arguments.extend(told.into_iter().flat_map(|(field, amount)| [field, amount.to_string()]));
        let arguments = arguments.into_iter().map(Value::from).collect();
        self.link.eval(CARRYING, &script::LEDGER_CARRY, Repeat::Harmless, keys, arguments).await.map(drop)
    }

    /// Forgets the oldest of one client key's spans of a period, at most `most`; answers how many roll-ups those were.
    pub(super) async fn forget_spans(
        &self,
        key: ClientKeyId,
        period: RollupPeriod,
        before: Timestamp,
        most: usize,
    ) -> Result<usize, StorageError> {
        let spans = self.keys.spans(key, period);
        let before = bound(Some(before), ZRangeKind::Exclusive, ZRangeBound::InfiniteScore);
        let limit = Some((0, i64::try_from(most).unwrap_or(i64::MAX)));
        let from = bound(None, ZRangeKind::Inclusive, ZRangeBound::NegInfiniteScore);
        let found: Value =
            self.link
                .call(READING, |client| async move {
                    client.zrangebyscore(spans, from, before, false, limit).await
                })
                .await?;
        let starts: Vec<i64> = reply::each(found, reply::number).map_err(|error| error.during(READING))?;
        let mut forgotten = 0;
        for start in starts {
            let start = Timestamp::from_micros(start);
            let rollups = self.span_usage(key, period, start).await?;
            let (fields, whole) = oldest(&rollups, most - forgotten);
            forgotten += rollups.len().min(most - forgotten);
            let keys = vec![self.keys.spans(key, period), self.keys.sums(key, period, start)];
            let mut arguments = vec![Value::from(start.as_micros().to_string())];
            if !whole {
                arguments.extend(fields.into_iter().map(Value::from));
            }
            self.link
                .eval(FORGETTING, &script::LEDGER_FORGET_SPAN, Repeat::Harmless, keys, arguments)
                .await?;
            if forgotten >= most {
                break;
            }
        }
        Ok(forgotten)
    }
}

fn bound(moment: Option<Timestamp>, kind: ZRangeKind, unbounded: ZRangeBound) -> ZRange {
    match moment {
        Some(moment) => ZRange { kind, range: ZRangeBound::Index(moment.as_micros()) },
        None => ZRange { kind: ZRangeKind::Inclusive, range: unbounded },
    }
}

/// The fields of the first `most` roll-ups of a span, and whether those are all of it.
fn oldest(rollups: &[RollupRow], most: usize) -> (Vec<String>, bool) {
    let names = |rollup: &RollupRow| {
        let key = rollup.key.clone();
        SUMS.map(|(name, _, _)| field(&key, name))
    };
    (rollups.iter().take(most).flat_map(names).collect(), rollups.len() <= most)
}

/// What a roll-up adds to its hash; what adds nothing is left out.
pub(super) fn fields(key: &RollupKey, sums: &Sums) -> Vec<(String, i64)> {
    let all = SUMS.into_iter().map(|(name, value, _)| (name, value(sums)));
    // The number of attempts is always there, so that a roll-up of nothing else is kept too.
    let told = all.filter(|(_, amount)| *amount != 0);
    told.map(|(name, amount)| (field(key, name), amount)).collect()
}

fn field(key: &RollupKey, name: &str) -> String {
    let owner = key.owner.map(|owner| owner.to_string()).unwrap_or_default();
    format!("{}:{}:{owner}:{}:{name}", key.account_id, key.provider.as_str(), key.model)
}

fn read(found: Value, span: Span) -> Result<Vec<RollupRow>, CallError> {
    let mut rollups: BTreeMap<RollupKey, Sums> = BTreeMap::new();
    for (field, amount) in pairs(found)? {
        let (key, name) =
            split(&field, span).ok_or_else(|| CallError::Unreadable("not a sum's name".into()))?;
        let sums = rollups.entry(key).or_default();
        // A sum that this release does not know was written by a newer one.
        if let Some((_, _, add)) = SUMS.iter().find(|(known, _, _)| *known == name) {
            add(sums, amount);
        }
    }
    Ok(rollups.into_iter().map(|(key, sums)| RollupRow { key, sums }).collect())
}

/// What the hash of a field tells.
type Span = (RollupPeriod, Timestamp, ClientKeyId);

fn split(field: &str, (period, start, key_id): Span) -> Option<(RollupKey, &str)> {
    let (account, rest) = field.split_once(':')?;
    let (provider, rest) = rest.split_once(':')?;
    let (owner, rest) = rest.split_once(':')?;
    // A model's name may hold colons.
    let (model, name) = rest.rsplit_once(':')?;
    let account_id = account.parse().ok()?;
    let provider = ProviderKind::ALL.into_iter().find(|kind| kind.as_str() == provider)?;
    let owner = if owner.is_empty() { None } else { Some(owner.parse().ok()?) };
    let model = ModelName::parse(model).ok()?;
    Some((RollupKey { period, start, key_id, account_id, model, owner, provider }, name))
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
type Sum = (&'static str, fn(&Sums) -> i64, fn(&mut Sums, i64));

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
    use posthaste_core::{AccountId, Terms, Usage, UserId};

    use super::*;

    #[test]
    fn every_sum_comes_back() {
        let span = (RollupPeriod::Day, Timestamp::EPOCH, ClientKeyId::from_uuid(uuid::Uuid::nil()));
        let key = |owner| RollupKey {
            period: span.0,
            start: span.1,
            key_id: span.2,
            account_id: AccountId::generate(),
            model: ModelName::parse("arn:aws:bedrock:eu::model/a:0").unwrap(),
            owner,
            provider: ProviderKind::Bedrock,
        };
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
        let sums = Sums { attempts: 1, completed: 2, estimated: 3, unpriced: 4, usage, cost, billed };
        for key in [key(None), key(Some(UserId::generate()))] {
            let map = fields(&key, &sums).into_iter();
            let found: BTreeMap<String, Value> =
                map.map(|(field, amount)| (field, Value::from(amount.to_string()))).collect();
            let found = Value::Map(found.try_into().unwrap());
            assert_eq!(read(found, span).unwrap(), [RollupRow { key, sums: sums.clone() }]);
        }
    }
}
