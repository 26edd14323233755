//! Saying that this relay is there, and hearing who else is.

use std::time::Duration;

use metrics::gauge;
use posthaste_storage::{Member, Revision};
use tokio::time::{MissedTickBehavior, interval};

use super::Membership;
use crate::engine::Engine;

/// Announces the relay again and again; never ends.
pub(super) async fn announce(engine: &Engine, membership: &Membership) {
    let instances = gauge!("posthaste_fleet_instances");
    let mut beats = interval(BEAT);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut fails = false;
    loop {
        beats.tick().await;
        let now = engine.clock.now();
        let member = Member {
            id: engine.fleet.id,
            host: membership.host.clone(),
            address: membership.address.clone(),
            version: membership.version.clone(),
            started_at: engine.fleet.started_at,
            revision: Revision(engine.recorder.revision()),
            seen_at: now,
        };
        match engine.fleet.store.announce(&member, SILENCE, now).await {
            Ok(members) => {
                fails = false;
                membership.size.set(members.len());
                instances.set(f64::from(u32::try_from(members.len()).unwrap_or(u32::MAX)));
            }
            Err(error) if std::mem::replace(&mut fails, true) || engine.store_health.tells_of(&error) => {
                tracing::debug!(%error, "the other relays still cannot be told that this one is there")
            }
            Err(error) => {
                tracing::warn!(%error, "the other relays cannot be told that this one is there; trying again");
            }
        }
    }
}

const BEAT: Duration = Duration::from_secs(5);

/// After so long without a word a relay is taken to be gone: two lost beats are borne.
const SILENCE: Duration = Duration::from_secs(15);
