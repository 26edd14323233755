//! Owners of client keys, and their teams.

use std::collections::HashMap;

use posthaste_core::{Limit, Owner, Team, TeamId, Timestamp, UserId};
use posthaste_storage::{Repository, StorageError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Admin, AdminError,
    change::{self, find},
    directory::Snapshot,
    input,
};

/// An owner to be made or changed. What is `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OwnerInput {
    /// Another name for it.
    pub rename: Option<String>,
    /// The limits of all its keys together, in place of all that was said before.
    pub limits: Option<Vec<Limit>>,
    /// The team that it belongs to, by name or id; empty for none.
    pub team: Option<String>,
}

/// A team to be made or changed. What is `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TeamInput {
    /// Another name for it.
    pub rename: Option<String>,
    /// The limits of all keys of its owners together, in place of all that was said before.
    pub limits: Option<Vec<Limit>>,
}

/// An owner as operators see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OwnerView {
    /// Its identity.
    pub id: UserId,
    /// The operator's name for it.
    pub name: String,
    /// The limits of all its keys together.
    pub limits: Vec<Limit>,
    /// The team that it belongs to, by name.
    pub team: Option<String>,
    /// The names of its keys, sorted.
    pub keys: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// A team as operators see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TeamView {
    /// Its identity.
    pub id: TeamId,
    /// The operator's name for it.
    pub name: String,
    /// The limits of all keys of its owners together.
    pub limits: Vec<Limit>,
    /// The names of its owners, sorted.
    pub owners: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// Owners and teams.
#[derive(Clone, Copy)]
pub struct OwnerService<'a> {
    admin: &'a Admin,
}

impl<'a> OwnerService<'a> {
    pub(crate) fn new(admin: &'a Admin) -> Self {
        Self { admin }
    }

    /// The names of all owners, sorted.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn names(self) -> Result<Vec<String>, AdminError> {
        let known = self.admin.directory().await?;
        let mut names: Vec<_> = known.owners.values().map(|owner| owner.name.clone()).collect();
        names.sort();
        Ok(names)
    }

    /// Changes an owner, or makes it when no owner has the name.
    ///
    /// # Errors
    /// [`AdminError::Invalid`] for an input that cannot be taken, [`AdminError::Conflict`] when the new name is taken,
    /// [`AdminError::NotFound`] when there is no such team, or no owner with the id that is named.
    pub async fn set(self, owner: &str, input: &OwnerInput) -> Result<OwnerView, AdminError> {
        let now = self.now();
        let team = match input.team.as_deref().map(str::trim) {
            None => None,
            Some("") => Some(None),
            Some(team) => Some(Some(find(&self.teams(), team).await?.value.id)),
        };
        let limits = input.limits.as_deref().map(input::limits).transpose()?;
        let rename = input.rename.as_deref().map(input::name).transpose()?;
        let change = |owner: &mut Owner| {
            if let Some(name) = &rename {
                owner.name.clone_from(name);
            }
            if let Some(limits) = &limits {
                owner.limits.clone_from(limits);
            }
            owner.team = team.unwrap_or(owner.team);
            owner.updated_at = now;
            Ok(())
        };
        let records = self.owners();
        let saved = match find(&records, owner).await {
            Ok(found) => change::apply(&records, found.value.id.uuid(), change).await?,
            Err(AdminError::NotFound { .. }) if owner.parse::<UserId>().is_err() => {
                let (id, name) = (UserId::generate(), input::name(owner)?);
                let mut new =
                    Owner { id, name, limits: Vec::new(), team: None, created_at: now, updated_at: now };
                change(&mut new)?;
                let name = new.name.clone();
                records.create(new).await.map_err(|error| taken("owner", &name, error))?.value
            }
            Err(error) => return Err(error),
        };
        self.owner_view(saved).await
    }

    /// All owners, by name.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list(self) -> Result<Vec<OwnerView>, AdminError> {
        let known = self.admin.directory().await?;
        // Looked through once for all owners, however many they are.
        let mut keys: HashMap<UserId, Vec<String>> = HashMap::new();
        for key in known.keys.values() {
            if let Some(owner) = key.policy.owner {
                keys.entry(owner).or_default().push(key.name.clone());
            }
        }
        let owners = known.owners.values();
        let mut views: Vec<_> = owners
            .map(|owner| {
                let own = keys.remove(&owner.id).unwrap_or_default();
                owner_view(Owner::clone(owner), own, &known)
            })
            .collect();
        views.sort_by(|left, right| left.name.cmp(&right.name));
        Ok(views)
    }

    /// One owner, by id or name.
    ///
    /// # Errors
    /// [`AdminError::NotFound`] when there is none.
    pub async fn show(self, owner: &str) -> Result<OwnerView, AdminError> {
        let found = find(&self.owners(), owner).await?.value;
        self.owner_view(found).await
    }

    /// Removes an owner of no keys. What its keys used stays in the books under its id.
    ///
    /// # Errors
    /// [`AdminError::Conflict`] while keys are its own.
    pub async fn delete(self, owner: &str) -> Result<OwnerView, AdminError> {
        let view = self.show(owner).await?;
        if !view.keys.is_empty() {
            let keys = view.keys.join("`, `");
            let what = format!("owner `{}` has client keys (`{keys}`); give them to others first", view.name);
            return Err(AdminError::Conflict { what });
        }
        change::remove(&self.owners(), &view.id.to_string()).await?;
        Ok(view)
    }

    /// Changes a team, or makes it when no team has the name.
    ///
    /// # Errors
    /// As [`set`](Self::set).
    pub async fn set_team(self, team: &str, input: &TeamInput) -> Result<TeamView, AdminError> {
        let now = self.now();
        let limits = input.limits.as_deref().map(input::limits).transpose()?;
        let rename = input.rename.as_deref().map(input::name).transpose()?;
        let change = |team: &mut Team| {
            if let Some(name) = &rename {
                team.name.clone_from(name);
            }
            if let Some(limits) = &limits {
                team.limits.clone_from(limits);
            }
            team.updated_at = now;
            Ok(())
        };
        let records = self.teams();
        let saved = match find(&records, team).await {
            Ok(found) => change::apply(&records, found.value.id.uuid(), change).await?,
            Err(AdminError::NotFound { .. }) if team.parse::<TeamId>().is_err() => {
                let (id, name) = (TeamId::generate(), input::name(team)?);
                let mut new = Team { id, name, limits: Vec::new(), created_at: now, updated_at: now };
                change(&mut new)?;
                let name = new.name.clone();
                records.create(new).await.map_err(|error| taken("team", &name, error))?.value
            }
            Err(error) => return Err(error),
        };
        self.team_view(saved).await
    }

    /// All teams, by name.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list_teams(self) -> Result<Vec<TeamView>, AdminError> {
        let known = self.admin.directory().await?;
        let teams = known.teams.values();
        let mut views: Vec<_> = teams.map(|team| team_view(Team::clone(team), &known)).collect();
        views.sort_by(|left, right| left.name.cmp(&right.name));
        Ok(views)
    }

    /// One team, by id or name.
    ///
    /// # Errors
    /// [`AdminError::NotFound`] when there is none.
    pub async fn show_team(self, team: &str) -> Result<TeamView, AdminError> {
        let found = find(&self.teams(), team).await?.value;
        self.team_view(found).await
    }

    /// Removes a team of no owners.
    ///
    /// # Errors
    /// [`AdminError::Conflict`] while owners belong to it.
    pub async fn delete_team(self, team: &str) -> Result<TeamView, AdminError> {
        let view = self.show_team(team).await?;
        if !view.owners.is_empty() {
            let owners = view.owners.join("`, `");
            let what = format!("team `{}` has owners (`{owners}`); let them go first", view.name);
            return Err(AdminError::Conflict { what });
        }
        change::remove(&self.teams(), &view.id.to_string()).await?;
        Ok(view)
    }

    /// The owner whom an operator names for a client key. It has to be known: a name that was mistyped would share no limit.
    pub(crate) async fn known(self, owner: &str) -> Result<UserId, AdminError> {
        match find(&self.owners(), owner).await {
            Ok(found) => Ok(found.value.id),
            Err(AdminError::NotFound { .. }) => {
                let name = owner.escape_debug();
                let message = format!("`{name}` is no owner; make it first: posthaste owners set {name}");
                Err(AdminError::invalid("owner", message))
            }
            Err(error) => Err(error),
        }
    }

    /// The name of an owner, if it has a record.
    pub(crate) async fn name_of(self, owner: UserId) -> Result<Option<String>, AdminError> {
        Ok(self.owners().get(owner.uuid()).await?.map(|found| found.value.name))
    }

    async fn owner_view(self, owner: Owner) -> Result<OwnerView, AdminError> {
        let known = self.admin.directory().await?;
        let own = known.keys.values().filter(|key| key.policy.owner == Some(owner.id));
        let own = own.map(|key| key.name.clone()).collect();
        Ok(owner_view(owner, own, &known))
    }

    async fn team_view(self, team: Team) -> Result<TeamView, AdminError> {
        Ok(team_view(team, &*self.admin.directory().await?))
    }

    fn owners(self) -> Repository<Owner> {
        self.admin.owner_records()
    }

    fn teams(self) -> Repository<Team> {
        self.admin.team_records()
    }

    fn now(self) -> Timestamp {
        self.admin.parts().clock.now()
    }
}

fn owner_view(owner: Owner, mut keys: Vec<String>, known: &Snapshot) -> OwnerView {
    let team = owner.team.and_then(|team| known.teams.get(&team.uuid())).map(|team| team.name.clone());
    keys.sort_unstable();
    let Owner { id, name, limits, created_at, updated_at, .. } = owner;
    OwnerView { id, name, limits, team, keys, created_at, updated_at }
}

fn team_view(team: Team, known: &Snapshot) -> TeamView {
    let own = known.owners.values().filter(|owner| owner.team == Some(team.id));
    let mut owners: Vec<String> = own.map(|owner| owner.name.clone()).collect();
    owners.sort_unstable();
    let Team { id, name, limits, created_at, updated_at } = team;
    TeamView { id, name, limits, owners, created_at, updated_at }
}

fn taken(noun: &'static str, name: &str, error: StorageError) -> AdminError {
    match error {
        StorageError::Taken { .. } => change::taken(noun, name),
        other => other.into(),
    }
}
