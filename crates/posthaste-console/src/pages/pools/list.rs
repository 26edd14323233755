//! The list of pools.

use std::sync::Arc;

use askama::Template;
use axum::response::Response;
use posthaste_admin::{AdminError, Command, PoolView};
use posthaste_core::Area;

use super::form;
use crate::{asked::Asked, frame::Frame};

#[derive(Template)]
#[template(path = "pools/list.html")]
struct List {
    p: Frame,
    pools: Vec<PoolView>,
    may_write: bool,
}

pub(super) async fn show(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let pools: Vec<PoolView> = asked.act(Command::ListPools).await?;
    let p = asked.frame(asked.say("Pools")).await?;
    let may_write = asked.may(Area::Pools.write());
    asked.page(&List { p, pools, may_write })
}

impl List {
    fn strategy(&self, pool: &PoolView) -> &'static str {
        form::strategy_words(pool.rules.strategy)
    }

    /// The first few members; a pool may have hundreds.
    fn first<'a>(&self, pool: &'a PoolView) -> &'a [String] {
        pool.members.get(..SHOWN).unwrap_or(&pool.members)
    }

    fn others(&self, pool: &PoolView) -> usize {
        pool.members.len().saturating_sub(SHOWN)
    }
}

const SHOWN: usize = 4;
