//! One of several relays that share their accounts: it says that it is there, tells the others of its accounts' health, learns
//! from them, and lets one of all try an account whose rest is over.
//!
//! Requests never wait for the others, but for the one that would try an account: it asks the store first. Where the store
//! does not answer in time, this relay decides alone, as it does while it has not joined.

mod learning;
mod presence;
mod telling;
mod trial;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use metrics::{Counter, counter};
use parking_lot::Mutex;
use posthaste_core::{AccountId, CooldownScope, HealthNews, InstanceId, Timestamp, Told};
use posthaste_storage::{FleetSize, FleetStore, News};
use tokio::{
    sync::{Mutex as TaskMutex, mpsc},
    time::{Instant, timeout},
};

use self::{
    learning::follow,
    presence::announce,
    telling::{Entry, tell_all},
};
pub(crate) use self::{
    learning::{learn_known, name_of},
    trial::{FleetTrial, ask_for_trial},
};
use crate::engine::Engine;

/// How a relay takes part in its fleet.
#[derive(Clone, Debug)]
pub struct Membership {
    /// The machine's name, for operators.
    pub host: String,
    /// Where clients reach the relay, for operators.
    pub address: String,
    /// The relay's release.
    pub version: String,
    /// Is kept at the number of relays that are there.
    pub size: FleetSize,
    /// How long a request waits at most to hear whether this relay may try an account.
    pub patience: Duration,
}

impl Default for Membership {
    /// Of a relay without a name.
    fn default() -> Self {
        Self {
            host: String::new(),
            address: String::new(),
            version: String::new(),
            size: FleetSize::default(),
            patience: Duration::from_millis(500),
        }
    }
}

/// What a relay's journeys know of its fleet.
pub(crate) struct Fleet {
    store: Arc<dyn FleetStore>,
    /// Who this is.
    id: InstanceId,
    started_at: Timestamp,
    queue: mpsc::Sender<Entry>,
    entries: TaskMutex<mpsc::Receiver<Entry>>,
    /// Whether the tasks run: nobody else would hear of a trial's end.
    joined: AtomicBool,
    patience: Mutex<Duration>,
    /// How many trials this relay has asked for.
    trials: AtomicU64,
    /// The store did not answer in time: it is asked again from then on.
    silent_until: Mutex<Option<Instant>>,
    lost: Counter,
}

impl Fleet {
    pub(crate) fn new(store: Arc<dyn FleetStore>, now: Timestamp) -> Self {
        let (queue, entries) = mpsc::channel(QUEUE);
        Self {
            store,
            id: InstanceId::generate(),
            started_at: now,
            queue,
            entries: TaskMutex::new(entries),
            joined: AtomicBool::new(false),
            patience: Mutex::new(Membership::default().patience),
            trials: AtomicU64::new(1),
            silent_until: Mutex::new(None),
            lost: counter!("posthaste_fleet_news_lost_total"),
        }
    }

    pub(crate) const fn id(&self) -> InstanceId {
        self.id
    }

    /// Tells the others of an account's health, without waiting.
    pub(crate) fn tell(&self, account: AccountId, scope: CooldownScope, told: Told) {
        let health = HealthNews { account, scope, told };
        self.hand_over(Entry::Tell(News { from: self.id, health }));
    }

    fn hand_over(&self, entry: Entry) {
        if self.queue.try_send(entry).is_err() && self.is_joined() {
            self.lost.increment(1);
        }
    }

    fn is_joined(&self) -> bool {
        self.joined.load(Ordering::Relaxed)
    }
}

/// Takes part in the fleet; never ends. Stop it by dropping it, and then [`leave`].
pub(crate) async fn join(engine: &Engine, membership: &Membership) {
    let fleet = &*engine.fleet;
    *fleet.patience.lock() = membership.patience;
    let _joined = Joined::of(&fleet.joined);
    tokio::join!(tell_all(engine), follow(engine), announce(engine, membership));
}

/// Tells what is still to be told, and that this relay is gone; gives up where the store does not answer.
pub(crate) async fn leave(engine: &Engine) {
    let fleet = &*engine.fleet;
    let leaving = async {
        telling::tell_rest(engine).await;
        fleet.store.leave(fleet.id).await
    };
    match timeout(LEAVING, leaving).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::warn!(%error, "the other relays could not be told that this one is gone; they will notice")
        }
        Err(_) => tracing::warn!(
            "the other relays could not be told in time that this one is gone; they will notice"
        ),
    }
}

/// Ends an account's rest, here and at every other relay.
pub(crate) fn release(engine: &Engine, account: AccountId) {
    let rested = engine.scheduler.release(account);
    tell_released(engine, account, rested);
}

/// The same where a change of the account has put right what it rested from, which each relay finds for itself: only one that
/// knew of a rest has something to tell.
pub(crate) fn release_cured(engine: &Engine, account: AccountId) {
    if engine.scheduler.release(account) {
        tell_released(engine, account, true);
    }
}

fn tell_released(engine: &Engine, account: AccountId, rested: bool) {
    let (scope, told) = (CooldownScope::Account, Told::Released { at: engine.clock.now() });
    let news = HealthNews { account, scope, told };
    if rested {
        engine.notices.health(&news, &name_of(engine, account), engine.clock.now());
    }
    engine.fleet.tell(account, news.scope, news.told);
}

/// Set for as long as it lives.
struct Joined<'a>(&'a AtomicBool);

impl<'a> Joined<'a> {
    fn of(joined: &'a AtomicBool) -> Self {
        joined.store(true, Ordering::Relaxed);
        Self(joined)
    }
}

impl Drop for Joined<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// News that wait to be told. There are some only when something begins or ends.
const QUEUE: usize = 1_024;

/// What leaving may take.
const LEAVING: Duration = Duration::from_secs(2);
