//! One after another, in the order of identities: the turn is the next one's after the account that was used last.
//!
//! There is no counter that says whose turn it is. A counter over a list that changes, since accounts come and go from rests,
//! gives the neighbours of a resting account turns of their own and of others; the last use does not.

use super::{Contender, Moment, Order};
use crate::{Candidate, Reason, observed::NEVER, ranking::Rank};

pub(crate) struct RoundRobin;

impl Order for RoundRobin {
    fn key(&self, contender: &Contender<'_>, _moment: &Moment<'_>) -> u64 {
        contender.seen.last_use
    }

    fn reason(_key: u64) -> Reason {
        Reason::NextInTurn
    }

    fn arrange(&self, equals: &mut [Rank], candidates: &[Candidate<'_>], _moment: &Moment<'_>) {
        let account = |rank: &Rank| candidates[rank.position()].account;
        let Some(last) = equals.last().filter(|last| last.key() != NEVER).map(account) else { return };
        equals.sort_unstable_by_key(account);
        let turn = equals.partition_point(|rank| account(rank) <= last);
        equals.rotate_left(turn);
    }
}
