//! Sessions and journals: what happened, and who is logged in.
//!
//! The ports tell neither all sessions nor the names of all journals, but everybody's sessions and a journal by its name. So what is
//! found is that of the people that there are, since a session of somebody who was removed was ended with that, and of the channels
//! that there are or that the audit log tells of.

use std::collections::BTreeSet;

use posthaste_core::{Channel, ChannelId, Session, Timestamp, User};
use posthaste_storage::{JournalEntry, JournalStore, RecordKind, Repository, StorageError, Stores};
use posthaste_vault::Vault;

use super::{Findings, Progress};
use crate::{
    audit::{JOURNAL, chain},
    branding,
};

/// Brings sessions and journals over; tells how many sessions and entries the source has.
pub(super) async fn carry_over(
    from: &Stores,
    to: &Stores,
    progress: Progress<'_>,
) -> Result<(u64, u64), StorageError> {
    let (mut sessions, mut entries) = (0, 0);
    let people = people(from).await?;
    for (done, user) in people.iter().enumerate() {
        progress("sessions", done as u64, people.len() as u64);
        let there = sessions_of(to, user).await?;
        for session in sessions_of(from, user).await? {
            sessions += 1;
            if !there.contains(&session) {
                to.sessions.begin(&session).await?;
            }
        }
    }
    let names = names(from).await?;
    for (done, name) in names.iter().enumerate() {
        progress("journals", done as u64, names.len() as u64);
        let known = to.journals.last(name).await?.map_or(0, |last| last.number);
        let mut after = 0;
        loop {
            let part = from.journals.after(name, after, PART).await?;
            let Some(last) = part.last() else { break };
            after = last.number;
            entries += part.len() as u64;
            for entry in part.iter().filter(|entry| entry.number > known) {
                to.journals.carry_over(name, entry).await?;
            }
        }
    }
    Ok((sessions, entries))
}

/// Whether the target has what the source has.
pub(super) async fn compare(from: &Stores, to: &Stores, findings: &mut Findings) -> Result<(), StorageError> {
    for user in people(from).await? {
        if sessions_of(from, &user).await? != sessions_of(to, &user).await? {
            findings.problem(format!("sessions of {}", user.id), "the target has others than the source");
        }
    }
    for name in names(from).await? {
        let (mut after, mut same) = (0, true);
        loop {
            let ours = part(&*from.journals, &name, after).await?;
            let Some(last) = ours.last() else { break };
            // What was forgotten at the source meanwhile may still be there.
            let theirs = part(&*to.journals, &name, ours[0].number.saturating_sub(1)).await?;
            after = last.number;
            same &= ours == theirs;
        }
        if !same || !part(&*to.journals, &name, after).await?.is_empty() {
            findings.problem(format!("journal {name}"), "the target has other entries than the source");
        }
    }
    Ok(())
}

/// Reads sessions, and follows the audit log's chain.
pub(super) async fn verify(stores: &Stores, vault: &Vault, findings: &mut Findings) {
    // People who cannot be read were told already.
    for user in people(stores).await.unwrap_or_default() {
        match sessions_of(stores, &user).await {
            Ok(sessions) => findings.sessions += sessions.len() as u64,
            Err(error) => findings.unreadable(format!("sessions of {}", user.id), &error),
        }
    }
    match chain::verify(&*stores.journals, vault).await {
        Ok(report) => {
            findings.audit = report.entries;
            for problem in report.problems {
                findings.problem(format!("audit log, entry {}", problem.number), problem.what);
            }
        }
        Err(error) => findings.unreadable("the audit log", &error),
    }
}

async fn part(
    journals: &dyn JournalStore,
    name: &str,
    after: u64,
) -> Result<Vec<JournalEntry>, StorageError> {
    journals.after(name, after, PART).await
}

async fn people(stores: &Stores) -> Result<Vec<User>, StorageError> {
    let people = Repository::<User>::new(stores.config.clone()).all().await?;
    Ok(people.into_iter().map(|user| user.value).collect())
}

/// Also those that have lapsed and are not swept yet.
async fn sessions_of(stores: &Stores, user: &User) -> Result<Vec<Session>, StorageError> {
    stores.sessions.of(user.id, Timestamp::EPOCH).await
}

async fn names(stores: &Stores) -> Result<Vec<String>, StorageError> {
    let channels = Repository::<Channel>::new(stores.config.clone()).all().await?;
    let mut ids: BTreeSet<ChannelId> = channels.iter().map(|channel| channel.value.id).collect();
    ids.extend(told_of(&*stores.journals).await?);
    let deliveries = ids.into_iter().map(deliveries_journal);
    Ok([JOURNAL, branding::JOURNAL].map(str::to_owned).into_iter().chain(deliveries).collect())
}

/// The channels that the audit log tells of: those that were removed as well.
async fn told_of(journals: &dyn JournalStore) -> Result<BTreeSet<ChannelId>, StorageError> {
    let (mut found, mut after) = (BTreeSet::new(), 0);
    loop {
        let entries = part(journals, JOURNAL, after).await?;
        let Some(last) = entries.last() else { return Ok(found) };
        after = last.number;
        // What cannot be read is told when the log is verified.
        let targets = entries.iter().filter_map(|entry| chain::read(entry).ok()?.entry.target);
        let channels = targets.filter(|target| target.kind == RecordKind::Channel.as_str());
        found.extend(channels.filter_map(|target| target.id).map(ChannelId::from_uuid));
    }
}

/// The journal of what became of messages to a channel.
pub fn deliveries_journal(channel: ChannelId) -> String {
    format!("deliveries/{channel}")
}

const PART: usize = 1_000;
