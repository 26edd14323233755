//! Finding records by id or name, and changing them while others do the same.

use std::{borrow::Cow, time::Duration};

use posthaste_core::{
    Account, ApiToken, Card, Channel, ClientKey, OwnPrice, Owner, Pool, Route, Setting, Team, User,
};
use posthaste_storage::{Entity, Repository, StorageError, Versioned};
use tokio::time;
use uuid::Uuid;

use crate::{Admin, AdminError};

/// A kind of record that operators name by id or by name.
pub(crate) trait Named: Entity {
    /// What operators call it.
    const NOUN: &'static str;

    fn name(&self) -> Cow<'_, str>;

    /// Whether its name is free for others, so that it is found by id alone.
    fn is_nameless(&self) -> bool {
        false
    }
}

impl Named for Account {
    const NOUN: &'static str = "account";

    fn name(&self) -> Cow<'_, str> {
        (&*self.name).into()
    }
}

impl Named for ClientKey {
    const NOUN: &'static str = "client key";

    fn name(&self) -> Cow<'_, str> {
        (&*self.name).into()
    }

    fn is_nameless(&self) -> bool {
        self.deleted_at.is_some()
    }
}

impl Named for Pool {
    const NOUN: &'static str = "pool";

    fn name(&self) -> Cow<'_, str> {
        (&*self.name).into()
    }
}

impl Named for Route {
    const NOUN: &'static str = "route";

    fn name(&self) -> Cow<'_, str> {
        self.model.as_str().into()
    }
}

impl Named for Owner {
    const NOUN: &'static str = "owner";

    fn name(&self) -> Cow<'_, str> {
        (&*self.name).into()
    }
}

impl Named for Team {
    const NOUN: &'static str = "team";

    fn name(&self) -> Cow<'_, str> {
        (&*self.name).into()
    }
}

impl Named for User {
    const NOUN: &'static str = "user";

    fn name(&self) -> Cow<'_, str> {
        (&*self.name).into()
    }
}

impl Named for Channel {
    const NOUN: &'static str = "channel";

    fn name(&self) -> Cow<'_, str> {
        (&*self.name).into()
    }
}

impl Named for OwnPrice {
    const NOUN: &'static str = "price of your own";

    fn name(&self) -> Cow<'_, str> {
        self.name().into()
    }
}

impl Named for ApiToken {
    const NOUN: &'static str = "token";

    fn name(&self) -> Cow<'_, str> {
        (&*self.name).into()
    }
}

impl Named for Card {
    const NOUN: &'static str = "card";

    fn name(&self) -> Cow<'_, str> {
        format!("…{}", self.hint).into()
    }

    /// Several cards may end alike.
    fn is_nameless(&self) -> bool {
        true
    }
}

impl Named for Setting {
    const NOUN: &'static str = "setting";

    fn name(&self) -> Cow<'_, str> {
        Setting::name(self).into()
    }
}

/// The record that `selector` names.
pub(crate) async fn find<T: Named>(
    records: &Repository<T>,
    selector: &str,
) -> Result<Versioned<T>, AdminError> {
    let found = match Uuid::try_parse(selector) {
        Ok(id) => records.get(id).await?,
        Err(_) => named(records, selector).await?,
    };
    found.ok_or_else(|| AdminError::NotFound { what: format!("{} `{}`", T::NOUN, selector.escape_debug()) })
}

/// The record whose name that is, or the only one whose name it was.
async fn named<T: Named>(records: &Repository<T>, name: &str) -> Result<Option<Versioned<T>>, AdminError> {
    let mut same: Vec<_> = records.all().await?;
    same.retain(|record| record.value.name() == name);
    if let Some(named) = same.iter().position(|record| !record.value.is_nameless()) {
        return Ok(Some(same.swap_remove(named)));
    }
    Ok(if same.len() == 1 { same.pop() } else { None })
}

/// Client keys are looked up by hash on the hot path, so by name they are searched.
pub(crate) async fn by_name<T: Named>(
    records: &Repository<T>,
    name: &str,
) -> Result<Option<Versioned<T>>, AdminError> {
    Ok(records
        .all()
        .await?
        .into_iter()
        .find(|record| record.value.name() == name && !record.value.is_nameless()))
}

/// Applies `change` to the record as it is at the moment of writing. A record that changes meanwhile, as a client key
/// does at its first use, is read and changed again.
pub(crate) async fn apply<T: Named>(
    records: &Repository<T>,
    id: Uuid,
    mut change: impl FnMut(&mut T) -> Result<(), AdminError>,
) -> Result<T, AdminError> {
    let mut tries = 0;
    loop {
        let selector = id.hyphenated().to_string();
        let Versioned { version, mut value } = find(records, &selector).await?;
        change(&mut value)?;
        let name = value.name().into_owned();
        match records.replace(value, version).await {
            Ok(changed) => return Ok(changed.value),
            Err(StorageError::Taken { .. }) => return Err(taken(T::NOUN, &name)),
            Err(StorageError::Conflict { .. }) if tries < MOST_REPEATS => tries += 1,
            Err(error) => return Err(error.into()),
        }
    }
}

/// The name that a record is to have belongs to another.
pub(crate) fn taken(noun: &str, name: &str) -> AdminError {
    AdminError::Conflict { what: format!("{noun} `{name}` exists already; choose another name") }
}

/// Removes a record whatever its version.
pub(crate) async fn remove<T: Named>(records: &Repository<T>, selector: &str) -> Result<T, AdminError> {
    let mut tries = 0;
    loop {
        let Versioned { version, value } = find(records, selector).await?;
        match records.remove(value.id(), version).await {
            Ok(()) => return Ok(value),
            Err(StorageError::Conflict { .. }) if tries < MOST_REPEATS => tries += 1,
            Err(error) => return Err(error.into()),
        }
    }
}

/// Holds the names of client keys still, since no store index keeps those unique. Give it back with [`NameLock::release`];
/// a holder that dies loses it after [`LOCK_TTL`].
pub(crate) struct NameLock<'a> {
    admin: &'a Admin,
    holder: Uuid,
}

impl<'a> NameLock<'a> {
    pub(crate) async fn take(admin: &'a Admin) -> Result<Self, AdminError> {
        let holder = Uuid::now_v7();
        for _ in 0..LOCK_TRIES {
            let now = admin.parts().clock.now();
            let taken = admin.parts().stores.locks.acquire(LOCK_NAME, holder, LOCK_TTL, now).await?;
            if taken.is_some() {
                return Ok(Self { admin, holder });
            }
            time::sleep(LOCK_PAUSE).await;
        }
        Err(AdminError::Conflict { what: "others are changing client keys now; try again".to_owned() })
    }

    pub(crate) async fn release(self) {
        // It lapses by itself when this fails.
        let _ = self.admin.parts().stores.locks.release(LOCK_NAME, self.holder).await;
    }
}

const MOST_REPEATS: u32 = 5;
const LOCK_NAME: &str = "admin-client-key-names";
const LOCK_TTL: Duration = Duration::from_secs(10);
const LOCK_PAUSE: Duration = Duration::from_millis(25);
const LOCK_TRIES: u32 = 200;
