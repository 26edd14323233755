//! Counting what would be forgotten.

use posthaste_core::{ClientKey, RequestId, Timestamp};
use posthaste_storage::{JournalStore, LedgerStore, RollupPeriod, StorageError, UsageQuery, first_request};

use super::{Cleaned, Cleanup, Part, audit_bound, forget::deliveries_of};
use crate::{Admin, AdminError, audit};

pub(super) async fn count(
    admin: &Admin,
    rules: &Cleanup,
    part: Part,
    now: Timestamp,
    cleaned: &mut Cleaned,
) -> Result<(), AdminError> {
    let stores = &admin.parts().stores;
    match part {
        Part::Books => count_books(&*stores.ledger, rules, now, cleaned).await?,
        Part::Requests => {
            let Some((keep, most)) = rules.requests else { return Ok(()) };
            let most = usize::try_from(most).unwrap_or(usize::MAX);
            let bound = RequestId::least_at(now.minus(keep));
            let latest = stores.requests.latest(None, usize::MAX).await?;
            let goes = |(number, id): &(usize, RequestId)| *number >= most || *id < bound;
            let going = latest.iter().map(|record| record.id).enumerate().filter(goes);
            cleaned.requests += going.count() as u64;
        }
        Part::Audit => {
            let Some(keep) = rules.audit else { return Ok(()) };
            let (bound, overdue) = audit_bound(keep, now);
            let oldest = stores.journals.after(audit::JOURNAL, 0, 1).await?;
            if oldest.first().is_some_and(|entry| entry.at < overdue) {
                cleaned.audit += entries_before(&*stores.journals, audit::JOURNAL, bound).await?;
            }
        }
        Part::Deliveries => {
            let Some(keep) = rules.deliveries else { return Ok(()) };
            for channel in admin.channel_records().all().await? {
                let journal = deliveries_of(channel.value.id);
                cleaned.deliveries += entries_before(&*stores.journals, &journal, now.minus(keep)).await?;
            }
        }
        Part::AccountErrors => {
            let Some(keep) = rules.account_errors else { return Ok(()) };
            for account in admin.account_records().all().await? {
                let kept = stores.account_errors.latest(account.value.id, EVER, usize::MAX).await?;
                cleaned.account_errors +=
                    kept.iter().filter(|error| error.at < now.minus(keep)).count() as u64;
            }
        }
        Part::DeletedKeys => {
            let Some(keep) = rules.deleted_keys else { return Ok(()) };
            let keys = admin.key_records().all().await?;
            let is_old = |key: &ClientKey| key.deleted_at.is_some_and(|at| at < now.minus(keep));
            cleaned.deleted_keys += keys.iter().filter(|key| is_old(&key.value)).count() as u64;
        }
        Part::Sessions => {
            for user in admin.user_records().all().await? {
                let kept = stores.sessions.of(user.value.id, EVER).await?;
                cleaned.sessions += kept.iter().filter(|session| session.until <= now).count() as u64;
            }
        }
    }
    Ok(())
}

async fn count_books(
    ledger: &dyn LedgerStore,
    rules: &Cleanup,
    now: Timestamp,
    cleaned: &mut Cleaned,
) -> Result<(), StorageError> {
    if let Some(keep) = rules.books.rows {
        cleaned.rows += rows_before(ledger, first_request(now.minus(keep))).await?;
    }
    let kept = [rules.books.hours, rules.books.days, rules.books.months];
    for (period, keep) in RollupPeriod::ALL.into_iter().zip(kept) {
        let Some(keep) = keep else { continue };
        let old = UsageQuery { until: Some(now.minus(keep)), ..UsageQuery::all(period) };
        cleaned.rollups += ledger.usage(&old).await?.len() as u64;
    }
    Ok(())
}

async fn rows_before(ledger: &dyn LedgerStore, bound: RequestId) -> Result<u64, StorageError> {
    let (mut count, mut after) = (0, None);
    loop {
        let part = ledger.rows_after(after, PART).await?;
        let old = part.iter().take_while(|row| row.request_id < bound).count();
        count += old as u64;
        match part.last() {
            Some(last) if old == part.len() => after = Some((last.request_id, last.attempt)),
            _ => return Ok(count),
        }
    }
}

/// How many of a journal's entries are older, but for its last one, which stays.
async fn entries_before(
    journals: &dyn JournalStore,
    journal: &str,
    before: Timestamp,
) -> Result<u64, StorageError> {
    let Some(newest) = journals.last(journal).await? else { return Ok(0) };
    let (mut count, mut after) = (0, 0);
    loop {
        let part = journals.after(journal, after, PART).await?;
        let old = part.iter().take_while(|entry| entry.at < before && entry.number < newest.number).count();
        count += old as u64;
        match part.last() {
            Some(last) if old == part.len() => after = last.number,
            _ => return Ok(count),
        }
    }
}

const EVER: Timestamp = Timestamp::from_micros(0);

const PART: usize = 2_000;
