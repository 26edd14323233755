//! What is known of those who may be asked, and whether limits of their own would turn the request away.

use std::{collections::HashMap, sync::Arc, time::Duration};

use posthaste_core::{Account, AccountId, Limit, Operation, OutlookAccount, OutlookLimit, Timestamp};
use posthaste_provider::upstream_dialect;
use posthaste_storage::{Half, StorageError};

use super::limit;
use crate::{
    asked::AskedModel,
    attempt::{pools_of, shares},
    journey::Journey,
    limits::look,
    planning::priority,
};

/// What was seen of accounts' own limits.
#[derive(Default)]
pub(super) struct Seats {
    /// Whether one of them is full.
    pub(super) full: bool,
    /// When the first of those may serve again, as far as that is known.
    pub(super) full_until: Option<Timestamp>,
    /// One account may stand on several legs under one name.
    seen: HashMap<(AccountId, String), Option<OutlookLimit>>,
}

impl Seats {
    pub(super) async fn known(
        &mut self,
        journey: &Journey,
        account: &Arc<Account>,
        model: &AskedModel,
        streamed: bool,
    ) -> Result<OutlookAccount, StorageError> {
        let upstream_model = model.upstream(account);
        let asked = journey.asked_dialect();
        // Who has no endpoint is left out of the plan.
        let dialect = upstream_dialect(account, journey.operation, asked, &upstream_model).unwrap_or(asked);
        let patience = journey.options.patience(account.provider, dialect, streamed);
        Ok(OutlookAccount {
            priority: priority(&journey.caller.key().policy, account),
            weight: account.scheduling.weight,
            in_flight: journey.engine.scheduler.in_flight(account.id),
            full: self.full(journey, account, upstream_model.as_str()).await?,
            upstream_model,
            dialect,
            first_event_ms: millis(patience),
            first_percent: None,
        })
    }

    /// The first limit of the account, or of a pool of its, that has no room.
    async fn full(
        &mut self,
        journey: &Journey,
        account: &Account,
        model: &str,
    ) -> Result<Option<OutlookLimit>, StorageError> {
        if journey.operation == Operation::CountTokens {
            return Ok(None);
        }
        if let Some(seen) = self.seen.get(&(account.id, model.to_owned())) {
            return Ok(seen.clone());
        }
        let engine = &journey.engine;
        let pools = pools_of(engine, account);
        let mut full = None;
        for (owner, share) in shares(account, &pools) {
            let covers = |limit: &Limit| limit.covers(model);
            let looked = look(engine, Half::Seat, owner, &[share], covers, &journey.estimate).await?;
            full = looked.iter().find(|looked| looked.refuses).map(limit);
            if full.is_some() {
                break;
            }
        }
        if let Some(OutlookLimit { limit, .. }) = &full {
            self.full = true;
            self.full_until = match (self.full_until, limit.resets_at) {
                (Some(known), Some(other)) => Some(known.min(other)),
                (known, other) => known.or(other),
            };
        }
        self.seen.insert((account.id, model.to_owned()), full.clone());
        Ok(full)
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
