//! The task that sends metrics now and then.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use opentelemetry_proto::tonic::{
    collector::metrics::v1::ExportMetricsServiceRequest,
    metrics::v1::{Metric, ResourceMetrics, ScopeMetrics},
};
use posthaste_core::{Clock, Timestamp};
use prost::Message;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::{GenAi, Period, scraped::read};
use crate::{
    Scrape, ServiceFacts,
    attributes::{SCHEMA, resource, scope},
    exporter::Exporter,
};

/// What the task works with.
pub(crate) struct Push {
    pub(crate) exporter: Exporter,
    pub(crate) service: ServiceFacts,
    pub(crate) instance: Arc<OnceLock<String>>,
    pub(crate) stop: CancellationToken,
    pub(crate) every: Duration,
    /// When counting began.
    pub(crate) since: Timestamp,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) scrape: Scrape,
    pub(crate) gen_ai: Arc<GenAi>,
}

impl Push {
    /// Ends when it is stopped, after a last time.
    pub(crate) async fn run(self) {
        let mut rounds = interval(self.every);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The first one is at once, when there is nothing to tell yet.
        rounds.tick().await;
        loop {
            let ends = tokio::select! {
                () = self.stop.cancelled() => true,
                _ = rounds.tick() => false,
            };
            // Numbers are sums since the start: what one delivery lost, the next one tells.
            self.exporter.deliver(self.request().encode_to_vec().into()).await;
            if ends {
                return;
            }
        }
    }

    fn request(&self) -> ExportMetricsServiceRequest {
        let nanos = |at: Timestamp| u64::try_from(at.as_micros()).unwrap_or(0).saturating_mul(1_000);
        let period = Period { since: nanos(self.since), now: nanos(self.clock.now()) };
        let mut metrics: Vec<Metric> = read(&(self.scrape)(), period);
        metrics.extend(self.gen_ai.metrics(period));
        let scope_metrics =
            ScopeMetrics { scope: Some(scope(&self.service)), metrics, schema_url: SCHEMA.to_owned() };
        let resource = resource(&self.service, self.instance.get().map(String::as_str));
        ExportMetricsServiceRequest {
            resource_metrics: vec![ResourceMetrics {
                resource: Some(resource),
                scope_metrics: vec![scope_metrics],
                schema_url: SCHEMA.to_owned(),
            }],
        }
    }
}
