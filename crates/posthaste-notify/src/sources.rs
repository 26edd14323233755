//! From what the relay finds out to notices, where that needs nothing but words. What requests find out, the gateway tells.

use posthaste_core::{Notice, NoticeEvent, Subject, Timestamp};

/// Settings were refused. `source` may hold no secrets.
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
