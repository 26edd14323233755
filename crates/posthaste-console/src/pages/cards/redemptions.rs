//! Which cards were redeemed for which client keys, and taking back what one gave.

use std::sync::Arc;

use askama::Template;
use axum::response::Response;
use posthaste_admin::{AdminError, Command, ListPage, RedemptionListInput, RedemptionView};
use posthaste_core::Area;

use super::dollars;
use crate::{BASE, asked::Asked, fields::Fields, frame::Frame, pages::paging::Paging};

#[derive(Template)]
#[template(path = "cards/redemptions.html")]
struct Redemptions<'a> {
    p: Frame,
    query: &'a Fields,
    page: ListPage<RedemptionView>,
    paging: Paging,
    /// That the key that was asked for is not there.
    trouble: Option<String>,
    may_write: bool,
    tab: &'static str,
}

pub(super) async fn show(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let query = &asked.query;
    let input = RedemptionListInput {
        page: query.number("page").filter(|page| *page > 0),
        page_size: query.number("size").filter(|size| (1..=500).contains(size)),
        key: query.text("key").map(str::to_owned),
    };
    let (page, trouble): (ListPage<RedemptionView>, _) =
        match asked.act(Command::PageRedemptions(input.clone())).await {
            Ok(page) => (page, None),
            Err(error @ AdminError::NotFound { .. }) => {
                let all = RedemptionListInput { key: None, ..input };
                (asked.act(Command::PageRedemptions(all)).await?, Some(asked.say_error(&error)))
            }
            Err(error) => return Err(error),
        };
    let p = asked.frame(asked.say("Redemptions")).await?;
    let paging = Paging::new(&asked.path, query, page.total, page.page, page.page_size);
    let may_write = asked.may(Area::Keys.write());
    asked.page(&Redemptions { p, query, page, paging, trouble, may_write, tab: "redemptions" })
}

pub(super) async fn take_back(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let redemption = asked.parameter("redemption").to_owned();
    let back: RedemptionView = asked.act(Command::RevokeRedemption { redemption }).await?;
    let quota = back.taken_back.as_ref().map_or(0, |taken| taken.quota);
    let told =
        asked.fill("{} was taken back. What was used already stays, and so does time.", dollars(quota));
    Ok(asked.done(&format!("{BASE}/cards/{}", back.card), &told))
}
