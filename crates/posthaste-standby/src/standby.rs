//! The watched store: its ports, and the task that sees to its return.

use std::{fmt, sync::Arc, time::Duration};

use posthaste_storage::{StoreHealth, Stores};
use tokio::{
    task::AbortHandle,
    time::{Instant, sleep},
};

use crate::{
    StandbyOptions,
    admission::{Paid, StandbyAdmission},
    affinity::StandbyAffinity,
    breaker::{Breaker, Does},
    config::StandbyConfig,
    lock::StandbyLocks,
    requests::StandbyRequests,
};

/// Stores that requests can rely on: no call waits longer than the deadline, and while the store is away limits are kept
/// here as each of them says.
///
/// The ports work as long as this lives; dropping it ends the task that sees to the store's return.
pub struct Standby {
    stores: Stores,
    admission: Arc<StandbyAdmission>,
    watch: AbortHandle,
}

/// What the task works with.
struct Watch {
    breaker: Arc<Breaker>,
    admission: Arc<StandbyAdmission>,
    affinity: Arc<StandbyAffinity>,
    probe_every: Duration,
}

impl Standby {
    /// Watches over `stores`. The books stay as they are: their writer waits for the store by itself.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn around(stores: &Stores, options: &StandbyOptions) -> Self {
        let breaker = Arc::new(Breaker::new(options));
        let admission =
            StandbyAdmission::new(Arc::clone(&stores.admission), Arc::clone(&breaker), options.fleet.clone());
        let admission = Arc::new(admission);
        let affinity =
            Arc::new(StandbyAffinity { store: Arc::clone(&stores.affinity), breaker: Arc::clone(&breaker) });
        let guarded = Stores {
            config: Arc::new(StandbyConfig::new(Arc::clone(&stores.config), Arc::clone(&breaker))),
            admission: Arc::clone(&admission) as _,
            ledger: Arc::clone(&stores.ledger),
            affinity: Arc::clone(&affinity) as _,
            requests: Arc::new(StandbyRequests {
                store: Arc::clone(&stores.requests),
                breaker: Arc::clone(&breaker),
            }),
            fleet: Arc::clone(&stores.fleet),
            sessions: Arc::clone(&stores.sessions),
            account_errors: Arc::clone(&stores.account_errors),
            journals: Arc::clone(&stores.journals),
            locks: Arc::new(StandbyLocks { store: Arc::clone(&stores.locks), breaker: Arc::clone(&breaker) }),
            health: breaker.health().clone(),
        };
        let probe_every = options.probe_every;
        let watch = Watch { breaker, admission: Arc::clone(&admission), affinity, probe_every };
        let watch = tokio::spawn(watch.run()).abort_handle();
        Self { stores: guarded, admission, watch }
    }

    /// The ports.
    pub fn stores(&self) -> Stores {
        self.stores.clone()
    }

    /// Tells the store what it is owed, before the program ends. While it is away this is lost with the program.
    pub async fn settle_up(&self) {
        while !self.stores.health.is_lost() {
            match self.admission.pay().await {
                Ok(Paid { told: 1.., .. }) => {}
                Ok(Paid { told: 0, .. }) | Err(_) => return,
            }
        }
    }

    /// How the store fares.
    pub fn health(&self) -> &StoreHealth {
        &self.stores.health
    }
}

impl Drop for Standby {
    fn drop(&mut self) {
        self.watch.abort();
    }
}

impl fmt::Debug for Standby {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Standby").finish_non_exhaustive()
    }
}

impl Watch {
    async fn run(self) {
        loop {
            tokio::select! {
                () = self.breaker.until_open() => self.bring_back().await,
                () = self.admission.owes() => {}
            }
            self.pay_up().await;
        }
    }

    /// Asks until the store answers again, tells it what it missed, and lets calls through.
    async fn bring_back(&self) {
        let mut told = Duration::ZERO;
        loop {
            sleep(self.probe_every).await;
            let is_back = self.admission.probe().await && self.affinity.probe().await;
            let away_for = self.breaker.away_for();
            let seconds = Duration::from_secs(away_for.as_secs());
            self.breaker.metrics().lost_for(seconds.saturating_sub(told));
            told = seconds;
            if is_back && self.catch_up().await {
                break;
            }
            self.remind(away_for);
        }
        let counted = self.admission.store_is_back();
        let away_for = self.breaker.close();
        if !self.breaker.was_told() {
            return;
        }
        tracing::info!(
            seconds = away_for.as_secs_f64(),
            granted = counted.granted,
            refused = counted.refused,
            closed = counted.closed,
            "the shared store is back; what was counted here meanwhile is counted there now"
        );
    }

    /// Tells the store what it missed before calls are let through, so that no limit is granted twice. Much of it is told later.
    /// `false` when the store does not listen.
    async fn catch_up(&self) -> bool {
        let begun = Instant::now();
        if self.admission.keep_leases().await.is_err() {
            return false;
        }
        while begun.elapsed() < HEAD_START {
            match self.admission.pay().await {
                Ok(Paid { told: 0, .. }) => break,
                Ok(_) => {}
                Err(_) => return false,
            }
        }
        true
    }

    /// Pays until nothing is owed, or the store is away again.
    async fn pay_up(&self) {
        while !self.breaker.is_open() {
            match self.admission.pay().await {
                Ok(Paid { left: false, .. }) => return,
                Ok(_) => {}
                Err(error) => self.breaker.failed(Does::Write, &error),
            }
            tokio::select! {
                () = sleep(BETWEEN_PAYMENTS) => {}
                () = self.breaker.until_open() => {}
            }
        }
    }

    fn remind(&self, away_for: Duration) {
        let health = self.breaker.health();
        let Some(loss) = health.loss().filter(|_| self.breaker.may_remind()) else { return };
        let counted = self.admission.counted();
        tracing::warn!(
            seconds = away_for.as_secs(),
            reason = loss.reason,
            granted = counted.granted,
            refused = counted.refused,
            closed = counted.closed,
            "the shared store is still away"
        );
    }
}

/// For how long calls are kept away at most while the store is told what it missed.
const HEAD_START: Duration = Duration::from_secs(2);

/// What waits for its time, or for the end of a request, is told then.
const BETWEEN_PAYMENTS: Duration = Duration::from_secs(1);
