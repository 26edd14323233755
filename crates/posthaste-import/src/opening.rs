//! Opening balances against what is here: of the books, and of limits on money.

use std::collections::{BTreeMap, HashMap};

use futures_util::{StreamExt, TryStreamExt, stream};
use posthaste_core::{
    AccountId, ClientKeyId, LimitSlot, NanoUsd, OnLoss, Owner, Team, TeamId, Timestamp, UserId,
};
use posthaste_metering::{Span, span};
use posthaste_storage::{
    Claim, Counter, CounterWindow, Dimension, Half, LeaseId, LimitCheck, Repository, RollupKey, RollupPeriod,
    RollupRow, Settlement, StorageError, Stores, Sums, Unit, UsageQuery,
};
use uuid::Uuid;

use crate::{
    map::{Counted, WantedKey},
    report::{Difference, Entry, State},
};

/// What is to be written of opening balances.
#[derive(Debug, Default)]
pub(crate) struct Opening {
    pub(crate) rollups: Vec<RollupRow>,
    pub(crate) counters: Vec<Raise>,
}

/// A counter that stands below what was counted.
#[derive(Clone, Debug)]
pub(crate) struct Raise {
    slot: Uuid,
    counter: Counter,
    by: i64,
}

/// Compares the books.
pub(crate) async fn books(
    stores: &Stores,
    keys: &[WantedKey],
    wanted: Vec<RollupRow>,
    opening: &mut Opening,
) -> Result<Vec<Entry>, StorageError> {
    let mut here: HashMap<RollupKey, Sums> = HashMap::new();
    for period in [RollupPeriod::Day, RollupPeriod::Month] {
        let query = UsageQuery { account_id: Some(AccountId::CARRIED_OVER), ..UsageQuery::all(period) };
        here.extend(stores.ledger.usage(&query).await?.into_iter().map(|row| (row.key, row.sums)));
    }
    let mut states: BTreeMap<ClientKeyId, (bool, bool)> = BTreeMap::new();
    for row in wanted {
        let before = here.remove(&row.key);
        let (known, differs) = states.entry(row.key.key_id).or_default();
        *known |= before.is_some();
        if before.as_ref() != Some(&row.sums) {
            *differs = true;
            opening.rollups.push(row);
        }
    }
    // What was carried over before and is told otherwise now, as after a change of owner.
    for (key, _) in here {
        if let Some((known, differs)) = states.get_mut(&key.key_id) {
            (*known, *differs) = (true, true);
            opening.rollups.push(RollupRow { key, sums: Sums::default() });
        }
    }
    let names: HashMap<_, _> = keys.iter().map(|wanted| (wanted.key.id, &wanted.key.name)).collect();
    let entry = |(key, (known, differs)): (ClientKeyId, (bool, bool))| Entry {
        id: key.uuid(),
        name: names.get(&key).map(|name| format!("what `{name}` used")).unwrap_or_default(),
        about: String::new(),
        state: match (known, differs) {
            (_, false) => State::Same,
            (false, true) => State::New,
            (true, true) => State::Changed,
        },
        differences: Vec::new(),
        unreadable: false,
        notes: Vec::new(),
    };
    Ok(states.into_iter().map(entry).collect())
}

/// Compares the counters of limits on money with what was billed there in the same windows. They are only ever raised: what was
/// used here meanwhile is counted on top.
pub(crate) async fn limits(
    stores: &Stores,
    keys: &[WantedKey],
    owners: &[Owner],
    now: Timestamp,
    opening: &mut Opening,
) -> Result<Vec<Entry>, StorageError> {
    let slots = Slots::read(stores, owners).await?;
    let own = own_billed(stores).await?;
    let wanted: Vec<(&WantedKey, &Counted)> =
        keys.iter().flat_map(|key| key.counted.iter().map(move |counted| (key, counted))).collect();
    let looked = stream::iter(wanted).map(|(wanted, counted)| {
        let (slot, prefix) = slots.of(wanted);
        let own = own.get(&wanted.key.id).copied().unwrap_or_default();
        let name = format!("{prefix}{}", counted.limit.name);
        async move {
            let Some(window) = window(&counted.limit.window, now) else { return Ok(None) };
            // A total begins before the move: both are in it. Other windows began before or after it: the larger is.
            let there = match window {
                CounterWindow::Total => counted.amount.saturating_add(own),
                _ => counted.amount,
            };
            let counter = Counter { name, unit: Unit::Cost, window };
            let here = stores.admission.used(Half::Caller, slot, &counter, now).await?;
            Ok::<_, StorageError>(Some((wanted, counted, slot, counter, here, there)))
        }
    });
    let looked: Vec<_> = looked.buffered(AT_ONCE).try_collect().await?;
    let mut entries = Vec::new();
    for (wanted, counted, slot, counter, here, there) in looked.into_iter().flatten() {
        let by = there.saturating_sub(here);
        let state = if by > 0 { State::New } else { State::Same };
        let shown = |amount| NanoUsd::from_nanos(amount).to_string();
        let difference =
            Difference { field: counted.limit.name.clone(), here: shown(here), there: shown(there) };
        entries.push(Entry {
            id: wanted.key.id.uuid(),
            name: format!("what limit {} of `{}` has counted", counted.limit.name, wanted.key.name),
            about: String::new(),
            state,
            differences: if by > 0 { vec![difference] } else { Vec::new() },
            unreadable: false,
            notes: Vec::new(),
        });
        if by > 0 {
            opening.counters.push(Raise { slot, counter, by });
        }
    }
    Ok(entries)
}

impl Raise {
    /// Writes it: an ordinary claim that is settled at once, and refuses nobody.
    pub(crate) async fn write(&self, stores: &Stores, now: Timestamp) -> Result<(), StorageError> {
        let check = LimitCheck {
            counter: self.counter.clone(),
            amount: self.by,
            limit: i64::MAX,
            shadow: true,
            on_loss: OnLoss::default(),
        };
        let claim = Claim {
            half: Half::Caller,
            owner: self.slot,
            lease: LeaseId::generate(),
            ttl: std::time::Duration::from_secs(60),
            checks: vec![check],
        };
        stores.admission.reserve(&claim, now).await?;
        let truth = Settlement { counter: self.counter.clone(), actual: self.by };
        stores.admission.settle(claim.lease_ref(), &[truth], now).await
    }
}

/// Where the counters of keys' limits are.
struct Slots {
    owners: HashMap<UserId, Option<TeamId>>,
}

impl Slots {
    /// With the owners that are here and those that come.
    async fn read(stores: &Stores, coming: &[Owner]) -> Result<Self, StorageError> {
        let teams = Repository::<Team>::new(stores.config.clone()).all().await?;
        let known = |team: &TeamId| teams.iter().any(|found| found.value.id == *team);
        let mut owners: HashMap<_, _> = coming.iter().map(|owner| (owner.id, None)).collect();
        for owner in Repository::<Owner>::new(stores.config.clone()).all().await? {
            owners.insert(owner.value.id, owner.value.team.filter(known));
        }
        Ok(Self { owners })
    }

    fn of(&self, wanted: &WantedKey) -> (Uuid, String) {
        let owner = wanted.key.policy.owner.filter(|owner| self.owners.contains_key(owner));
        let team = owner.and_then(|owner| self.owners.get(&owner).copied().flatten());
        let slot = LimitSlot::of(wanted.key.id, owner, team);
        (slot.id(), slot.key_prefix())
    }
}

/// What keys were billed here.
async fn own_billed(stores: &Stores) -> Result<HashMap<ClientKeyId, i64>, StorageError> {
    let by = [Dimension::Key, Dimension::Account];
    let sums = stores.ledger.sums(&UsageQuery::all(RollupPeriod::Month), &by).await?;
    let mut billed: HashMap<ClientKeyId, i64> = HashMap::new();
    for found in sums.iter().filter(|found| found.group.account_id != Some(AccountId::CARRIED_OVER)) {
        if let Some(key) = found.group.key_id {
            let sum = billed.entry(key).or_default();
            *sum = sum.saturating_add(found.sums.billed.as_nanos());
        }
    }
    Ok(billed)
}

fn window(window: &posthaste_core::LimitWindow, now: Timestamp) -> Option<CounterWindow> {
    match span(window, now).ok()? {
        Span::Total => Some(CounterWindow::Total),
        Span::Between { start, end } => Some(CounterWindow::Span { start, end }),
        Span::Now | Span::Rolling(_) => None,
    }
}

const AT_ONCE: usize = 64;
