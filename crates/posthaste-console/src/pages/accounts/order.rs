//! The order in which accounts are asked: their priorities and weights on one page, saved together.

mod moves;

use std::{collections::BTreeMap, sync::Arc};

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use posthaste_admin::{AccountListInput, AccountOrder, AccountRow, AdminError, Command, ListPage, OrderView};

use self::moves::{Clash, Place};
use super::{add, state_word};
use crate::{BASE, asked::Asked, fields::Fields, frame::Frame, pages::paging::Paging, trouble::is_of_form};

#[derive(Template)]
#[template(path = "accounts/order.html")]
struct Order<'a> {
    p: Frame,
    query: &'a Fields,
    /// Identities and names.
    pools: Vec<(String, String)>,
    groups: Vec<Group>,
    paging: Paging,
    trouble: Option<String>,
    /// Accounts that somebody else has moved.
    clashes: Vec<Clash>,
}

/// Accounts of one priority.
struct Group {
    priority: u8,
    rows: Vec<Row>,
}

struct Row {
    id: String,
    name: String,
    preset: String,
    state: &'static str,
    /// Where it stands.
    seen: Place,
    /// What is in the fields.
    priority: String,
    weight: String,
}

impl Row {
    fn is_moved(&self) -> bool {
        self.priority.trim() != self.seen.priority.to_string()
    }
}

pub(super) async fn show(asked: Arc<Asked>) -> Result<Response, AdminError> {
    page(&asked, StatusCode::OK, None, Vec::new()).await
}

pub(super) async fn save(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let here = format!("{BASE}/accounts/order{}", asked.query.to_query());
    let saved = match moves::read(&asked.form) {
        Ok(moves) if moves.is_empty() => {
            return Ok(asked.done(&here, asked.say("Nothing was moved.")));
        }
        Ok(moves) => moves::save(&asked, moves).await,
        Err(error) => Err(error),
    };
    match saved {
        Ok(Ok(view)) if view.failed == 0 => {
            Ok(asked.done(&here, &asked.fill("The places of {} accounts are saved.", view.done)))
        }
        Ok(Ok(view)) => {
            let trouble = left_over(&asked, &view);
            page(&asked, StatusCode::CONFLICT, Some(trouble), Vec::new()).await
        }
        Ok(Err(clashes)) => {
            let trouble = asked.say("Somebody else moved accounts while this page was open.").to_owned();
            page(&asked, StatusCode::CONFLICT, Some(trouble), clashes).await
        }
        Err(error) if is_of_form(&error) => {
            let trouble = asked.say_error(&error);
            page(&asked, StatusCode::UNPROCESSABLE_ENTITY, Some(trouble), Vec::new()).await
        }
        Err(error) => Err(error),
    }
}

/// Which accounts stand where they stood, and why.
fn left_over(asked: &Asked, view: &OrderView) -> String {
    let failed = view.items.iter().filter_map(|item| Some((&item.account, item.failure.as_ref()?)));
    let failed = failed.map(|(account, failure)| format!("{account}: {}", failure.message));
    let head = asked.fill("The places of {} accounts are saved.", view.done);
    std::iter::once(head).chain(failed).collect::<Vec<_>>().join(" ")
}

/// The page with what was typed, where a form was sent.
async fn page(
    asked: &Asked,
    status: StatusCode,
    trouble: Option<String>,
    clashes: Vec<Clash>,
) -> Result<Response, AdminError> {
    let pools = add::pools(asked).await?;
    let input = AccountListInput {
        page: asked.query.number("page").filter(|page| *page > 0),
        page_size: Some(SHOWN),
        pool: asked.query.text("pool").map(str::to_owned),
        sort_by: Some("priority".to_owned()),
        ..AccountListInput::default()
    };
    let found: ListPage<AccountRow> = asked.act(Command::PageAccounts(input)).await?;
    let paging = Paging::new(&asked.path, &asked.query, found.total, found.page, found.page_size);
    let groups = grouped(found.items.iter().map(|row| shown(row, &asked.form)));
    let p = asked.frame(asked.say("Order of accounts")).await?;
    asked.page_as(status, &Order { p, query: &asked.query, pools, groups, paging, trouble, clashes })
}

fn shown(row: &AccountRow, form: &Fields) -> Row {
    let account = &row.account;
    let id = account.id.to_string();
    let seen = Place { priority: account.priority.into(), weight: account.scheduling.weight.into() };
    let typed = |name: &str, now: u32| match form.given(&format!("{name}.{id}")) {
        Some(typed) => typed.to_owned(),
        None => now.to_string(),
    };
    Row {
        name: account.name.clone(),
        preset: account.preset.0.clone(),
        state: state_word(account),
        priority: typed("priority", seen.priority),
        weight: typed("weight", seen.weight),
        seen,
        id,
    }
}

/// By what is in the fields; by what there is where that is no number.
fn grouped(rows: impl Iterator<Item = Row>) -> Vec<Group> {
    let mut groups: BTreeMap<u8, Vec<Row>> = BTreeMap::new();
    for row in rows {
        let typed = row.priority.trim().parse().ok().filter(|typed| (1..=100).contains(typed));
        let priority = typed.unwrap_or_else(|| u8::try_from(row.seen.priority).unwrap_or(u8::MAX));
        groups.entry(priority).or_default().push(row);
    }
    groups.into_iter().map(|(priority, rows)| Group { priority, rows }).collect()
}

/// Rows on a page: a page that is dragged about in is no place for thousands.
const SHOWN: usize = 200;
