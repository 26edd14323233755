//! What is going on at this moment: who holds places, who waits, and which accounts rest.

mod rests;
mod view;

pub use view::{
    HeldPlace, LiveInput, LivePlaces, LiveRest, LiveView, PlaceOwner, ReleaseInput, ReleasedPlaces,
    WaitingLine,
};

use std::time::Duration;

use posthaste_core::{Account, ClientKey, Limit, LimitSlot, LimitUnit, Pool};
use posthaste_storage::{Counter, CounterWindow, Half, HeldLease, LeaseRef, Unit};
use uuid::Uuid;

use crate::{Admin, AdminError, change::find};

/// What is going on.
#[derive(Clone, Copy)]
pub struct LiveService<'a> {
    admin: &'a Admin,
}

/// A limit on what is done at the same time, and where it is counted.
struct Counted {
    owner: PlaceOwner,
    half: Half,
    slot: Uuid,
    prefix: String,
    limit: Limit,
}

impl<'a> LiveService<'a> {
    pub(crate) fn new(admin: &'a Admin) -> Self {
        Self { admin }
    }

    /// What is going on, over all relays of the store; of waiting lines and conversations what the one knows that answers.
    ///
    /// # Errors
    /// [`AdminError::Invalid`] for a limit that is none, or when the store fails.
    pub async fn view(self, input: &LiveInput) -> Result<LiveView, AdminError> {
        let most = input.limit.unwrap_or(USUAL_PLACES);
        if !(1..=MOST_PLACES).contains(&most) {
            return Err(AdminError::invalid("limit", format!("is not a number from 1 to {MOST_PLACES}")));
        }
        let parts = self.admin.parts();
        let keys = self.admin.key_records().all().await?;
        let mut counted = Vec::new();
        for key in keys.iter().map(|key| &key.value) {
            counted.extend(self.of_key(key).await?);
        }
        for account in self.admin.account_records().all().await? {
            counted.extend(of_account(&account.value));
        }
        for pool in self.admin.pool_records().all().await? {
            counted.extend(of_pool(&pool.value));
        }
        let not_looked_at = counted.len().saturating_sub(most);
        counted.truncate(most);
        let mut places = Vec::new();
        for counted in &counted {
            let looked_at = self.places(counted, MOST_HELD).await?;
            if !looked_at.held.is_empty() || input.idle {
                places.push(looked_at);
            }
        }
        let name = |id| keys.iter().find(|key| key.value.id == id).map(|key| key.value.name.clone());
        let runtime = parts.runtime.as_deref();
        let lines = runtime.map(|runtime| runtime.waiting()).unwrap_or_default();
        let waiting =
            lines.into_iter().map(|(key_id, waiting)| WaitingLine { key_id, key: name(key_id), waiting });
        Ok(LiveView {
            at: parts.clock.now(),
            in_flight_here: runtime.map(|runtime| runtime.in_flight()),
            conversations_here: runtime.map(|runtime| runtime.conversations()),
            places,
            not_looked_at,
            waiting_here: waiting.collect(),
            rests: rests::of_all(self.admin).await?,
        })
    }

    /// The places that a client key's requests hold.
    ///
    /// # Errors
    /// [`AdminError::NotFound`], or when the store fails.
    pub async fn of_key_now(self, key: &str) -> Result<Vec<LivePlaces>, AdminError> {
        let key = find(&self.admin.key_records(), key).await?.value;
        let mut places = Vec::new();
        for counted in self.of_key(&key).await? {
            places.push(self.places(&counted, MOST_HELD).await?);
        }
        Ok(places)
    }

    /// Gives places back that a client key's requests hold, though they may still run: for those whose holder is gone. What
    /// they reserved of other limits stays counted.
    ///
    /// # Errors
    /// [`AdminError::NotFound`], or when the store fails.
    pub async fn release(self, key: &str, input: &ReleaseInput) -> Result<ReleasedPlaces, AdminError> {
        let key = find(&self.admin.key_records(), key).await?.value;
        let (parts, now) = (self.admin.parts(), self.admin.parts().clock.now());
        let bound = now.minus(Duration::from_secs(input.older_than_seconds));
        let mut released = 0;
        for counted in self.of_key(&key).await? {
            // Those that stay are told again, and may stand before others that go.
            let mut staying = 0;
            loop {
                let most = staying + MOST_HELD;
                let held = self.held(&counted, most).await?;
                // All means all, also where the clock of the relay that took them runs ahead.
                let goes = |held: &&HeldLease| {
                    input.older_than_seconds == 0 || held.since().is_none_or(|since| since <= bound)
                };
                let going: Vec<_> = held.iter().filter(goes).collect();
                for held in &going {
                    let lease = LeaseRef { half: counted.half, owner: counted.slot, lease: held.lease };
                    parts.stores.admission.settle(lease, &[], now).await?;
                }
                released += going.len() as u64;
                staying = held.len() - going.len();
                if held.len() < most {
                    break;
                }
            }
        }
        Ok(ReleasedPlaces { released })
    }

    async fn places(self, counted: &Counted, most: usize) -> Result<LivePlaces, AdminError> {
        let held = self.held(counted, most).await?;
        let held = held.into_iter().map(|HeldLease { lease, until }| HeldPlace {
            lease: lease.0,
            since: HeldLease { lease, until }.since(),
            lapses_at: until,
        });
        Ok(LivePlaces {
            owner: counted.owner.clone(),
            limit: counted.limit.name.clone(),
            most: counted.limit.amount,
            held: held.collect(),
        })
    }

    async fn held(self, counted: &Counted, most: usize) -> Result<Vec<HeldLease>, AdminError> {
        let counter = Counter {
            name: format!("{}{}", counted.prefix, counted.limit.name),
            unit: Unit::Concurrency,
            window: CounterWindow::Held,
        };
        let parts = self.admin.parts();
        let now = parts.clock.now();
        Ok(parts.stores.admission.leases(counted.half, counted.slot, &counter, now, most).await?)
    }

    /// A client key's own limits on what it does at the same time.
    async fn of_key(self, key: &ClientKey) -> Result<Vec<Counted>, AdminError> {
        let mut limits = concurrent(&key.policy.limits).peekable();
        if limits.peek().is_none() {
            return Ok(Vec::new());
        }
        let owner = match key.policy.owner {
            Some(owner) => self.admin.owner_records().get(owner.uuid()).await?.map(|found| found.value),
            None => None,
        };
        let team = match owner.as_ref().and_then(|owner| owner.team) {
            Some(team) => self.admin.team_records().get(team.uuid()).await?.map(|found| found.value.id),
            None => None,
        };
        let slot = LimitSlot::of(key.id, owner.map(|owner| owner.id), team);
        let counted = limits.map(|limit| Counted {
            owner: PlaceOwner::ClientKey { id: key.id, name: key.name.clone() },
            half: Half::Caller,
            slot: slot.id(),
            prefix: slot.key_prefix(),
            limit: limit.clone(),
        });
        Ok(counted.collect())
    }
}

fn of_account(account: &Account) -> Vec<Counted> {
    let owner = PlaceOwner::Account { id: account.id, name: account.name.clone() };
    seats(&owner, account.id.uuid(), &account.scheduling.limits)
}

fn of_pool(pool: &Pool) -> Vec<Counted> {
    let owner = PlaceOwner::Pool { id: pool.id, name: pool.name.clone() };
    seats(&owner, pool.id.uuid(), &pool.limits)
}

fn seats(owner: &PlaceOwner, slot: Uuid, limits: &[Limit]) -> Vec<Counted> {
    let counted = concurrent(limits).map(|limit| Counted {
        owner: owner.clone(),
        half: Half::Seat,
        slot,
        prefix: String::new(),
        limit: limit.clone(),
    });
    counted.collect()
}

fn concurrent(limits: &[Limit]) -> impl Iterator<Item = &Limit> {
    limits.iter().filter(|limit| limit.unit == LimitUnit::Concurrency)
}

/// Limits that are looked at, each with a question to the store.
const USUAL_PLACES: usize = 500;
const MOST_PLACES: usize = 5_000;

/// Places that are told, and released at once.
const MOST_HELD: usize = 1_000;
