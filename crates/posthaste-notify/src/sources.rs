//! From what the relay finds out to notices: pure functions, and small detectors that are given the time.

mod accounts;
mod errors;
mod keys;
mod limits;
mod pools;
mod quotas;
mod stores;

pub use accounts::{account_rests, from_health_news};
pub use errors::{ErrorRate, ErrorRateRules};
pub use keys::{EXPIRY_DAYS, expiring};
pub use limits::limit_reached;
pub use pools::{PoolState, PoolWatch};
pub use quotas::{PlanWindow, quota_notices};
pub use stores::StoreWatch;

use posthaste_core::{Notice, NoticeEvent, ProviderKind, Subject, Timestamp};

/// The price of a model is not known; `priced` when one that was set for such models is counted.
pub fn price_unknown(provider: ProviderKind, model: &str, priced: bool, now: Timestamp) -> Notice {
    let subject = Subject::Model { name: model.to_owned() };
    Notice { at: now, subject, event: NoticeEvent::PriceUnknown { provider, priced } }
}

/// Prices or rules were refused. `source` may hold no secrets.
pub fn data_refused(source: &str, why: &str, now: Timestamp) -> Notice {
    let event = NoticeEvent::DataRefused { source: source.to_owned(), why: why.to_owned() };
    Notice { at: now, subject: Subject::Relay, event }
}

/// Somebody signed in from an address that was not seen with them before.
pub fn signed_in(person: &str, address: &str, now: Timestamp) -> Notice {
    let event = NoticeEvent::SignedIn { address: address.to_owned() };
    Notice { at: now, subject: Subject::Person { name: person.to_owned() }, event }
}

/// Signing in is locked for a while, after so many wrong passwords.
pub fn sign_in_locked(person: &str, address: &str, misses: u32, until: Timestamp, now: Timestamp) -> Notice {
    let event = NoticeEvent::SignInLocked { address: address.to_owned(), misses, until };
    Notice { at: now, subject: Subject::Person { name: person.to_owned() }, event }
}
