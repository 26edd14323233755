//! Forgetting, part by part.

use posthaste_core::{ChannelId, Timestamp};
use posthaste_storage::JournalStore;
use tokio::time::sleep;

use super::{Cleaned, Cleanup, PAUSE, Part, STEP, audit_bound, step};
use crate::{Admin, AdminError, audit};

pub(super) async fn forget(
    admin: &Admin,
    rules: &Cleanup,
    part: Part,
    now: Timestamp,
    cleaned: &mut Cleaned,
) -> Result<(), AdminError> {
    let stores = &admin.parts().stores;
    match part {
        Part::Books => {
            let swept = rules.books.sweep(&*stores.ledger, now).await?;
            cleaned.rows += swept.rows as u64;
            cleaned.rollups += swept.rollups as u64;
        }
        Part::Requests => {
            let Some((keep, most)) = rules.requests else { return Ok(()) };
            loop {
                let forgotten = stores.requests.trim(now.minus(keep), most).await?;
                cleaned.requests += forgotten;
                if forgotten == 0 {
                    break;
                }
                sleep(PAUSE).await;
            }
        }
        Part::Audit => {
            let Some(keep) = rules.audit else { return Ok(()) };
            let (bound, overdue) = audit_bound(keep, now);
            let oldest = stores.journals.after(audit::JOURNAL, 0, 1).await?;
            if oldest.first().is_some_and(|entry| entry.at < overdue) {
                cleaned.audit += admin.audit().forget(bound).await?;
            }
        }
        Part::Deliveries => {
            let Some(keep) = rules.deliveries else { return Ok(()) };
            for channel in admin.channel_records().all().await? {
                let journal = deliveries_of(channel.value.id);
                cleaned.deliveries += forget_before(&*stores.journals, &journal, now.minus(keep)).await?;
            }
        }
        Part::AccountErrors => {
            let Some(keep) = rules.account_errors else { return Ok(()) };
            let before = now.minus(keep);
            let errors = &stores.account_errors;
            while step(&mut cleaned.account_errors, errors.trim(before, STEP).await?).await {}
        }
        Part::DeletedKeys => {
            let Some(keep) = rules.deleted_keys else { return Ok(()) };
            let before = now.minus(keep);
            while step(&mut cleaned.deleted_keys, admin.keys().purge_deleted(before, STEP).await?).await {}
        }
        Part::Sessions => while step(&mut cleaned.sessions, stores.sessions.sweep(now, STEP).await?).await {},
    }
    Ok(())
}

/// Journals are read from their beginning, which is where what is old lies.
async fn forget_before(
    journals: &dyn JournalStore,
    journal: &str,
    before: Timestamp,
) -> Result<u64, AdminError> {
    let mut forgotten = 0;
    loop {
        let entries = journals.after(journal, 0, STEP).await?;
        let old = entries.iter().take_while(|entry| entry.at < before).last();
        let Some(old) = old else { return Ok(forgotten) };
        let gone = journals.forget(journal, old.number).await?;
        forgotten += gone;
        // The last entry stays, so that the next one has its number.
        if gone == 0 || gone < STEP as u64 {
            return Ok(forgotten);
        }
        sleep(PAUSE).await;
    }
}

/// Where the messages to a channel are noted.
pub(super) fn deliveries_of(channel: ChannelId) -> String {
    format!("deliveries/{channel}")
}
