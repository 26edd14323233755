//! The list of accounts.

use std::sync::Arc;

use askama::Template;
use axum::response::Response;
use posthaste_admin::{
    AccountListInput, AccountRow, AccountView, AdminError, Command, Health, ListPage, PoolView, SortOrder,
};
use posthaste_core::{Area, CooldownReason, ProviderKind};

use crate::{
    asked::Asked,
    fields::Fields,
    frame::Frame,
    pages::{
        keys::used_in,
        paging::{Paging, Sorted},
    },
};

#[derive(Template)]
#[template(path = "accounts/list.html")]
struct List<'a> {
    p: Frame,
    query: &'a Fields,
    page: ListPage<AccountRow>,
    paging: Paging,
    sorted: Sorted,
    providers: &'static [ProviderKind],
    pools: Vec<String>,
    may_write: bool,
}

pub(super) async fn show(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let page: ListPage<AccountRow> = asked.act(Command::PageAccounts(input(&asked.query))).await?;
    let pools: Option<Vec<PoolView>> = asked.act_if_may(Area::Pools.read(), Command::ListPools).await?;
    let pools = pools.into_iter().flatten().map(|pool| pool.name).collect();
    let p = asked.frame(asked.say("Accounts")).await?;
    let paging = Paging::new(&asked.path, &asked.query, page.total, page.page, page.page_size);
    let sorted = Sorted::new(&asked.path, &asked.query, "name");
    let may_write = asked.may(Area::Accounts.write());
    let (query, providers) = (&asked.query, ProviderKind::ALL.as_slice());
    asked.page(&List { p, query, page, paging, sorted, providers, pools, may_write })
}

fn input(query: &Fields) -> AccountListInput {
    let given = |name: &str| query.text(name).map(str::to_owned);
    AccountListInput {
        page: query.number("page").filter(|page| *page > 0),
        page_size: query.number("size").filter(|size| (1..=500).contains(size)),
        search: given("search"),
        sort_by: given("sort"),
        sort_order: query
            .text("order")
            .map(|order| if order == "desc" { SortOrder::Desc } else { SortOrder::Asc }),
        state: given("state"),
        preset: given("preset"),
        provider: given("provider"),
        pool: given("pool"),
        range: used_in(query),
    }
}

/// A word for how an account fares, which is also the class of its badge.
pub(crate) fn state_word(account: &AccountView) -> &'static str {
    match &account.health {
        _ if !account.enabled => "disabled",
        Some(Health::Disabled) => "disabled",
        _ if !account.scheduling.schedulable => "paused",
        Some(Health::Parked(parked)) => match parked.reason {
            CooldownReason::RateLimited | CooldownReason::Overloaded | CooldownReason::QuotaExhausted => {
                "limited"
            }
            _ => "failing",
        },
        Some(Health::Ready) | None => "ready",
    }
}

impl List<'_> {
    fn state(&self, row: &AccountRow) -> &'static str {
        state_word(&row.account)
    }

    fn is_filtered(&self) -> bool {
        ["search", "state", "provider", "preset", "pool"].iter().any(|name| self.query.text(name).is_some())
    }
}
