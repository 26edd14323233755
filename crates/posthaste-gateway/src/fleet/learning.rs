//! Learning from the other relays.

use std::{convert::Infallible, time::Duration};

use posthaste_core::{AccountId, CooldownScope, HealthNews, Told, fields};
use posthaste_storage::{Mark, News, StorageError};

use crate::engine::Engine;

/// Keeps the accounts' health in step with what the other relays tell; never ends.
pub(super) async fn follow(engine: &Engine) {
    let mut fails = false;
    loop {
        let Err(error) = read_on(engine, &mut fails).await;
        if !std::mem::replace(&mut fails, true) && !engine.store_health.tells_of(&error) {
            tracing::warn!(%error, "what other relays tell of the accounts' health cannot be read; trying again");
        }
        tokio::time::sleep(PAUSE_AFTER_FAILURE).await;
    }
}

/// Reads until the store fails. Whatever was told before is read again then, so that nothing is missed.
async fn read_on(engine: &Engine, fails: &mut bool) -> Result<Infallible, StorageError> {
    let mut mark = learn_known(engine).await?;
    loop {
        *fails = false;
        let page = engine.fleet.store.news(mark).await?;
        if page.truncated {
            mark = learn_known(engine).await?;
        } else {
            page.news.iter().for_each(|news| learn(engine, news));
            mark = page.mark;
        }
    }
}

/// Learns all that is known of the accounts' health.
pub(crate) async fn learn_known(engine: &Engine) -> Result<Mark, StorageError> {
    let known = engine.fleet.store.health(engine.clock.now()).await?;
    known.news.iter().for_each(|news| learn(engine, news));
    Ok(known.mark)
}

/// Learns one piece of news. What this relay told itself comes back as well: a rest is known, but a recovery counts again, since
/// an older rest of another relay may have come between.
pub(super) fn learn(engine: &Engine, News { from, health }: &News) {
    let HealthNews { account, scope, told } = health;
    let (scheduler, is_own) = (&engine.scheduler, *from == engine.fleet.id);
    match told {
        Told::Rests(_) if is_own => {}
        Told::Rests(rest) => {
            if scheduler.learn_rest(*account, scope, rest) {
                let name = name_of(engine, *account);
                engine.notices.health(health, &name, engine.clock.now());
                tracing::info!({ fields::ACCOUNT } = name, reason = %rest.reason, until = %rest.until, why = %rest.why, "account rests, as another relay tells");
            }
        }
        Told::Serves { asked_at, hope } => {
            if scheduler.learn_recovery(*account, scope, *asked_at, *hope && !is_own) {
                let name = name_of(engine, *account);
                engine.notices.health(health, &name, engine.clock.now());
                tracing::info!({ fields::ACCOUNT } = name, %scope, "account serves again, as another relay tells");
            }
        }
        Told::Released { at } => {
            if scheduler.learn_release(*account, *at) {
                let name = name_of(engine, *account);
                engine.notices.health(health, &name, engine.clock.now());
                tracing::info!({ fields::ACCOUNT } = name, scope = %CooldownScope::Account, "account's rest was ended at another relay");
            }
        }
    }
}

/// What operators call an account; its identity where it is not known here.
pub(crate) fn name_of(engine: &Engine, account: AccountId) -> String {
    let accounts = engine.directory.all();
    let known = accounts.binary_search_by_key(&account, |account| account.id).ok();
    known.map_or_else(|| account.to_string(), |position| accounts[position].name.clone())
}

const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(1);
