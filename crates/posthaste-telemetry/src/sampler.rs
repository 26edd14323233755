//! Which requests are recorded.

use posthaste_core::{RequestId, TraceContext, TraceId, TraceParent};

use crate::TraceOptions;

/// Decides by a request's parent, and where it has none by chance.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sampler {
    options: TraceOptions,
    /// Chances below this are not taken.
    threshold: u64,
}

impl Sampler {
    pub(crate) fn new(options: TraceOptions) -> Self {
        let refused = MILLION.saturating_sub(u64::from(options.per_million));
        Self { options, threshold: (refused << 32) / MILLION }
    }

    /// The request's place; `None` where nobody would hear of it.
    pub(crate) fn begin(&self, id: RequestId, traceparent: Option<&str>) -> Option<TraceContext> {
        let parent = traceparent.filter(|_| self.options.follow_clients).and_then(TraceParent::parse);
        let (trace, sampled) = match parent {
            Some(parent) => (parent.trace, parent.sampled),
            None => {
                let trace = TraceId::of(id);
                (trace, u64::from(trace.chance()) >= self.threshold)
            }
        };
        let told_upstream = self.options.tell_upstreams;
        let parent = parent.map(|parent| parent.span);
        (sampled || told_upstream).then_some(TraceContext { trace, parent, sampled, told_upstream })
    }
}

const MILLION: u64 = 1_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn sampler(per_million: u32) -> Sampler {
        Sampler::new(TraceOptions { per_million, follow_clients: true, tell_upstreams: false })
    }

    #[test]
    fn the_share_that_was_asked_for_is_taken() {
        let taken = |per_million| {
            let sampler = sampler(per_million);
            (0..20_000).filter(|_| sampler.begin(RequestId::generate(), None).is_some()).count()
        };
        assert_eq!((taken(0), taken(1_000_000)), (0, 20_000));
        // Six standard deviations around a quarter.
        assert!((4_630..5_370).contains(&taken(250_000)));
    }

    #[test]
    fn a_clients_word_counts_where_it_is_followed() {
        let parent = |flags| format!("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-{flags}");
        let id = RequestId::generate();
        let followed = sampler(0).begin(id, Some(&parent("01"))).unwrap();
        assert_eq!(followed.trace.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(followed.parent.unwrap().to_string(), "00f067aa0ba902b7");
        assert_eq!(sampler(1_000_000).begin(id, Some(&parent("00"))), None);
        let alone = TraceOptions { per_million: 1_000_000, follow_clients: false, tell_upstreams: false };
        let alone = Sampler::new(alone).begin(id, Some(&parent("00"))).unwrap();
        assert_eq!((alone.trace, alone.parent), (TraceId::of(id), None));
        // What is no header counts as none.
        assert_eq!(sampler(1_000_000).begin(id, Some("nonsense")).unwrap().trace, TraceId::of(id));
    }

    #[test]
    fn upstreams_are_told_of_requests_that_are_not_recorded_too() {
        let options = TraceOptions { per_million: 0, follow_clients: true, tell_upstreams: true };
        let context = Sampler::new(options).begin(RequestId::generate(), None).unwrap();
        assert!(!context.sampled && context.told_upstream);
    }
}
