//! Thresholds of limits: told once each in a window, before the limit refuses.

use std::sync::{Mutex, PoisonError};

use moka::sync::Cache;
use posthaste_core::{LimitEvent, LimitOwner, LimitUnit, Timestamp};
use posthaste_storage::{LimitCheck, Standing, Unit};

use crate::metrics::Metrics;

/// Remembers what was told of which window.
pub(crate) struct Thresholds {
    told: Cache<Window, u8>,
    /// Of two requests that reach a threshold at once, one tells it.
    telling: Mutex<()>,
}

/// One window of a limit. A limit that is set anew is another one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Window {
    owner: LimitOwner,
    limit: String,
    amount: i64,
    resets_at: Option<Timestamp>,
}

impl Thresholds {
    pub(crate) fn new() -> Self {
        Self { told: Cache::builder().max_capacity(WINDOWS).build(), telling: Mutex::new(()) }
    }

    /// Counts and logs the thresholds that a granted claim has reached, and gives them to be told.
    pub(crate) fn note(
        &self,
        metrics: &Metrics,
        owner: LimitOwner,
        limit: &str,
        check: &LimitCheck,
        standing: Standing,
    ) -> Vec<LimitEvent> {
        let events = self.reached(owner, limit, check, standing);
        for event in &events {
            metrics.threshold_reached(event.unit, event.percent);
            tell(event);
        }
        events
    }

    fn reached(
        &self,
        owner: LimitOwner,
        limit: &str,
        check: &LimitCheck,
        standing: Standing,
    ) -> Vec<LimitEvent> {
        let Some(unit) = unit_of(check) else { return Vec::new() };
        let reached = percent_reached(standing.used, check.limit);
        if reached == 0 {
            return Vec::new();
        }
        let (limit, resets_at) = (limit.to_owned(), standing.resets_at);
        let window = Window { owner, limit, amount: check.limit, resets_at };
        let told = {
            let _telling = self.telling.lock().unwrap_or_else(PoisonError::into_inner);
            let told = self.told.get(&window).unwrap_or(0);
            if told < reached {
                self.told.insert(window.clone(), reached);
            }
            told
        };
        let event = |percent| LimitEvent {
            owner,
            limit: window.limit.clone(),
            unit,
            percent,
            used: standing.used,
            amount: check.limit,
            resets_at,
            shadow: check.shadow,
        };
        let new = LimitEvent::THRESHOLDS.into_iter().filter(|percent| (told + 1..=reached).contains(percent));
        new.map(event).collect()
    }
}

/// What is held now comes and goes; nothing is told of it.
fn unit_of(check: &LimitCheck) -> Option<LimitUnit> {
    match check.counter.unit {
        Unit::Requests => Some(LimitUnit::Requests),
        Unit::Tokens => Some(LimitUnit::Tokens),
        Unit::Cost => Some(LimitUnit::Cost),
        Unit::Concurrency => None,
    }
}

/// The highest threshold that is reached; 0 for none.
fn percent_reached(used: i64, limit: i64) -> u8 {
    let is_reached = |percent: u8| i128::from(used) * 100 >= i128::from(limit) * i128::from(percent);
    LimitEvent::THRESHOLDS.into_iter().rev().find(|percent| is_reached(*percent)).unwrap_or(0)
}

fn tell(event: &LimitEvent) {
    let (kind, owner) = match event.owner {
        LimitOwner::ClientKey(id) => ("client_key", id.to_string()),
        LimitOwner::Owner(id) => ("owner", id.to_string()),
        LimitOwner::Team(id) => ("team", id.to_string()),
        LimitOwner::Account(id) => ("account", id.to_string()),
        LimitOwner::Pool(id) => ("pool", id.to_string()),
    };
    let LimitEvent { limit, unit, percent, used, amount, shadow, .. } = event;
    let resets_at = event.resets_at.map(|at| at.to_string());
    if *percent == 100 {
        tracing::warn!(of = kind, owner, limit, %unit, percent, used, amount, resets_at, shadow, "a limit is used up");
    } else {
        tracing::info!(of = kind, owner, limit, %unit, percent, used, amount, resets_at, shadow, "a limit is being used up");
    }
}

/// Windows end and new ones begin: the oldest memories go first.
const WINDOWS: u64 = 100_000;

#[cfg(test)]
mod tests {
    use std::{fmt, sync::Arc};

    use posthaste_core::ClientKeyId;
    use posthaste_storage::{Counter, CounterWindow};
    use tracing::{
        Event, Level, Metadata, Subscriber,
        field::{Field, Visit},
        span,
    };
    use uuid::Uuid;

    use super::*;

    const NONE: [u8; 0] = [];

    fn check(unit: Unit, limit: i64) -> LimitCheck {
        let counter = Counter { name: "daily".to_owned(), unit, window: CounterWindow::Total };
        LimitCheck { counter, amount: 1, limit, shadow: false, on_loss: Default::default() }
    }

    fn told(thresholds: &Thresholds, owner: Uuid, check: &LimitCheck, used: i64, day: i64) -> Vec<u8> {
        let standing = Standing { used, resets_at: Some(Timestamp::from_secs(day * 86_400)) };
        let owner = LimitOwner::ClientKey(ClientKeyId::from_uuid(owner));
        let events = thresholds.reached(owner, &check.counter.name, check, standing);
        events.iter().map(|event| event.percent).collect()
    }

    #[test]
    fn each_threshold_is_told_once_in_a_window() {
        let (thresholds, owner, check) = (Thresholds::new(), Uuid::now_v7(), check(Unit::Requests, 100));
        let told = |used, day| told(&thresholds, owner, &check, used, day);
        assert_eq!(told(49, 1), NONE);
        assert_eq!(told(50, 1), [50]);
        assert_eq!(told(60, 1), NONE);
        assert_eq!(told(96, 1), [80, 95], "nothing is passed over");
        assert_eq!(told(40, 1), NONE, "what was given back");
        assert_eq!(told(96, 1), NONE);
        assert_eq!(told(100, 1), [100]);
        assert_eq!(told(100, 1), NONE);
        assert_eq!(told(100, 2), [50, 80, 95, 100], "another window");
    }

    #[test]
    fn owners_limits_and_what_is_held_are_told_apart() {
        let (thresholds, owner) = (Thresholds::new(), Uuid::now_v7());
        let requests = check(Unit::Requests, 100);
        assert_eq!(told(&thresholds, owner, &requests, 50, 1), [50]);
        assert_eq!(told(&thresholds, Uuid::now_v7(), &requests, 50, 1), [50]);
        assert_eq!(told(&thresholds, owner, &check(Unit::Requests, 60), 50, 1), [50, 80], "set anew");
        assert_eq!(told(&thresholds, owner, &check(Unit::Concurrency, 1), 1, 1), NONE);
        let most = check(Unit::Cost, i64::MAX);
        assert_eq!(told(&thresholds, owner, &most, i64::MAX, 1), [50, 80, 95, 100]);
    }

    /// What is logged: levels and messages.
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<(Level, String)>>>);

    impl Subscriber for Log {
        fn enabled(&self, _metadata: &Metadata<'_>) -> bool {
            true
        }

        fn new_span(&self, _span: &span::Attributes<'_>) -> span::Id {
            span::Id::from_u64(1)
        }

        fn record(&self, _span: &span::Id, _values: &span::Record<'_>) {}

        fn record_follows_from(&self, _span: &span::Id, _follows: &span::Id) {}

        fn event(&self, event: &Event<'_>) {
            let mut message = Message::default();
            event.record(&mut message);
            self.0.lock().unwrap().push((*event.metadata().level(), message.0));
        }

        fn enter(&self, _span: &span::Id) {}

        fn exit(&self, _span: &span::Id) {}
    }

    #[derive(Default)]
    struct Message(String);

    impl Visit for Message {
        fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
            if field.name() == "message" {
                self.0 = format!("{value:?}");
            }
        }
    }

    #[test]
    fn the_log_tells_of_thresholds_and_warns_at_the_last() {
        let (thresholds, check, log) = (Thresholds::new(), check(Unit::Requests, 100), Log::default());
        let owner = LimitOwner::ClientKey(ClientKeyId::from_uuid(Uuid::now_v7()));
        tracing::subscriber::with_default(log.clone(), || {
            for used in [50, 99, 100] {
                thresholds.note(&Metrics::new(), owner, "daily", &check, Standing { used, resets_at: None });
            }
        });
        let being = || (Level::INFO, "a limit is being used up".to_owned());
        let expected = [being(), being(), being(), (Level::WARN, "a limit is used up".to_owned())];
        assert_eq!(*log.0.lock().unwrap(), expected);
    }
}
