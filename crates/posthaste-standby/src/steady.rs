//! Wall time that does not jump when one machine's clock does.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use posthaste_core::{Clock, Timestamp};
use posthaste_storage::StorageError;
use tokio::{
    sync::Notify,
    time::{Instant, sleep},
};

/// The wall time of a relay that shares a store. What is shared has its ends as moments: leases, windows, rests, locks, sessions. A
/// relay whose clock is far from the others' would end theirs, or make its own last for a day.
///
/// Three tell the time: the machine's wall clock, the store's, and the time that has gone by since these two agreed, which the
/// machine's steady clock measures. Where the wall clock leaves what the other two say, they count. A store whose clock is wrong
/// changes nothing, and where the two have never agreed nobody can tell which is right: the machine's counts, as without a store.
pub struct SteadyClock {
    wall: Arc<dyn Clock>,
    began: Instant,
    /// The wall time at the beginning, in microseconds, by what was agreed on last; [`NEVER`] without that.
    origin: AtomicI64,
    /// The wall clock was seen elsewhere.
    strayed: Notify,
}

/// How the wall clock and the store's stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// They agree.
    Agreed,
    /// This machine's wall clock is off, and not used.
    MachineOff,
    /// The store's clock is off.
    StoreOff,
    /// They differ, and nothing tells which is right.
    Unclear,
}

impl SteadyClock {
    /// Goes by `wall` until it has [heard](Self::heard) of the store's.
    pub fn new(wall: Arc<dyn Clock>) -> Self {
        Self { wall, began: Instant::now(), origin: AtomicI64::new(NEVER), strayed: Notify::new() }
    }

    /// Asks the store's time until it is known where the clocks stand, so that what follows can rely on it; a few times at most.
    pub async fn compare<F>(&self, ask: impl Fn() -> F)
    where
        F: Future<Output = Result<Timestamp, StorageError>>,
    {
        for _ in 0..FIRST_TRIES {
            if self.ask(&ask).await.is_some() {
                return;
            }
        }
    }

    /// Asks the store's time now and then, and soon when the wall clock was seen elsewhere. Ends never.
    pub async fn keep<F>(&self, ask: impl Fn() -> F)
    where
        F: Future<Output = Result<Timestamp, StorageError>>,
    {
        let mut before = Standing::Agreed;
        loop {
            if let Some((standing, off)) = self.ask(&ask).await {
                if standing != before {
                    tell(standing, off);
                }
                before = standing;
            }
            sleep(LEAST_PAUSE).await;
            tokio::select! {
                () = sleep(EVERY) => {}
                () = self.strayed.notified() => {}
            }
        }
    }

    async fn ask<F>(&self, ask: impl Fn() -> F) -> Option<(Standing, Duration)>
    where
        F: Future<Output = Result<Timestamp, StorageError>>,
    {
        let asked = Instant::now();
        // A store that is away says nothing of the time; others tell of that.
        let store = ask().await.ok()?;
        self.heard(store, asked)
    }

    /// Hears the store's time, for which it was asked at `asked` and which has just come. Tells where the clocks stand and how far
    /// they are from each other; `None` where the answer took so long that it says little.
    pub fn heard(&self, store: Timestamp, asked: Instant) -> Option<(Standing, Duration)> {
        let now = Instant::now();
        let took = now.saturating_duration_since(asked);
        if took > SLOWEST {
            return None;
        }
        // Between the two moments; in the middle at a guess.
        let (store, wall) = (store.plus(took / 2), self.wall.now());
        let off = apart(store, wall);
        let standing = match self.steady(now) {
            _ if off <= TOLERANCE => Standing::Agreed,
            Some(steady) if apart(steady, store) <= TOLERANCE => Standing::MachineOff,
            Some(steady) if apart(steady, wall) <= TOLERANCE => Standing::StoreOff,
            Some(_) | None => Standing::Unclear,
        };
        let right = match standing {
            Standing::Agreed | Standing::StoreOff => Some(wall),
            Standing::MachineOff => Some(store),
            Standing::Unclear => None,
        };
        // Steady clocks drift too, so that the last agreement takes the place of those before.
        if let Some(right) = right {
            let origin = right.minus(now.saturating_duration_since(self.began));
            self.origin.store(origin.as_micros(), Ordering::Relaxed);
        }
        Some((standing, off))
    }

    /// What the wall clock should say by the last agreement.
    fn steady(&self, now: Instant) -> Option<Timestamp> {
        let origin = self.origin.load(Ordering::Relaxed);
        let gone_by = now.saturating_duration_since(self.began);
        (origin != NEVER).then(|| Timestamp::from_micros(origin).plus(gone_by))
    }
}

impl Clock for SteadyClock {
    fn now(&self) -> Timestamp {
        let wall = self.wall.now();
        match self.steady(Instant::now()) {
            Some(steady) if apart(steady, wall) > TOLERANCE => {
                self.strayed.notify_one();
                steady
            }
            _ => wall,
        }
    }
}

impl fmt::Debug for SteadyClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SteadyClock").finish_non_exhaustive()
    }
}

fn tell(standing: Standing, off: Duration) {
    let seconds = off.as_secs();
    match standing {
        Standing::Agreed => tracing::info!("this machine's clock and the shared store's agree again"),
        Standing::MachineOff => tracing::warn!(
            seconds,
            "this machine's clock has jumped away from the shared store's; the relay goes on by the time before, until they agree"
        ),
        Standing::StoreOff => tracing::warn!(
            seconds,
            "the shared store's clock has jumped away from this machine's; the relay goes on by this machine's"
        ),
        Standing::Unclear => tracing::warn!(
            seconds,
            "this machine's clock and the shared store's differ, and nothing tells which is right: set both (NTP); limits, leases \
             and rests of several relays rely on it"
        ),
    }
}

fn apart(one: Timestamp, other: Timestamp) -> Duration {
    one.since(other).max(other.since(one))
}

/// No moment that a clock shows.
const NEVER: i64 = i64::MIN;

/// Clocks that are so far apart agree. Far less than leases last, and more than a busy machine makes of an answer's way.
const TOLERANCE: Duration = Duration::from_secs(5);

/// An answer that took longer says too little of when it was given.
const SLOWEST: Duration = Duration::from_secs(2);

/// Steady clocks drift by far less in that time than is tolerated.
const EVERY: Duration = Duration::from_secs(55);

/// While the wall clock is off it is seen all the time.
const LEAST_PAUSE: Duration = Duration::from_secs(5);

const FIRST_TRIES: usize = 3;

#[cfg(test)]
mod tests {
    use posthaste_testkit::FakeClock;

    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);
    const DAY: Duration = Duration::from_secs(86_400);

    /// A machine's clock and a store's, which go on with tokio's time, and what comes of them.
    struct Clocks {
        wall: Arc<FakeClock>,
        store: FakeClock,
        steady: SteadyClock,
        began: Instant,
    }

    impl Clocks {
        fn new() -> Self {
            let (wall, store) = (Arc::new(FakeClock::default()), FakeClock::default());
            wall.run();
            store.run();
            let steady = SteadyClock::new(Arc::<FakeClock>::clone(&wall) as _);
            Self { wall, store, steady, began: Instant::now() }
        }

        /// By so much, ahead or back. The clock goes on from there.
        fn jump(&self, clock: &FakeClock, by: Duration, ahead: bool) {
            let to = if ahead { clock.now().plus(by) } else { clock.now().minus(by) };
            clock.set(to.minus(self.began.elapsed()));
        }

        fn compare(&self) -> Standing {
            self.steady.heard(self.store.now(), Instant::now()).unwrap().0
        }

        fn agreed() -> Self {
            let clocks = Self::new();
            assert_eq!(clocks.compare(), Standing::Agreed);
            clocks
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_wall_clock_that_jumps_is_passed_over_until_it_is_back() {
        for by in [HOUR, DAY] {
            for ahead in [true, false] {
                let clocks = Clocks::agreed();
                sleep(Duration::from_secs(30)).await;
                clocks.jump(&clocks.wall, by, ahead);
                assert_eq!(clocks.steady.now(), clocks.store.now(), "at once");
                assert_eq!(clocks.compare(), Standing::MachineOff);
                sleep(HOUR).await;
                assert_eq!(clocks.steady.now(), clocks.store.now(), "for as long as it lasts");
                clocks.jump(&clocks.wall, by, !ahead);
                clocks.jump(&clocks.wall, Duration::from_secs(1), true);
                assert_eq!(clocks.compare(), Standing::Agreed);
                assert_eq!(clocks.steady.now(), clocks.wall.now(), "small differences are the machine's own");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_whose_clock_jumps_changes_nothing() {
        let clocks = Clocks::agreed();
        clocks.jump(&clocks.store, DAY, true);
        assert_eq!(clocks.compare(), Standing::StoreOff);
        sleep(HOUR).await;
        assert_eq!(clocks.compare(), Standing::StoreOff);
        assert_eq!(clocks.steady.now(), clocks.wall.now());
    }

    /// The steady clock of a machine that was paused stands still meanwhile.
    #[tokio::test(start_paused = true)]
    async fn a_machine_that_was_paused_goes_on_with_the_others() {
        let clocks = Clocks::agreed();
        for clock in [&*clocks.wall, &clocks.store] {
            clocks.jump(clock, 10 * Duration::from_secs(60), true);
        }
        assert_eq!(clocks.compare(), Standing::Agreed);
        assert_eq!(clocks.steady.now(), clocks.wall.now());
    }

    #[tokio::test(start_paused = true)]
    async fn without_an_agreement_the_machines_clock_counts() {
        let clocks = Clocks::new();
        clocks.jump(&clocks.wall, HOUR, true);
        assert_eq!(clocks.steady.now(), clocks.wall.now());
        assert_eq!(clocks.compare(), Standing::Unclear);
        assert_eq!(clocks.steady.now(), clocks.wall.now());
        // Set right by hand, it is the one that both agree on.
        clocks.jump(&clocks.wall, HOUR, false);
        assert_eq!(clocks.compare(), Standing::Agreed);
    }

    #[tokio::test(start_paused = true)]
    async fn clocks_that_drift_slowly_are_followed() {
        let clocks = Clocks::agreed();
        for _ in 0..100 {
            sleep(EVERY).await;
            for clock in [&*clocks.wall, &clocks.store] {
                clocks.jump(clock, Duration::from_secs(1), true);
            }
            assert_eq!(clocks.compare(), Standing::Agreed);
            assert_eq!(clocks.steady.now(), clocks.wall.now());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_late_answer_says_nothing() {
        let clocks = Clocks::new();
        let (asked, told) = (Instant::now(), clocks.store.now());
        sleep(SLOWEST + Duration::from_secs(1)).await;
        assert_eq!(clocks.steady.heard(told, asked), None);
    }

    #[tokio::test(start_paused = true)]
    async fn the_store_is_asked_again_soon_when_the_wall_clock_is_seen_elsewhere() {
        let clocks = Arc::new(Clocks::new());
        let asked = Arc::new(AtomicI64::new(0));
        let (kept, count) = (Arc::clone(&clocks), Arc::clone(&asked));
        let keeping = tokio::spawn(async move {
            let ask = || {
                count.fetch_add(1, Ordering::Relaxed);
                std::future::ready(Ok(kept.store.now()))
            };
            kept.steady.keep(ask).await;
        });
        sleep(Duration::from_secs(50)).await;
        assert_eq!(asked.load(Ordering::Relaxed), 1);
        for clock in [&*clocks.wall, &clocks.store] {
            clocks.jump(clock, HOUR, true);
        }
        assert_ne!(clocks.steady.now(), clocks.wall.now(), "it might have been the wall clock alone");
        sleep(Duration::from_millis(1)).await;
        assert_eq!(asked.load(Ordering::Relaxed), 2);
        assert_eq!(clocks.steady.now(), clocks.wall.now());
        keeping.abort();
    }
}
