//! The relay: a call in, an answer out.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use posthaste_core::{
    Account, AccountId, ClientKey, ClientKeyId, Dialect, Fault, InstanceId, ModelName, Outlook,
    OutlookQuestion, Timestamp,
};
use posthaste_metering::PriceBook;
use posthaste_storage::{ConfigStore, Revision, StorageError, StoreLoss};
use posthaste_wire::ModelEntry;
use tokio::time::timeout;

use crate::{
    AccountDirectory, Answer, Authenticator, Call, Caller, RelayOptions, RelayPorts,
    admission::check_status,
    affinity::Homes,
    budgets::Budgets,
    drains::Drains,
    engine::Engine,
    errors::ErrorLog,
    fleet::{self, Fleet, Membership},
    follow::follow,
    knocks::Knocks,
    lines::Lines,
    live::{Live, LiveFeed, LiveTotals, Overheard, OwnTime},
    memory::Memory,
    metrics::Metrics,
    models::{self, View},
    notices::{self, Notices},
    outlook, planning,
    prices::CurrentPrices,
    projects::Projects,
    quotas::{Quotas, WindowForecast},
    rates::CurrentRates,
    recorder::Recorder,
    rosters::Rosters,
    serve::serve,
    thresholds::Thresholds,
    visitor::{Visitor, check_visitor},
};

/// What [`Relay::health`] tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// How many accounts there are.
    pub accounts: usize,
    /// How many of them are switched on and do not rest.
    pub accounts_ready: usize,
    /// Whether attempts can be booked: the ledger's queue has room.
    pub ledger_ready: bool,
    /// Since when and why the shared store is away; requests are served all the same.
    pub store_loss: Option<StoreLoss>,
}

/// One relay. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Relay {
    engine: Arc<Engine>,
    config: Arc<dyn ConfigStore>,
    since: Revision,
}

impl Relay {
    /// Builds a relay from its ports, reads the accounts, and starts the task that keeps the records of requests, unless none
    /// are to be kept. That task ends with the relay's last clone and its last request.
    ///
    /// Spawn [`follow`](Self::follow) as well, or changes in the store stay unseen.
    ///
    /// # Errors
    /// When the store cannot be read.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn new(ports: RelayPorts, options: RelayOptions) -> Result<Self, StorageError> {
        let config = ports.stores.config;
        let since = config.revision().await?;
        let clock = Arc::clone(&ports.clock);
        let fleet = Arc::new(Fleet::new(ports.stores.fleet, clock.now()));
        let live = Live::new();
        let notices = Overheard { live: Arc::clone(&live), sink: ports.notices };
        let engine = Engine {
            recorder: Recorder::start(
                (ports.stores.requests, Arc::clone(&ports.vault)),
                ports.stores.health.clone(),
                options.records,
                (clock, Arc::clone(&ports.telemetry)),
                (since, Arc::clone(&live)),
            ),
            errors: ErrorLog::start(
                ports.stores.account_errors,
                ports.stores.health.clone(),
                options.account_errors,
            ),
            authenticator: Authenticator::new(ports.vault, Arc::clone(&config)),
            knocks: Knocks::new(),
            directory: AccountDirectory::load(Arc::clone(&config)).await?,
            admission: ports.stores.admission,
            store_health: ports.stores.health,
            scheduler: ports.scheduler,
            credentials: ports.credentials,
            transport: ports.transport,
            ledger: ports.ledger,
            prices: CurrentPrices::load(ports.prices, Arc::clone(&config)).await?,
            rates: CurrentRates::load(Arc::clone(&config)).await?,
            clock: ports.clock,
            fleet,
            lines: Lines::default(),
            budgets: Budgets::default(),
            quotas: Quotas::default(),
            rosters: Rosters::default(),
            options: ArcSwap::from_pointee(options),
            metrics: Metrics::new(),
            notices: Notices::new(Arc::new(notices)),
            telemetry: ports.telemetry,
            live,
            memory: Memory::new(),
            homes: Homes::new(ports.stores.affinity),
            projects: Projects::new(),
            thresholds: Thresholds::new(),
            drains: Drains::default(),
        };
        // Before anybody is served: accounts that rest at other relays rest here.
        match timeout(FIRST_LESSON, fleet::learn_known(&engine)).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => {
                tracing::warn!(%error, "what other relays know of the accounts' health cannot be read")
            }
            Err(_) => tracing::warn!("what other relays know of the accounts' health cannot be read in time"),
        }
        Ok(Self { engine: Arc::new(engine), config, since })
    }

    /// The settings as they are now.
    pub fn options(&self) -> Arc<RelayOptions> {
        self.engine.options.load_full()
    }

    /// Takes other settings for the requests that come from now on; those under way keep theirs. What was started with the relay
    /// stays as it was: [`records`](RelayOptions::records) and [`account_errors`](RelayOptions::account_errors).
    pub fn set_options(&self, options: RelayOptions) {
        self.engine.options.store(Arc::new(options));
    }

    /// Takes another price book; the operators' own prices stay over it. Requests under way are booked by the old one or the new.
    ///
    /// # Errors
    /// When the operators' own prices cannot be read; the old ones stay then.
    pub async fn set_prices(&self, book: Arc<PriceBook>) -> Result<(), StorageError> {
        self.engine.prices.replace(book).await
    }

    /// The accounts as they are now.
    pub fn accounts(&self) -> Arc<Vec<Arc<Account>>> {
        self.engine.directory.all()
    }

    /// Follows the store's change feed. Never ends; stop it by dropping it.
    pub async fn follow(&self) {
        follow(&self.engine, &*self.config, self.since).await;
    }

    /// Looks now and then at what no request finds out, and tells what operators should know of it: a store that is away, pools
    /// without an account that serves, keys that end soon. Never ends; stop it by dropping it.
    pub async fn watch(&self) {
        notices::watch(&self.engine, Arc::clone(&self.config)).await;
    }

    /// Takes part in the fleet of all relays that share the store: says that it is there, tells of the accounts' health and
    /// learns of it, and shares trials. Never ends; stop it by dropping it, then [`leave_fleet`](Self::leave_fleet).
    pub async fn join_fleet(&self, membership: &Membership) {
        fleet::join(&self.engine, membership).await;
    }

    /// Says that this relay is gone. Takes two seconds at most, however the store is.
    pub async fn leave_fleet(&self) {
        fleet::leave(&self.engine).await;
    }

    /// Which of the fleet this is.
    pub fn instance(&self) -> InstanceId {
        self.engine.fleet.id()
    }

    /// Ends an account's rest by an operator's hand, here and at every other relay of the fleet.
    pub fn release(&self, account: AccountId) {
        fleet::release(&self.engine, account);
    }

    /// Finds the owner of a presented client key. Not in the order of the ten steps by chance: a front authenticates
    /// before it reads a body. Nothing is known of who presents it, so that a key which opens for some networks or clients
    /// only does not open here: see [`let_in`](Self::let_in).
    ///
    /// # Errors
    /// `Unauthenticated` for a missing or unknown key, `PermissionDenied` for one that does not open the door now,
    /// `Overloaded` when the store cannot be asked.
    pub async fn authenticate(&self, presented: Option<&str>) -> Result<Caller, Fault> {
        self.let_in(presented, &Visitor::UNKNOWN).await
    }

    /// The same for a visitor of whom something is known.
    ///
    /// # Errors
    /// As [`authenticate`](Self::authenticate), and `PermissionDenied` for a visitor whom the key's policy keeps out.
    pub async fn let_in(&self, presented: Option<&str>, visitor: &Visitor<'_>) -> Result<Caller, Fault> {
        let caller = self.engine.authenticator.authenticate(presented).await.and_then(|caller| {
            check_status(&caller, self.engine.clock.now())?;
            check_visitor(&caller.key().policy, visitor)?;
            Ok(caller)
        });
        caller.inspect_err(|fault| self.engine.metrics.refused(fault.kind))
    }

    /// Waits before a visitor is told that nothing of what was presented is known, `presented` being a part of that: whoever
    /// tries many keys is answered later each time. To be called once a visitor, when every key was looked for.
    pub async fn turned_away(&self, visitor: &Visitor<'_>, presented: &str) {
        self.engine.knocks.hold(visitor, presented).await;
    }

    /// Serves one request.
    ///
    /// # Errors
    /// A fault to be told to the client in its dialect (`posthaste_wire::render`). Faults after the commit point are part
    /// of the answer's body instead.
    pub async fn call(&self, call: Call) -> Result<Answer, Fault> {
        let dialect = call.surface.dialect;
        let answer = serve(&self.engine, call).await;
        match &answer {
            Ok(_) => self.engine.metrics.answered(dialect),
            Err(fault) => self.engine.metrics.refused(fault.kind),
        }
        answer
    }

    /// Whether requests may be traced, so that their [`route`](Call::route) is wanted.
    pub fn traces(&self) -> bool {
        self.engine.telemetry.traces()
    }

    /// The models that a caller may ask for in `dialect`, in the order of their names; where a path names a vendor by its
    /// dialect: of that vendor.
    pub fn models(&self, caller: &Caller, dialect: Dialect, pinned: Option<Dialect>) -> Vec<ModelEntry> {
        let accounts = self.engine.directory.all();
        let policy = &caller.key().policy;
        let accounts =
            accounts.iter().map(AsRef::as_ref).filter(|account| planning::may_use(policy, account));
        let (prices, routes) = (self.engine.prices.now(), &*self.engine.directory.routes());
        let (rules, now) = (&caller.key().models, self.engine.clock.now());
        let view = View { prices: &prices, rules, routes, dialect, pinned, now };
        models::offered(accounts, &view)
    }

    /// One of [`models`](Self::models), which may be named by an alias.
    pub fn model(
        &self,
        caller: &Caller,
        dialect: Dialect,
        pinned: Option<Dialect>,
        name: &str,
    ) -> Option<ModelEntry> {
        let mut models = self.models(caller, dialect, pinned);
        let at = |name: &str| models.binary_search_by(|model| model.id.as_str().cmp(name)).ok();
        let prices = self.engine.prices.now();
        let meaning = || prices.meaning(name).map(ModelName::as_str);
        at(name).or_else(|| at(meaning()?)).map(|index| models.swap_remove(index))
    }

    /// How the relay is.
    ///
    /// # Errors
    /// When the store does not answer, and nobody stands in for it.
    pub async fn health(&self) -> Result<Health, StorageError> {
        let watched = &self.engine.store_health;
        match self.config.revision().await {
            // It is away when whoever watches says so, not with the first late answer.
            Err(_) if watched.is_watched() => {}
            answer => drop(answer?),
        }
        let accounts = self.engine.directory.all();
        let now = self.engine.clock.now();
        let enabled = accounts.iter().filter(|account| account.enabled);
        let ready = enabled.filter(|account| self.engine.scheduler.parked(account.id, now).is_none()).count();
        let ledger_ready = self.engine.ledger.free_slots() > 0;
        Ok(Health {
            accounts: accounts.len(),
            accounts_ready: ready,
            ledger_ready,
            store_loss: watched.loss(),
        })
    }

    /// Brings the gauges that no request moves up to date.
    pub fn measure(&self) {
        let now = self.engine.clock.now();
        let (mut ready, mut resting, mut off) = (0, 0, 0);
        for account in self.engine.directory.all().iter() {
            match account.enabled {
                false => off += 1,
                true if self.engine.scheduler.parked(account.id, now).is_some() => resting += 1,
                true => ready += 1,
            }
        }
        self.engine.metrics.accounts([ready, resting, off]);
        let (client_keys, unknown_keys) = self.engine.authenticator.known();
        let (tool_calls, answers) = self.engine.memory.known();
        let conversations = self.engine.homes.known();
        self.engine.metrics.remembered([conversations, client_keys, unknown_keys, tool_calls, answers]);
    }

    /// How the windows of an account's plan go, as far as its vendor told: nothing until it served.
    pub fn quota(&self, account: AccountId) -> Vec<WindowForecast> {
        self.engine.quotas.forecasts(account, self.engine.clock.now())
    }

    /// Waits until the requests that are over, and what went wrong at accounts, are in their stores, or could not be brought there.
    pub async fn flush_records(&self) {
        tokio::join!(self.engine.recorder.flush(), self.engine.errors.flush());
    }

    /// The client keys in whose lines requests wait at this relay, and how many.
    pub fn waiting(&self) -> Vec<(ClientKeyId, u32)> {
        self.engine.lines.waiting()
    }

    /// How many conversations' accounts this relay knows.
    pub fn conversations(&self) -> u64 {
        self.engine.homes.known()
    }

    /// Ends the reading of streams whose clients have left; what was seen of them is booked.
    pub async fn end_drains(&self) {
        self.engine.drains.end().await;
    }

    /// How many attempts are under way, answers that are still being read included.
    pub fn in_flight(&self) -> u64 {
        self.engine.metrics.open_attempts()
    }

    /// Watches what goes on from now on. Requests pay for it while the feed lives.
    pub fn watch_live(&self) -> LiveFeed {
        self.engine.live.watch()
    }

    /// What was counted since the relay began.
    pub fn totals(&self) -> LiveTotals {
        self.engine.metrics.totals()
    }

    /// What the relay itself took of its latest requests; `None` until it has served one.
    pub fn own_time(&self) -> Option<OwnTime> {
        self.engine.metrics.own_time()
    }

    /// The time by which the relay goes.
    pub fn now(&self) -> Timestamp {
        self.engine.clock.now()
    }

    /// Who would serve a request of this client key, and why, if it came now. Nothing is sent, reserved, counted or remembered.
    ///
    /// # Errors
    /// When the store cannot tell where limits stand.
    pub async fn outlook(&self, key: ClientKey, question: &OutlookQuestion) -> Result<Outlook, StorageError> {
        outlook::outlook(&self.engine, key, question).await
    }

    /// Counts a request that was refused before it became a call.
    pub fn refused(&self, fault: &Fault) {
        self.engine.metrics.refused(fault.kind);
    }
}

/// How long a start waits for what other relays know.
const FIRST_LESSON: Duration = Duration::from_secs(2);
