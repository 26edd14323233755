//! Rows with everything in them, and their sums added up by hand.

use posthaste_core::{
    AccountId, AttemptOutcome, AttemptPhase, AttemptRow, ClientKeyId, CostBasis, Dialect, FaultKind,
    Geography, NanoUsd, Operation, ProviderKind, ServiceTier, Timestamp, UsageSource, UserId,
};

use crate::{
    Dimension, Group, GroupSums, RollupKey, RollupPeriod, RollupRow, Stores, Sums, UsageQuery,
    contract::{
        Promise,
        fixtures::{model, rows},
    },
};

/// Rows over several keys, owners, accounts, models, providers and both sides of an hour's, a day's and a month's border.
pub(super) fn varied_rows() -> Vec<AttemptRow> {
    let keys = [ClientKeyId::generate(), ClientKeyId::generate()];
    let accounts = [AccountId::generate(), AccountId::generate(), AccountId::generate()];
    let models = [model("claude-opus-4-8"), model("gpt-5"), model("Claude-opus-4-8")];
    let owners = [Some(UserId::generate()), None, Some(UserId::generate())];
    let mut rows = rows(120);
    for (position, row) in rows.iter_mut().enumerate() {
        row.key_id = keys[position % 2];
        row.account_id = accounts[(position / 2) % 3];
        row.model = models[(position / 6) % 3].clone();
        row.owner = owners[(position / 4) % 3];
        row.provider = ProviderKind::ALL[(position / 8) % 3];
        row.started_at = Timestamp::from_micros(STARTS[position % STARTS.len()]);
        row.outcome = if position % 3 == 0 { AttemptOutcome::Cut } else { AttemptOutcome::Complete };
        row.usage.input = position as u64 * 31;
        row.usage.web_searches = (position % 2) as u64;
        row.usage.cache_read_audio = position as u64 * 7;
        row.cost = NanoUsd::from_nanos(position as i64 * 1_001);
        row.billed = NanoUsd::from_nanos(position as i64 * 2_003);
        if position % 5 == 0 {
            row.usage_source = UsageSource::Estimated;
            row.cost_basis = CostBasis::Estimated;
        }
        if position % 7 == 0 {
            row.cost_basis = CostBasis::Unpriced;
            row.cost = NanoUsd::ZERO;
            row.billed = NanoUsd::ZERO;
        }
    }
    rows
}

/// Rows that between them have every member of every enum, and every fault.
pub(super) fn rows_of_every_member() -> Vec<AttemptRow> {
    let outcomes = [
        AttemptOutcome::Complete,
        AttemptOutcome::ClientFault,
        AttemptOutcome::Cut,
        AttemptOutcome::Cancelled,
    ];
    let faults = FaultKind::ALL.map(AttemptOutcome::Failed);
    let phases = [
        AttemptPhase::Sending,
        AttemptPhase::AwaitingHead,
        AttemptPhase::AwaitingContent,
        AttemptPhase::Delivering,
        AttemptPhase::Finished,
    ];
    let operations = [Operation::Chat, Operation::CountTokens, Operation::Models];
    let sources = [UsageSource::Reported, UsageSource::Estimated, UsageSource::None];
    let outcomes: Vec<AttemptOutcome> = outcomes.into_iter().chain(faults).collect();
    let mut rows = rows(outcomes.len());
    for (position, row) in rows.iter_mut().enumerate() {
        row.outcome = outcomes[position];
        row.phase = phases[position % phases.len()];
        row.provider = ProviderKind::ALL[position % ProviderKind::ALL.len()];
        row.operation = operations[position % operations.len()];
        row.client_dialect = Dialect::ALL[position % Dialect::ALL.len()];
        row.upstream_dialect = Dialect::ALL[(position / 2) % Dialect::ALL.len()];
        row.usage_source = sources[position % sources.len()];
        row.cost_basis = CostBasis::ALL[position % CostBasis::ALL.len()];
        row.usage.terms.tier = ServiceTier::ALL[position % ServiceTier::ALL.len()];
        row.usage.terms.geography = Geography::ALL[position % Geography::ALL.len()];
        row.usage.terms.fast = position % 3 == 0;
        if matches!(row.cost_basis, CostBasis::Unpriced | CostBasis::None) {
            row.cost = NanoUsd::ZERO;
            row.billed = NanoUsd::ZERO;
        }
    }
    rows
}

pub(super) async fn assert_rollups_agree(stores: &Stores, rows: &[AttemptRow]) -> Promise {
    for period in RollupPeriod::ALL {
        let told = stores.ledger.usage(&UsageQuery::all(period)).await?;
        assert_eq!(told, sum_by_hand(period, rows), "{period:?}");
    }
    Ok(())
}

/// Adds up rows the slow way, with nothing that implementations share.
pub(super) fn sum_by_hand(period: RollupPeriod, rows: &[AttemptRow]) -> Vec<RollupRow> {
    let mut sums: Vec<RollupRow> = Vec::new();
    for row in rows {
        let key = RollupKey {
            period,
            start: start_by_text(period, row.started_at),
            key_id: row.key_id,
            account_id: row.account_id,
            model: row.model.clone(),
            owner: row.owner,
            provider: row.provider,
        };
        match sums.iter_mut().find(|sum| sum.key == key) {
            Some(sum) => add_by_hand(&mut sum.sums, row),
            None => {
                let mut sum = Sums::default();
                add_by_hand(&mut sum, row);
                sums.push(RollupRow { key, sums: sum });
            }
        }
    }
    let order = |row: &RollupRow| {
        let RollupKey { start, key_id, account_id, model, owner, provider, .. } = row.key.clone();
        (start, key_id, account_id, model, owner, provider)
    };
    sums.sort_by_key(order);
    sums
}

/// Groups roll-ups the slow way.
pub(super) fn group_by_hand(rows: &[RollupRow], by: &[Dimension]) -> Vec<GroupSums> {
    let mut groups: Vec<GroupSums> = Vec::new();
    for RollupRow { key, sums } in rows {
        let mut group = Group::default();
        for dimension in by {
            match dimension {
                Dimension::Span => group.start = Some(key.start),
                Dimension::Key => group.key_id = Some(key.key_id),
                Dimension::Owner => group.owner = key.owner,
                Dimension::Account => group.account_id = Some(key.account_id),
                Dimension::Model => group.model = Some(key.model.clone()),
                Dimension::Provider => group.provider = Some(key.provider),
            }
        }
        match groups.iter_mut().find(|known| known.group == group) {
            Some(known) => known.sums.merge(sums),
            None => groups.push(GroupSums { group, sums: sums.clone() }),
        }
    }
    groups.sort_by(|left, right| left.group.cmp(&right.group));
    groups
}

/// Every set of dimensions, the empty one first.
pub(super) fn groupings() -> Vec<Vec<Dimension>> {
    let chosen =
        |set: usize| Dimension::ALL.into_iter().enumerate().filter(move |(bit, _)| set >> bit & 1 == 1);
    (0..64).map(|set| chosen(set).map(|(_, dimension)| dimension).collect()).collect()
}

/// Queries that each leave out something of varied rows; the first filters by everything at once.
pub(super) fn filters(booked: &[AttemptRow], all: &[RollupRow]) -> Vec<UsageQuery> {
    let none = UsageQuery::all(RollupPeriod::Hour);
    let one = &all[all.len() / 2].key;
    let (key_id, account_id, model) = (Some(one.key_id), Some(one.account_id), Some(one.model.clone()));
    let owner = one.owner.or(booked[0].owner);
    let (provider, from) = (Some(one.provider), Some(one.start));
    let until = all.last().map(|row| row.key.start);
    let owned = all.iter().find(|row| row.key.owner.is_some()).map(|row| row.key.clone());
    let owned = owned.expect("varied rows have owners");
    let everything = UsageQuery {
        period: RollupPeriod::Hour,
        key_id: Some(owned.key_id),
        owner: owned.owner,
        account_id: Some(owned.account_id),
        model: Some(owned.model),
        provider: Some(owned.provider),
        from: Some(owned.start),
        until,
    };
    vec![
        everything,
        UsageQuery { key_id, ..none.clone() },
        UsageQuery { owner, ..none.clone() },
        UsageQuery { account_id, ..none.clone() },
        UsageQuery { model, ..none.clone() },
        UsageQuery { provider, ..none.clone() },
        UsageQuery { from, ..none.clone() },
        UsageQuery { until, ..none.clone() },
        UsageQuery { key_id: Some(ClientKeyId::generate()), ..none.clone() },
        UsageQuery { owner: Some(UserId::generate()), ..none.clone() },
        UsageQuery { from: until, until: from, ..none },
    ]
}

fn add_by_hand(sum: &mut Sums, row: &AttemptRow) {
    sum.attempts += 1;
    sum.completed += u64::from(row.outcome == AttemptOutcome::Complete);
    sum.estimated += u64::from(row.usage_source == UsageSource::Estimated);
    sum.unpriced += u64::from(row.cost_basis == CostBasis::Unpriced);
    sum.usage.input += row.usage.input;
    sum.usage.output += row.usage.output;
    sum.usage.cache_read += row.usage.cache_read;
    sum.usage.cache_write_5m += row.usage.cache_write_5m;
    sum.usage.cache_write_1h += row.usage.cache_write_1h;
    sum.usage.reasoning += row.usage.reasoning;
    sum.usage.web_searches += row.usage.web_searches;
    sum.usage.input_audio += row.usage.input_audio;
    sum.usage.cache_read_audio += row.usage.cache_read_audio;
    sum.usage.output_audio += row.usage.output_audio;
    sum.usage.input_image += row.usage.input_image;
    sum.usage.output_image += row.usage.output_image;
    sum.cost += row.cost;
    sum.billed += row.billed;
}

/// Reads a span's start off the moment's RFC 3339 form.
fn start_by_text(period: RollupPeriod, moment: Timestamp) -> Timestamp {
    let text = moment.to_string();
    let start = match period {
        RollupPeriod::Hour => format!("{}:00:00Z", &text[..13]),
        RollupPeriod::Day => format!("{}T00:00:00Z", &text[..10]),
        RollupPeriod::Month => format!("{}-01T00:00:00Z", &text[..7]),
    };
    start.parse().expect("a span's start is a moment")
}

/// Both sides of borders: 2026-02-28T23:59:59.999999Z and the moment after, and some hours around them.
const STARTS: [i64; 6] = [
    1_772_323_199_999_999,
    1_772_323_200_000_000,
    1_772_323_199_999_999 - 3_600_000_000,
    1_772_323_200_000_000 + 3_600_000_000,
    1_772_323_200_000_000 + 24 * 3_600_000_000 - 1,
    1_772_323_200_000_000 + 31 * 24 * 3_600_000_000,
];
