//! Part of step 4, admit: the conversation of a key that wants it is put right, so that an interrupted session can go on.

use std::fmt;

use posthaste_core::{Fault, Operation, Repairs, RequestId, fields};
use posthaste_translate::Loss;
use posthaste_wire::{Repaired, repair};

use crate::{
    Call, Caller,
    engine::Engine,
    unpack::{Unpacked, peek},
};

/// What was put right in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mend {
    answered: usize,
    dropped: usize,
}

impl Mend {
    /// What the request lost by it.
    pub(crate) fn loss(self) -> Option<Loss> {
        (self.dropped > 0).then(|| Loss::degraded("tool results", "left out, their calls are missing"))
    }
}

impl From<Mend> for Repairs {
    fn from(mend: Mend) -> Self {
        Self { answered: mend.answered as u64, dropped: mend.dropped as u64 }
    }
}

/// As the header has it.
impl fmt::Display for Mend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "answered={}, dropped={}", self.answered, self.dropped)
    }
}

/// Puts the conversation right where the key says so. A body that needs nothing stays as it came.
pub(crate) fn mend(
    engine: &Engine,
    caller: &Caller,
    call: &Call,
    unpacked: Unpacked,
) -> Result<(Unpacked, Option<Mend>), Fault> {
    let converses = matches!(call.operation, Operation::Chat | Operation::CountTokens);
    if !caller.key().policy.repair_conversations || !converses {
        return Ok((unpacked, None));
    }
    let Some(Repaired { body, answered, dropped }) = repair(call.surface.dialect, &unpacked.body) else {
        return Ok((unpacked, None));
    };
    let mend = Mend { answered, dropped };
    note(engine, call.id, mend);
    // The model's name stands elsewhere now.
    Ok((Unpacked { envelope: peek(call, &body)?, body, headers: unpacked.headers }, Some(mend)))
}

fn note(engine: &Engine, id: RequestId, mend: Mend) {
    engine.metrics.repaired(mend.answered, mend.dropped);
    tracing::debug!({ fields::REQUEST_ID } = %id, repaired = %mend, "a conversation was put right");
}
