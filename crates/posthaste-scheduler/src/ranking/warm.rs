//! Accounts that have something of the conversation.

use posthaste_core::NanoUsd;

use super::Situation;
use crate::{Candidate, Pick, Reason, affinity::pressure};

/// What speaks for an account that has something of the conversation.
pub(super) struct Bid {
    position: u32,
    home: bool,
    worth: NanoUsd,
    /// What is saved there less what speaks against it, in nano-dollars.
    net: f64,
}

impl Bid {
    pub(super) fn of(
        candidate: &Candidate<'_>,
        position: u32,
        in_flight: u32,
        situation: &Situation<'_>,
    ) -> Self {
        let Situation { tuning, now, .. } = *situation;
        let worth = candidate.warmth.map_or(NanoUsd::ZERO, |warmth| warmth.worth(now));
        let net = worth.as_nanos() as f64 - pressure(candidate, in_flight, &tuning.affinity, now);
        Self { position, home: candidate.home, worth, net }
    }
}

/// Puts those before their equals whose caches are worth more than what speaks for the strategy's own choice.
pub(super) fn prefer_warm(
    picks: &mut [Pick],
    bids: &mut [Bid],
    candidates: &[Candidate<'_>],
    situation: &Situation<'_>,
    in_flight: &mut dyn FnMut(&Candidate<'_>) -> u32,
) {
    // The best comes last, and so ends up before the others.
    let account = |bid: &Bid| candidates[bid.position as usize].account;
    bids.sort_by(|one, other| {
        let by_worth = one.home.cmp(&other.home).then(one.net.total_cmp(&other.net));
        by_worth.then_with(|| account(other).cmp(&account(one)))
    });
    let mut heads: Vec<(u16, f64)> = Vec::new();
    for bid in bids {
        let priority = candidates[bid.position as usize].priority;
        let Some(start) =
            picks.iter().position(|pick| candidates[pick.candidate as usize].priority == priority)
        else {
            continue;
        };
        let head_net = match heads.iter().find(|(known, _)| *known == priority) {
            Some((_, net)) => *net,
            None => {
                let head = &candidates[picks[start].candidate as usize];
                let net = -pressure(head, in_flight(head), &situation.tuning.affinity, situation.now);
                heads.push((priority, net));
                net
            }
        };
        let Some(place) = picks.iter().position(|pick| pick.candidate == bid.position) else { continue };
        if bid.home || (bid.worth > NanoUsd::ZERO && bid.net >= head_net) {
            picks[start..=place].rotate_right(1);
            picks[start].reason =
                if bid.home { Reason::Home } else { Reason::WarmCache { worth: bid.worth } };
        }
    }
}
