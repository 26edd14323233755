//! What goes wrong, one after the other, by a seed.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use posthaste_testkit::{Chance, WayFault};
use rustix::process::{Pid, Signal, kill_process};
use tokio::{task::block_in_place, time::sleep};

use super::{plan::Store, rig::Rig};

/// What it does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Turn {
    /// Nothing, so that there is a calm to come back to.
    Calm,
    UpstreamLate,
    UpstreamThrottled,
    UpstreamSwallows,
    UpstreamShut,
    UpstreamReset,
    /// A relay stands still for a second.
    RelayStops,
    /// A relay reads its configuration again.
    RelayReloads,
    /// An operator disables an account, and enables it at the next turn.
    AccountDisabled,
    RedisLate,
    RedisSwallows,
    RedisShut,
    RedisReset,
    RedisStops,
    RedisKilled,
}

impl Turn {
    const EVERYWHERE: [Self; 9] = [
        Self::Calm,
        Self::UpstreamLate,
        Self::UpstreamThrottled,
        Self::UpstreamSwallows,
        Self::UpstreamShut,
        Self::UpstreamReset,
        Self::RelayStops,
        Self::RelayReloads,
        Self::AccountDisabled,
    ];
    const ON_REDIS: [Self; 6] = [
        Self::RedisLate,
        Self::RedisSwallows,
        Self::RedisShut,
        Self::RedisReset,
        Self::RedisStops,
        Self::RedisKilled,
    ];
}

pub(super) struct Weather {
    rig: Arc<Rig>,
    chance: Chance,
    /// What there still is of the round: each comes once before one comes twice.
    left: Vec<Turn>,
    told: BTreeMap<Turn, usize>,
    disabled: Option<String>,
}

impl Weather {
    pub(super) fn new(rig: Arc<Rig>, chance: Chance) -> Self {
        Self { rig, chance, left: Vec::new(), told: BTreeMap::new(), disabled: None }
    }

    /// Ends what there was and begins something else.
    pub(super) async fn turn(&mut self) {
        self.end_turn();
        if self.left.is_empty() {
            self.left.extend(Turn::EVERYWHERE);
            if self.rig.store == Store::Redis {
                self.left.extend(Turn::ON_REDIS);
            }
        }
        let next = usize::try_from(self.chance.below(self.left.len() as u64)).unwrap();
        let turn = self.left.swap_remove(next);
        *self.told.entry(turn).or_default() += 1;
        self.begin(turn).await;
    }

    /// Everything works again, upstreams too.
    pub(super) fn clear(&mut self) {
        self.end_turn();
        self.rig.near.calm();
        self.rig.far.calm();
    }

    /// How often each was.
    pub(super) fn end(self) -> String {
        let told: Vec<_> = self.told.iter().map(|(turn, times)| format!("{turn:?} {times}")).collect();
        told.join(", ")
    }

    async fn begin(&mut self, turn: Turn) {
        match turn {
            Turn::Calm => {}
            Turn::UpstreamLate => self.rig.way_far.set(WayFault::Slow(Duration::from_millis(300))),
            Turn::UpstreamThrottled => self.rig.way_far.set(WayFault::Throttled(20_000)),
            Turn::UpstreamSwallows => self.rig.way_far.set(WayFault::BlackHole),
            Turn::UpstreamShut => self.rig.way_far.set(WayFault::Shut),
            Turn::UpstreamReset => self.rig.way_far.set(WayFault::Reset),
            Turn::RelayStops => {
                let relay = self.chance.of(&self.rig.relays);
                relay.signal(Signal::STOP);
                sleep(Duration::from_secs(1)).await;
                relay.signal(Signal::CONT);
            }
            Turn::RelayReloads => self.chance.of(&self.rig.relays).signal(Signal::HUP),
            Turn::AccountDisabled => {
                let name = format!("far-{}", self.chance.below(6));
                block_in_place(|| self.rig.desk().cli(&format!("accounts disable {name}")));
                self.disabled = Some(name);
            }
            Turn::RedisLate => self.redis_way(WayFault::Slow(Duration::from_millis(200))),
            Turn::RedisSwallows => self.redis_way(WayFault::BlackHole),
            Turn::RedisShut => self.redis_way(WayFault::Shut),
            Turn::RedisReset => self.redis_way(WayFault::Reset),
            Turn::RedisStops => self.redis_signal(Signal::STOP),
            Turn::RedisKilled => self.with_redis(|redis| redis.kill()),
        }
    }

    fn end_turn(&mut self) {
        self.rig.way_far.set(WayFault::None);
        if let Some(name) = self.disabled.take() {
            block_in_place(|| self.rig.desk().cli(&format!("accounts enable {name}")));
        }
        if self.rig.store == Store::Redis {
            self.redis_way(WayFault::None);
            self.with_redis(|redis| {
                if redis.process_id().is_none() {
                    redis.restart();
                }
            });
            self.redis_signal(Signal::CONT);
        }
    }

    fn redis_way(&self, fault: WayFault) {
        self.rig.way_redis.as_ref().expect("there is a Redis").set(fault);
    }

    fn with_redis(&self, act: impl FnOnce(&mut posthaste_testkit::SpawnedRedis)) {
        let redis = self.rig.redis.as_ref().expect("there is a Redis");
        block_in_place(|| act(&mut redis.lock().unwrap()));
    }

    fn redis_signal(&self, signal: Signal) {
        self.with_redis(|redis| {
            let process = redis.process_id().expect("it runs");
            kill_process(Pid::from_raw(i32::try_from(process).unwrap()).unwrap(), signal).unwrap();
        });
    }
}
