//! Lists of client keys.

use posthaste_core::{ClientKey, KeyStatus, Place, Timestamp};
use posthaste_storage::Dimension;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    Cut, ListPage, SortOrder, UsedIn,
    order::{SortValue, has},
    part::{ByUse, Listed, Part, Row, Wish},
};
use crate::{Actor, Admin, AdminError, KeyView, UsageTotals, directory::Snapshot};

/// Which client keys are wanted, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct KeyListInput {
    /// Which page, from 1 on.
    pub page: Option<usize>,
    /// How many a page has; 50 unless told, 500 at most.
    pub page_size: Option<usize>,
    /// Only what has this text, in whatever case, in its name, id, last characters, tags, owner, team, or in the name of the
    /// account or pool that it is bound to.
    pub search: Option<String>,
    /// By what they are sorted: `name` (unless told), `owner`, `state`, `createdAt`, `updatedAt`, `expiresAt`, `lastUsedAt`,
    /// `cost`, `tokens` or `requests`. What is equal stands in the order of names.
    pub sort_by: Option<String>,
    /// `asc` or `desc`.
    pub sort_order: Option<SortOrder>,
    /// Only those in this state: `active`, `disabled`, `revoked`, `expired` or `deleted`. Unless told, all but the deleted.
    pub state: Option<String>,
    /// Only those that open the door now, or that do not.
    pub is_active: Option<bool>,
    /// Only those with this tag.
    pub tag: Option<String>,
    /// Only this owner's, by name or id; empty for nobody's.
    pub owner: Option<String>,
    /// Only those of this team's owners, by name or id.
    pub team: Option<String>,
    /// Since when `usage` counts, and `cost`, `tokens` and `requests` with it: `today`, `7days`, `30days` or `all`.
    #[serde(alias = "costTimeRange", alias = "timeRange")]
    pub range: UsedIn,
}

/// A client key in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeyRow {
    /// The key.
    #[serde(flatten)]
    pub key: KeyView,
    /// What it used in the time that was asked for; absent for whoever may not see that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<UsageTotals>,
    /// When it was last used, as far as the books' rows go back; absent likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<Timestamp>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Name,
    Owner,
    State,
    CreatedAt,
    UpdatedAt,
    ExpiresAt,
    Use(ByUse),
}

/// A page of client keys.
pub(crate) async fn page(
    admin: &Admin,
    actor: &Actor,
    input: &KeyListInput,
) -> Result<ListPage<KeyRow>, AdminError> {
    let cut = Cut::new(input.page, input.page_size)?;
    let by = sorted_by(input.sort_by.as_deref())?;
    let known = admin.directory().await?;
    let wanted = Wanted::new(input, &known, admin.parts().clock.now())?;
    let keys = known.keys.iter().filter(|(_, key)| wanted.has(key));
    let listed = keys.map(|(id, key)| {
        let value = match by {
            By::Name => SortValue::text(&key.name),
            By::Owner => wanted.owner_name(key).map_or(SortValue::Nothing, SortValue::text),
            By::State => SortValue::text(state(key.status(wanted.now))),
            By::CreatedAt => SortValue::moment(Some(key.created_at)),
            By::UpdatedAt => SortValue::moment(Some(key.updated_at)),
            By::ExpiresAt => SortValue::moment(key.expires_at()),
            By::Use(_) => SortValue::Nothing,
        };
        Listed { id: *id, name: key.name.clone(), value, record: key }
    });
    let by_use = if let By::Use(by) = by { Some(by) } else { None };
    let (order, range) = (input.sort_order.unwrap_or_default(), input.range);
    let wish = Wish { cut, order, by_use, range, of: Dimension::Key };
    let Part { rows, total } = wish.part(admin, actor, listed.collect()).await?;
    let mut items = Vec::with_capacity(rows.len());
    for Row { record, usage, last_used_at } in rows {
        let key = admin.keys().view(ClientKey::clone(record)).await?;
        items.push(KeyRow { key, usage, last_used_at });
    }
    Ok(cut.page(items, total))
}

fn sorted_by(name: Option<&str>) -> Result<By, AdminError> {
    Ok(match name.unwrap_or("name") {
        "name" => By::Name,
        "owner" => By::Owner,
        "state" | "status" => By::State,
        "createdAt" | "created_at" => By::CreatedAt,
        "updatedAt" | "updated_at" => By::UpdatedAt,
        "expiresAt" | "expires_at" => By::ExpiresAt,
        other => {
            if let Some(by) = ByUse::named(other) {
                return Ok(By::Use(by));
            }
            let message = "is nothing that client keys are sorted by; it is one of: name, owner, state, createdAt, \
                           updatedAt, expiresAt, lastUsedAt, cost, tokens, requests";
            return Err(AdminError::invalid("sortBy", message));
        }
    })
}

/// Whose the keys have to be.
#[derive(Clone, Copy)]
enum Whose {
    Anybodys,
    Nobodys,
    Of(Uuid),
}

impl Whose {
    fn fits(self, owner: Option<Uuid>) -> bool {
        match self {
            Self::Anybodys => true,
            Self::Nobodys => owner.is_none(),
            Self::Of(wanted) => owner == Some(wanted),
        }
    }
}

/// What a key has to be like.
struct Wanted<'a> {
    known: &'a Snapshot,
    now: Timestamp,
    needle: String,
    state: Option<&'a str>,
    is_active: Option<bool>,
    tag: Option<&'a str>,
    owner: Whose,
    team: Option<Uuid>,
}

impl<'a> Wanted<'a> {
    fn new(input: &'a KeyListInput, known: &'a Snapshot, now: Timestamp) -> Result<Self, AdminError> {
        if let Some(state) = &input.state
            && !STATES.contains(&state.as_str())
        {
            let message = format!("is no state of a client key; it is one of: {}", STATES.join(", "));
            return Err(AdminError::invalid("state", message));
        }
        let owner = match input.owner.as_deref() {
            None => Whose::Anybodys,
            Some("") => Whose::Nobodys,
            Some(owner) => {
                let named = known.owners.iter().find(|(_, known)| known.name == owner).map(|(id, _)| *id);
                Whose::Of(id_of("owner", owner, named)?)
            }
        };
        let team = match input.team.as_deref() {
            None => None,
            Some(team) => {
                let named = known.teams.iter().find(|(_, known)| known.name == team).map(|(id, _)| *id);
                Some(id_of("team", team, named)?)
            }
        };
        Ok(Self {
            known,
            now,
            needle: input.search.as_deref().unwrap_or_default().trim().to_lowercase(),
            state: input.state.as_deref(),
            is_active: input.is_active,
            tag: input.tag.as_deref(),
            owner,
            team,
        })
    }

    fn has(&self, key: &ClientKey) -> bool {
        let owner = key.policy.owner.map(|owner| owner.uuid());
        let status = key.status(self.now);
        self.state.map_or(status != KeyStatus::Deleted, |wanted| state(status) == wanted)
            && self.is_active.is_none_or(|active| (status == KeyStatus::Active) == active)
            && self.tag.is_none_or(|tag| key.policy.tags.iter().any(|known| known == tag))
            && self.owner.fits(owner)
            && self.team.is_none_or(|team| owner.and_then(|owner| self.known.team_of(owner)) == Some(team))
            && (self.needle.is_empty() || self.is_found(key))
    }

    fn is_found(&self, key: &ClientKey) -> bool {
        let id = key.id.to_string();
        let tags = key.policy.tags.iter().map(String::as_str);
        let texts = [key.name.as_str(), key.hint.as_str(), id.as_str()].into_iter().chain(tags);
        let team = key.policy.owner.and_then(|owner| self.known.team_of(owner.uuid()));
        let team = team.and_then(|team| self.known.teams.get(&team)).map(|team| team.name.as_str());
        let more = self.owner_name(key).into_iter().chain(team).chain(self.bound_to(key));
        has(&self.needle, texts.chain(more))
    }

    fn owner_name(&self, key: &ClientKey) -> Option<&'a str> {
        let owner = self.known.owners.get(&key.policy.owner?.uuid())?;
        Some(owner.name.as_str())
    }

    fn bound_to(&self, key: &ClientKey) -> Option<&'a str> {
        match key.policy.binding.as_ref()?.to {
            Place::Account(id) => self.known.accounts.get(&id.uuid()).map(|account| account.name.as_str()),
            Place::Pool(id) => self.known.pools.get(&id.uuid()).map(|pool| pool.name.as_str()),
        }
    }
}

fn id_of(noun: &'static str, selector: &str, named: Option<Uuid>) -> Result<Uuid, AdminError> {
    let found = Uuid::try_parse(selector).ok().or(named);
    found.ok_or_else(|| AdminError::NotFound { what: format!("{noun} `{}`", selector.escape_debug()) })
}

fn state(status: KeyStatus) -> &'static str {
    match status {
        KeyStatus::Active => STATES[0],
        KeyStatus::Disabled => STATES[1],
        KeyStatus::Revoked => STATES[2],
        KeyStatus::Expired { .. } => STATES[3],
        KeyStatus::Deleted => STATES[4],
    }
}

const STATES: [&str; 5] = ["active", "disabled", "revoked", "expired", "deleted"];
