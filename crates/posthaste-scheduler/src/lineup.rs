//! Those who may serve requests of one kind.

use parking_lot::Mutex;
use posthaste_core::{AccountId, ModelName};

use crate::{
    Candidate,
    scheduler::{HEAD, Standings},
};

/// The accounts that may serve requests of one kind, with what is the same for all of these requests. Of a large one only the
/// head of a plan is made ([`Scheduler::plan_head`](crate::Scheduler::plan_head)), by an order that is kept from plan to plan.
///
/// It is meant for one scheduler and one strategy; with others by turns it is right and slow.
#[derive(Debug)]
pub struct Lineup {
    members: Vec<Member>,
    /// In which order they stood when it was looked at last.
    pub(crate) standings: Mutex<Option<Standings>>,
}

/// An account of a lineup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Which account.
    pub account: AccountId,
    /// The model as this account's upstream calls it.
    pub model: ModelName,
    /// Lower goes first.
    pub priority: u16,
    /// Its share where the strategy goes by weight; 0 counts as 1.
    pub weight: u16,
    /// How many requests it may serve at the same time; `None` without such a limit.
    pub most_in_flight: Option<u32>,
}

impl Member {
    /// The account as a candidate of which nothing else is known.
    pub fn candidate(&self) -> Candidate<'_> {
        Candidate {
            priority: self.priority,
            weight: self.weight,
            most_in_flight: self.most_in_flight,
            ..Candidate::new(self.account, self.model.as_str())
        }
    }
}

impl Lineup {
    /// Of members in the order of their identities, each of them once.
    pub fn new(members: Vec<Member>) -> Self {
        debug_assert!(members.is_sorted_by(|one, next| one.account < next.account), "a lineup out of order");
        Self { members, standings: Mutex::default() }
    }

    /// The members, in the order of their identities.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// Whether it is so large that heads of plans are made of it; small ones are put in order sooner than that is kept.
    pub fn is_large(&self) -> bool {
        self.members.len() > 2 * HEAD
    }

    /// An account's place among the members.
    pub fn position(&self, account: AccountId) -> Option<usize> {
        self.members.binary_search_by_key(&account, |member| member.account).ok()
    }
}
