//! What operators' services see of the running relay.

use std::{pin::Pin, sync::Arc};

use posthaste_admin::{
    CleanupState, Foretelling, LastCleanup, LogBook, OverheadView, ParkedModels, ParkedView, ProcessView,
    QuotaView, Runtime, SettingView, SpoolStatus,
};
use posthaste_core::{
    AccountId, ClientKey, ClientKeyId, Clock, CooldownScope, InstanceId, OutlookQuestion, Timestamp,
};
use posthaste_gateway::{OwnTime, Relay, WindowForecast};
use posthaste_metering::PriceBook;
use posthaste_scheduler::{Parked, Scheduler};
use posthaste_spool::SpoolState;

use crate::{
    logging, memory,
    reload::{Reloader, Reloading},
    wiring::{self, StoreSize},
};

/// What operators' services see of the running relay.
pub(super) struct LiveRuntime {
    pub(super) scheduler: Arc<Scheduler>,
    pub(super) relay: Relay,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) started_at: Timestamp,
    pub(super) spool: Option<SpoolState>,
    pub(super) cleanup: CleanupState,
    pub(super) reloader: Reloader,
    pub(super) store_size: StoreSize,
}

impl Runtime for LiveRuntime {
    fn parked(&self, account: AccountId) -> Option<ParkedView> {
        let parked = self.scheduler.parked(account, self.clock.now())?;
        Some(parked_view(&parked))
    }

    fn parked_models(&self, account: AccountId) -> Vec<ParkedModels> {
        let parked = self.scheduler.parked_models(account, self.clock.now());
        let view = |(scope, parked): (CooldownScope, Parked)| ParkedModels {
            models: scope.to_string(),
            parked: parked_view(&parked),
        };
        parked.into_iter().map(view).collect()
    }

    fn quota(&self, account: AccountId) -> Vec<QuotaView> {
        let view = |window: WindowForecast| QuotaView {
            used_percent: window.used_percent,
            starts_at: window.starts_at,
            resets_at: window.resets_at,
            runs_out_at: window.runs_out_at,
        };
        self.relay.quota(account).into_iter().map(view).collect()
    }

    fn release(&self, account: AccountId) {
        self.relay.release(account);
    }

    fn instance(&self) -> InstanceId {
        self.relay.instance()
    }

    fn started_at(&self) -> Timestamp {
        self.started_at
    }

    fn in_flight(&self) -> u64 {
        self.relay.in_flight()
    }

    fn open_streams(&self) -> Option<u64> {
        Some(self.relay.totals().open_streams)
    }

    fn overhead(&self) -> Option<OverheadView> {
        let OwnTime { p50_us, p99_us, requests } = self.relay.own_time()?;
        Some(OverheadView { p50_us, p99_us, requests })
    }

    fn spool(&self) -> Option<SpoolStatus> {
        self.spool.as_ref().map(|spool| wiring::spool::status(spool, self.clock.now()))
    }

    fn waiting(&self) -> Vec<(ClientKeyId, u32)> {
        self.relay.waiting()
    }

    fn in_flight_at(&self, account: AccountId) -> u32 {
        self.scheduler.in_flight(account)
    }

    fn conversations(&self) -> u64 {
        self.relay.conversations()
    }

    fn process(&self) -> Option<ProcessView> {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Some(ProcessView { pid: std::process::id(), resident_bytes: memory::resident_bytes(), processors })
    }

    fn store_bytes(&self) -> Pin<Box<dyn Future<Output = Option<u64>> + Send + '_>> {
        Box::pin(self.store_size.bytes())
    }

    fn settings(&self) -> Vec<SettingView> {
        self.reloader.settings()
    }

    fn reload(&self) -> Reloading<'_> {
        Box::pin(self.reloader.reload())
    }

    fn logs(&self) -> Option<(Arc<LogBook>, String)> {
        logging::current().map(|logging| (Arc::clone(&logging.book), logging.filter()))
    }

    fn set_log_filter(&self, filter: &str) -> Result<(), String> {
        logging::current().map_or(Ok(()), |logging| logging.set_filter(filter))
    }

    fn prices(&self) -> Option<Arc<PriceBook>> {
        Some(self.reloader.prices())
    }

    fn cleanup(&self) -> Option<LastCleanup> {
        self.cleanup.last()
    }

    fn outlook<'a>(&'a self, key: ClientKey, question: &'a OutlookQuestion) -> Option<Foretelling<'a>> {
        Some(Box::pin(self.relay.outlook(key, question)))
    }

    fn settle_records(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(self.relay.flush_records())
    }
}

fn parked_view(parked: &Parked) -> ParkedView {
    ParkedView { reason: parked.reason, until: parked.until, why: parked.why.to_string() }
}
