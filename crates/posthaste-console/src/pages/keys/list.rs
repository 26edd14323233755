//! The list of client keys.

use std::sync::Arc;

use askama::Template;
use axum::response::Response;
use posthaste_admin::{AdminError, Command, KeyListInput, KeyRow, ListPage, SortOrder, UsedIn, tags};
use posthaste_core::{Area, KeyStatus};

use crate::{
    asked::Asked,
    fields::Fields,
    frame::Frame,
    pages::paging::{Paging, Sorted},
};

#[derive(Template)]
#[template(path = "keys/list.html")]
struct List<'a> {
    p: Frame,
    query: &'a Fields,
    page: ListPage<KeyRow>,
    paging: Paging,
    sorted: Sorted,
    tags: Vec<String>,
    may_write: bool,
}

pub(super) async fn show(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let input = input(&asked.query);
    let page: ListPage<KeyRow> = asked.act(Command::PageKeys(input)).await?;
    let all_tags: Vec<_> = tags(&asked.admin, &asked.actor).await?.into_iter().map(|tag| tag.tag).collect();
    let p = asked.frame(asked.say("Client keys")).await?;
    let paging = Paging::new(&asked.path, &asked.query, page.total, page.page, page.page_size);
    let sorted = Sorted::new(&asked.path, &asked.query, "name");
    let may_write = asked.may(Area::Keys.write());
    asked.page(&List { p, query: &asked.query, page, paging, sorted, tags: all_tags, may_write })
}

/// What the query asks for. Words that it does not know are left out, so that an old bookmark still leads somewhere.
pub(super) fn input(query: &Fields) -> KeyListInput {
    let given = |name: &str| query.text(name).map(str::to_owned);
    KeyListInput {
        page: query.number("page").filter(|page| *page > 0),
        page_size: query.number("size").filter(|size| (1..=500).contains(size)),
        search: given("search"),
        sort_by: given("sort"),
        sort_order: query
            .text("order")
            .map(|order| if order == "desc" { SortOrder::Desc } else { SortOrder::Asc }),
        state: given("state"),
        is_active: None,
        tag: given("tag"),
        owner: given("owner"),
        team: given("team"),
        range: used_in(query),
    }
}

pub(crate) fn used_in(query: &Fields) -> UsedIn {
    match query.text("range") {
        Some("today") => UsedIn::Today,
        Some("7days") => UsedIn::Week,
        Some("all") => UsedIn::Ever,
        _ => UsedIn::Month,
    }
}

/// A word for a key's state, which is also the class of its badge.
pub(crate) fn state_word(status: KeyStatus) -> &'static str {
    match status {
        KeyStatus::Active => "active",
        KeyStatus::Disabled => "disabled",
        KeyStatus::Revoked => "revoked",
        KeyStatus::Deleted => "deleted",
        KeyStatus::Expired { .. } => "expired",
    }
}

impl List<'_> {
    fn state(&self, row: &KeyRow) -> &'static str {
        state_word(row.key.state)
    }

    fn is_filtered(&self) -> bool {
        ["search", "state", "tag", "owner", "team"].iter().any(|name| self.query.text(name).is_some())
    }
}
