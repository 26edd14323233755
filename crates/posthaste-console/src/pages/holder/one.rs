//! A client key as its holder sees it: what it is, where its limits stand, what it used, and how clients are set up for it.

use std::{sync::Arc, time::Duration};

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use posthaste_admin::{
    AdminError, Branding, Disclosed, HeldRedemption, HolderView, ModelUsage, Period, StandingView,
    UsageTotals,
};
use posthaste_core::{ClientKey, KeyStatus, LimitUnit, NanoUsd, Secret};

use super::{
    enter,
    used::{Bar, Range},
};
use crate::{
    BASE,
    asked::Asked,
    frame::Frame,
    guides::{self, Shown},
    pages::keys::state_word,
    show::{Number, span_words},
};

#[derive(Template)]
#[template(path = "holder/one.html")]
struct One {
    p: Frame,
    branding: Branding,
    key: HolderView,
    state: &'static str,
    site: String,
    /// What it used; nothing of that for a key that is over, as the API tells nothing of it either.
    used: Option<Used>,
    redemptions: Vec<HeldRedemption>,
    guides: Vec<Shown>,
    trouble: Option<String>,
}

struct Used {
    /// Since the day began, since the month began, and ever.
    sums: [(&'static str, UsageTotals); 3],
    range: Range,
    bars: Vec<Bar>,
    models: Vec<ModelUsage>,
}

pub(super) async fn show(asked: Arc<Asked>) -> Result<Response, AdminError> {
    match held(&asked).await {
        Ok(Some(key)) => page(&asked, StatusCode::OK, key, None).await,
        Ok(None) => enter::show(&asked).await,
        Err(error) => enter::refused(&asked, error).await,
    }
}

pub(super) async fn redeem(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let key = match held(&asked).await {
        Ok(Some(key)) => key,
        Ok(None) => return enter::show(&asked).await,
        Err(error) => return enter::refused(&asked, error).await,
    };
    let code = Disclosed::new(Secret::new(asked.form.value("code").trim()));
    match asked.admin.holders().redeem(&key, &code, asked.visitor.visit.address).await {
        Ok(redeemed) => {
            let told = asked.fill("The card is redeemed: {}.", gift(&asked, &redeemed));
            Ok(asked.done(&format!("{BASE}/key"), &told))
        }
        Err(
            error @ (AdminError::NotFound { .. } | AdminError::Conflict { .. } | AdminError::TooMany { .. }),
        ) => {
            let status = match error {
                AdminError::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
                _ => StatusCode::UNPROCESSABLE_ENTITY,
            };
            let said = asked.say_error(&error);
            page(&asked, status, key, Some(said)).await
        }
        Err(error) => Err(error),
    }
}

/// The key whose ticket the browser has.
async fn held(asked: &Asked) -> Result<Option<ClientKey>, AdminError> {
    let Some(ticket) = &asked.held else { return Ok(None) };
    asked.admin.holders().by_ticket(ticket, asked.visitor.visit.address).await
}

async fn page(
    asked: &Asked,
    status: StatusCode,
    key: ClientKey,
    trouble: Option<String>,
) -> Result<Response, AdminError> {
    let holders = asked.admin.holders();
    let view = holders.view(&key).await?;
    let used = match view.state {
        KeyStatus::Active => Some(used(asked, &key).await?),
        _ => None,
    };
    let redemptions = holders.redemptions(&key).await?;
    let branding = asked.admin.branding().await?.branding;
    let p = asked.frame(&view.name).await?;
    // Without the key: it is in no page, whoever looks over the holder's shoulder.
    let guides = guides::shown(&asked.site, None);
    let (state, site) = (state_word(view.state), asked.site.clone());
    asked.page_as(status, &One { p, branding, key: view, state, site, used, redemptions, guides, trouble })
}

async fn used(asked: &Asked, key: &ClientKey) -> Result<Used, AdminError> {
    fn text(text: &'static str) -> &'static str {
        text
    }
    let (holders, now) = (asked.admin.holders(), asked.now());
    let keys = std::slice::from_ref(key);
    let range = Range::of(asked.query.text("range"));
    let usage = holders.usage(key).await?;
    let today = holders.used_by(keys, Period::Daily.since(now)).await?.totals;
    let month = holders.used_by(keys, Period::Monthly.since(now)).await?.totals;
    let models = holders.used_by(keys, Some(range.since(now))).await?.by_model;
    let bars = range.bars(&usage.by_day, now);
    let sums = [(text("Today"), today), (text("This month"), month), (text("In all"), usage.totals)];
    Ok(Used { sums, range, bars, models })
}

/// What a card gave, in words.
fn gift(asked: &Asked, redeemed: &HeldRedemption) -> String {
    given(redeemed, |seconds| span_words(Duration::from_secs(seconds), asked.look.language))
}

fn given(redeemed: &HeldRedemption, span: impl Fn(u64) -> String) -> String {
    let gives = redeemed.gives;
    let quota = (gives.quota > 0).then(|| format!("+ ${}", dollars(gives.quota)));
    let time = (gives.seconds > 0).then(|| format!("+ {}", span(gives.seconds)));
    quota.into_iter().chain(time).collect::<Vec<_>>().join(", ")
}

/// Nano-dollars as cents tell them.
fn dollars(nanos: u64) -> String {
    let cents = nanos / 10_000_000;
    format!("{}.{:02}", cents / 100, cents % 100)
}

impl One {
    /// What is used of a limit, as far as its bar goes.
    fn filled(&self, standing: &StandingView) -> u64 {
        u64::try_from(standing.used).unwrap_or_default().min(standing.amount)
    }

    fn is_used_up(&self, standing: &StandingView) -> bool {
        !standing.shadow && self.filled(standing) == standing.amount
    }

    fn is_money(&self, standing: &StandingView) -> bool {
        standing.unit == LimitUnit::Cost
    }

    fn dollars(&self, nanos: impl Number) -> NanoUsd {
        NanoUsd::from_nanos(i64::try_from(nanos.counted()).unwrap_or(i64::MAX))
    }

    fn ranges(&self) -> [Range; 3] {
        Range::ALL
    }

    fn gift(&self, redeemed: &HeldRedemption) -> String {
        given(redeemed, |seconds| span_words(Duration::from_secs(seconds), self.p.look.language))
    }
}
