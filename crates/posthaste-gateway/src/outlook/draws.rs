//! Strategies that draw lots, by drawing: the plan is made again and again, each time as for another request.

use std::collections::HashMap;

use posthaste_core::{AccountId, RequestId, Timestamp};
use uuid::Uuid;

use crate::{journey::Journey, planning};

/// Who came first on each leg, and how often.
#[derive(Default)]
pub(super) struct Lots {
    draws: u32,
    /// By leg; nothing for legs whose strategy draws none.
    firsts: Vec<Option<HashMap<AccountId, u32>>>,
}

impl Lots {
    /// Draws, and gives the journey an identity by which the likeliest come first. Where no lots are drawn it keeps its own.
    /// The same relay in the same state draws the same.
    pub(super) async fn draw(journey: &mut Journey, now: Timestamp) -> Self {
        let course = planning::plan(journey, now);
        let drawn: Vec<_> = course.legs.iter().map(|leg| leg.rules.strategy.draws_lots()).collect();
        if !drawn.contains(&true) {
            return Self::default();
        }
        let size = journey.engine.directory.all().len().max(1) * drawn.len();
        let draws = u32::try_from(MOST_LOOKS / size).unwrap_or(MOST_DRAWS).clamp(LEAST_DRAWS, MOST_DRAWS);
        let mut lots = Self { draws, firsts: Vec::new() };
        lots.firsts = drawn.iter().map(|drawn| drawn.then(HashMap::new)).collect();
        let mut seen = Vec::new();
        for number in 0..draws {
            journey.id = identity(number);
            let first = firsts(journey, now);
            for (firsts, first) in lots.firsts.iter_mut().zip(&first) {
                if let (Some(firsts), Some(first)) = (firsts, first) {
                    *firsts.entry(*first).or_default() += 1;
                }
            }
            seen.push(first);
            // Others are to be served meanwhile.
            tokio::task::yield_now().await;
        }
        let likelihood = |number: u32| seen.get(number as usize).map_or(0, |first| lots.likelihood(first));
        // Of several the first.
        let likeliest = (0..draws).rev().max_by_key(|number| likelihood(*number)).unwrap_or(0);
        journey.id = identity(likeliest);
        lots
    }

    /// In how many of a hundred requests an account comes first on a leg; `None` where no lots are drawn.
    pub(super) fn percent(&self, leg: usize, account: AccountId) -> Option<u8> {
        let firsts = self.firsts.get(leg)?.as_ref()?;
        let times = firsts.get(&account).copied().unwrap_or(0);
        u8::try_from((times * 100 + self.draws / 2) / self.draws).ok()
    }

    fn likelihood(&self, first: &[Option<AccountId>]) -> u32 {
        let times = self.firsts.iter().zip(first).map(|(firsts, first)| {
            firsts.as_ref().zip(*first).and_then(|(firsts, first)| firsts.get(&first)).copied().unwrap_or(0)
        });
        times.sum()
    }
}

fn firsts(journey: &Journey, now: Timestamp) -> Vec<Option<AccountId>> {
    let course = planning::plan(journey, now);
    course.legs.iter().map(|leg| leg.plan().accounts().next()).collect()
}

/// An identity whose [seed](Journey::seed) is one of a row that looks random.
fn identity(number: u32) -> RequestId {
    RequestId::from_uuid(Uuid::from_u64_pair(0, u64::from(number + 1).wrapping_mul(SPREAD)))
}

const MOST_DRAWS: u32 = 200;
const LEAST_DRAWS: u32 = 20;

/// Accounts are looked at so many times at most, so that thousands of them take no longer than a blink.
const MOST_LOOKS: usize = 100_000;

/// A multiplier with few regularities (Steele and Vigna, "Computationally easy, spectrally good multipliers", 2021).
const SPREAD: u64 = 0xd134_2543_de82_ef95;
