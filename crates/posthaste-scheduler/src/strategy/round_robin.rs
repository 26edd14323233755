//! One after another, in the order of identities: the turn is the next one's after the account that was used last.
//!
//! There is no counter that says whose turn it is. A counter over a list that changes, since accounts come and go from rests,
//! gives the neighbours of a resting account turns of their own and of others; the last use does not.

use super::{Contender, Moment, Order};
use crate::{Reason, observed::NEVER, ranking::Rank};

pub(crate) struct RoundRobin;

impl Order for RoundRobin {
    const BY_IDENTITY: bool = true;
    const ARRANGES: bool = true;

    #[inline]
    fn key(&self, _contender: &Contender<'_>, _moment: &Moment<'_>) -> u64 {
        0
    }

    fn reason(_key: u64) -> Reason {
        Reason::NextInTurn
    }

    fn arrange(&self, equals: &mut [usize], ranks: &[Rank], _moment: &Moment<'_>) {
        let last = (0..).zip(&*equals).max_by_key(|&(_, &rank)| ranks[rank].last_use);
        if let Some((place, &rank)) = last
            && ranks[rank].last_use != NEVER
        {
            equals.rotate_left((place + 1) % equals.len());
        }
    }
}
