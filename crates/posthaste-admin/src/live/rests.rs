//! Which accounts rest, by what all relays know and by what the one knows that answers.

use posthaste_core::{Account, CooldownScope, Told};

use super::LiveRest;
use crate::{Admin, AdminError, ParkedView};

/// The rests that are not over, by account.
pub(super) async fn of_all(admin: &Admin) -> Result<Vec<LiveRest>, AdminError> {
    let parts = admin.parts();
    let now = parts.clock.now();
    let known = parts.stores.fleet.health(now).await?.news;
    let mut rests = Vec::new();
    for account in admin.account_records().all().await? {
        let account = account.value;
        for news in known.iter().filter(|news| news.health.account == account.id) {
            let Told::Rests(rest) = &news.health.told else { continue };
            if rest.until > now {
                let parked = ParkedView { reason: rest.reason, until: rest.until, why: rest.why.clone() };
                let told = told(&account, scope(&news.health.scope), parked);
                rests.push(LiveRest { told_by: Some(news.from), ..told });
            }
        }
        let Some(runtime) = &parts.runtime else { continue };
        let own = runtime.parked(account.id).map(|parked| told(&account, None, parked));
        let models = runtime.parked_models(account.id).into_iter();
        let models = models.map(|models| told(&account, Some(models.models), models.parked));
        for rest in own.into_iter().chain(models) {
            let is_known = |other: &LiveRest| other.account_id == account.id && other.models == rest.models;
            if !rests.iter().any(is_known) {
                rests.push(rest);
            }
        }
    }
    Ok(rests)
}

fn told(account: &Account, models: Option<String>, parked: ParkedView) -> LiveRest {
    let ParkedView { reason, until, why } = parked;
    LiveRest {
        account_id: account.id,
        account: account.name.clone(),
        models,
        reason,
        until,
        why,
        told_by: None,
    }
}

fn scope(scope: &CooldownScope) -> Option<String> {
    match scope {
        CooldownScope::Account => None,
        models => Some(models.to_string()),
    }
}
