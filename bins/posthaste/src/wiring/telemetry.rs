//! Telling a receiver of OpenTelemetry's protocol, where the configuration names one.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use metrics_exporter_prometheus::PrometheusHandle;
use posthaste_core::{NoTelemetry, SystemClock, Telemetry, Transport};
use posthaste_telemetry::Otlp;

use crate::{Config, machine};

/// Starts telling; `None` where nobody is told.
///
/// # Errors
/// When the receiver cannot be used as it is told. Nothing is called.
///
/// # Panics
/// Outside a tokio runtime.
pub fn start(
    config: &Config,
    transport: &Arc<dyn Transport>,
    metrics: &PrometheusHandle,
) -> anyhow::Result<Option<Otlp>> {
    let Some(options) = config.telemetry.options(&machine::host_name()) else { return Ok(None) };
    let metrics = metrics.clone();
    let scrape = Box::new(move || metrics.render());
    let otlp = Otlp::start(&options, transport, Arc::new(SystemClock), scrape);
    otlp.context("`[telemetry]` cannot be used").map(Some)
}

/// Who is told, also where nobody is.
pub fn sink(otlp: Option<&Otlp>) -> Arc<dyn Telemetry> {
    match otlp {
        Some(otlp) => Arc::new(otlp.clone()),
        None => Arc::new(NoTelemetry),
    }
}

/// Delivers what is left.
pub async fn stop(otlp: Option<&Otlp>) {
    if let Some(otlp) = otlp {
        otlp.stop(LAST_WORD).await;
    }
}

/// What a receiver may take at the end: nobody waits for its sake.
const LAST_WORD: Duration = Duration::from_secs(5);
