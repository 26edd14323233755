//! What holds for any history of attempts, rests and releases.

#![expect(clippy::unwrap_used, reason = "the helpers of these tests are not marked as tests themselves")]

use std::{collections::HashMap, time::Duration};

use posthaste_core::{AccountId, Cooldown, CooldownReason, Timestamp};
use posthaste_scheduler::{Candidate, Exclusion, Hint, Plan, Resort, Scheduler, Ticket};
use proptest::{prelude::*, sample::select};

const MODEL: &str = "claude-haiku-4-5";

const ACCOUNTS: usize = 5;
const DAY: Duration = Duration::from_secs(86_400);
const SECONDS_OF_TRIAL: usize = 60;
const LONGEST_TRIAL: Duration = Duration::from_secs(60);

#[derive(Clone, Debug)]
enum Event {
    Started,
    Succeeded,
    Cancelled,
    Rest { reason: CooldownReason, asked_ms: Option<i64> },
    Release,
}

/// An event at an account, some time after the one before.
#[derive(Clone, Debug)]
struct Happening {
    account: usize,
    pause_ms: u64,
    event: Event,
}

fn happening() -> impl Strategy<Value = Happening> {
    let reason = select(vec![
        CooldownReason::RateLimited,
        CooldownReason::Overloaded,
        CooldownReason::QuotaExhausted,
        CooldownReason::Unauthorised,
        CooldownReason::Forbidden,
        CooldownReason::Failing,
    ]);
    let asked = prop_oneof![Just(None), (-5_000..200_000_000_i64).prop_map(Some)];
    let event = prop_oneof![
        4 => Just(Event::Started),
        2 => Just(Event::Succeeded),
        1 => Just(Event::Cancelled),
        4 => (reason, asked).prop_map(|(reason, asked_ms)| Event::Rest { reason, asked_ms }),
        1 => Just(Event::Release),
    ];
    let pause = prop_oneof![0..3_000_u64, 0..100_000_u64, 0..100_000_000_u64];
    (0..ACCOUNTS, pause, event).prop_map(|(account, pause_ms, event)| Happening { account, pause_ms, event })
}

/// A scheduler beside what its history says must be true of it.
struct World {
    scheduler: Scheduler,
    candidates: Vec<Candidate<'static>>,
    uses: HashMap<AccountId, usize>,
    /// The attempts that have begun and not ended, by account.
    open: HashMap<AccountId, Vec<Ticket>>,
    started: usize,
    now: Timestamp,
}

impl World {
    fn new(priorities: [u16; ACCOUNTS]) -> Self {
        let candidates = priorities
            .map(|priority| Candidate { priority, ..Candidate::new(AccountId::generate(), MODEL) })
            .into();
        let now = Timestamp::from_secs(1_800_000_000);
        Self {
            scheduler: Scheduler::default(),
            candidates,
            uses: HashMap::new(),
            open: HashMap::new(),
            started: 0,
            now,
        }
    }

    fn plan(&self) -> Plan {
        self.scheduler.plan(
            &self.candidates,
            &Hint::of(posthaste_core::Strategy::LeastRecentlyUsed),
            self.now,
        )
    }

    fn happens(&mut self, Happening { account, pause_ms, event }: Happening) -> Result<(), TestCaseError> {
        self.now = self.now.plus(Duration::from_millis(pause_ms));
        let account = self.candidates[account].account;
        match event {
            Event::Started => {
                self.started += 1;
                self.uses.insert(account, self.started);
                let ticket = self.scheduler.started(account, MODEL, self.now);
                self.open.entry(account).or_default().push(ticket);
            }
            Event::Succeeded => {
                if let Some(ticket) = self.open.entry(account).or_default().pop() {
                    self.scheduler.succeeded(account, MODEL, ticket, self.now);
                }
            }
            Event::Cancelled => {
                if let Some(ticket) = self.open.entry(account).or_default().pop() {
                    self.scheduler.cancelled(account, ticket);
                }
            }
            Event::Rest { reason, asked_ms } => self.rest(account, reason, asked_ms)?,
            Event::Release => {
                self.scheduler.release(account);
                prop_assert_eq!(self.scheduler.parked(account, self.now), None);
            }
        }
        Ok(())
    }

    /// A rest never shortens one that is under way, is at least as long as the upstream asked, and always ends.
    fn rest(
        &self,
        account: AccountId,
        reason: CooldownReason,
        asked_ms: Option<i64>,
    ) -> Result<(), TestCaseError> {
        let before = self.scheduler.parked(account, self.now).filter(|parked| !parked.on_trial);
        let until = asked_ms.map(|ms| Timestamp::from_millis(self.now.as_millis() + ms));
        let cooldown = Cooldown::of_account(reason, until, "upstream said so");
        let parked = self.scheduler.rest(account, &cooldown, self.now);
        prop_assert!(parked.until > self.now);
        prop_assert!(before.is_none_or(|before| parked.until >= before.until));
        let lasting = matches!(
            reason,
            CooldownReason::QuotaExhausted | CooldownReason::Unauthorised | CooldownReason::Forbidden
        );
        if let Some(until) = until {
            let believed = if lasting { until } else { until.min(self.now.plus(DAY)) };
            prop_assert!(parked.until >= believed);
        }
        prop_assert_eq!(self.scheduler.parked(account, self.now), Some(parked));
        Ok(())
    }

    fn check_plan(&self) -> Result<(), TestCaseError> {
        let plan = self.plan();
        prop_assert_eq!(&plan, &self.plan(), "planning changes nothing");

        let listed = plan.accounts().chain(plan.excluded.iter().map(|(account, _)| *account));
        let mut listed: Vec<_> = listed.collect();
        let mut given: Vec<_> = self.candidates.iter().map(|candidate| candidate.account).collect();
        listed.sort_unstable();
        given.sort_unstable();
        prop_assert_eq!(listed, given, "each candidate is listed once");

        for account in plan.accounts() {
            prop_assert_eq!(self.scheduler.parked(account, self.now), None);
        }
        for (account, exclusion) in &plan.excluded {
            let parked = self.scheduler.parked(*account, self.now).map(Exclusion::Parked);
            prop_assert_eq!(parked.as_ref(), Some(exclusion));
        }
        prop_assert!(plan.accounts().is_sorted_by_key(|account| self.rank(account)));
        prop_assert!(plan.soonest_return().is_none_or(|moment| moment > self.now));
        prop_assert_eq!(plan.soonest_return().is_none(), plan.excluded.is_empty());
        Ok(())
    }

    fn rank(&self, account: AccountId) -> (u16, usize, AccountId) {
        let candidate = self.candidates.iter().find(|candidate| candidate.account == account).unwrap();
        (candidate.priority, self.uses.get(&account).copied().unwrap_or(0), account)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn plans_keep_their_laws_through_any_history(
        priorities in prop::array::uniform5(1..4_u16),
        history in prop::collection::vec(happening(), 0..60),
    ) {
        let mut world = World::new(priorities);
        world.check_plan()?;
        for happening in history {
            world.happens(happening)?;
            world.check_plan()?;
        }
    }

    #[test]
    fn every_account_comes_back_without_a_hand(
        history in prop::collection::vec(happening(), 0..60),
    ) {
        let mut world = World::new([50; ACCOUNTS]);
        for happening in history {
            world.happens(happening)?;
        }
        // Nothing happens any more, so that every rest and every trial ends. A step ends a rest, or is a second of a trial.
        for _ in 0..ACCOUNTS + SECONDS_OF_TRIAL {
            let Some(moment) = world.plan().soonest_return() else { break };
            world.now = moment;
        }
        prop_assert_eq!(world.plan().order.len(), ACCOUNTS);
    }

    #[test]
    fn as_a_last_resort_one_request_at_a_time_tries_what_rests_by_guess(
        history in prop::collection::vec(happening(), 0..60),
    ) {
        let mut world = World::new([50; ACCOUNTS]);
        for happening in history {
            world.happens(happening)?;
        }
        for account in world.candidates.iter().map(|candidate| candidate.account).collect::<Vec<_>>() {
            let (scheduler, now) = (&world.scheduler, world.now);
            let Some(parked) = scheduler.parked(account, now) else { continue };
            let Ok(ticket) = scheduler.try_start(account, MODEL, Resort::Last, now) else {
                prop_assert!(parked.on_trial || parked.early > now);
                continue;
            };
            prop_assert!(parked.early <= now && parked.early < parked.until);
            prop_assert!(matches!(parked.reason, CooldownReason::Failing | CooldownReason::Overloaded));
            prop_assert!(scheduler.try_start(account, MODEL, Resort::Last, now).is_err());
            scheduler.cancelled(account, ticket);
            prop_assert_eq!(scheduler.parked(account, now), Some(parked), "as if nothing had been");
            let ticket = scheduler.try_start(account, MODEL, Resort::Last, now).unwrap();
            let failing = Cooldown::of_account(CooldownReason::Failing, None, "still");
            scheduler.rest_after(account, ticket, &failing, now);
            let soon = now.plus(Duration::from_secs(7));
            prop_assert!(scheduler.try_start(account, MODEL, Resort::Last, soon).is_err());
        }
    }

    #[test]
    fn a_returning_account_serves_one_request_at_a_time(
        history in prop::collection::vec(happening(), 0..30),
        reason in select(vec![CooldownReason::RateLimited, CooldownReason::Forbidden]),
    ) {
        let mut world = World::new([50; ACCOUNTS]);
        for happening in history {
            world.happens(happening)?;
        }
        let account = world.candidates[0].account;
        for ticket in world.open.remove(&account).unwrap_or_default() {
            world.scheduler.cancelled(account, ticket);
        }
        let cooldown = Cooldown::of_account(reason, None, "upstream said so");
        let back = world.scheduler.rest(account, &cooldown, world.now).until;
        prop_assert!(world.scheduler.try_start(account, MODEL, Resort::Usual, back).is_ok());
        for later in [0, 1, 59_999] {
            let now = back.plus(Duration::from_millis(later));
            prop_assert!(world.scheduler.try_start(account, MODEL, Resort::Usual, now).is_err());
        }
        prop_assert!(world.scheduler.try_start(account, MODEL, Resort::Usual, back.plus(LONGEST_TRIAL)).is_ok());
    }
}
