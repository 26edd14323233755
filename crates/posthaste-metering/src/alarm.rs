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
    use std::{
        io::{self, Write},
        sync::Arc,
    };

    use posthaste_core::UsageSource;
    use tracing_subscriber::fmt::MakeWriter;

    use super::*;
    use crate::PriceBook;

    /// What was logged, a line for each event.
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Log {
        fn lines(&self) -> Vec<String> {
            String::from_utf8(self.0.lock().clone()).unwrap().lines().map(str::to_owned).collect()
        }
    }

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl MakeWriter<'_> for Log {
        type Writer = Self;

        fn make_writer(&self) -> Self {
            self.clone()
        }
    }

    /// What is logged when exchanges of these models, each with so many tokens of answer, are charged by a new book.
    fn logged(exchanges: &[(&str, u64)]) -> Vec<String> {
        let book = PriceBook::builtin().with_unknown(UnknownModels::Unpriced).unwrap();
        let log = Log::default();
        let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(log.clone()).finish();
        tracing::subscriber::with_default(subscriber, || {
            for (model, output) in exchanges {
                let usage = Usage { output: *output, ..Usage::NONE };
                book.charge(ProviderKind::Anthropic, model, &usage, UsageSource::Reported);
            }
        });
        log.lines()
    }

    #[test]
    fn a_warning_names_each_model_without_a_price_once() {
        let lines =
            logged(&[("nobody-knows", 5), ("claude-haiku-4-5", 5), ("nobody-knows", 5), ("nor-this", 5)]);
        assert_eq!(lines.len(), 2, "{lines:?}");
        for (line, model) in lines.iter().zip(["nobody-knows", "nor-this"]) {
            assert!(line.contains("WARN") && line.contains("the model has no price"), "{line}");
            assert!(line.contains(model) && line.contains("without a cost"), "{line}");
        }
    }

    #[test]
    fn a_warning_names_each_model_told_of_beyond_belief_once() {
        let absurd = ("claude-haiku-4-5", u64::MAX);
        let lines = logged(&[("claude-haiku-4-5", 5), absurd, absurd, absurd]);
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(
            lines[0].contains("WARN") && lines[0].contains("beyond what the model can hold"),
            "{lines:?}"
        );
        assert!(
            lines[0].contains("claude-haiku-4-5") && lines[0].contains(&u64::MAX.to_string()),
            "{lines:?}"
        );
    }

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
