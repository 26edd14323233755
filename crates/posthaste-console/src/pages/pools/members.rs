//! Who is in a pool, and who uses it.

use std::sync::Arc;

use axum::response::Response;
use posthaste_admin::{
    AccountChange, AccountView, AdminError, Command, KeyView, PlaceInput, PoolView, RouteView, SavedAccount,
    SchedulingChange,
};
use posthaste_core::Area;

use crate::{BASE, asked::Asked, told::Undo};

/// The accounts of a pool, the ones that are asked first in front, and those that could join.
pub(super) struct Members {
    pub(super) inside: Vec<AccountView>,
    pub(super) outside: Vec<AccountView>,
}

/// Who is led to a pool, as far as whoever asks may see them.
pub(super) struct Users {
    pub(super) keys: Vec<KeyView>,
    pub(super) routes: Vec<RouteView>,
}

impl Members {
    pub(super) async fn of(asked: &Asked, pool: &PoolView) -> Result<Self, AdminError> {
        let accounts: Option<Vec<AccountView>> =
            asked.act_if_may(Area::Accounts.read(), Command::ListAccounts).await?;
        let all = accounts.unwrap_or_default().into_iter();
        let (mut inside, outside): (Vec<_>, Vec<_>) =
            all.partition(|account| account.scheduling.pools.contains(&pool.id));
        inside.sort_by(|one, other| (one.priority, &one.name).cmp(&(other.priority, &other.name)));
        Ok(Self { inside, outside })
    }
}

impl Users {
    pub(super) async fn of(asked: &Asked, pool: &PoolView) -> Result<Self, AdminError> {
        let leads_here = |place: &Option<PlaceInput>| *place == Some(PlaceInput::Pool(pool.name.clone()));
        let keys: Option<Vec<KeyView>> = asked.act_if_may(Area::Keys.read(), Command::ListKeys).await?;
        let keys = keys.into_iter().flatten().filter(|key| leads_here(&key.bound_to)).collect();
        let routes: Vec<RouteView> = asked.act(Command::ListRoutes).await?;
        let leads = |route: &RouteView| route.targets.iter().any(|target| leads_here(&target.place));
        Ok(Self { keys, routes: routes.into_iter().filter(leads).collect() })
    }
}

pub(super) async fn join(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let (pool, account) = change(&asked, true).await?;
    let (page, told) = (format!("{BASE}/pools/{}", pool.id), asked.fill("{} has joined.", &account.name));
    Ok(asked.done_for_now(&page, &told, Undo::LeavePool(pool.id, account.id)))
}

pub(super) async fn leave(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let (pool, account) = change(&asked, false).await?;
    let (page, told) = (format!("{BASE}/pools/{}", pool.id), asked.fill("{} has left.", &account.name));
    Ok(asked.done_for_now(&page, &told, Undo::JoinPool(pool.id, account.id)))
}

/// Writes the account's pools with or without this one. Its other pools stay as they are.
async fn change(asked: &Asked, joins: bool) -> Result<(PoolView, AccountView), AdminError> {
    let pool: PoolView = asked.act(Command::ShowPool { pool: asked.parameter("pool").to_owned() }).await?;
    let account = asked.form.value("account").trim().to_owned();
    let account: AccountView = asked.act(Command::ShowAccount { account }).await?;
    let others = account.scheduling.pools.iter().filter(|id| **id != pool.id).map(ToString::to_string);
    let pools = others.chain(joins.then(|| pool.id.to_string())).collect();
    let scheduling = SchedulingChange { pools: Some(pools), ..SchedulingChange::default() };
    let change = AccountChange { scheduling, ..AccountChange::default() };
    let saved: SavedAccount =
        asked.act(Command::UpdateAccount { account: account.id.to_string(), change }).await?;
    Ok((pool, saved.account))
}
