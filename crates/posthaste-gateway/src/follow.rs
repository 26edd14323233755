//! Following the change feed, so that every instance knows of a change within a second.

use std::time::Duration;

use posthaste_core::{Account, AuthForm, ClientKeyId, CooldownReason};
use posthaste_storage::{Changes, ConfigStore, RecordKind, Revision, StorageError};

use crate::{engine::Engine, fleet::release_cured};

/// Keeps directory, key memories and health in step with the store; never ends.
pub(crate) async fn follow(engine: &Engine, store: &dyn ConfigStore, since: Revision) {
    let mut since = since;
    loop {
        match next_changes(store, since).await {
            Ok(changes) => {
                since = changes.revision;
                apply(engine, store, &changes).await;
                engine.recorder.note_revision(since);
            }
            Err(error) => {
                tracing::warn!(%error, "the change feed cannot be read; trying again");
                tokio::time::sleep(PAUSE_AFTER_FAILURE).await;
            }
        }
    }
}

async fn next_changes(store: &dyn ConfigStore, since: Revision) -> Result<Changes, StorageError> {
    store.changed(since).await?;
    store.changes(since).await
}

async fn apply(engine: &Engine, store: &dyn ConfigStore, changes: &Changes) {
    if changes.truncated || changes.changes.iter().any(|change| change.kind == RecordKind::Keyring) {
        reload_vault(engine, store).await;
    }
    if changes.truncated {
        engine.authenticator.forget_all();
    }
    for change in changes.changes.iter().filter(|change| change.kind == RecordKind::ClientKey) {
        if let Err(error) = engine.authenticator.forget(ClientKeyId::from_uuid(change.id)).await {
            tracing::warn!(%error, "a changed client key cannot be read; all remembered keys were forgotten");
        }
    }
    if changes.truncated || changes.changes.iter().any(|change| change.kind == RecordKind::Account) {
        reload_accounts(engine).await;
    }
    let is_place = |kind| matches!(kind, RecordKind::Pool | RecordKind::Route);
    if changes.truncated || changes.changes.iter().any(|change| is_place(change.kind)) {
        reload_places(engine).await;
    }
    let is_price = |kind| matches!(kind, RecordKind::OwnPrice | RecordKind::Setting);
    if changes.truncated || changes.changes.iter().any(|change| is_price(change.kind)) {
        reload_prices(engine).await;
    }
    if changes.truncated || changes.changes.iter().any(|change| change.kind == RecordKind::Setting) {
        reload_rates(engine).await;
    }
    let is_owner = |kind| matches!(kind, RecordKind::Owner | RecordKind::Team);
    if changes.truncated || changes.changes.iter().any(|change| is_owner(change.kind)) {
        reload_owners(engine).await;
    }
}

async fn reload_vault(engine: &Engine, store: &dyn ConfigStore) {
    if let Err(error) = engine.authenticator.reload_vault(store).await {
        tracing::warn!(%error, "the vault's record of another relay's client keys cannot be read; those keys stay unknown");
    }
}

async fn reload_owners(engine: &Engine) {
    while let Err(error) = engine.directory.reload_owners().await {
        tracing::warn!(%error, "the owners and teams cannot be read; trying again");
        tokio::time::sleep(PAUSE_AFTER_FAILURE).await;
    }
}

async fn reload_prices(engine: &Engine) {
    while let Err(error) = engine.prices.reload().await {
        tracing::warn!(%error, "the operator's own prices cannot be read; trying again");
        tokio::time::sleep(PAUSE_AFTER_FAILURE).await;
    }
}

async fn reload_rates(engine: &Engine) {
    while let Err(error) = engine.rates.reload().await {
        tracing::warn!(%error, "the service rates cannot be read; trying again");
        tokio::time::sleep(PAUSE_AFTER_FAILURE).await;
    }
}

async fn reload_places(engine: &Engine) {
    while let Err(error) = engine.directory.reload_places().await {
        tracing::warn!(%error, "the pools and routes cannot be read; trying again");
        tokio::time::sleep(PAUSE_AFTER_FAILURE).await;
    }
}

async fn reload_accounts(engine: &Engine) {
    let before = engine.directory.all();
    while let Err(error) = engine.directory.reload().await {
        tracing::warn!(%error, "the accounts cannot be read; trying again");
        tokio::time::sleep(PAUSE_AFTER_FAILURE).await;
    }
    engine.scheduler.retain(|account| engine.directory.contains(account));
    engine.quotas.retain(|account| engine.directory.contains(account));
    engine.notices.retain(|account| engine.directory.contains(account));
    for account in engine.directory.all().iter() {
        let Ok(position) = before.binary_search_by_key(&account.id, |account| account.id) else { continue };
        let before = &before[position];
        if was_cured(before, account) || may_sign_in_again(engine, before, account) {
            release_cured(engine, account.id);
        }
    }
}

/// Whether a change may have put right what the account rests from. The credential of an account that is logged in
/// changes with each refresh, which puts no limit right.
fn was_cured(before: &Account, after: &Account) -> bool {
    let way = |account: &Account| {
        (
            account.credential.clone().filter(|_| account.auth != AuthForm::OAuth),
            account.base_url.clone(),
            account.settings.clone(),
            account.auth,
            account.private_address.is_some(),
            account.proxy.clone(),
        )
    };
    way(before) != way(after) || (!before.enabled && after.enabled)
}

/// Whether an account that rests for its token has another one: it was logged in again, or refreshed elsewhere.
fn may_sign_in_again(engine: &Engine, before: &Account, after: &Account) -> bool {
    after.auth == AuthForm::OAuth
        && before.credential != after.credential
        && engine
            .scheduler
            .parked(after.id, engine.clock.now())
            .is_some_and(|parked| parked.reason == CooldownReason::Unauthorised)
}

const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(1);
