//! Promises of [`LedgerStore::correct`](crate::LedgerStore::correct).

use std::sync::Arc;

use posthaste_core::{AttemptRow, ClientKeyId, CostBasis, NanoUsd};

use super::by_hand::{assert_rollups_agree, varied_rows};
use crate::{
    Amount, Correction, RollupPeriod, Stores, UsageQuery,
    contract::{
        Promise,
        fixtures::{NOON, row, rows},
    },
};

/// Rows get the amounts that they are given, tokens and all else stay, and roll-ups of every period are the sums of the rows:
/// also of rows that had no price, get a lower one, or lose theirs.
pub async fn amounts_are_put_right_with_their_rollups(stores: Stores) -> Promise {
    let mut booked = varied_rows();
    stores.ledger.append(&booked).await?;
    let mut corrections = Vec::new();
    for (position, row) in booked.iter_mut().enumerate().filter(|(position, _)| position % 4 != 1) {
        let amount = |nanos, basis| Amount {
            cost: NanoUsd::from_nanos(nanos),
            billed: NanoUsd::from_nanos(nanos * 2),
            basis,
        };
        let is = match position % 3 {
            0 => amount(7_000_000 + position as i64, CostBasis::Priced),
            1 => amount(position as i64, CostBasis::Capped),
            _ => amount(0, CostBasis::Unpriced),
        };
        corrections.push(correction(row, is));
        is.put_into(row);
    }
    let mut changed = stores.ledger.correct(&corrections).await?;
    changed.sort_unstable();
    let mut wanted: Vec<_> = corrections.iter().map(Correction::name).collect();
    wanted.sort_unstable();
    assert_eq!(changed, wanted);
    assert_eq!(stores.ledger.rows_after(None, 1_000).await?, booked);
    assert_rollups_agree(&stores, &booked).await?;
    assert!(stores.ledger.correct(&[]).await?.is_empty());
    Ok(())
}

/// A correction is for a row as it stood: done again, of somebody else's row, or of one that is not there, it changes nothing.
pub async fn a_correction_of_what_is_otherwise_changes_nothing(stores: Stores) -> Promise {
    let mut booked = rows(3);
    stores.ledger.append(&booked).await?;
    let is =
        Amount { cost: NanoUsd::from_nanos(5), billed: NanoUsd::from_nanos(6), basis: CostBasis::Assumed };
    let done = correction(&booked[0], is);
    let foreign = Correction { key_id: ClientKeyId::generate(), ..correction(&booked[1], is) };
    let later = Correction { attempt: 9, ..correction(&booked[1], is) };
    let never = correction(&row(), is);
    let otherwise = Correction { was: is, is: done.was, ..correction(&booked[2], is) };
    let all = [foreign, later, done, never, otherwise];
    assert_eq!(stores.ledger.correct(&all).await?, [done.name()]);
    is.put_into(&mut booked[0]);
    for _ in 0..2 {
        assert_rollups_agree(&stores, &booked).await?;
        assert_eq!(stores.ledger.rows_after(None, 10).await?, booked);
        assert!(stores.ledger.correct(&all).await?.is_empty());
    }
    // Booked once more, as a writer does that was not sure, it stays right.
    let before = AttemptRow { cost: done.was.cost, ..booked[0].clone() };
    stores.ledger.append(&[before]).await?;
    assert_rollups_agree(&stores, &booked).await?;
    Ok(())
}

/// Rows that are booked meanwhile are counted once, and of corrections that two make at once each counts once.
pub async fn corrections_and_bookings_at_once_agree(stores: Stores) -> Promise {
    let mut booked = varied_rows();
    stores.ledger.append(&booked).await?;
    let is =
        Amount { cost: NanoUsd::from_nanos(77), billed: NanoUsd::from_nanos(78), basis: CostBasis::Priced };
    let corrections: Vec<_> = booked.iter().map(|row| correction(row, is)).collect();
    let mut more = varied_rows();
    for (new, old) in more.iter_mut().zip(&booked) {
        (new.key_id, new.account_id, new.model) = (old.key_id, old.account_id, old.model.clone());
        (new.owner, new.provider) = (old.owner, old.provider);
    }
    let mut tasks = Vec::new();
    for part in more.chunks(10) {
        let (ledger, part) = (Arc::clone(&stores.ledger), part.to_vec());
        tasks.push(tokio::spawn(async move { ledger.append(&part).await.map(|()| 0) }));
    }
    for part in corrections.chunks(15).chain(corrections.chunks(15)) {
        let (ledger, part) = (Arc::clone(&stores.ledger), part.to_vec());
        tasks.push(tokio::spawn(async move { ledger.correct(&part).await.map(|changed| changed.len()) }));
    }
    let mut changed = 0;
    for task in tasks {
        changed += task.await.expect("no task panics")?;
    }
    assert_eq!(changed, booked.len());
    booked.iter_mut().for_each(|row| is.put_into(row));
    booked.extend(more);
    assert_rollups_agree(&stores, &booked).await
}

/// Sums that are forgotten do not come back as differences.
pub async fn forgotten_rollups_stay_away_when_amounts_are_put_right(stores: Stores) -> Promise {
    let mut booked = row();
    stores.ledger.append(std::slice::from_ref(&booked)).await?;
    let after = NOON.plus(std::time::Duration::from_secs(86_400));
    assert_eq!(stores.ledger.forget_rollups(RollupPeriod::Hour, after, 10).await?, 1);
    let is =
        Amount { cost: NanoUsd::from_nanos(3), billed: NanoUsd::from_nanos(4), basis: CostBasis::Priced };
    let correction = correction(&booked, is);
    assert_eq!(stores.ledger.correct(&[correction]).await?, [correction.name()]);
    is.put_into(&mut booked);
    assert_eq!(stores.ledger.attempts(booked.request_id).await?, [booked]);
    assert!(stores.ledger.usage(&UsageQuery::all(RollupPeriod::Hour)).await?.is_empty());
    for period in [RollupPeriod::Day, RollupPeriod::Month] {
        let kept = stores.ledger.usage(&UsageQuery::all(period)).await?;
        assert_eq!((kept.len(), kept[0].sums.cost, kept[0].sums.billed), (1, is.cost, is.billed));
    }
    Ok(())
}

fn correction(row: &AttemptRow, is: Amount) -> Correction {
    let AttemptRow { request_id, attempt, key_id, .. } = *row;
    Correction { request_id, attempt, key_id, was: Amount::of(row), is }
}
