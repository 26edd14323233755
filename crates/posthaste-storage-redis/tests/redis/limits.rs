//! The counters against the reference implementation, amount for amount.

use std::time::Duration;

use futures_util::future::{join, join_all};
use posthaste_core::Timestamp;
use posthaste_storage::{
    Claim, Counter, CounterWindow, Half, LeaseId, LeaseRef, LimitCheck, Settlement, Stores, Unit,
    memory::MemoryStores,
};
use uuid::Uuid;

use crate::support::Server;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counters_agree_with_the_reference_over_all_of_i64() {
    let server = Server::start();
    let redis = server.stores().await;
    for seed in 1..=20 {
        Comparison::new(seed, redis.stores()).run(60).await;
    }
}

/// A limit of a request a minute leaves no field for each minute that ever was; a total and a window that is open stay.
#[tokio::test]
async fn windows_that_have_ended_are_swept() {
    let server = Server::start();
    let redis = server.stores().await;
    let admission = redis.stores().admission;
    let owner = Uuid::now_v7();
    let start = Timestamp::from_secs(1_790_000_000);
    let check = |name: &str, window| LimitCheck {
        counter: counter((name, Unit::Requests, window)),
        amount: 1,
        limit: 1_000,
        shadow: false,
        on_loss: Default::default(),
    };
    for minute in 0..100 {
        let minute = CounterWindow::Span {
            start: start.plus(Duration::from_secs(60 * minute)),
            end: start.plus(Duration::from_secs(60 * minute + 60)),
        };
        let CounterWindow::Span { start: now, .. } = minute else { unreachable!() };
        let checks = vec![
            check("minute", minute),
            check("burst", CounterWindow::Rolling(Duration::from_secs(90))),
            check("day", span(0, 86_400)),
            check("total", CounterWindow::Total),
        ];
        let lease = LeaseId::generate();
        let claim = Claim { half: Half::Seat, owner, lease, ttl: Duration::from_secs(60), checks };
        assert!(admission.reserve(&claim, now).await.unwrap().is_granted());
        admission.settle(claim.lease_ref(), &[], now).await.unwrap();
    }
    let names = server.command("KEYS *:book");
    let book = names.lines().map(str::trim).find(|line| line.starts_with("test")).unwrap();
    let fields = server.command(&format!("HLEN {book}"));
    let fields: u64 = fields.lines().next().unwrap().trim().trim_start_matches(':').parse().unwrap();
    assert!((15..=25).contains(&fields), "{fields}");
    let now = start.plus(Duration::from_secs(100 * 60));
    for (name, window) in [("day", span(0, 86_400)), ("total", CounterWindow::Total)] {
        let counter = counter((name, Unit::Requests, window));
        assert_eq!(admission.used(Half::Seat, owner, &counter, now).await.unwrap(), 100, "{name}");
    }
}

/// Leases of other counters, however many stand in front, hide none; those that lapse at one moment are told once each.
#[tokio::test]
async fn leases_are_found_behind_any_number_of_others() {
    let server = Server::start();
    let redis = server.stores().await;
    let admission = &redis.stores().admission;
    let (owner, now) = (Uuid::now_v7(), Timestamp::from_secs(1_790_000_000));
    let claim = |name, seconds| {
        let counter = counter((name, Unit::Concurrency, CounterWindow::Held));
        let check =
            LimitCheck { counter, amount: 1, limit: 99_999, shadow: false, on_loss: Default::default() };
        let (lease, ttl) = (LeaseId::generate(), Duration::from_secs(seconds));
        Claim { half: Half::Caller, owner, lease, ttl, checks: vec![check] }
    };
    let others: Vec<_> = (0..12_000).map(|number| claim("others", 60 + number / 3_000)).collect();
    let wanted: Vec<_> = (0..5_000).map(|number| claim("wanted", 100 + number / 2_500)).collect();
    for claims in others.chunks(500).chain(wanted.chunks(500)) {
        for outcome in join_all(claims.iter().map(|claim| admission.reserve(claim, now))).await {
            assert!(outcome.unwrap().is_granted());
        }
    }
    let counter = counter(("wanted", Unit::Concurrency, CounterWindow::Held));
    let leases =
        async |now, limit| admission.leases(Half::Caller, owner, &counter, now, limit).await.unwrap();
    let found = leases(now, 9_999).await;
    let mut expected: Vec<_> = wanted.iter().map(|claim| claim.lease).collect();
    let mut told: Vec<_> = found.iter().map(|held| held.lease).collect();
    assert!(found.is_sorted(), "those that lapse first stand in front");
    expected.sort_unstable();
    told.sort_unstable();
    assert_eq!(told, expected);
    assert_eq!(leases(now, 7).await, found[..7]);
    // What has lapsed is not told, and the moment itself is past.
    assert_eq!(leases(now.plus(Duration::from_secs(100)), 9_999).await, found[2_500..]);
}

/// Steps that go together in one call are taken in their order.
#[tokio::test]
async fn counters_agree_with_the_reference_for_steps_that_share_a_call() {
    let server = Server::start();
    let redis = server.stores().await;
    for seed in 1..=20 {
        let mut comparison = Comparison::new(seed, redis.stores());
        for round in 0..6 {
            comparison.together(&format!("seed {seed}, round {round}")).await;
        }
    }
}

/// Plays the same random steps to both implementations.
struct Comparison {
    random: Random,
    redis: Stores,
    reference: Stores,
    owner: Uuid,
    now: Timestamp,
    leases: Vec<LeaseId>,
    seed: u64,
}

impl Comparison {
    fn new(seed: u64, redis: Stores) -> Self {
        Self {
            random: Random(seed),
            redis,
            reference: MemoryStores::stores(),
            owner: Uuid::now_v7(),
            now: Timestamp::from_secs(1_790_000_000),
            leases: Vec::new(),
            seed,
        }
    }

    async fn run(mut self, steps: u32) {
        for step in 0..steps {
            let place = format!("seed {}, step {step}", self.seed);
            self.now = self.now.plus(Duration::from_millis(self.random.below(4_000)));
            match self.random.below(4) {
                0 | 1 => self.reserve(&place).await,
                2 => self.renew(&place).await,
                _ => self.settle(&place).await,
            }
            self.compare_counters(&place).await;
        }
    }

    async fn reserve(&mut self, place: &str) {
        let claim = self.claim();
        let found = self.redis.admission.reserve(&claim, self.now).await.unwrap();
        let expected = self.reference.admission.reserve(&claim, self.now).await.unwrap();
        assert_eq!(found, expected, "{place}: {claim:?}");
    }

    fn claim(&mut self) -> Claim {
        let lease = if self.random.below(5) == 0 { self.lease() } else { LeaseId::generate() };
        self.leases.push(lease);
        let first = self.random.index(COUNTERS.len());
        let checks = (0..=self.random.index(3)).map(|offset| self.check(first + offset)).collect();
        let ttl = Duration::from_secs(1 + self.random.below(20));
        Claim { half: Half::Caller, owner: self.owner, lease, ttl, checks }
    }

    /// Claims and settlements that are all on their way at once. On one thread they are taken in this order.
    async fn together(&mut self, place: &str) {
        self.now = self.now.plus(Duration::from_millis(self.random.below(4_000)));
        let claims: Vec<_> = (0..8).map(|_| self.claim()).collect();
        let told: Vec<_> = (0..8).map(|_| (self.lease_ref(), self.truth())).collect();
        let now = self.now;
        let steps = claims.iter().zip(&told).map(async |(claim, (lease, truth))| {
            let outcome = self.redis.admission.reserve(claim, now);
            let settled = self.redis.admission.settle(*lease, truth, now);
            let (outcome, settled) = join(outcome, settled).await;
            settled.unwrap();
            outcome.unwrap()
        });
        let found = join_all(steps).await;
        for ((claim, (lease, truth)), found) in claims.iter().zip(&told).zip(found) {
            let expected = self.reference.admission.reserve(claim, now).await.unwrap();
            assert_eq!(found, expected, "{place}: {claim:?}");
            self.reference.admission.settle(*lease, truth, now).await.unwrap();
        }
        self.compare_counters(place).await;
    }

    async fn compare_counters(&self, place: &str) {
        for counter in COUNTERS.into_iter().map(counter) {
            let (half, owner, now) = (Half::Caller, self.owner, self.now);
            let found = self.redis.admission.used(half, owner, &counter, now).await.unwrap();
            let expected = self.reference.admission.used(half, owner, &counter, now).await.unwrap();
            assert_eq!(found, expected, "{} at {place}", counter.name);
        }
    }

    async fn renew(&mut self, place: &str) {
        let (lease, ttl) = (self.lease_ref(), Duration::from_secs(self.random.below(20)));
        let found = self.redis.admission.renew(lease, ttl, self.now).await.unwrap();
        let expected = self.reference.admission.renew(lease, ttl, self.now).await.unwrap();
        assert_eq!(found, expected, "{place}");
    }

    async fn settle(&mut self, _place: &str) {
        let (lease, truth) = (self.lease_ref(), self.truth());
        self.redis.admission.settle(lease, &truth, self.now).await.unwrap();
        self.reference.admission.settle(lease, &truth, self.now).await.unwrap();
    }

    fn truth(&mut self) -> Vec<Settlement> {
        let named: Vec<_> = COUNTERS.into_iter().map(counter).filter(|_| self.random.below(2) == 0).collect();
        let told = named.into_iter().map(|counter| Settlement { counter, actual: self.random.amount() });
        told.collect()
    }

    fn check(&mut self, number: usize) -> LimitCheck {
        let counter = counter(COUNTERS[number % COUNTERS.len()]);
        let held = counter.unit == Unit::Concurrency;
        let (amount, limit) = if held { (1, 3) } else { (self.random.amount(), self.random.amount()) };
        LimitCheck { counter, amount, limit, shadow: self.random.below(3) == 0, on_loss: Default::default() }
    }

    fn lease(&mut self) -> LeaseId {
        if self.leases.is_empty() {
            return LeaseId::generate();
        }
        self.leases[self.random.index(self.leases.len())]
    }

    fn lease_ref(&mut self) -> LeaseRef {
        LeaseRef { half: Half::Caller, owner: self.owner, lease: self.lease() }
    }
}

fn counter((name, unit, window): (&str, Unit, CounterWindow)) -> Counter {
    Counter { name: name.to_owned(), unit, window }
}

const fn span(start: i64, end: i64) -> CounterWindow {
    CounterWindow::Span {
        start: Timestamp::from_secs(1_790_000_000 + start),
        end: Timestamp::from_secs(1_790_000_000 + end),
    }
}

const COUNTERS: [(&str, Unit, CounterWindow); 6] = [
    ("total", Unit::Cost, CounterWindow::Total),
    ("short", Unit::Tokens, span(0, 30)),
    ("long", Unit::Requests, span(-5, 300)),
    ("parallel", Unit::Concurrency, CounterWindow::Held),
    ("others", Unit::Concurrency, CounterWindow::Held),
    ("burst", Unit::Tokens, CounterWindow::Rolling(Duration::from_secs(25))),
];

/// Enough of a generator for a test: the same steps for the same seed (Steele and others, SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn index(&mut self, end: usize) -> usize {
        usize::try_from(self.below(end as u64)).expect("an index fits")
    }

    /// Amounts of every size, the borders of `i64` and of what a double holds exactly among them.
    fn amount(&mut self) -> i64 {
        match self.below(8) {
            0 => 0,
            1 => i64::MAX - self.next().cast_signed().rem_euclid(3),
            2 => i64::MIN + self.next().cast_signed().rem_euclid(3),
            3 => (1 << 53) + self.next().cast_signed().rem_euclid(5) - 2,
            4 => -self.next().cast_signed().rem_euclid(2_000_000_000),
            5 => self.next().cast_signed() >> self.below(63),
            _ => self.next().cast_signed().rem_euclid(1_000),
        }
    }
}
