//! Where the process's metrics are counted.

use anyhow::Context;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// The recorder belongs to the process; a second relay in it (in tests) shares the first one's.
pub(super) fn install_metrics() -> anyhow::Result<PrometheusHandle> {
    static HANDLE: std::sync::OnceLock<PrometheusHandle> = std::sync::OnceLock::new();
    if let Some(handle) = HANDLE.get() {
        return Ok(handle.clone());
    }
    let recorder = PrometheusBuilder::new()
        .set_buckets(&SECONDS)?
        .set_buckets_for_metric(Matcher::Full("posthaste_overhead_seconds".to_owned()), &SHORT)?
        .set_buckets_for_metric(Matcher::Full("posthaste_store_seconds".to_owned()), &SHORT)?
        .build_recorder();
    let handle = recorder.handle();
    if metrics::set_global_recorder(recorder).is_err() {
        return HANDLE.get().cloned().context("another metrics recorder is installed");
    }
    Ok(HANDLE.get_or_init(|| handle).clone())
}

/// Answers of models take from a tenth of a second to many minutes.
const SECONDS: [f64; 12] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0];
/// What the relay itself takes: tenths of a millisecond, unless it waits for a store or for an account's place.
const SHORT: [f64; 10] = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1.0];
