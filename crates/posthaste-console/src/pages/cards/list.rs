//! The list of cards, with how many there are of each sort.

use std::sync::Arc;

use askama::Template;
use axum::response::Response;
use posthaste_admin::{AdminError, CardListInput, CardStats, CardSum, CardView, Command, ListPage};
use posthaste_core::{Area, CardKind, CardStatus};

use super::{kind_words, status_words};
use crate::{asked::Asked, fields::Fields, frame::Frame, pages::paging::Paging};

#[derive(Template)]
#[template(path = "cards/list.html")]
struct List<'a> {
    p: Frame,
    query: &'a Fields,
    stats: CardStats,
    page: ListPage<CardView>,
    paging: Paging,
    may_write: bool,
    tab: &'static str,
}

pub(super) async fn show(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let query = &asked.query;
    let stats: CardStats = asked.act(Command::CardStats).await?;
    let page: ListPage<CardView> = asked.act(Command::PageCards(input(query))).await?;
    let p = asked.frame(asked.say("Cards")).await?;
    let paging = Paging::new(&asked.path, query, page.total, page.page, page.page_size);
    let may_write = asked.may(Area::Keys.write());
    asked.page(&List { p, query, stats, page, paging, may_write, tab: "cards" })
}

/// What the query asks for. Words that it does not know are left out, so that an old bookmark still leads somewhere.
fn input(query: &Fields) -> CardListInput {
    CardListInput {
        page: query.number("page").filter(|page| *page > 0),
        page_size: query.number("size").filter(|size| (1..=500).contains(size)),
        status: CardStatus::ALL.into_iter().find(|status| query.is("status", status.as_str())),
        kind: KINDS.into_iter().find(|kind| query.is("kind", kind.as_str())),
        search: query.text("search").map(str::to_owned),
    }
}

const KINDS: [CardKind; 3] = [CardKind::Quota, CardKind::Time, CardKind::Combo];

impl List<'_> {
    fn is_filtered(&self) -> bool {
        ["search", "status", "kind"].iter().any(|name| self.query.text(name).is_some())
    }

    fn statuses(&self) -> Vec<(&'static str, &'static str)> {
        CardStatus::ALL.map(|status| (status.as_str(), status_words(status))).to_vec()
    }

    fn kinds(&self) -> Vec<(&'static str, &'static str)> {
        KINDS.map(|kind| (kind.as_str(), kind_words(kind))).to_vec()
    }

    /// What leads to the cards of this sort.
    fn only(&self, sum: &CardSum) -> String {
        format!("{}/cards?status={}", self.p.base(), sum.status.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unknown_is_left_out() {
        let input = |query: &str| input(&Fields::read(query.as_bytes()));
        let some = input("status=taken_back&kind=combo&search=+ada+&page=2&size=20");
        assert_eq!((some.status, some.kind), (Some(CardStatus::TakenBack), Some(CardKind::Combo)));
        assert_eq!((some.search.as_deref(), some.page, some.page_size), (Some("ada"), Some(2), Some(20)));
        assert_eq!(input("status=odd&kind=odd&page=0&size=501"), CardListInput::default());
    }
}
