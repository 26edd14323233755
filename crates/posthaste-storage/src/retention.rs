//! How long the books are kept, and forgetting what is older.

use std::time::Duration;

use posthaste_core::{RequestId, Timestamp};
use tokio::time::sleep;
use uuid::Uuid;

use crate::{LedgerStore, RollupPeriod, StorageError};

/// How long the books are kept; what has no time is kept for ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// Rows, one for each attempt.
    pub rows: Option<Duration>,
    /// Roll-ups by hour.
    pub hours: Option<Duration>,
    /// Roll-ups by day.
    pub days: Option<Duration>,
    /// Roll-ups by month.
    pub months: Option<Duration>,
}

/// What was forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Rows.
    pub rows: usize,
    /// Roll-ups.
    pub rollups: usize,
}

impl Retention {
    /// Forgets what is too old at `now`, in small steps with pauses, so that booking goes on in between. Stopping it by
    /// dropping leaves the rest for the next time; several instances may do it at once.
    ///
    /// # Errors
    /// When the store fails; what was forgotten until then stays so.
    pub async fn sweep(&self, ledger: &dyn LedgerStore, now: Timestamp) -> Result<Swept, StorageError> {
        let mut swept = Swept::default();
        if let Some(keep) = self.rows {
            let before = now.minus(keep);
            while step(&mut swept.rows, ledger.forget_rows(before, STEP).await?).await {}
        }
        for (period, keep) in self.rollups() {
            let before = now.minus(keep);
            while step(&mut swept.rollups, ledger.forget_rollups(period, before, STEP).await?).await {}
        }
        Ok(swept)
    }

    fn rollups(&self) -> impl Iterator<Item = (RollupPeriod, Duration)> {
        let kept = RollupPeriod::ALL.into_iter().zip([self.hours, self.days, self.months]);
        kept.filter_map(|(period, keep)| Some((period, keep?)))
    }
}

/// Counts what a step forgot, and waits before the next one; `false` when there is nothing left for one.
async fn step(sum: &mut usize, forgotten: usize) -> bool {
    *sum += forgotten;
    let more = forgotten == STEP;
    if more {
        sleep(PAUSE).await;
    }
    more
}

/// The least identity that a request made at `moment` can have; identities begin with milliseconds since 1970.
pub fn first_request(moment: Timestamp) -> RequestId {
    let millis = u128::try_from(moment.as_millis()).unwrap_or(0).min(MOST_MILLIS);
    RequestId::from_uuid(Uuid::from_u128(millis << 80))
}

/// Rows or roll-ups forgotten at once: a few milliseconds' work for a store.
const STEP: usize = 500;

const PAUSE: Duration = Duration::from_millis(50);

/// A UUID's time has 48 bits.
const MOST_MILLIS: u128 = (1 << 48) - 1;

#[cfg(test)]
mod tests {
    use posthaste_core::AttemptRow;

    use super::*;
    use crate::{Stores, UsageQuery, contract, memory};

    const DAY: u64 = 86_400;

    #[test]
    fn identities_are_told_apart_by_the_millisecond() {
        let at = |millis| first_request(Timestamp::from_millis(millis));
        let id = RequestId::generate();
        let (seconds, nanos) = id.uuid().get_timestamp().unwrap().to_unix();
        let made = i64::try_from(seconds * 1_000 + u64::from(nanos / 1_000_000)).unwrap();
        assert!(at(made) <= id && id < at(made + 1));
        assert!(at(-1) <= at(0) && at(i64::MAX / 1_000) >= at(made));
    }

    #[tokio::test(start_paused = true)]
    async fn a_sweep_forgets_what_is_too_old_and_the_months_stay() {
        let Stores { ledger, .. } = memory::MemoryStores::stores();
        let now = contract::NOON.plus(Duration::from_secs(400 * DAY));
        // A row a day, for more days than a step forgets at once.
        let rows: Vec<AttemptRow> =
            (0..1_200).map(|day| row_at(now.minus(Duration::from_secs(day * DAY)))).collect();
        ledger.append(&rows).await.unwrap();
        let days = |days: u64| Some(Duration::from_secs(days * DAY));
        let retention = Retention { rows: days(90), hours: days(30), days: days(1_100), months: None };
        let months = ledger.usage(&UsageQuery::all(RollupPeriod::Month)).await.unwrap();

        let swept = retention.sweep(&*ledger, now).await.unwrap();
        assert_eq!(swept.rows, 1_200 - 91);
        assert_eq!(ledger.count().await.unwrap(), 91);
        let (hours, days) = (UsageQuery::all(RollupPeriod::Hour), UsageQuery::all(RollupPeriod::Day));
        // Hours and days of the very border are younger than their start.
        assert_eq!(ledger.usage(&hours).await.unwrap().len(), 31);
        assert_eq!(ledger.usage(&days).await.unwrap().len(), 1_100);
        assert_eq!(swept.rollups, (1_200 - 31) + (1_200 - 1_100));
        assert_eq!(ledger.usage(&UsageQuery::all(RollupPeriod::Month)).await.unwrap(), months);
        assert_eq!(retention.sweep(&*ledger, now).await.unwrap(), Swept::default());
    }

    fn row_at(moment: Timestamp) -> AttemptRow {
        let id = first_request(moment).uuid().as_u128() | Uuid::now_v7().as_u128() >> 48;
        AttemptRow {
            request_id: RequestId::from_uuid(Uuid::from_u128(id)),
            started_at: moment,
            ..contract::row()
        }
    }
}
