//! Says that a model has no price, or that what it is told to have counted cannot be: loudly, but once.

use std::collections::HashSet;

use parking_lot::Mutex;
use posthaste_core::{ProviderKind, Usage};

use crate::UnknownModels;

/// What there is to say about models.
#[derive(Debug, Default)]
pub(crate) struct Alarm {
    unpriced: Named,
    absurd: Named,
}

impl Alarm {
    /// Logs a warning when the model is new.
    pub(crate) fn unpriced(&self, provider: ProviderKind, model: &str, unknown: &UnknownModels) {
        let booked = match unknown {
            UnknownModels::Unpriced => "without a cost",
            UnknownModels::Refused => "without a cost, and further requests are refused",
            UnknownModels::PricedAs(_) => "at the price that is set for unknown models",
        };
        match self.unpriced.news(provider, model) {
            News::Model => tracing::warn!(
                provider = provider.as_str(),
                model,
                booked,
                "the model has no price: its use is not booked by its own until the price file names it"
            ),
            News::Full => tracing::warn!(
                limit = MOST_NAMES,
                "too many models without a price: further ones are not named"
            ),
            News::None => {}
        }
    }

    /// Logs a warning when counts of the model were not told to be beyond belief before.
    pub(crate) fn absurd(&self, provider: ProviderKind, model: &str, usage: &Usage) {
        if self.absurd.news(provider, model) == News::Model {
            tracing::warn!(
                provider = provider.as_str(),
                model,
                prompt = usage.prompt(),
                output = usage.output,
                web_searches = usage.web_searches,
                "the upstream told token counts beyond what the model can hold: they are booked cut down, as `capped`"
            );
        }
    }
}

/// Remembers which models were named already. Model names come from clients, so that the memory is bounded.
#[derive(Debug, Default)]
struct Named(Mutex<HashSet<(ProviderKind, String)>>);

impl Named {
    fn news(&self, provider: ProviderKind, model: &str) -> News {
        let mut named = self.0.lock();
        if named.len() > MOST_NAMES {
            return News::None;
        }
        if !named.insert((provider, model.to_owned())) {
            return News::None;
        }
        if named.len() > MOST_NAMES { News::Full } else { News::Model }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum News {
    Model,
    Full,
    None,
}

const MOST_NAMES: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_named_once() {
        let alarm = Named::default();
        assert_eq!(alarm.news(ProviderKind::Anthropic, "m"), News::Model);
        assert_eq!(alarm.news(ProviderKind::Anthropic, "m"), News::None);
        assert_eq!(alarm.news(ProviderKind::Sandbox, "m"), News::Model);
    }

    #[test]
    fn the_memory_is_bounded_and_says_so_once() {
        let alarm = Named::default();
        for number in 0..MOST_NAMES {
            assert_eq!(alarm.news(ProviderKind::Anthropic, &number.to_string()), News::Model);
        }
        assert_eq!(alarm.news(ProviderKind::Anthropic, "one more"), News::Full);
        assert_eq!(alarm.news(ProviderKind::Anthropic, "and another"), News::None);
        assert_eq!(alarm.0.lock().len(), MOST_NAMES + 1);
    }
}
