//! What a tap has seen, the same for every dialect.

use posthaste_core::Usage;

use super::Progress;
use crate::UpstreamError;

/// What the frames so far have shown.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sighting {
    /// Content came that a client would notice.
    pub(crate) content: bool,
    /// The length of the data that brought content.
    pub(crate) content_bytes: usize,
    /// The terminator came.
    pub(crate) ended: bool,
    /// The counts so far.
    pub(crate) usage: Usage,
    /// The counts are the upstream's last word.
    pub(crate) usage_final: bool,
    /// The answer's id, where later requests may name it (Responses).
    pub(crate) answer_id: Option<String>,
    /// The first error event.
    pub(crate) error: Option<UpstreamError>,
    /// Choices that have told why they stopped, as bits by their index; those from 63 up share a bit.
    stopped: u64,
    /// Choices that have begun.
    begun: u64,
}

impl Sighting {
    /// How far the stream has come.
    pub(crate) fn progress(&self) -> Progress {
        if self.error.is_some() {
            Progress::Failed
        } else if self.ended {
            Progress::Ended
        } else if self.content {
            Progress::Content
        } else {
            Progress::Opening
        }
    }

    /// Whether every choice has told why it stopped.
    pub(crate) fn stopped(&self) -> bool {
        self.stopped != 0 && self.begun & !self.stopped == 0
    }

    /// Notes data that brings content.
    pub(crate) fn add_content(&mut self, data: &[u8]) {
        self.content = true;
        self.content_bytes += data.len();
    }

    pub(crate) fn begin(&mut self, choice: u64) {
        self.begun |= 1 << choice.min(63);
    }

    pub(crate) fn stop(&mut self, choice: u64) {
        self.stopped |= 1 << choice.min(63);
    }

    /// Notes an error event. Those that follow are mostly its echoes, so the first one is kept.
    pub(crate) fn fail(&mut self, error: UpstreamError) {
        self.error.get_or_insert(error);
    }
}
