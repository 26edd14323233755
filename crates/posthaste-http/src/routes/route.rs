//! What a path says of the requests that come to it.

use posthaste_core::{Dialect, ModelName, Operation, Packing, Surface};
use posthaste_gateway::PathFacts;

/// What a path asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) surface: Surface,
    pub(crate) operation: Operation,
    /// Whether it asks for a stream, where the path tells.
    stream: Option<bool>,
    /// The dialect of the only accounts that may serve.
    pinned: Option<Dialect>,
}

impl Route {
    /// A path whose requests say everything else in their bodies.
    pub(crate) const fn new(dialect: Dialect, operation: Operation) -> Self {
        Self { surface: Surface::plain(dialect), operation, stream: None, pinned: None }
    }

    /// The same for bodies that are packed.
    pub(super) const fn packed(mut self, packing: Packing) -> Self {
        self.surface.packing = packing;
        self
    }

    /// The same where the path tells whether a stream is asked for.
    pub(super) const fn streamed(mut self, stream: bool) -> Self {
        self.stream = Some(stream);
        self
    }

    /// The same for accounts of one vendor only.
    pub(super) const fn pinned_to(mut self, dialect: Dialect) -> Self {
        self.pinned = Some(dialect);
        self
    }

    /// What this query makes of it: Gemini's streams are one array unless events are asked for
    /// (<https://cloud.google.com/apis/docs/system-parameters>: `alt` is `$alt` as well).
    pub(super) fn asked_with(self, query: Option<&str>) -> Self {
        let gemini = self.surface == Surface::plain(Dialect::GeminiGenerate) && self.stream == Some(true);
        let pairs = query.unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
        let sse = pairs.into_iter().any(|(name, value)| ALT.contains(&name) && value == "sse");
        if gemini && !sse { self.packed(Packing::JsonArray) } else { self }
    }

    /// What the relay is told of the path.
    pub(super) fn facts(self, model: Option<ModelName>) -> PathFacts {
        PathFacts { model, stream: self.stream, pinned: self.pinned }
    }
}

const ALT: [&str; 3] = ["alt", "$alt", "%24alt"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn geminis_stream_is_an_array_unless_events_are_asked_for() {
        let stream = Route::new(Dialect::GeminiGenerate, Operation::Chat).streamed(true);
        let packing = |route: Route, query| route.asked_with(query).surface.packing;
        for query in ["alt=sse", "key=k&alt=sse", "$alt=sse", "%24alt=sse&x"] {
            assert_eq!(packing(stream, Some(query)), Packing::Plain, "{query}");
        }
        for query in [None, Some(""), Some("alt=json"), Some("alt"), Some("salt=sse")] {
            assert_eq!(packing(stream, query), Packing::JsonArray, "{query:?}");
        }
        let whole = Route::new(Dialect::GeminiGenerate, Operation::Chat).streamed(false);
        assert_eq!(packing(whole, None), Packing::Plain);
        let converse = Route::new(Dialect::BedrockConverse, Operation::Chat).streamed(true);
        assert_eq!(packing(converse, None), Packing::Plain);
        assert_eq!(packing(stream.packed(Packing::CodeAssist), None), Packing::CodeAssist);
    }
}
