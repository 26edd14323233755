//! What a journey works with.

use std::sync::Arc;

use arc_swap::ArcSwap;
use posthaste_core::{Clock, ModelName, NoticeSink, Telemetry, Transport};
use posthaste_metering::PriceBook;
use posthaste_scheduler::Scheduler;
use posthaste_storage::{AdmissionStore, LedgerWriter, StoreHealth, Stores};
use posthaste_vault::{CredentialSource, Vault};

use crate::{
    AccountDirectory, Authenticator, RelayOptions, affinity::Homes, asked::AskedModel, budgets::Budgets,
    drains::Drains, errors::ErrorLog, fleet::Fleet, knocks::Knocks, lines::Lines, live::Live, memory::Memory,
    metrics::Metrics, notices::Notices, prices::CurrentPrices, projects::Projects, quotas::Quotas,
    rates::CurrentRates, recorder::Recorder, rosters::Rosters, thresholds::Thresholds,
};

/// The ports that a relay is built from.
pub struct RelayPorts {
    /// The stores.
    pub stores: Stores,
    /// Where attempts are booked.
    pub ledger: LedgerWriter,
    /// For hashing client keys.
    pub vault: Arc<Vault>,
    /// Where credentials come from.
    pub credentials: Arc<dyn CredentialSource>,
    /// How requests leave.
    pub transport: Arc<dyn Transport>,
    /// What tokens cost.
    pub prices: Arc<PriceBook>,
    /// The accounts' health and order.
    pub scheduler: Arc<Scheduler>,
    /// Wall time.
    pub clock: Arc<dyn Clock>,
    /// Who brings to operators what they should know; [`NoNotices`](posthaste_core::NoNotices) where nobody does.
    pub notices: Arc<dyn NoticeSink>,
    /// Who watches from outside; [`NoTelemetry`](posthaste_core::NoTelemetry) where nobody does.
    pub telemetry: Arc<dyn Telemetry>,
}

/// Shared by all journeys.
pub(crate) struct Engine {
    pub(crate) authenticator: Authenticator,
    pub(crate) knocks: Knocks,
    pub(crate) directory: AccountDirectory,
    pub(crate) admission: Arc<dyn AdmissionStore>,
    pub(crate) store_health: StoreHealth,
    pub(crate) scheduler: Arc<Scheduler>,
    pub(crate) credentials: Arc<dyn CredentialSource>,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) ledger: LedgerWriter,
    pub(crate) prices: CurrentPrices,
    pub(crate) rates: CurrentRates,
    pub(crate) clock: Arc<dyn Clock>,
    /// Replaced whole; requests under way keep those that they began with.
    pub(crate) options: ArcSwap<RelayOptions>,
    pub(crate) lines: Lines,
    pub(crate) budgets: Budgets,
    pub(crate) quotas: Quotas,
    pub(crate) rosters: Rosters,
    pub(crate) metrics: Metrics,
    pub(crate) notices: Notices,
    pub(crate) telemetry: Arc<dyn Telemetry>,
    pub(crate) memory: Memory,
    pub(crate) homes: Homes,
    pub(crate) projects: Projects,
    pub(crate) thresholds: Thresholds,
    pub(crate) recorder: Arc<Recorder>,
    /// Who watches.
    pub(crate) live: Arc<Live>,
    pub(crate) drains: Drains,
    pub(crate) errors: ErrorLog,
    /// The relays that share the accounts.
    pub(crate) fleet: Arc<Fleet>,
}

impl Engine {
    /// The model that a client means by a name.
    pub(crate) fn asked(&self, name: &ModelName) -> AskedModel {
        AskedModel::new(name.clone(), &self.prices.now())
    }
}
