//! Carrying a plan out.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
};

use futures_util::{StreamExt, TryStreamExt, stream};
use posthaste_core::{Secret, Timestamp};
use posthaste_storage::{Entity, Repository, StorageError};
use posthaste_vault::{
    CrsKey, StoredCredential, Vault, VaultError, account_credential_place, account_proxy_place,
};

use crate::{
    ImportError, Plan, Target,
    map::{Plain, WantedAccount},
    plan::Write,
    report::Part,
};

/// What long work is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Names are read from the source.
    Reading,
    /// Records of a part are written.
    Writing(Part),
}

/// Told how far a step is, out of how much.
pub type Progress<'a> = dyn Fn(Step, u64, u64) + Send + Sync + 'a;

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Applied {
    /// Records by part.
    pub written: BTreeMap<Part, u64>,
    /// Records that differ and were left as they are here.
    pub kept: u64,
    /// Records that could not be written; everything else was.
    pub conflicts: Vec<Clash>,
}

/// A record that another one stood in the way of.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Clash {
    /// Its part.
    pub part: Part,
    /// Its name.
    pub name: String,
    /// What stood in the way.
    pub why: String,
}

/// Writes what is new, and what differs where `update` says so. Opening balances are written in any case: they belong to the
/// source. A record whose name another one has taken since the plan was made, or that changed since, is listed, and the rest goes on.
/// Whatever is left or stopped half-way is made up for by planning and applying again.
///
/// # Errors
/// When the store fails; what was written until then stays.
pub async fn apply(
    target: Target<'_>,
    plan: Plan,
    key: Option<&CrsKey>,
    update: bool,
    now: Timestamp,
    progress: &Progress<'_>,
) -> Result<Applied, ImportError> {
    let Target { stores, vault, .. } = target;
    if plan.needs_crs_key {
        // Before the keys that need it.
        vault.keep_crs_key(&*stores.config, key.ok_or(ImportError::NoKey)?).await?;
    }
    let mut applied = Applied::default();
    let accounts: Vec<_> = plan
        .accounts
        .into_iter()
        .map(|Write { record, over }| Ok(Write { record: sealed(vault, record)?, over }))
        .collect::<Result<_, VaultError>>()?;
    let way = Way { target, update, progress };
    way.write(Part::Pools, |pool| &pool.name, plan.pools, &mut applied).await?;
    way.write(Part::Accounts, |account| &account.name, accounts, &mut applied).await?;
    way.write(Part::Owners, |owner| &owner.name, plan.owners, &mut applied).await?;
    way.write(Part::People, |user| &user.name, plan.people, &mut applied).await?;
    way.write(Part::Keys, |key| &key.name, plan.keys, &mut applied).await?;
    way.write(Part::Channels, |channel| &channel.name, plan.channels, &mut applied).await?;

    let (rollups, counters) = (plan.opening.rollups, plan.opening.counters);
    let all = (rollups.len() + counters.len()) as u64;
    if all > 0 {
        let mut done = 0;
        for chunk in rollups.chunks(ROLLUPS) {
            stores.ledger.carry_over(chunk).await?;
            done += chunk.len() as u64;
            progress(Step::Writing(Part::Usage), done, all);
        }
        let raised = stream::iter(&counters).map(|raise| raise.write(stores, now)).buffer_unordered(AT_ONCE);
        raised.try_collect::<Vec<()>>().await?;
        progress(Step::Writing(Part::Usage), all, all);
        applied.written.insert(Part::Usage, all);
    }
    Ok(applied)
}

/// How records are written.
#[derive(Clone, Copy)]
struct Way<'a> {
    target: Target<'a>,
    update: bool,
    progress: &'a Progress<'a>,
}

impl Way<'_> {
    async fn write<T: Entity>(
        self,
        part: Part,
        name: fn(&T) -> &String,
        writes: Vec<Write<T>>,
        applied: &mut Applied,
    ) -> Result<(), ImportError> {
        let records = Repository::<T>::new(self.target.stores.config.clone());
        let (wanted, kept): (Vec<_>, Vec<_>) =
            writes.into_iter().partition(|write| self.update || write.over.is_none());
        applied.kept += kept.len() as u64;
        if wanted.is_empty() {
            return Ok(());
        }
        let (all, done) = (wanted.len() as u64, AtomicU64::new(0));
        let each = stream::iter(wanted).map(|Write { record, over }| {
            let (records, done, name) = (&records, &done, name(&record).clone());
            async move {
                let written = match over {
                    None => records.create(record).await,
                    Some(version) => records.replace(record, version).await,
                };
                (self.progress)(Step::Writing(part), done.fetch_add(1, Ordering::Relaxed) + 1, all);
                match written {
                    Ok(_) => Ok(None),
                    Err(error @ (StorageError::Taken { .. } | StorageError::Conflict { .. })) => {
                        Ok(Some(Clash { part, name, why: error.to_string() }))
                    }
                    Err(error) => Err(error),
                }
            }
        });
        // Many at once share one commit.
        let clashes: Vec<_> = each.buffer_unordered(AT_ONCE).try_collect().await?;
        let before = applied.conflicts.len();
        applied.conflicts.extend(clashes.into_iter().flatten());
        let written = all - (applied.conflicts.len() - before) as u64;
        if written > 0 {
            applied.written.insert(part, written);
        }
        Ok(())
    }
}

/// The account with its secrets sealed.
fn sealed(vault: &Vault, wanted: WantedAccount) -> Result<posthaste_core::Account, VaultError> {
    let WantedAccount { mut account, credential, proxy_password, .. } = wanted;
    let id = account.id;
    account.credential = match credential {
        Some(Plain::Key(key)) => Some(vault.seal(&account_credential_place(id), &key)?),
        Some(Plain::Aws(keys)) => Some(keys.seal(vault, id)?),
        Some(Plain::Token(token)) => Some(token.seal(vault, id)?),
        None => account.credential,
    };
    if let (Some(proxy), Some(password)) = (&mut account.proxy, &proxy_password) {
        proxy.password = Some(vault.seal(&account_proxy_place(id), &Secret::new(password.expose()))?);
    }
    Ok(account)
}

const AT_ONCE: usize = 256;
const ROLLUPS: usize = 2_000;
