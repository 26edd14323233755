//! What only a running relay knows.

use std::{future::ready, pin::Pin, sync::Arc};

use posthaste_core::{
    AccountId, ClientKey, ClientKeyId, CooldownReason, InstanceId, Outlook, OutlookQuestion, Timestamp,
};
use posthaste_metering::PriceBook;
use posthaste_storage::StorageError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{LastCleanup, LogBook, ProcessView, ReloadView, SettingView};

/// A running relay, as far as operators' work needs it. Implemented where the relay is wired together.
pub trait Runtime: Send + Sync + 'static {
    /// Why and how long an account rests, if it does.
    fn parked(&self, account: AccountId) -> Option<ParkedView>;

    /// The models that an account does not serve for now, though it serves others.
    fn parked_models(&self, account: AccountId) -> Vec<ParkedModels>;

    /// How the windows of an account's plan go, as far as its vendor told.
    fn quota(&self, account: AccountId) -> Vec<QuotaView>;

    /// Ends an account's rest, since what it rested from was put right.
    fn release(&self, account: AccountId);

    /// Which of the relays that share the store it is.
    fn instance(&self) -> InstanceId;

    /// When the relay started.
    fn started_at(&self) -> Timestamp;

    /// How many requests are in flight.
    fn in_flight(&self) -> u64;

    /// How many of them are streams.
    fn open_streams(&self) -> Option<u64> {
        None
    }

    /// What it took itself of its latest requests; `None` until it has served one.
    fn overhead(&self) -> Option<OverheadView> {
        None
    }

    /// What of the books waits on the local disk for the shared store; `None` where there is no such spool.
    fn spool(&self) -> Option<SpoolStatus> {
        None
    }

    /// Who waits for a place in this relay, and how many.
    fn waiting(&self) -> Vec<(ClientKeyId, u32)> {
        Vec::new()
    }

    /// How many attempts at an account are under way at this relay.
    fn in_flight_at(&self, _account: AccountId) -> u32 {
        0
    }

    /// How many conversations it knows whose account it knows.
    fn conversations(&self) -> u64 {
        0
    }

    /// What the process uses.
    fn process(&self) -> Option<ProcessView> {
        None
    }

    /// How much the store takes up: the embedded store's files, or the memory of the servers that keep a shared one.
    fn store_bytes(&self) -> Pin<Box<dyn Future<Output = Option<u64>> + Send + '_>> {
        Box::pin(ready(None))
    }

    /// The configuration that it goes by, secrets redacted.
    fn settings(&self) -> Vec<SettingView> {
        Vec::new()
    }

    /// Reads the configuration again and takes what can change while it runs, all of it or nothing.
    ///
    /// # Errors
    /// Why nothing was taken: a line for each value that is not in order.
    fn reload(&self) -> Pin<Box<dyn Future<Output = Result<ReloadView, Vec<String>>> + Send + '_>> {
        Box::pin(ready(Err(vec!["this relay was not started with a configuration".to_owned()])))
    }

    /// What it has logged, and the filter by which it does; `None` where it keeps none of it.
    fn logs(&self) -> Option<(Arc<LogBook>, String)> {
        None
    }

    /// Logs other events from now on.
    ///
    /// # Errors
    /// What is wrong with the filter.
    fn set_log_filter(&self, _filter: &str) -> Result<(), String> {
        Err("this relay keeps no log".to_owned())
    }

    /// The price book that it goes by, without the operators' own prices; `None` where it tells nothing of it.
    fn prices(&self) -> Option<Arc<PriceBook>> {
        None
    }

    /// What came of the last round of cleaning up in this process.
    fn cleanup(&self) -> Option<LastCleanup> {
        None
    }

    /// Who would serve a request of a client key, if it came now; `None` where no relay could tell. Nothing is sent, reserved,
    /// counted or remembered.
    fn outlook<'a>(&'a self, _key: ClientKey, _question: &'a OutlookQuestion) -> Option<Foretelling<'a>> {
        None
    }

    /// Waits until the requests that are over are on record.
    fn settle_records(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// Looking who would serve a request.
pub type Foretelling<'a> = Pin<Box<dyn Future<Output = Result<Outlook, StorageError>> + Send + 'a>>;

/// What of the books waits for the shared store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SpoolStatus {
    /// Rows that the shared store has not taken yet.
    pub rows: u64,
    /// Their bytes.
    pub bytes: u64,
    /// For how long the oldest of them has waited.
    pub oldest_seconds: Option<u64>,
    /// Whether the shared store failed to take rows, and has not caught up since.
    pub lost: bool,
    /// Whether the local disk does not take rows, or as many wait as may.
    pub failing: bool,
    /// Files that were set aside, since not all of their rows could be read.
    pub damaged: u64,
}

/// What a relay took itself of its latest requests, in microseconds, up to the beginning of their answers: the time that the
/// vendor took and waits for a free account are not in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OverheadView {
    /// Half of them took no more than this.
    pub p50_us: u64,
    /// Of a hundred 99 took no more than this.
    pub p99_us: u64,
    /// How many requests these are; about a thousand at most.
    pub requests: usize,
}

/// An account's rest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ParkedView {
    /// The class of reason.
    pub reason: CooldownReason,
    /// When it ends.
    pub until: Timestamp,
    /// What the upstream said.
    pub why: String,
}

/// A window of an account's plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QuotaView {
    /// How much of it is used.
    pub used_percent: u64,
    /// When it began.
    pub starts_at: Timestamp,
    /// When it starts anew.
    pub resets_at: Timestamp,
    /// When nothing is left of it at the present pace, if that is before it starts anew.
    pub runs_out_at: Option<Timestamp>,
}

/// A rest of some of an account's models, which the vendor meters on their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ParkedModels {
    /// Which models, as the upstream calls them: a name, or what names begin with and a `*`.
    pub models: String,
    /// Why and how long.
    #[serde(flatten)]
    pub parked: ParkedView,
}
