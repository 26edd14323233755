//! Who would serve a request: asked with a form, answered with the plan and its reasons. Nothing is sent.

mod question;
pub(super) mod words;

use std::{collections::BTreeMap, sync::Arc};

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use posthaste_admin::{
    AdminError, Command, KeyListInput, KeyRow, ListPage, PlanView, RouteView, length_text,
};
use posthaste_core::{
    AccountId, Area, AskedAccount, Barrier, Dialect, LimitUnit, Operation, OutlookAccount, OutlookLeg,
    OutlookTurn, PassedOver, PoolId, RefusingStep, Rest, RouteId, Strategy,
};

use crate::{
    asked::Asked,
    fields::Fields,
    frame::Frame,
    pages::pools::strategy_words,
    reasons,
    serve::{Door, Page, shows},
    trouble::is_of_form,
};

pub(super) fn pages() -> Vec<Page> {
    vec![shows("/plan", Door::Needs(Area::Pools.read()), show)]
}

#[derive(Template)]
#[template(path = "plan/page.html")]
struct Plan<'a> {
    p: Frame,
    query: &'a Fields,
    /// What would become of the request; `None` until one is asked about.
    view: Option<PlanView>,
    trouble: Option<String>,
    /// The models of routes, to choose from.
    models: Vec<String>,
    /// The names of client keys, to choose from.
    keys: Vec<String>,
    may_add_accounts: bool,
}

async fn show(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let (status, view, trouble) = match told(&asked).await {
        Ok(view) => (StatusCode::OK, view, None),
        Err(error) if is_of_form(&error) => {
            (StatusCode::UNPROCESSABLE_ENTITY, None, Some(asked.say_error(&error)))
        }
        Err(error) => return Err(error),
    };
    let routes: Vec<RouteView> = asked.act(Command::ListRoutes).await?;
    let models = routes.into_iter().map(|route| route.model.to_string()).take(MOST_OFFERED).collect();
    let keys = keys(&asked).await?;
    let p = asked.frame(asked.say("Who would serve this?")).await?;
    let may_add_accounts = asked.may(Area::Accounts.write());
    asked.page_as(status, &Plan { p, query: &asked.query, view, trouble, models, keys, may_add_accounts })
}

async fn told(asked: &Asked) -> Result<Option<PlanView>, AdminError> {
    match question::of(&asked.query)? {
        Some(input) => asked.act(Command::PlanRequest(input)).await.map(Some),
        None => Ok(None),
    }
}

/// The names of the first keys, as far as whoever asks may see them.
async fn keys(asked: &Asked) -> Result<Vec<String>, AdminError> {
    let first = KeyListInput { page_size: Some(MOST_OFFERED), ..KeyListInput::default() };
    let page: Option<ListPage<KeyRow>> =
        asked.act_if_may(Area::Keys.read(), Command::PageKeys(first)).await?;
    Ok(page.into_iter().flat_map(|page| page.items).map(|row| row.key.name).collect())
}

/// A row of a leg's table that would be asked.
struct Turn<'a> {
    /// Its number among all that would be asked; `None` where it would not be its turn.
    number: Option<usize>,
    account: AccountId,
    why: String,
    known: Option<&'a OutlookAccount>,
}

impl Plan<'_> {
    /// Whether more than the model, the key and the dialect was asked about, so that those fields are to be seen.
    fn has_more(&self) -> bool {
        let more = ["operation", "stream", "pinned", "session", "prompt_tokens", "max_tokens"];
        more.iter().any(|name| self.query.text(name).is_some())
    }

    /// What the form says of the key: its name, once that is known.
    fn key(&self) -> &str {
        let named = self.view.as_ref().and_then(|view| view.key.as_deref());
        named.unwrap_or_else(|| self.query.value("key"))
    }

    fn dialects(&self) -> [(&'static str, &'static str); 5] {
        Dialect::ALL.map(|dialect| (dialect.as_str(), words::dialect(dialect)))
    }

    fn operations(&self) -> Vec<(&'static str, &'static str)> {
        question::OPERATIONS.map(|operation| (operation.as_str(), words::operation(operation))).to_vec()
    }

    fn asked_for(&self, operation: &Operation) -> &'static str {
        words::operation(*operation)
    }

    fn dialect(&self, dialect: &Dialect) -> &'static str {
        words::dialect(*dialect)
    }

    fn refused(&self, by: &RefusingStep) -> &'static str {
        words::refused(*by)
    }

    fn strategy(&self, strategy: &Strategy) -> &'static str {
        strategy_words(*strategy)
    }

    fn barrier(&self, barrier: &Barrier) -> &'static str {
        reasons::barrier(*barrier)
    }

    fn rest(&self, rest: &Rest) -> &'static str {
        reasons::rest(rest.reason)
    }

    fn unit(&self, unit: &LimitUnit) -> &'static str {
        reasons::unit(*unit)
    }

    fn account(&self, view: &PlanView, id: &AccountId) -> String {
        view.account(*id)
    }

    fn pool(&self, view: &PlanView, id: &PoolId) -> String {
        view.pool(*id)
    }

    /// The names of all that would be asked, in their order.
    fn order(&self, view: &PlanView) -> Vec<(AccountId, String)> {
        let turns = view.outlook.turns.iter();
        turns.map(|turn| (turn.account, view.account(turn.account))).collect()
    }

    /// Those of a leg that may be asked.
    fn asked<'v>(&self, view: &'v PlanView, leg: &'v OutlookLeg, number: &usize) -> Vec<Turn<'v>> {
        let turn = |account: AccountId| {
            let is_it = |turn: &OutlookTurn| usize::from(turn.leg) == *number && turn.account == account;
            view.outlook.turns.iter().position(is_it).map(|at| at + 1)
        };
        let known = leg.known.iter().map(Some).chain(std::iter::repeat(None));
        let one = |(asked, known): (&'v AskedAccount, _)| Turn {
            number: turn(asked.account),
            account: asked.account,
            why: reasons::placed(&self.p, asked),
            known,
        };
        leg.planned.asked.iter().zip(known).take(MOST_SHOWN).map(one).collect()
    }

    /// How many more of those are not shown.
    fn asked_more(&self, leg: &OutlookLeg) -> usize {
        leg.planned.asked.len().saturating_sub(MOST_SHOWN) + leg.planned.asked_more as usize
    }

    /// Those of a leg that would not be asked, as far as they are shown.
    fn passed_over<'v>(&self, leg: &'v OutlookLeg) -> &'v [PassedOver] {
        leg.planned.passed_over.get(..MOST_SHOWN).unwrap_or(&leg.planned.passed_over)
    }

    /// How many more of those there are, by what stands against them.
    fn passed_over_more(&self, leg: &OutlookLeg) -> BTreeMap<Barrier, u32> {
        let mut more = leg.planned.passed_over_more.clone();
        for passed in leg.planned.passed_over.iter().skip(MOST_SHOWN) {
            *more.entry(passed.barrier).or_default() += 1;
        }
        more
    }

    fn amount(&self, unit: &LimitUnit, amount: &i64) -> String {
        words::amount(*unit, *amount)
    }

    fn seconds(&self, millis: &u64) -> String {
        length_text(millis.div_ceil(1_000))
    }

    /// Where the name's route is looked at.
    fn route(&self, route: &RouteId) -> String {
        format!("{}/routes/{route}", self.p.base())
    }
}

/// A list to choose from is no help beyond that, and would be most of the page.
const MOST_OFFERED: usize = 100;
/// Of a leg's accounts so many that would be asked and so many that would not: a relay may have thousands.
const MOST_SHOWN: usize = 50;
