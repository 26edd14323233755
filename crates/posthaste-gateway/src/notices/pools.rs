//! Pools of which no account can serve.

use std::{collections::HashMap, time::Duration};

use posthaste_core::{Notice, NoticeEvent, PoolId, Subject, Timestamp};

/// How a pool is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PoolState {
    /// Its identity.
    pub(super) id: PoolId,
    /// Its name.
    pub(super) name: String,
    /// Of each of its enabled accounts until when all of it rests; `None` for those that can serve.
    pub(super) members: Vec<Option<Timestamp>>,
}

/// Looks at pools now and then, and tells when one has been without an account for a while, and when it has one again. Short
/// rests of all at once are usual where there are few accounts.
#[derive(Debug)]
pub(super) struct PoolWatch {
    grace: Duration,
    down: HashMap<PoolId, Down>,
}

#[derive(Debug)]
struct Down {
    since: Timestamp,
    is_told: bool,
}

impl PoolWatch {
    /// Tells of pools that are down for `grace`.
    pub(super) fn new(grace: Duration) -> Self {
        Self { grace, down: HashMap::new() }
    }

    /// Looks at all pools. Those without any enabled account are left alone: that is how they are configured.
    pub(super) fn look(&mut self, pools: &[PoolState], now: Timestamp) -> Vec<Notice> {
        self.down.retain(|id, _| pools.iter().any(|pool| pool.id == *id && !pool.members.is_empty()));
        pools
            .iter()
            .filter(|pool| !pool.members.is_empty())
            .filter_map(|pool| self.look_at(pool, now))
            .collect()
    }

    fn look_at(&mut self, pool: &PoolState, now: Timestamp) -> Option<Notice> {
        let ends = pool.members.iter().map(|rests_until| rests_until.filter(|until| *until > now));
        let event = match ends.collect::<Option<Vec<_>>>() {
            None => {
                let was = self.down.remove(&pool.id)?;
                was.is_told.then_some(NoticeEvent::PoolServes)?
            }
            Some(ends) => {
                let down = self.down.entry(pool.id).or_insert(Down { since: now, is_told: false });
                if down.is_told || now.since(down.since) < self.grace {
                    return None;
                }
                down.is_told = true;
                let accounts = u32::try_from(pool.members.len()).unwrap_or(u32::MAX);
                NoticeEvent::PoolDown { accounts, next_at: ends.into_iter().min() }
            }
        };
        Some(Notice { at: now, subject: Subject::Pool { id: pool.id, name: pool.name.clone() }, event })
    }
}

impl Default for PoolWatch {
    /// Tells after half a minute.
    fn default() -> Self {
        Self::new(Duration::from_secs(30))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_790_000_000);

    fn at(seconds: u64) -> Timestamp {
        NOW.plus(Duration::from_secs(seconds))
    }

    fn pool(members: &[Option<Timestamp>]) -> [PoolState; 1] {
        let id = PoolId::from_uuid(uuid::Uuid::from_u128(1));
        [PoolState { id, name: "p".to_owned(), members: members.to_vec() }]
    }

    fn events(notices: Vec<Notice>) -> Vec<NoticeEvent> {
        notices.into_iter().map(|notice| notice.event).collect()
    }

    #[test]
    fn a_pool_that_stays_down_is_told_once_and_its_end_too() {
        let mut watch = PoolWatch::default();
        let down = pool(&[Some(at(900)), Some(at(500))]);
        assert_eq!(watch.look(&down, NOW), []);
        assert_eq!(watch.look(&down, at(29)), []);
        let told = NoticeEvent::PoolDown { accounts: 2, next_at: Some(at(500)) };
        assert_eq!(events(watch.look(&down, at(30))), [told]);
        assert_eq!(watch.look(&down, at(60)), []);
        // The second one's rest is over.
        assert_eq!(events(watch.look(&down, at(500))), [NoticeEvent::PoolServes]);
        assert_eq!(watch.look(&down, at(501)), []);
    }

    #[test]
    fn short_rests_of_all_and_pools_without_accounts_are_not_told() {
        let mut watch = PoolWatch::default();
        assert_eq!(watch.look(&pool(&[Some(at(20))]), NOW), []);
        assert_eq!(watch.look(&pool(&[None]), at(20)), []);
        assert_eq!(watch.look(&pool(&[Some(at(900))]), at(40)), [], "it starts anew");
        assert_eq!(watch.look(&pool(&[]), at(100)), []);
        assert_eq!(watch.look(&pool(&[None, Some(at(900))]), at(200)), []);
    }
}
