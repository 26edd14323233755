//! The audit log: who did what, and what it changed.
//!
//! Each entry carries a link that the vault makes of the entry and of the link before it, so that nobody without the vault's
//! keys can change, add or remove one unnoticed. What is at the end can be cut off, so the newest link belongs where whoever
//! could do that cannot reach: it is in the program's log with every entry, and in every export.

pub(crate) mod chain;
mod record;
mod view;

pub use chain::{AuditProblem, AuditReport};
pub(crate) use record::seen;
pub use view::{AuditEntry, AuditInput, AuditPage, AuditTarget, Outcome};

use std::time::Duration;

use posthaste_core::Timestamp;
use posthaste_storage::{JournalEntry, StorageError};
use serde_json::Value;
use tokio::time::sleep;

use crate::{Actor, Admin, AdminError};

/// The audit log.
#[derive(Clone, Copy)]
pub struct AuditService<'a> {
    admin: &'a Admin,
}

/// An entry to be written.
pub(crate) struct Noted {
    pub(crate) action: &'static str,
    pub(crate) target: Option<AuditTarget>,
    pub(crate) outcome: Outcome,
    pub(crate) why: Option<String>,
    pub(crate) before: Option<Value>,
    pub(crate) after: Option<Value>,
}

impl<'a> AuditService<'a> {
    pub(crate) fn new(admin: &'a Admin) -> Self {
        Self { admin }
    }

    /// Writes an entry. What was done is not undone when that fails: the program's log has the entry then, as an error.
    pub(crate) async fn note(self, actor: &Actor, noted: Noted) {
        let Noted { action, target, outcome, why, before, after } = noted;
        let (before, after) = record::differing(before, after);
        let mut entry = AuditEntry {
            number: 0,
            at: self.admin.parts().clock.now(),
            who: serde_json::to_value(&actor.who).unwrap_or(Value::Null),
            address: actor.address,
            action: action.to_owned(),
            target,
            outcome,
            why,
            before,
            after,
        };
        match self.append(&mut entry).await {
            Ok(link) => {
                let link = chain::hex(&link);
                tracing::info!(number = entry.number, action, %link, "audit");
            }
            Err(error) => {
                let entry = serde_json::to_string(&entry).unwrap_or_default();
                tracing::error!(%error, %entry, "the audit log could not be written");
            }
        }
    }

    /// Entries, the newest first.
    ///
    /// # Errors
    /// When the store fails or an entry cannot be read.
    pub async fn list(self, input: &AuditInput) -> Result<AuditPage, AdminError> {
        let most = input.limit.unwrap_or(DEFAULT_PAGE).clamp(1, MOST_PAGE);
        let mut found = Vec::new();
        let mut before = input.before;
        loop {
            let entries = self.admin.parts().stores.journals.latest(JOURNAL, before, CHUNK).await?;
            let Some(last) = entries.last() else { return Ok(AuditPage { entries: found, next: None }) };
            before = Some(last.number);
            for written in &entries {
                let entry = chain::read(written)?.entry;
                if input.wants(&entry) {
                    found.push(entry);
                    if found.len() == most {
                        let next = Some(written.number).filter(|number| *number > 1);
                        return Ok(AuditPage { entries: found, next });
                    }
                }
            }
        }
    }

    /// Goes over the whole log and says whether anything was changed, added or removed.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn verify(self) -> Result<AuditReport, AdminError> {
        let parts = self.admin.parts();
        Ok(chain::verify(&*parts.stores.journals, &parts.vault).await?)
    }

    /// Forgets entries that were written before a moment, in steps with pauses. Where the log begins from then on is told by an
    /// entry of its own for each step, written before it, so that the log can be checked at every moment.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn forget(self, before: Timestamp) -> Result<u64, AdminError> {
        let journals = &self.admin.parts().stores.journals;
        // What is written from here on is told of itself, whatever the clock says.
        let Some(newest) = journals.last(JOURNAL).await? else { return Ok(0) };
        let mut forgotten = 0;
        loop {
            let entries = journals.after(JOURNAL, 0, CHUNK).await?;
            let goes = |entry: &&JournalEntry| entry.at < before && entry.number <= newest.number;
            let Some(last) = entries.iter().take_while(goes).last() else { return Ok(forgotten) };
            self.note_beginning(last).await?;
            let gone = journals.forget(JOURNAL, last.number).await?;
            forgotten += gone;
            if gone == 0 {
                return Ok(forgotten);
            }
            sleep(PAUSE).await;
        }
    }

    /// Says that the log begins behind `last`. Nothing may be forgotten where that cannot be said.
    async fn note_beginning(self, last: &JournalEntry) -> Result<(), AdminError> {
        let kept = chain::read(last)?;
        let who = serde_json::to_value(&Actor::machine().who).unwrap_or(Value::Null);
        // The next entry's link is made of this one, so that the chain can be followed from there.
        let after = serde_json::json!({ "number": last.number, "link": chain::hex(&kept.link) });
        let mut entry = AuditEntry {
            number: 0,
            at: self.admin.parts().clock.now(),
            who,
            address: None,
            action: FORGOTTEN.to_owned(),
            target: None,
            outcome: Outcome::Done,
            why: None,
            before: None,
            after: Some(after),
        };
        let link = self.append(&mut entry).await?;
        tracing::info!(number = entry.number, action = FORGOTTEN, link = %chain::hex(&link), "audit");
        Ok(())
    }

    /// Writes behind the last entry, whoever writes at the same time.
    async fn append(self, entry: &mut AuditEntry) -> Result<[u8; 32], AdminError> {
        let parts = self.admin.parts();
        for _ in 0..MOST_REPEATS {
            let (number, before) = match parts.stores.journals.last(JOURNAL).await? {
                Some(last) => (last.number + 1, chain::read(&last)?.link),
                None => (1, chain::START),
            };
            entry.number = number;
            let (link, text) = chain::written(&parts.vault, &before, entry)?;
            let written = JournalEntry { number, at: entry.at, text };
            match parts.stores.journals.append(JOURNAL, &written).await {
                Err(StorageError::Conflict { .. }) => {}
                Err(error) => return Err(error.into()),
                Ok(()) => return Ok(link),
            }
        }
        Err(AdminError::Conflict { what: "others write the audit log without end".to_owned() })
    }
}

pub(crate) const JOURNAL: &str = "audit";

/// The action of the entry that tells what was forgotten.
pub(crate) const FORGOTTEN: &str = "audit.forget";

const CHUNK: usize = 500;

/// Between two steps of forgetting.
const PAUSE: Duration = Duration::from_millis(50);

const DEFAULT_PAGE: usize = 50;
const MOST_PAGE: usize = 1_000;
const MOST_REPEATS: u32 = 64;
