//! One retry budget for each pool, and one for all that goes by the relay's own rules.

use std::collections::HashMap;

use parking_lot::Mutex;
use posthaste_core::{PoolId, Timestamp};
use posthaste_scheduler::RetryBudget;

/// The budgets of this relay. A few hundred bytes for each pool that was ever asked.
#[derive(Debug, Default)]
pub(crate) struct Budgets(Mutex<HashMap<Option<PoolId>, RetryBudget>>);

impl Budgets {
    /// Notes that a pool is asked for something.
    pub(crate) fn request(&self, pool: Option<PoolId>, now: Timestamp) {
        self.0.lock().entry(pool).or_default().request(now);
    }

    /// Whether the pool may be asked once more out of turn.
    pub(crate) fn take(&self, pool: Option<PoolId>, now: Timestamp) -> bool {
        self.0.lock().entry(pool).or_default().take(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pools_have_budgets_of_their_own() {
        let (budgets, now) = (Budgets::default(), Timestamp::from_secs(1_000));
        let pool = Some(PoolId::generate());
        (0..1_000).for_each(|_| budgets.request(pool, now));
        let granted = |pool| (0..1_000).filter(|_| budgets.take(pool, now)).count();
        assert_eq!(granted(pool), 200, "a fifth of what was asked");
        assert_eq!(granted(None), 10, "one a second in any case");
    }
}
