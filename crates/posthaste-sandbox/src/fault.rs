//! Fault models: names that ask for a certain misbehaviour. The table for readers is in the crate's README.

use std::{collections::HashMap, time::Duration};

use parking_lot::Mutex;

use crate::error::Trouble;

/// A misbehaviour that a model's name asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// An error instead of an answer.
    Refuse(Trouble),
    /// Every n-th request is answered, the others are told that the service is overloaded.
    Flaky(u32),
    /// No answer, not even its head.
    Hang,
    /// Something is wrong with an answer's body.
    Body(BodyFault),
}

/// A misbehaviour after the head of a 200.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyFault {
    Silence,
    Cut { after: usize },
    ErrorFirst,
    ErrorMiddle,
    Garbage,
    NoUsage,
    Slow { pause: Duration },
}

impl Fault {
    /// The fault that `model` names: `Ok(None)` is a good model, `Err` a fault that does not exist.
    pub(crate) fn of(model: &str) -> Result<Option<Self>, UnknownFault> {
        let Some(name) = model.strip_prefix("sandbox-") else { return Ok(None) };
        if let Some(fault) = plain(name) {
            return Ok(Some(fault));
        }
        for (prefix, make) in NUMBERED {
            if let Some(number) = name.strip_prefix(prefix) {
                return number.parse().ok().and_then(make).map(Some).ok_or(UnknownFault);
            }
        }
        Ok(None)
    }
}

/// A name that begins as a fault with a number does, and then has none that fits.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct UnknownFault;

/// Counts the requests to flaky models, one count for each n.
#[derive(Debug, Default)]
pub(crate) struct FlakyCounts(Mutex<HashMap<u32, u32>>);

impl FlakyCounts {
    /// Counts one request and tells whether it is an n-th one.
    pub(crate) fn works(&self, every: u32) -> bool {
        let mut counts = self.0.lock();
        let count = counts.entry(every).or_default();
        *count = (*count + 1) % every;
        *count == 0
    }
}

fn plain(name: &str) -> Option<Fault> {
    let fault = match name {
        "400" => Fault::Refuse(Trouble::ContextTooLong),
        "401" => Fault::Refuse(Trouble::BadKey),
        "402" => Fault::Refuse(Trouble::NoCredit),
        "403" => Fault::Refuse(Trouble::Forbidden),
        "429" => Fault::Refuse(Trouble::RateLimited { retry_after: None }),
        "500" => Fault::Refuse(Trouble::Internal),
        "504" => Fault::Refuse(Trouble::TimedOut),
        "529" => Fault::Refuse(Trouble::Overloaded),
        "hang" => Fault::Hang,
        "silence" => Fault::Body(BodyFault::Silence),
        "error-first" => Fault::Body(BodyFault::ErrorFirst),
        "error-middle" => Fault::Body(BodyFault::ErrorMiddle),
        "garbage" => Fault::Body(BodyFault::Garbage),
        "no-usage" => Fault::Body(BodyFault::NoUsage),
        _ => return None,
    };
    Some(fault)
}

type Numbered = fn(u32) -> Option<Fault>;

const NUMBERED: [(&str, Numbered); 4] = [
    ("429-retry-after-", |seconds| Some(Fault::Refuse(Trouble::RateLimited { retry_after: Some(seconds) }))),
    ("cut-", |after| Some(Fault::Body(BodyFault::Cut { after: usize::try_from(after).ok()? }))),
    ("slow-", |millis| Some(Fault::Body(BodyFault::Slow { pause: Duration::from_millis(millis.into()) }))),
    // The bound keeps the table of counts small.
    ("flaky-", |every| (1..=1_000).contains(&every).then_some(Fault::Flaky(every))),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_ask_for_faults() {
        let body = |fault| Ok(Some(Fault::Body(fault)));
        assert_eq!(Fault::of("sandbox-cut-12"), body(BodyFault::Cut { after: 12 }));
        assert_eq!(Fault::of("sandbox-slow-5"), body(BodyFault::Slow { pause: Duration::from_millis(5) }));
        assert_eq!(Fault::of("sandbox-hang"), Ok(Some(Fault::Hang)));
        assert_eq!(Fault::of("sandbox-flaky-3"), Ok(Some(Fault::Flaky(3))));
        assert_eq!(
            Fault::of("sandbox-429-retry-after-7"),
            Ok(Some(Fault::Refuse(Trouble::RateLimited { retry_after: Some(7) })))
        );
    }

    #[test]
    fn good_models_have_none_and_wrong_numbers_are_told() {
        assert_eq!(Fault::of("claude-hang"), Ok(None));
        assert_eq!(Fault::of("sandbox-echo"), Ok(None));
        assert_eq!(Fault::of("sandbox-cut-"), Err(UnknownFault));
        assert_eq!(Fault::of("sandbox-flaky-0"), Err(UnknownFault));
        assert_eq!(Fault::of("sandbox-slow--1"), Err(UnknownFault));
    }

    #[test]
    fn every_nth_request_works() {
        let counts = FlakyCounts::default();
        let works: Vec<_> = (0..6).map(|_| counts.works(3)).collect();
        assert_eq!(works, [false, false, true, false, false, true]);
        assert!(counts.works(1));
    }
}
