use posthaste_core::Strategy;

use super::{policy::Policy, run::simulate, tally::jain, *};

const SMALL: Setting = Setting { conversations: 700, accounts: 100, days: 3, load: 85, seed: 7 };

#[test]
fn every_policy_keeps_the_invariants() {
    for policy in Policy::all() {
        let tally = simulate(&SMALL, policy).unwrap();
        assert!(tally.served > tally.requests * 9 / 10, "{policy}: {tally:?}");
        assert!(tally.wasted > 0 && tally.hung_up > 0 && tally.cached_tokens > 0, "{policy}: {tally:?}");
    }
}

/// The promise of docs/adr/0015; the large worlds of docs/SCHEDULING.md hold it by more.
#[test]
fn the_default_beats_plain_on_caches_and_quotas_without_more_refusals() {
    let worlds =
        [60, 85, 110].into_iter().flat_map(|load| (1..=2).map(move |seed| Setting { load, seed, ..SMALL }));
    let (mut hits, mut unused, mut refusals) = ([0.0; 2], [0.0; 2], [0.0; 2]);
    for world in worlds {
        for (side, policy) in [Policy::Plain, Policy::Posthaste(Strategy::default())].into_iter().enumerate()
        {
            let tally = simulate(&world, policy).unwrap();
            hits[side] += tally.hit_rate();
            unused[side] += tally.weeks_unused;
            refusals[side] += tally.refusal_rate();
        }
    }
    let [plain, default] = [0, 1].map(|side| (hits[side], unused[side], refusals[side]));
    assert!(default.0 > plain.0, "cache hits: {default:?} against {plain:?}");
    assert!(default.1 < plain.1, "weeks unused: {default:?} against {plain:?}");
    assert!(default.2 <= plain.2, "refusals: {default:?} against {plain:?}");
}

#[test]
fn the_same_seed_gives_the_same_history() {
    let run = |seed| {
        let tally =
            simulate(&Setting { seed, conversations: 200, ..SMALL }, Policy::Posthaste(Strategy::default()));
        format!("{:?}", tally.unwrap())
    };
    assert_eq!(run(3), run(3));
    assert_ne!(run(3), run(4));
}

#[test]
fn fairness_is_between_one_for_all_and_all_for_one() {
    assert_eq!(jain(&[2.0, 2.0, 2.0]), 1.0);
    assert_eq!(jain(&[3.0, 0.0, 0.0]), 1.0 / 3.0);
    assert_eq!(jain(&[0.0, 0.0]), 1.0);
}

#[test]
fn policies_are_read_as_they_are_written() {
    for policy in Policy::all() {
        assert_eq!(Policy::parse(&policy.to_string()), Some(policy));
    }
    assert_eq!(Policy::parse("best"), None);
}
