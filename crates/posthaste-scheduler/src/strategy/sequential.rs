//! The first in the order of identities until it cannot, then the next: keeps prompt caches and windows on few accounts, and
//! leaves the others for later.

use super::{Contender, Moment, Order};
use crate::Reason;

pub(crate) struct Sequential;

impl Order for Sequential {
    const BY_IDENTITY: bool = true;
    const LASTS: bool = true;

    #[inline]
    fn key(&self, _contender: &Contender<'_>, _moment: &Moment<'_>) -> u64 {
        0
    }

    fn reason(_key: u64) -> Reason {
        Reason::FirstInLine
    }
}
