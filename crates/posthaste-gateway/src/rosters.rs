//! Who could serve requests of each kind, kept from request to request.
//!
//! To look at each account for each request is what a relay of thousands of accounts would do most of the time. What it finds
//! depends on the accounts, the prices and the kind of request alone, so that it is kept until one of them changes.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use parking_lot::RwLock;
use posthaste_core::{Account, ModelName, ProviderKind, Strategy, Timestamp};
use posthaste_metering::{PriceBook, Seller};

use crate::{
    asked::AskedModel,
    engine::Engine,
    journey::Journey,
    planning::{KeptKind, Kind, Roster},
    targets::Target,
};

/// The rosters, and who sells which model. Clients may ask for any name, so that those that were used last are kept.
#[derive(Default)]
pub(crate) struct Rosters {
    hasher: RandomState,
    uses: AtomicU64,
    kept: RwLock<Kept>,
}

/// All accounts, as the directory gives them out.
type Accounts = Arc<Vec<Arc<Account>>>;

/// All of it made from the same accounts and prices.
#[derive(Default)]
struct Kept {
    from: Option<(Accounts, Arc<PriceBook>)>,
    /// By the hash of their kinds.
    rosters: HashMap<u64, KeptRoster>,
    sellers: HashMap<AskedModel, Arc<[Sold]>>,
    /// How many accounts the rosters name.
    size: usize,
}

struct KeptRoster {
    kind: KeptKind,
    roster: Arc<Roster>,
    last_use: AtomicU64,
}

/// A model as some of the accounts sell it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Sold {
    provider: ProviderKind,
    preset: String,
    /// What they call it.
    pub(crate) model: ModelName,
}

impl Sold {
    pub(crate) fn seller(&self) -> Seller<'_> {
        Seller { provider: self.provider, preset: &self.preset }
    }
}

impl Rosters {
    /// Who could serve a request.
    pub(crate) fn of(
        &self,
        journey: &Journey,
        target: Target<'_>,
        strategy: Strategy,
        now: Timestamp,
    ) -> Arc<Roster> {
        let (accounts, prices) = (journey.engine.directory.all(), journey.engine.prices.now());
        if journey.home.is_some() {
            // Few go on from an answer that lies at one account.
            return Arc::new(Roster::of(&accounts, journey, target, now));
        }
        let kind = Kind::of(journey, target, strategy);
        let hash = self.hasher.hash_one(kind);
        let number = self.uses.fetch_add(1, Relaxed);
        {
            let kept = self.kept.read();
            if kept.is_from(&accounts, &prices)
                && let Some(known) = kept.rosters.get(&hash)
                && known.kind.as_kind() == kind
                && known.roster.holds(now)
            {
                known.last_use.store(number, Relaxed);
                return Arc::clone(&known.roster);
            }
        }
        let roster = Arc::new(Roster::of(&accounts, journey, target, now));
        let last_use = AtomicU64::new(number);
        let known = KeptRoster { kind: kind.kept(), roster: Arc::clone(&roster), last_use };
        self.kept.write().of(&accounts, &prices).keep(hash, known);
        roster
    }

    /// As whose models those accounts sell a model that may be asked for it.
    pub(crate) fn sellers(&self, engine: &Engine, model: &AskedModel) -> Arc<[Sold]> {
        let (accounts, prices) = (engine.directory.all(), engine.prices.now());
        {
            let kept = self.kept.read();
            if kept.is_from(&accounts, &prices)
                && let Some(known) = kept.sellers.get(model)
            {
                return Arc::clone(known);
            }
        }
        let sellers = sellers(&accounts, model);
        let mut kept = self.kept.write();
        let kept = kept.of(&accounts, &prices);
        if kept.sellers.len() >= MOST_SOLD {
            kept.sellers.clear();
        }
        kept.sellers.insert(model.clone(), Arc::clone(&sellers));
        sellers
    }
}

impl Kept {
    fn is_from(&self, accounts: &Accounts, prices: &Arc<PriceBook>) -> bool {
        self.from.as_ref().is_some_and(|(from, by)| Arc::ptr_eq(from, accounts) && Arc::ptr_eq(by, prices))
    }

    /// What is made from these, empty where the accounts or the prices were others.
    fn of(&mut self, accounts: &Accounts, prices: &Arc<PriceBook>) -> &mut Self {
        if !self.is_from(accounts, prices) {
            *self = Self { from: Some((Arc::clone(accounts), Arc::clone(prices))), ..Self::default() };
        }
        self
    }

    fn keep(&mut self, hash: u64, known: KeptRoster) {
        let size = known.roster.size();
        while !self.rosters.is_empty() && (self.size + size > MOST_NAMED || self.rosters.len() >= MOST_KEPT) {
            let oldest = self.rosters.iter().min_by_key(|(_, known)| known.last_use.load(Relaxed));
            let Some(oldest) = oldest.map(|(hash, _)| *hash) else { break };
            self.forget(oldest);
        }
        self.forget(hash);
        self.size += size;
        self.rosters.insert(hash, known);
    }

    fn forget(&mut self, hash: u64) {
        if let Some(gone) = self.rosters.remove(&hash) {
            self.size -= gone.roster.size();
        }
    }
}

fn sellers(accounts: &[Arc<Account>], model: &AskedModel) -> Arc<[Sold]> {
    // Few, so that a list is searched sooner than a hash is made.
    let mut sellers: Vec<Sold> = Vec::new();
    for account in accounts.iter().filter(|account| account.enabled && model.is_served(account)) {
        let Seller { provider, preset } = Seller::from(&**account);
        let sold = Sold { provider, preset: preset.to_owned(), model: model.upstream(account) };
        if !sellers.contains(&sold) {
            sellers.push(sold);
        }
    }
    sellers.into()
}

/// So many accounts are named by all rosters together: about 100 bytes each, and as many again where they are put in order.
const MOST_NAMED: usize = 200_000;
const MOST_KEPT: usize = 1_024;
const MOST_SOLD: usize = 1_024;
