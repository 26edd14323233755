//! The price book with the operator's own prices in it.

use std::{collections::BTreeSet, sync::Arc};

use askama::Template;
use axum::response::Response;
use posthaste_admin::{AdminError, Command, PriceStatus, PriceView};
use posthaste_core::{Area, NanoUsd, Timestamp};

use crate::{asked::Asked, fields::Fields, frame::Frame, pages::paging::Paging};

#[derive(Template)]
#[template(path = "prices/book.html")]
struct Book<'a> {
    p: Frame,
    query: &'a Fields,
    status: PriceStatus,
    as_of: Option<Timestamp>,
    lists: BTreeSet<String>,
    prices: Vec<PriceView>,
    paging: Paging,
    may_write: bool,
    tab: &'static str,
}

pub(super) async fn show(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let query = &asked.query;
    let status: PriceStatus = asked.act(Command::PriceStatus).await?;
    let all: Vec<PriceView> = asked.act(Command::ListPrices).await?;
    let lists = all.iter().map(|price| price.provider.clone()).collect();
    let found: Vec<_> = all.into_iter().filter(|price| is_wanted(price, query)).collect();
    let page = query.number("page").filter(|page| *page > 0).unwrap_or(1);
    let paging = Paging::new(&asked.path, query, found.len(), page, ON_A_PAGE);
    let prices = found.into_iter().skip((page - 1).saturating_mul(ON_A_PAGE)).take(ON_A_PAGE).collect();
    let as_of = format!("{}T00:00:00Z", status.as_of).parse().ok();
    let p = asked.frame(asked.say("Prices")).await?;
    let may_write = asked.may(Area::Settings.write());
    asked.page(&Book { p, query, status, as_of, lists, prices, paging, may_write, tab: "book" })
}

fn is_wanted(price: &PriceView, query: &Fields) -> bool {
    let search = query.text("search").map(str::to_lowercase);
    let fits =
        |search: &String| format!("{}/{}", price.provider, price.model).to_lowercase().contains(search);
    query.text("list").is_none_or(|list| price.provider == list)
        && search.as_ref().is_none_or(fits)
        && (!query.ticked("own") || price.own)
}

impl Book<'_> {
    fn is_filtered(&self) -> bool {
        ["search", "list", "own"].iter().any(|name| self.query.text(name).is_some())
    }

    /// Where this row's model gets a price of the operator's own.
    fn own(&self, price: &PriceView) -> String {
        let query = Fields::default().set("provider", &price.provider).set("model", price.model.as_str());
        format!("{}/prices/own/new{}", self.p.base(), query.to_query())
    }

    fn dollars(&self, nanos: &u64) -> NanoUsd {
        super::form::amount(*nanos)
    }
}

const ON_A_PAGE: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_narrowed_down_by_list_name_and_whose_it_is() {
        let price = PriceView {
            provider: "anthropic".to_owned(),
            model: posthaste_core::ModelName::parse("claude-sonnet-5").unwrap(),
            route: None,
            mode: "chat".to_owned(),
            input: Some(3_000_000_000),
            output: None,
            cache_read: None,
            cache_write: None,
            cache_write_1h: None,
            output_reasoning: None,
            web_search_per_1k: None,
            long_prompts_differ: false,
            context_window: None,
            max_output: None,
            deprecated: None,
            own: false,
        };
        let wanted = |query: &str| is_wanted(&price, &Fields::read(query.as_bytes()));
        assert!(wanted("") && wanted("search=Sonnet") && wanted("list=anthropic&search=anthropic/claude"));
        assert!(!wanted("search=opus") && !wanted("list=openai") && !wanted("own=on"));
    }
}
