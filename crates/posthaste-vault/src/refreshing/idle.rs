//! Tokens of accounts that nobody asks for.

use std::{collections::HashSet, sync::Arc, time::Duration};

use posthaste_core::{Account, AuthForm};
use tokio::time::{MissedTickBehavior, interval};

use super::{Flight, Look, RefreshingCredentials, Want};

impl RefreshingCredentials {
    /// Renews the tokens of logged-in accounts that end soon, whether or not anybody asks for them, and forgets what
    /// was held for accounts that are gone. Never ends.
    pub async fn keep_fresh(&self, accounts: impl Fn() -> Arc<Vec<Arc<Account>>> + Send + Sync) {
        let mut rounds = interval(ROUND);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            rounds.tick().await;
            let accounts = accounts();
            let known: HashSet<_> = accounts.iter().map(|account| account.id).collect();
            self.shared.slots.write().retain(|account, _| known.contains(account));
            self.round(&accounts).await;
        }
    }

    /// A few at a time, so that many accounts that end together do not keep those waiting that are asked for.
    async fn round(&self, accounts: &[Arc<Account>]) {
        let mut flights = Vec::new();
        for account in accounts.iter().filter(|account| account.enabled && account.auth == AuthForm::OAuth) {
            flights.extend(self.renew_ahead(account));
            if flights.len() == AT_ONCE {
                wait(&mut flights).await;
            }
        }
        wait(&mut flights).await;
    }

    fn renew_ahead(&self, account: &Account) -> Option<Flight> {
        let slot = match self.slot(account) {
            Ok(slot) if account.credential.is_some() => slot,
            Ok(_) => return None,
            Err(error) => {
                tracing::debug!(account = %account.name, %error, "an idle account's token cannot be read");
                return None;
            }
        };
        match slot.look(self.shared.now()) {
            Look::Fresh(_) => None,
            Look::Ahead(_) => self.begin(account, &slot, Want::Ahead).ok(),
            // One that is in trouble, or known to be dead, does not begin.
            Look::Now => self.begin(account, &slot, Want::Now).ok(),
        }
    }
}

async fn wait(flights: &mut Vec<Flight>) {
    for flight in flights.drain(..) {
        // How it ended the slot knows, and the log.
        let _ = flight.landed().await;
    }
}

/// Much shorter than a window.
const ROUND: Duration = Duration::from_secs(15);
const AT_ONCE: usize = 8;
