//! Lists of accounts.

use std::sync::Arc;

use posthaste_core::{Account, CooldownReason, Timestamp};
use posthaste_storage::Dimension;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    Cut, ListPage, SortOrder, UsedIn,
    order::{SortValue, has},
    part::{ByUse, Listed, Part, Row, Wish},
};
use crate::{AccountView, Actor, Admin, AdminError, Runtime, UsageTotals, directory::Snapshot};

/// Which accounts are wanted, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct AccountListInput {
    /// Which page, from 1 on.
    pub page: Option<usize>,
    /// How many a page has; 50 unless told, 500 at most.
    pub page_size: Option<usize>,
    /// Only what has this text, in whatever case, in its name, id, preset, base URL, tags, notes or the names of its pools.
    pub search: Option<String>,
    /// By what they are sorted: `name` (unless told), `priority`, `provider`, `preset`, `state`, `createdAt`, `updatedAt`,
    /// `expiresAt`, `lastUsedAt`, `cost`, `tokens` or `requests`. What is equal stands in the order of names.
    pub sort_by: Option<String>,
    /// `asc` or `desc`.
    pub sort_order: Option<SortOrder>,
    /// Only those that are `ready`, `limited`, `failing`, `paused` or `disabled`.
    #[serde(alias = "status")]
    pub state: Option<String>,
    /// Only those of these presets, with commas between.
    pub preset: Option<String>,
    /// Only those of this provider.
    #[serde(alias = "platform")]
    pub provider: Option<String>,
    /// Only the members of this pool, by name or id.
    #[serde(alias = "groupId", alias = "group")]
    pub pool: Option<String>,
    /// Since when `usage` counts, and `cost`, `tokens` and `requests` with it: `today`, `7days`, `30days` or `all`.
    #[serde(alias = "timeRange")]
    pub range: UsedIn,
}

/// An account in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccountRow {
    /// The account.
    #[serde(flatten)]
    pub account: AccountView,
    /// What it served in the time that was asked for; absent for whoever may not see that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<UsageTotals>,
    /// The hour in which it was last used; absent likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<Timestamp>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Name,
    Priority,
    Provider,
    Preset,
    State,
    CreatedAt,
    UpdatedAt,
    ExpiresAt,
    Use(ByUse),
}

/// A page of accounts.
pub(crate) async fn page(
    admin: &Admin,
    actor: &Actor,
    input: &AccountListInput,
) -> Result<ListPage<AccountRow>, AdminError> {
    let cut = Cut::new(input.page, input.page_size)?;
    let by = sorted_by(input.sort_by.as_deref())?;
    let known = admin.directory().await?;
    let wanted = Wanted::new(admin, input, &known)?;
    let accounts = known.accounts.iter().filter(|(_, account)| wanted.has(account));
    let listed = accounts.map(|(id, account)| {
        let value = match by {
            By::Name => SortValue::text(&account.name),
            By::Priority => SortValue::number(account.priority),
            By::Provider => SortValue::text(account.provider.as_str()),
            By::Preset => SortValue::text(&account.preset.0),
            By::State => SortValue::text(wanted.state_of(account)),
            By::CreatedAt => SortValue::moment(Some(account.created_at)),
            By::UpdatedAt => SortValue::moment(Some(account.updated_at)),
            By::ExpiresAt => SortValue::moment(account.scheduling.expires_at),
            By::Use(_) => SortValue::Nothing,
        };
        Listed { id: *id, name: account.name.clone(), value, record: account }
    });
    let by_use = if let By::Use(by) = by { Some(by) } else { None };
    let (order, range) = (input.sort_order.unwrap_or_default(), input.range);
    let wish = Wish { cut, order, by_use, range, of: Dimension::Account };
    let Part { rows, total } = wish.part(admin, actor, listed.collect()).await?;
    let item = |Row { record, usage, last_used_at }: Row<&Arc<Account>>| AccountRow {
        account: admin.accounts().view(Account::clone(record)),
        usage,
        last_used_at,
    };
    let items = rows.into_iter().map(item).collect();
    Ok(cut.page(items, total))
}

/// Where an account stands, in a word: `ready`, `limited` while its vendor wants it to rest, `failing` while it does not serve
/// for another reason, `paused` while nothing new is sent to it, `disabled`. All that are on are `ready` where no relay runs.
pub(crate) fn standing(account: &Account, runtime: Option<&dyn Runtime>) -> &'static str {
    if !account.enabled {
        return STATES[4];
    }
    if !account.scheduling.schedulable {
        return STATES[3];
    }
    match runtime.and_then(|runtime| runtime.parked(account.id)).map(|parked| parked.reason) {
        None => STATES[0],
        Some(CooldownReason::RateLimited | CooldownReason::Overloaded | CooldownReason::QuotaExhausted) => {
            STATES[1]
        }
        Some(CooldownReason::Unauthorised | CooldownReason::Forbidden | CooldownReason::Failing) => STATES[2],
    }
}

fn sorted_by(name: Option<&str>) -> Result<By, AdminError> {
    Ok(match name.unwrap_or("name") {
        "name" => By::Name,
        "priority" => By::Priority,
        "provider" | "platform" => By::Provider,
        "preset" => By::Preset,
        "state" | "status" => By::State,
        "createdAt" | "created_at" => By::CreatedAt,
        "updatedAt" | "updated_at" => By::UpdatedAt,
        "expiresAt" | "expires_at" => By::ExpiresAt,
        other => {
            if let Some(by) = ByUse::named(other) {
                return Ok(By::Use(by));
            }
            let message = "is nothing that accounts are sorted by; it is one of: name, priority, provider, preset, state, \
                           createdAt, updatedAt, expiresAt, lastUsedAt, cost, tokens, requests";
            return Err(AdminError::invalid("sortBy", message));
        }
    })
}

/// What an account has to be like.
struct Wanted<'a> {
    known: &'a Snapshot,
    runtime: Option<&'a dyn Runtime>,
    needle: String,
    state: Option<&'a str>,
    presets: Vec<&'a str>,
    provider: Option<&'a str>,
    pool: Option<Uuid>,
}

impl<'a> Wanted<'a> {
    fn new(admin: &'a Admin, input: &'a AccountListInput, known: &'a Snapshot) -> Result<Self, AdminError> {
        if let Some(state) = &input.state
            && !STATES.contains(&state.as_str())
        {
            let message = format!("is no state of an account; it is one of: {}", STATES.join(", "));
            return Err(AdminError::invalid("state", message));
        }
        let provider = input.provider.as_deref().map(|name| crate::keys::provider_named("provider", name));
        let pool = match input.pool.as_deref() {
            None => None,
            Some(pool) => {
                let named = known.pools.iter().find(|(_, known)| known.name == pool).map(|(id, _)| *id);
                let found = Uuid::try_parse(pool).ok().or(named);
                let what = || AdminError::NotFound { what: format!("pool `{}`", pool.escape_debug()) };
                Some(found.ok_or_else(what)?)
            }
        };
        let presets = input.preset.as_deref().unwrap_or_default().split(',').map(str::trim);
        Ok(Self {
            known,
            runtime: admin.parts().runtime.as_deref(),
            needle: input.search.as_deref().unwrap_or_default().trim().to_lowercase(),
            state: input.state.as_deref(),
            presets: presets.filter(|preset| !preset.is_empty()).collect(),
            provider: provider.transpose()?.map(|provider| provider.as_str()),
            pool,
        })
    }

    fn has(&self, account: &Account) -> bool {
        let mut pools = account.scheduling.pools.iter();
        (self.presets.is_empty() || self.presets.contains(&account.preset.0.as_str()))
            && self.provider.is_none_or(|provider| account.provider.as_str() == provider)
            && self.pool.is_none_or(|wanted| pools.any(|pool| pool.uuid() == wanted))
            && self.state.is_none_or(|wanted| self.state_of(account) == wanted)
            && (self.needle.is_empty() || self.is_found(account))
    }

    fn state_of(&self, account: &Account) -> &'static str {
        standing(account, self.runtime)
    }

    fn is_found(&self, account: &Account) -> bool {
        let id = account.id.to_string();
        let rules = &account.scheduling;
        let own = [account.name.as_str(), &account.preset.0, &account.base_url, &rules.notes, &id];
        let pools = rules.pools.iter().filter_map(|pool| self.known.pools.get(&pool.uuid()));
        let pools = pools.map(|pool| pool.name.as_str());
        has(&self.needle, own.into_iter().chain(rules.tags.iter().map(String::as_str)).chain(pools))
    }
}

const STATES: [&str; 5] = ["ready", "limited", "failing", "paused", "disabled"];
