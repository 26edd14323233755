//! How entries are linked, and how that is checked.

use posthaste_storage::{JournalEntry, JournalStore, StorageError};
use posthaste_vault::Vault;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AuditEntry, CHUNK, FORGOTTEN, JOURNAL};
use crate::AdminError;

/// What the first entry is linked to.
pub(super) const START: [u8; 32] = [0; 32];

/// An entry with its link.
pub(crate) struct Linked {
    pub(super) link: [u8; 32],
    pub(crate) entry: AuditEntry,
}

/// Whether the log is as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuditReport {
    /// How many entries were looked at.
    pub entries: u64,
    /// The number of the first one that is kept.
    pub first: Option<u64>,
    /// The number of the last one.
    pub last: Option<u64>,
    /// The last one's link, to be compared with one that was kept elsewhere: entries at the end can be cut off.
    pub link: Option<String>,
    /// What is wrong; empty for a log that is whole.
    pub problems: Vec<AuditProblem>,
}

/// What is wrong with the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuditProblem {
    /// At which entry.
    pub number: u64,
    /// What.
    pub what: String,
}

/// An entry's text in the journal, with its link.
pub(super) fn written(
    vault: &Vault,
    before: &[u8; 32],
    entry: &AuditEntry,
) -> Result<([u8; 32], String), AdminError> {
    let json = serde_json::to_string(entry)
        .map_err(|error| AdminError::Store(StorageError::corrupt("an entry of the audit log", error)))?;
    let link = vault.link(before, &json);
    Ok((link, format!("{} {json}", hex(&link))))
}

/// An entry as it is kept.
pub(crate) fn read(written: &JournalEntry) -> Result<Linked, AdminError> {
    let corrupt = |why: String| {
        let what = format!("entry {} of the audit log", written.number);
        AdminError::Store(StorageError::corrupt(what, why))
    };
    let (link, json) = parts(&written.text).ok_or_else(|| corrupt("it has no link".to_owned()))?;
    let entry = serde_json::from_str(json).map_err(|error| corrupt(error.to_string()))?;
    Ok(Linked { link, entry })
}

fn parts(text: &str) -> Option<([u8; 32], &str)> {
    let (link, json) = text.split_once(' ')?;
    Some((unhex(link)?, json))
}

pub(crate) async fn verify(journals: &dyn JournalStore, vault: &Vault) -> Result<AuditReport, StorageError> {
    let mut report = AuditReport { entries: 0, first: None, last: None, link: None, problems: Vec::new() };
    let problem = |number, what: &str| AuditProblem { number, what: what.to_owned() };
    let mut before: Option<[u8; 32]> = None;
    let mut begins_after: Option<(u64, [u8; 32])> = None;
    let mut first_link = None;
    loop {
        let after = report.last.unwrap_or(0);
        let entries = journals.after(JOURNAL, after, CHUNK).await?;
        if entries.is_empty() {
            break;
        }
        for written in entries {
            let number = written.number;
            match report.last {
                None => report.first = Some(number),
                Some(last) if number != last + 1 => {
                    report.problems.push(problem(number, "entries before it are gone"));
                    before = None;
                }
                Some(_) => {}
            }
            report.last = Some(number);
            report.entries += 1;
            let Some((link, json)) = parts(&written.text) else {
                report.problems.push(problem(number, "it has no link"));
                before = None;
                continue;
            };
            if number == 1 {
                before = Some(START);
            } else if report.first == Some(number) {
                first_link = Some((link, json.to_owned()));
            }
            if before.is_some_and(|before| vault.link(&before, json) != link) {
                report
                    .problems
                    .push(problem(number, "it is not what was written, or not where it was written"));
            }
            before = Some(link);
            report.link = Some(hex(&link));
            let Ok(entry) = serde_json::from_str::<AuditEntry>(json) else {
                report.problems.push(problem(number, "it cannot be read"));
                continue;
            };
            if entry.number != number || entry.at != written.at {
                report.problems.push(problem(number, "it stands at another place or time than its own"));
            }
            if entry.action == FORGOTTEN {
                // There are several where entries were forgotten step by step; a step may have been the last one's.
                let beginning = beginning(&entry);
                begins_after = beginning.filter(|(last, _)| report.first == Some(last + 1)).or(begins_after);
            }
        }
    }
    if let (Some(first), Some((link, json))) = (report.first, first_link) {
        match begins_after {
            Some((last, before)) if last + 1 == first && vault.link(&before, &json) == link => {}
            _ => report
                .problems
                .push(problem(first, "what came before it is gone, and no entry says that it was forgotten")),
        }
    }
    report.problems.sort_by_key(|problem| problem.number);
    Ok(report)
}

/// The last forgotten entry and its link, as the entry about that says.
fn beginning(entry: &AuditEntry) -> Option<(u64, [u8; 32])> {
    let after = entry.after.as_ref()?;
    Some((after.get("number")?.as_u64()?, unhex(after.get("link")?.as_str()?)?))
}

pub(super) fn hex(link: &[u8; 32]) -> String {
    link.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    posthaste_core::ClientKeyHash::from_hex(text).map(|hash| hash.0)
}
