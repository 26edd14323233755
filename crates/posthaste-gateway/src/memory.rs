//! What Chat's clients cannot carry between the turns of a tool loop, by tenant and tool call.

use std::{sync::Arc, time::Duration};

use moka::sync::Cache;
use posthaste_core::{AccountId, ClientKeyId};
use posthaste_translate::{Recall, Remembered};

/// The memory of this relay. It is bounded in bytes and in time, and what it forgets costs a model its thoughts and no
/// request its answer.
pub(crate) struct Memory {
    calls: Cache<(ClientKeyId, Box<str>), Arc<Remembered>>,
    /// The accounts that made answers of Responses which later requests may name.
    answers: Cache<(ClientKeyId, Box<str>), AccountId>,
}

impl Memory {
    pub(crate) fn new() -> Self {
        let size = |_: &_, remembered: &Arc<Remembered>| u32::try_from(remembered.size()).unwrap_or(u32::MAX);
        Self {
            calls: Cache::builder().weigher(size).max_capacity(MOST_BYTES).time_to_idle(KEPT).build(),
            answers: Cache::builder().max_capacity(MOST_ANSWERS).time_to_live(ANSWERS_KEPT).build(),
        }
    }

    /// How many tool calls and answers are remembered, about.
    pub(crate) fn known(&self) -> (u64, u64) {
        (self.calls.entry_count(), self.answers.entry_count())
    }

    /// What belongs to one tenant.
    pub(crate) fn of(&self, tenant: ClientKeyId) -> TenantMemory<'_> {
        TenantMemory { memory: self, tenant }
    }

    /// Notes what an answer left to remember.
    pub(crate) fn note(&self, tenant: ClientKeyId, remembered: Vec<Remembered>) {
        for remembered in remembered {
            self.calls.insert((tenant, remembered.call_id.as_str().into()), Arc::new(remembered));
        }
    }

    /// Notes which account made an answer.
    pub(crate) fn note_answer(&self, tenant: ClientKeyId, answer_id: &str, account: AccountId) {
        if answer_id.len() <= LONGEST_ANSWER_ID {
            self.answers.insert((tenant, answer_id.into()), account);
        }
    }

    /// The account that made an answer, if it was made for this tenant and not long ago.
    pub(crate) fn home_of_answer(&self, tenant: ClientKeyId, answer_id: &str) -> Option<AccountId> {
        self.answers.get(&(tenant, answer_id.into()))
    }
}

/// One tenant's part of the memory.
pub(crate) struct TenantMemory<'a> {
    memory: &'a Memory,
    tenant: ClientKeyId,
}

impl Recall for TenantMemory<'_> {
    fn recall(&self, call_id: &str) -> Option<Arc<Remembered>> {
        self.memory.calls.get(&(self.tenant, call_id.into()))
    }
}

/// Some ten thousand turns of thought.
const MOST_BYTES: u64 = 64 * 1024 * 1024;

/// As long as the longest prompt cache: a loop that pauses for longer starts anew without its thoughts.
const KEPT: Duration = Duration::from_secs(3_600);

const MOST_ANSWERS: u64 = 200_000;

/// OpenAI keeps answers for thirty days; conversations that go on after a day are rare.
const ANSWERS_KEPT: Duration = Duration::from_secs(24 * 3_600);

/// Far longer than any vendor's.
const LONGEST_ANSWER_ID: usize = 256;
