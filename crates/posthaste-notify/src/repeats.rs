//! What was told already.

use std::{collections::HashMap, time::Duration};

use posthaste_core::{ChannelId, Notice, Severity, Timestamp};

/// Remembers what was told, so that it is told once in a while, and whom, so that they hear when it is over.
#[derive(Debug)]
pub(crate) struct Repeats {
    window: Duration,
    most: usize,
    told: HashMap<String, Told>,
}

#[derive(Debug)]
struct Told {
    /// Until when the same is a repeat.
    quiet_until: Timestamp,
    /// Until when it is remembered that it has not ended.
    known_until: Timestamp,
    severity: Severity,
    channels: Vec<ChannelId>,
}

/// What a notice is after what was told.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Weighed {
    /// Something new.
    New {
        /// How long the same is a repeat.
        quiet_for: Duration,
    },
    /// Told already.
    Repeat,
    /// The end of something.
    End {
        /// What was told of it; `None` when nothing is known of it here.
        of: Option<Ended>,
    },
}

/// Something that is over.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Ended {
    /// What it was known by.
    pub(crate) keys: Vec<String>,
    /// Who heard of it.
    pub(crate) channels: Vec<ChannelId>,
}

impl Repeats {
    pub(crate) fn new(window: Duration, most: usize) -> Self {
        Self { window, most, told: HashMap::new() }
    }

    /// Weighs a notice, and remembers it.
    pub(crate) fn weigh(&mut self, notice: &Notice, now: Timestamp) -> Weighed {
        if notice.is_recovery() { self.weigh_end(notice, now) } else { self.weigh_trouble(notice, now) }
    }

    /// Remembers whom it was told.
    pub(crate) fn told_to(&mut self, notice: &Notice, channels: Vec<ChannelId>) {
        if let Some(told) = self.told.get_mut(&notice.dedup_key()) {
            told.channels.extend(channels);
            told.channels.sort_unstable();
            told.channels.dedup();
        }
    }

    fn weigh_trouble(&mut self, notice: &Notice, now: Timestamp) -> Weighed {
        let key = notice.dedup_key();
        let known = self.told.get(&key).filter(|told| told.known_until > now);
        // What got worse is told again.
        if known.is_some_and(|told| told.quiet_until > now && told.severity >= notice.severity()) {
            return Weighed::Repeat;
        }
        let quiet_for = notice.quiet_for().map_or(self.window, |quiet| quiet.max(self.window));
        let channels = known.map(|told| told.channels.clone()).unwrap_or_default();
        let quiet_until = now.plus(quiet_for);
        let known_until = quiet_until.max(now.plus(REMEMBERED));
        self.remember(key, Told { quiet_until, known_until, severity: notice.severity(), channels }, now);
        Weighed::New { quiet_for }
    }

    fn weigh_end(&mut self, notice: &Notice, now: Timestamp) -> Weighed {
        let key = over(&notice.dedup_key());
        let ended: Vec<String> = self.told.keys().filter(|key| notice.ends(key)).cloned().collect();
        if !ended.is_empty() {
            let mut end = Ended::default();
            for key in ended {
                if let Some(told) = self.told.remove(&key) {
                    end.channels.extend(told.channels);
                }
                end.keys.push(key);
            }
            end.channels.sort_unstable();
            end.channels.dedup();
            self.remember_end(key, now);
            return Weighed::End { of: Some(end) };
        }
        if self.told.get(&key).is_some_and(|told| told.quiet_until > now) {
            return Weighed::Repeat;
        }
        self.remember_end(key, now);
        Weighed::End { of: None }
    }

    fn remember_end(&mut self, key: String, now: Timestamp) {
        let until = now.plus(self.window);
        let told =
            Told { quiet_until: until, known_until: until, severity: Severity::Info, channels: Vec::new() };
        self.remember(key, told, now);
    }

    fn remember(&mut self, key: String, told: Told, now: Timestamp) {
        if self.told.len() >= self.most {
            self.told.retain(|_, told| told.known_until > now);
        }
        while self.told.len() >= self.most {
            let first = self.told.iter().min_by_key(|(_, told)| told.quiet_until).map(|(key, _)| key.clone());
            let Some(first) = first else { break };
            self.told.remove(&first);
        }
        self.told.insert(key, told);
    }
}

/// That something is over is no repeat of it.
fn over(key: &str) -> String {
    format!("over/{key}")
}

/// For how long it is known that something has not ended.
const REMEMBERED: Duration = Duration::from_secs(24 * 3_600);

#[cfg(test)]
mod tests {
    use posthaste_core::{AccountId, CooldownReason, CooldownScope, NoticeEvent, PoolId, Subject};

    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_790_000_000);
    const WINDOW: Duration = Duration::from_secs(600);

    fn repeats() -> Repeats {
        Repeats::new(WINDOW, 100)
    }

    fn at(seconds: u64) -> Timestamp {
        NOW.plus(Duration::from_secs(seconds))
    }

    fn pool(event: NoticeEvent) -> Notice {
        let id = PoolId::from_uuid(uuid::Uuid::from_u128(1));
        Notice { at: NOW, subject: Subject::Pool { id, name: "p".to_owned() }, event }
    }

    fn down() -> Notice {
        pool(NoticeEvent::PoolDown { accounts: 2, next_at: None })
    }

    fn rests(reason: CooldownReason) -> Notice {
        let id = AccountId::from_uuid(uuid::Uuid::from_u128(2));
        let event = NoticeEvent::AccountRests {
            reason,
            scope: CooldownScope::Account,
            until: NOW,
            why: String::new(),
        };
        Notice { at: NOW, subject: Subject::Account { id, name: "a".to_owned() }, event }
    }

    const NEW: Weighed = Weighed::New { quiet_for: WINDOW };

    #[test]
    fn the_same_is_told_once_in_a_window() {
        let mut repeats = repeats();
        assert_eq!(repeats.weigh(&down(), NOW), NEW);
        assert_eq!(repeats.weigh(&down(), at(599)), Weighed::Repeat);
        assert_eq!(repeats.weigh(&down(), at(600)), NEW);
    }

    #[test]
    fn what_got_worse_is_told_again_and_what_got_better_is_not() {
        let mut repeats = repeats();
        assert_eq!(repeats.weigh(&rests(CooldownReason::Failing), NOW), NEW);
        assert_eq!(repeats.weigh(&rests(CooldownReason::Unauthorised), at(1)), NEW);
        assert_eq!(repeats.weigh(&rests(CooldownReason::Failing), at(2)), Weighed::Repeat);
    }

    #[test]
    fn an_end_goes_to_those_who_heard_of_it_and_opens_the_way_for_the_next() {
        let mut repeats = repeats();
        let channel = ChannelId::generate();
        repeats.weigh(&down(), NOW);
        repeats.told_to(&down(), vec![channel]);
        let of = Some(Ended { keys: vec![down().dedup_key()], channels: vec![channel] });
        // Long after the window: it has not ended in between.
        assert_eq!(repeats.weigh(&pool(NoticeEvent::PoolServes), at(7_200)), Weighed::End { of });
        assert_eq!(repeats.weigh(&pool(NoticeEvent::PoolServes), at(7_201)), Weighed::Repeat);
        assert_eq!(repeats.weigh(&down(), at(7_202)), NEW);
        let end = repeats.weigh(&pool(NoticeEvent::PoolServes), at(7_203));
        assert!(matches!(end, Weighed::End { of: Some(_) }), "{end:?}");
    }

    #[test]
    fn trouble_that_lasts_does_not_add_up() {
        let mut repeats = repeats();
        let channels = [ChannelId::generate(), ChannelId::generate()];
        for window in 0..10 {
            assert_eq!(repeats.weigh(&down(), at(600 * window)), NEW);
            repeats.told_to(&down(), channels.to_vec());
        }
        assert_eq!(repeats.told[&down().dedup_key()].channels, channels);
    }

    #[test]
    fn an_end_of_what_is_not_known_here_is_told_once() {
        let mut repeats = repeats();
        assert_eq!(repeats.weigh(&pool(NoticeEvent::PoolServes), NOW), Weighed::End { of: None });
        assert_eq!(repeats.weigh(&pool(NoticeEvent::PoolServes), at(1)), Weighed::Repeat);
    }

    #[test]
    fn the_memory_is_bounded() {
        let mut repeats = Repeats::new(WINDOW, 3);
        let person = |number: u32| Notice {
            at: NOW,
            subject: Subject::Person { name: format!("person {number}") },
            event: NoticeEvent::SignedIn { address: "192.0.2.1".to_owned() },
        };
        for number in 0..10 {
            repeats.weigh(&person(number), at(number.into()));
        }
        assert_eq!(repeats.told.len(), 3);
        assert_eq!(repeats.weigh(&person(9), at(11)), Weighed::Repeat, "the latest are kept");
        assert_eq!(repeats.weigh(&person(0), at(11)), NEW);
    }
}
