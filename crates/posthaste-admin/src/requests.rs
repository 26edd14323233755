//! What became of requests, and why.

mod page;
mod view;

use std::collections::{BTreeMap, BTreeSet};

use posthaste_core::{
    AccountId, AttemptRow, CapturedBodies, ClientKeyId, PoolId, RequestId, RequestRecord, Sealed,
};
use posthaste_storage::KeptRequest;
use posthaste_vault::request_bodies_place;

pub use self::page::{RequestsInput, RequestsPage};
pub use self::view::{ExplainView, NamedAccount, RequestSummary};
use crate::{Admin, AdminError, change::find};

/// The records of requests.
#[derive(Clone, Copy)]
pub struct RequestService<'a> {
    admin: &'a Admin,
}

impl<'a> RequestService<'a> {
    pub(crate) fn new(admin: &'a Admin) -> Self {
        Self { admin }
    }

    /// One request with all that is known of it; with its bodies where those are wanted and were captured.
    ///
    /// # Errors
    /// [`AdminError::Invalid`] for a text that is no identity, [`AdminError::NotFound`] for a request that is unknown, still
    /// under way or forgotten already.
    pub async fn explain(self, request: &str, bodies: bool) -> Result<ExplainView, AdminError> {
        let id: RequestId = request.trim().parse().map_err(|_| {
            let message = format!(
                "`{}` is no request's id; take it from the answer's x-posthaste-request-id, or from `requests list`",
                request.escape_debug()
            );
            AdminError::invalid("request_id", message)
        })?;
        let rows = self.admin.parts().stores.ledger.attempts(id).await?;
        let Some(KeptRequest { record, bodies: sealed }) = self.find(id).await? else {
            return Err(not_found(id, &rows));
        };
        let captured = sealed.is_some();
        let bodies = match sealed {
            Some(sealed) if bodies => Some(self.open(id, &sealed)?),
            _ => None,
        };
        // The record may have come to its store before the last row came to the books.
        let rows = if rows.len() < sent(&record) {
            self.admin.parts().stores.ledger.attempts(id).await?
        } else {
            rows
        };
        let key = self.key_name(record.key_id).await?;
        let accounts = self.account_names(&record).await?;
        let pools = self.pool_names(&record).await?;
        Ok(ExplainView::new(record, rows, key, (accounts, pools), (captured, bodies)))
    }

    /// The latest requests, newest first; only one client key's when `key` is given.
    ///
    /// # Errors
    /// [`AdminError::Invalid`] for a number that is too large, [`AdminError::NotFound`] for an unknown client key.
    pub async fn list(self, key: Option<&str>, limit: usize) -> Result<Vec<RequestSummary>, AdminError> {
        if !(1..=MOST_LISTED).contains(&limit) {
            let message = format!("{limit} is not a number from 1 to {MOST_LISTED}");
            return Err(AdminError::invalid("limit", message));
        }
        let key = match key {
            Some(key) => Some(self.key_id(key).await?),
            None => None,
        };
        self.settle().await;
        let records = self.admin.parts().stores.requests.latest(key, limit).await?;
        Ok(page::summaries(records, &*self.admin.directory().await?))
    }

    /// A page of requests, newest first.
    ///
    /// # Errors
    /// [`AdminError::Invalid`] for an input that cannot be taken, [`AdminError::NotFound`] for a name of nobody.
    pub async fn page(self, input: &RequestsInput) -> Result<RequestsPage, AdminError> {
        self.settle().await;
        page::page(self.admin, input).await
    }

    /// A record, which may still be on its way to the store.
    async fn find(self, id: RequestId) -> Result<Option<KeptRequest>, AdminError> {
        let requests = &self.admin.parts().stores.requests;
        let found = requests.find(id).await?;
        if found.is_some() {
            return Ok(found);
        }
        self.settle().await;
        Ok(requests.find(id).await?)
    }

    async fn settle(self) {
        if let Some(runtime) = &self.admin.parts().runtime {
            runtime.settle_records().await;
        }
    }

    fn open(self, id: RequestId, sealed: &Sealed) -> Result<CapturedBodies, AdminError> {
        let json = self.admin.parts().vault.unseal(&request_bodies_place(id), sealed)?;
        serde_json::from_str(json.expose()).map_err(|error| {
            AdminError::Store(posthaste_storage::StorageError::corrupt("captured bodies", error))
        })
    }

    /// Also of a key that was removed, by its id.
    async fn key_id(self, key: &str) -> Result<ClientKeyId, AdminError> {
        match (find(&self.admin.key_records(), key).await, key.parse()) {
            (Ok(found), _) => Ok(found.value.id),
            (Err(AdminError::NotFound { .. }), Ok(id)) => Ok(id),
            (Err(error), _) => Err(error),
        }
    }

    async fn key_name(self, id: ClientKeyId) -> Result<Option<String>, AdminError> {
        Ok(self.admin.key_records().get(id.uuid()).await?.map(|found| found.value.name))
    }

    async fn account_names(self, record: &RequestRecord) -> Result<BTreeMap<AccountId, String>, AdminError> {
        let legs = || record.plans.iter().flat_map(|plan| &plan.legs);
        let mentioned = legs()
            .flat_map(|leg| leg.asked.iter().map(|asked| asked.account))
            .chain(legs().flat_map(|leg| leg.passed_over.iter().map(|passed| passed.account)))
            .chain(record.stops.iter().map(|stop| stop.account))
            .chain(record.conversation.and_then(|conversation| conversation.home))
            .chain(record.answer_home);
        let mut names: BTreeMap<_, _> = mentioned.map(|id| (id, id.to_string())).collect();
        for account in self.admin.account_records().all().await? {
            if let Some(name) = names.get_mut(&account.value.id) {
                *name = account.value.name;
            }
        }
        Ok(names)
    }

    async fn pool_names(self, record: &RequestRecord) -> Result<BTreeMap<PoolId, String>, AdminError> {
        let pools: BTreeSet<_> =
            record.plans.iter().flat_map(|plan| &plan.legs).filter_map(|leg| leg.pool).collect();
        let mut names = BTreeMap::new();
        for id in pools {
            let found = self.admin.pool_records().get(id.uuid()).await?;
            names.insert(id, found.map_or_else(|| id.to_string(), |found| found.value.name));
        }
        Ok(names)
    }
}

/// How many attempts the books must have.
fn sent(record: &RequestRecord) -> usize {
    record.stops.iter().filter(|stop| stop.attempt.is_some()).count()
}

fn not_found(id: RequestId, rows: &[AttemptRow]) -> AdminError {
    let why = match rows {
        [] => {
            "it may be unknown, still under way, refused before its model was read, or forgotten".to_owned()
        }
        rows => {
            let attempts = if rows.len() == 1 { "attempt" } else { "attempts" };
            format!("it was forgotten or never kept; the books have its {} {attempts}", rows.len())
        }
    };
    AdminError::NotFound {
        what: format!("record of request `{id}`: {why} (see [records] in the configuration)"),
    }
}

const MOST_LISTED: usize = 1_000;
