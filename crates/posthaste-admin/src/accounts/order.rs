//! The order in which accounts are asked: priorities and weights of several accounts at once.
//!
//! Each account is changed on the way on which one is, with its own entry in the audit log. Nothing is written unless all
//! accounts are there, all numbers are possible and no account is another than whoever asks saw.

use std::collections::{HashMap, HashSet};

use posthaste_core::{Account, AccountId};
use posthaste_storage::Versioned;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AccountChange, SavedAccount, SchedulingChange, scheduling};
use crate::{Acted, Actor, Admin, AdminError, AdminFailure, Command, input};

/// Where accounts are to stand.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AccountOrder {
    /// Those that move, 1 to 500; all others stay where they are.
    pub accounts: Vec<AccountPlace>,
}

/// Where an account is to stand. What is `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AccountPlace {
    /// Which, by name or id.
    pub account: String,
    /// The version in which it was seen; nothing is changed when it has another one.
    pub version: Option<u64>,
    /// 1 (first) to 100 (last).
    pub priority: Option<u32>,
    /// Its share where the strategy goes by weight, 1 to 1,000.
    pub weight: Option<u32>,
}

/// Where accounts stand now.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct OrderView {
    /// How many stand where they were to.
    pub done: usize,
    /// How many do not: somebody else changed them at this very moment.
    pub failed: usize,
    /// Each, in the order of the question.
    pub items: Vec<OrderItem>,
}

/// What became of one.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct OrderItem {
    /// Which.
    pub account_id: AccountId,
    /// Its name.
    pub account: String,
    /// Its priority.
    pub priority: u8,
    /// Its weight.
    pub weight: u16,
    /// Its version.
    pub version: u64,
    /// Why it stands where it stood.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<AdminFailure>,
}

impl Admin {
    /// Gives accounts other priorities and weights.
    ///
    /// # Errors
    /// [`AdminError::Invalid`] and [`AdminError::NotFound`] for what cannot be, and [`AdminError::Stale`] when an account is another
    /// than it was seen; nothing is changed then. Who changes one between that look and the write is told of in the answer.
    pub async fn order_accounts(&self, actor: &Actor, order: AccountOrder) -> Result<OrderView, AdminError> {
        actor.check(command("", &AccountPlace::default()).policy().need)?;
        let places = bounded(order.accounts)?;
        let found = self.looked_up(&places).await?;
        let mut view = OrderView::default();
        for (place, Versioned { version, value: account }) in places.iter().zip(found) {
            let id = account.id.to_string();
            let done = self.act_on(actor, command(&id, place), Some(version)).await;
            let mut item = OrderItem::of(&account, version);
            match done.map(|acted| item.moved(acted)) {
                Ok(()) => view.done += 1,
                Err(error) => {
                    item.failure = Some(AdminFailure::from(&error));
                    view.failed += 1;
                }
            }
            view.items.push(item);
        }
        Ok(view)
    }

    /// The accounts as they are, if they are as they were seen.
    async fn looked_up(&self, places: &[AccountPlace]) -> Result<Vec<Versioned<Account>>, AdminError> {
        let known = self.account_records().all().await?;
        let by_name: HashMap<_, _> = known.iter().map(|record| (record.value.name.clone(), record)).collect();
        let by_id: HashMap<_, _> = known.iter().map(|record| (record.value.id.to_string(), record)).collect();
        let (mut seen, mut found) = (HashSet::new(), Vec::with_capacity(places.len()));
        for AccountPlace { account, version, .. } in places {
            let Some(record) = by_id.get(account).or_else(|| by_name.get(account)) else {
                let what = format!("account `{}`", account.escape_debug());
                return Err(AdminError::NotFound { what });
            };
            let Versioned { version: now, value } = *record;
            if !seen.insert(value.id) {
                return Err(AdminError::invalid("accounts", format!("name `{}` twice", value.name)));
            }
            if version.is_some_and(|version| version != *now) {
                let view = self.accounts().view(value.clone());
                let current = serde_json::to_value(view).ok().map(Box::new);
                let what = format!("account `{}`", value.name);
                return Err(AdminError::Stale { what, version: *now, current });
            }
            found.push(Versioned { version: *now, value: value.clone() });
        }
        Ok(found)
    }
}

impl OrderItem {
    fn of(account: &Account, version: u64) -> Self {
        Self {
            account_id: account.id,
            account: account.name.clone(),
            priority: account.priority,
            weight: account.scheduling.weight,
            version,
            failure: None,
        }
    }

    /// It stands where the answer says.
    fn moved(&mut self, Acted { reply, version }: Acted) {
        if let crate::Reply::SavedAccount(SavedAccount { account, .. }) = reply {
            (self.priority, self.weight) = (account.priority, account.scheduling.weight);
        }
        self.version = version.unwrap_or(self.version);
    }
}

fn command(account: &str, place: &AccountPlace) -> Command {
    let scheduling = SchedulingChange { weight: place.weight, ..SchedulingChange::default() };
    let change = AccountChange { priority: place.priority, scheduling, ..AccountChange::default() };
    Command::UpdateAccount { account: account.to_owned(), change }
}

fn bounded(places: Vec<AccountPlace>) -> Result<Vec<AccountPlace>, AdminError> {
    if !(1..=MOST).contains(&places.len()) {
        let message = format!("are {}; move 1 to {MOST} accounts at once", places.len());
        return Err(AdminError::invalid("accounts", message));
    }
    for place in &places {
        place.priority.map(|priority| input::priority(Some(priority))).transpose()?;
        place.weight.map(scheduling::weight).transpose()?;
    }
    Ok(places)
}

/// Accounts that move at once.
const MOST: usize = 500;
