//! What limits and leases should come to: nothing but the list of what was granted, from which every number is added up.
//!
//! Kept apart from the stores on purpose: they keep counts and change them, this keeps grants and counts them.

use std::time::Duration;

use posthaste_core::Timestamp;
use uuid::Uuid;

use crate::{Claim, Counter, CounterWindow, Half, LeaseId, LeaseRef, LimitCheck, Outcome, Settlement, Unit};

/// What a client does, or time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Claims, always under the same lease, be it held, lapsed, settled or new.
    Reserve(usize),
    Renew(usize),
    /// Tells the truth of its last claim. A client that vanishes is one that never takes this step.
    Settle(usize),
    /// So many seconds pass.
    Wait(u64),
}

impl Step {
    /// Every step that can be taken at any time. One wait is shorter than a lease and one longer, one ends every window.
    pub(crate) const ALL: [Self; 12] = [
        Self::Reserve(0),
        Self::Reserve(1),
        Self::Reserve(2),
        Self::Settle(0),
        Self::Settle(1),
        Self::Settle(2),
        Self::Renew(0),
        Self::Renew(1),
        Self::Renew(2),
        Self::Wait(TTL - 20),
        Self::Wait(TTL),
        Self::Wait(SPAN),
    ];
}

/// A step as a store is asked for it.
#[derive(Debug)]
pub(crate) enum Call {
    Reserve(Claim),
    Renew(LeaseRef, Duration),
    Settle(LeaseRef, Vec<Settlement>),
    Nothing,
}

/// What a step should answer, and what it did.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Where the counter of each check stands.
    Granted(Vec<i64>),
    /// Which counter refused, and where it stands.
    Refused(Counter, i64),
    Renewed(bool),
    Nothing,
}

impl From<Outcome> for Answer {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Granted(standings) => {
                Self::Granted(standings.iter().map(|standing| standing.used).collect())
            }
            Outcome::Refused(refusal) => Self::Refused(refusal.counter, refusal.used),
        }
    }
}

/// Whose counters these are, and when the story begins: at the beginning of a span.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scene {
    pub(crate) owner: Uuid,
    pub(crate) start: Timestamp,
}

/// All that was granted so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Model {
    /// Seconds since the start.
    now: u64,
    /// In an order of their own, so that the same grants in another order are the same state.
    grants: Vec<Grant>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Grant {
    client: usize,
    /// The last one of its client's.
    latest: bool,
    /// When it lapses.
    until: u64,
    settled: bool,
    /// Which of the spans it was counted in.
    span: u64,
    /// When the rolling window opened that it was counted in.
    opened: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Slots,
    Tokens,
    Burst,
    Cost,
}

struct Part {
    kind: Kind,
    amount: i64,
    limit: i64,
    shadow: bool,
}

const fn part(kind: Kind, amount: i64, limit: i64) -> Part {
    Part { kind, amount, limit, shadow: false }
}

const fn shadow(kind: Kind, amount: i64, limit: i64) -> Part {
    Part { kind, amount, limit, shadow: true }
}

/// The first two fill the tokens exactly, the last names them twice; two of three find a slot.
const PARTS: [&[Part]; 3] = [
    &[part(Kind::Slots, 1, 2), part(Kind::Tokens, 6, 10), part(Kind::Cost, 5, 12)],
    &[part(Kind::Slots, 1, 2), part(Kind::Tokens, 4, 10), part(Kind::Burst, 1, 1)],
    &[
        shadow(Kind::Burst, 1, 1),
        part(Kind::Tokens, 3, 10),
        part(Kind::Slots, 1, 2),
        shadow(Kind::Cost, 2, 1),
        part(Kind::Tokens, 3, 10),
    ],
];

/// Less than was reserved, more than is allowed, nothing at all, and what no one tells.
const TRUTHS: [&[(Kind, i64)]; 3] = [
    &[(Kind::Tokens, 2), (Kind::Cost, 7), (Kind::Slots, 9)],
    &[(Kind::Tokens, 11), (Kind::Burst, 0)],
    &[(Kind::Tokens, 1), (Kind::Tokens, 1), (Kind::Burst, 1)],
];

impl Model {
    /// The step as a store is asked for it, at this moment.
    pub(crate) fn call(&self, step: Step, scene: Scene) -> (Call, Timestamp) {
        let lease = |client: usize| LeaseRef {
            half: Half::Caller,
            owner: scene.owner,
            lease: LeaseId(Uuid::from_u128(scene.owner.as_u128() ^ (client as u128 + 1))),
        };
        let call = match step {
            Step::Reserve(client) => {
                let LeaseRef { half, owner, lease } = lease(client);
                let checks = PARTS[client].iter().map(|part| self.check(part, scene)).collect();
                Call::Reserve(Claim { half, owner, lease, ttl: Duration::from_secs(TTL), checks })
            }
            Step::Renew(client) => Call::Renew(lease(client), Duration::from_secs(TTL)),
            Step::Settle(client) => {
                let span = self.latest(client).map_or(self.span(), |grant| grant.span);
                let told = TRUTHS[client].iter();
                let told = told
                    .map(|(kind, actual)| Settlement { counter: kind.counter(span, scene), actual: *actual });
                Call::Settle(lease(client), told.collect())
            }
            Step::Wait(_) => Call::Nothing,
        };
        (call, scene.start.plus(Duration::from_secs(self.now)))
    }

    /// Takes the step, and tells what it should answer.
    pub(crate) fn take(&mut self, step: Step, scene: Scene) -> Answer {
        let answer = match step {
            Step::Reserve(client) => self.reserve(client, scene),
            Step::Renew(client) => Answer::Renewed(self.renew(client)),
            Step::Settle(client) => {
                if let Some(grant) = self.held(client) {
                    grant.settled = true;
                }
                Answer::Nothing
            }
            Step::Wait(seconds) => {
                self.now += seconds;
                Answer::Nothing
            }
        };
        self.grants.sort_unstable();
        answer
    }

    /// Every counter, and where it should stand; that of the span before this one too, which is over.
    pub(crate) fn counters(&self, scene: Scene) -> Vec<(Counter, i64)> {
        let this = [Kind::Slots, Kind::Tokens, Kind::Burst, Kind::Cost];
        let this = this.map(|kind| (kind.counter(self.span(), scene), self.used(kind)));
        let before = self.span().checked_sub(1).map(|span| (Kind::Tokens.counter(span, scene), 0));
        this.into_iter().chain(before).collect()
    }

    fn reserve(&mut self, client: usize, scene: Scene) -> Answer {
        let parts = PARTS[client];
        if !self.renew(client) {
            for part in parts.iter().filter(|part| !part.shadow) {
                let asked: i64 =
                    parts.iter().filter(|other| other.kind == part.kind).map(|other| other.amount).sum();
                let used = self.used(part.kind);
                if used + asked > part.limit {
                    return Answer::Refused(part.kind.counter(self.span(), scene), used);
                }
            }
            for grant in self.grants.iter_mut().filter(|grant| grant.client == client) {
                grant.latest = false;
            }
            let opened = self.open_burst().unwrap_or(self.now);
            let (until, span) = (self.now + TTL, self.span());
            self.grants.push(Grant { client, latest: true, until, settled: false, span, opened });
            for part in parts.iter().filter(|part| !part.shadow) {
                assert!(self.used(part.kind) <= part.limit, "a reservation passes {:?}", part.kind);
            }
        }
        Answer::Granted(parts.iter().map(|part| self.used(part.kind)).collect())
    }

    fn renew(&mut self, client: usize) -> bool {
        let until = self.now + TTL;
        let held = self.held(client);
        let is_held = held.is_some();
        if let Some(grant) = held {
            grant.until = until;
        }
        is_held
    }

    fn latest(&self, client: usize) -> Option<&Grant> {
        self.grants.iter().find(|grant| grant.client == client && grant.latest)
    }

    fn held(&mut self, client: usize) -> Option<&mut Grant> {
        let now = self.now;
        self.grants.iter_mut().find(|grant| grant.client == client && grant.is_held(now))
    }

    /// When the rolling window opened that is open now.
    fn open_burst(&self) -> Option<u64> {
        let counted = self.grants.iter().filter(|grant| grant.names(Kind::Burst));
        counted.map(|grant| grant.opened).find(|opened| opened + BURST > self.now)
    }

    fn used(&self, kind: Kind) -> i64 {
        let counts = |grant: &&Grant| match kind {
            Kind::Slots => grant.is_held(self.now),
            Kind::Tokens => grant.span == self.span(),
            Kind::Burst => Some(grant.opened) == self.open_burst(),
            Kind::Cost => true,
        };
        self.grants.iter().filter(counts).map(|grant| grant.amount(kind)).sum()
    }

    fn span(&self) -> u64 {
        self.now / SPAN
    }

    fn check(&self, part: &Part, scene: Scene) -> LimitCheck {
        let Part { kind, amount, limit, shadow } = *part;
        LimitCheck {
            counter: kind.counter(self.span(), scene),
            amount,
            limit,
            shadow,
            on_loss: Default::default(),
        }
    }
}

impl Grant {
    fn is_held(&self, now: u64) -> bool {
        !self.settled && self.until > now
    }

    fn names(&self, kind: Kind) -> bool {
        PARTS[self.client].iter().any(|part| part.kind == kind)
    }

    /// The truth where it was told, else what was reserved.
    fn amount(&self, kind: Kind) -> i64 {
        let told = TRUTHS[self.client].iter().find(|(told, _)| *told == kind && self.names(kind));
        match told {
            Some((_, actual)) if self.settled => *actual,
            _ => {
                let parts = PARTS[self.client].iter().filter(|part| part.kind == kind);
                parts.map(|part| part.amount).sum()
            }
        }
    }
}

impl Kind {
    fn counter(self, span: u64, scene: Scene) -> Counter {
        let (name, unit, window) = match self {
            Self::Slots => ("slots", Unit::Concurrency, CounterWindow::Held),
            Self::Tokens => {
                let start = scene.start.plus(Duration::from_secs(span * SPAN));
                let end = start.plus(Duration::from_secs(SPAN));
                ("tokens", Unit::Tokens, CounterWindow::Span { start, end })
            }
            Self::Burst => ("burst", Unit::Requests, CounterWindow::Rolling(Duration::from_secs(BURST))),
            Self::Cost => ("cost", Unit::Cost, CounterWindow::Total),
        };
        Counter { name: name.to_owned(), unit, window }
    }
}

/// Seconds that a lease holds.
const TTL: u64 = 60;
/// Seconds that a rolling window lasts: some leases outlive it.
const BURST: u64 = 70;
/// Seconds that a span lasts.
pub(crate) const SPAN: u64 = 3_600;
