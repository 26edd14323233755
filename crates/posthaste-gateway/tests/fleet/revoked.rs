//! A client key that is closed at one relay opens no door at another.

use std::time::Duration;

use posthaste_core::{ClientKey, FaultKind};
use posthaste_storage::Repository;
use posthaste_testkit::{client_key, client_key_secret};

use crate::{
    fleet::{Fleet, Place},
    support::Rig,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_key_that_is_revoked_at_one_relay_is_refused_by_all() {
    let fleet = Fleet::new(Place::Redis, 3, 1).await;
    for relay in &fleet.relays {
        present(relay).await.expect("the key opens the door");
    }
    revoke(&fleet.relays[0]).await;
    for relay in &fleet.relays {
        refused(relay).await;
    }
}

/// Presents the key; the kind of the fault where it does not open the door.
pub(crate) async fn present(relay: &Rig) -> Result<(), FaultKind> {
    let presented = relay.relay.authenticate(Some(client_key_secret("tester").expose())).await;
    presented.map(drop).map_err(|fault| fault.kind)
}

/// Waits until the key opens no door.
pub(crate) async fn refused(relay: &Rig) {
    for _ in 0..20_000 {
        if present(relay).await.is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("the key still opens the door");
}

pub(crate) async fn revoke(relay: &Rig) {
    change(relay, |key, relay| key.revoked_at = Some(relay.relay_now())).await;
}

pub(crate) async fn change(relay: &Rig, change: impl FnOnce(&mut ClientKey, &Rig)) {
    let keys: Repository<ClientKey> = Repository::new(relay.stores.config.clone());
    let found = keys.client_key(client_key("tester").id).await.unwrap().unwrap();
    let mut key = found.value;
    change(&mut key, relay);
    keys.replace(key, found.version).await.unwrap();
}
