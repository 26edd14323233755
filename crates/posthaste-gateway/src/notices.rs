//! What requests find out that operators should know, told to whoever brings it to them.
//!
//! Telling never waits. Nothing is allocated and no lock but a short one is taken unless there is something to tell.

mod accounts;
mod errors;
mod keys;
mod limits;
mod pools;
mod quotas;
mod stores;
mod watch;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use parking_lot::Mutex;
use posthaste_core::{
    Account, AccountId, AttemptOutcome, CooldownScope, HealthNews, LimitEvent, Notice, NoticeEvent,
    NoticeSink, PlanUse, ProviderKind, Subject, Timestamp,
};
use posthaste_scheduler::Parked;

use self::{
    errors::{ErrorRate, ErrorRateRules},
    quotas::{PlanWindow, Windows, quota_notices},
};

pub(crate) use self::watch::watch;

/// Tells, and remembers what need not be told again with each request.
pub(crate) struct Notices {
    sink: Arc<dyn NoticeSink>,
    errors: Mutex<ErrorRate>,
    windows: Mutex<Windows>,
    unpriced: Mutex<HashMap<ProviderKind, HashSet<String>>>,
}

impl Notices {
    pub(crate) fn new(sink: Arc<dyn NoticeSink>) -> Self {
        Self {
            sink,
            errors: Mutex::new(ErrorRate::new(ErrorRateRules::default())),
            windows: Mutex::default(),
            unpriced: Mutex::default(),
        }
    }

    /// An account was sent to rest, and was not known to rest for that before.
    pub(crate) fn rests(&self, account: &Account, scope: &CooldownScope, parked: &Parked, now: Timestamp) {
        self.sink.tell(accounts::account_rests(account, scope, parked, now));
    }

    /// An account has shown that it serves again.
    pub(crate) fn serves(&self, account: &Account, scope: &CooldownScope, now: Timestamp) {
        self.sink.tell(accounts::account_serves(account, scope, now));
    }

    /// Another relay told something new of an account, or an operator ended its rest.
    pub(crate) fn health(&self, news: &HealthNews, name: &str, now: Timestamp) {
        self.sink.tell(accounts::from_health_news(news, name, now));
    }

    /// A limit has been used up to a threshold. `name` is that of whose it is.
    pub(crate) fn limit_reached(&self, told: &LimitEvent, name: &str, now: Timestamp) {
        self.sink.tell(limits::limit_reached(told, name, now));
    }

    /// What a vendor told of an account's plan; each mark of a window is told once.
    pub(crate) fn plan(
        &self,
        account: &Account,
        told: &PlanUse,
        runs_out_at: Option<Timestamp>,
        now: Timestamp,
    ) {
        let PlanUse { used, starts_at, resets_at } = *told;
        let percent = u64::from(used) * 100 / u64::from(PlanUse::WHOLE).max(1);
        let used_percent = u8::try_from(percent).unwrap_or(u8::MAX);
        let window = PlanWindow { used_percent, starts_at, resets_at, runs_out_at };
        for notice in quota_notices((account.id, &account.name), &window, now) {
            if self.windows.lock().is_new(account.id, &notice.event, now) {
                self.sink.tell(notice);
            }
        }
    }

    /// An attempt ended so.
    pub(crate) fn attempt(&self, outcome: AttemptOutcome, now: Timestamp) {
        let event = self.errors.lock().note(outcome, now);
        self.errors_changed(event, now);
    }

    /// Lets time go by without an attempt.
    fn look_at_errors(&self, now: Timestamp) {
        let event = self.errors.lock().look(now);
        self.errors_changed(event, now);
    }

    fn errors_changed(&self, event: Option<NoticeEvent>, now: Timestamp) {
        if let Some(event) = event {
            self.sink.tell(Notice { at: now, subject: Subject::Relay, event });
        }
    }

    /// The price of a model is not known; `priced` where one that was set for such models is counted. Told once.
    pub(crate) fn unpriced(&self, provider: ProviderKind, model: &str, priced: bool, now: Timestamp) {
        {
            let mut unpriced = self.unpriced.lock();
            let known = unpriced.entry(provider).or_default();
            // Their names come from clients: the memory is bounded, and full it tells no more.
            if known.contains(model) || known.len() >= MOST_MODELS {
                return;
            }
            known.insert(model.to_owned());
        }
        let subject = Subject::Model { name: model.to_owned() };
        self.sink.tell(Notice { at: now, subject, event: NoticeEvent::PriceUnknown { provider, priced } });
    }

    /// Forgets the accounts for which `keep` is false.
    pub(crate) fn retain(&self, keep: impl Fn(AccountId) -> bool) {
        self.windows.lock().retain(keep);
    }
}

/// Of each provider.
const MOST_MODELS: usize = 1_000;
