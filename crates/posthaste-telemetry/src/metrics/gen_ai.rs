//! The conventions' histograms of attempts
//! (<https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-metrics/>, read 2026-11-28).
//!
//! They tell models apart, whose names clients may choose; so only so many are told apart, and the rest is counted together
//! as OpenTelemetry has it (<https://opentelemetry.io/docs/specs/otel/metrics/sdk/#overflow-attribute>).

use std::collections::HashMap;

use opentelemetry_proto::tonic::{
    common::v1::KeyValue,
    metrics::v1::{AggregationTemporality, Histogram, HistogramDataPoint, Metric, metric::Data},
};
use parking_lot::Mutex;
use posthaste_core::{AttemptRow, ModelName, Operation, ProviderKind, UsageSource};

use super::Period;
use crate::attributes::{Attributes, error_type, operation, provider};

/// Counts attempts.
#[derive(Default)]
pub(crate) struct GenAi {
    series: Mutex<HashMap<Labels, Series>>,
}

/// What attempts are told apart by; `None` for those beyond what is told apart.
type Labels = Option<(Operation, ProviderKind, ModelName, Option<&'static str>)>;

struct Series {
    duration: Buckets<14>,
    input: Buckets<14>,
    output: Buckets<14>,
    first_token: Buckets<16>,
}

impl GenAi {
    pub(crate) fn attempt(&self, row: &AttemptRow) {
        let labels = Some((row.operation, row.provider, row.upstream_model.clone(), error_type(row)));
        let mut all = self.series.lock();
        let labels = if all.len() < MOST_SERIES || all.contains_key(&labels) { labels } else { None };
        let series = all.entry(labels).or_insert_with(Series::new);
        series.duration.note(seconds(row.duration_us));
        // Estimates are none of the upstream's counts.
        if row.usage_source == UsageSource::Reported {
            series.input.note(row.usage.prompt() as f64);
            series.output.note(row.usage.output as f64);
        }
        if let Some(first) = row.first_content_us.filter(|_| row.streamed) {
            series.first_token.note(seconds(first));
        }
    }

    /// What was counted so far.
    pub(crate) fn metrics(&self, period: Period) -> Vec<Metric> {
        let (mut duration, mut tokens, mut first_token) = (Vec::new(), Vec::new(), Vec::new());
        for (labels, series) in &*self.series.lock() {
            let plain = || attributes(labels);
            let of_type = |kind: &str| {
                let mut attributes = plain();
                attributes.extend(Attributes::default().text("gen_ai.token.type", kind).0);
                attributes
            };
            duration.extend(series.duration.point(plain, period));
            tokens.extend(series.input.point(|| of_type("input"), period));
            tokens.extend(series.output.point(|| of_type("output"), period));
            first_token.extend(series.first_token.point(plain, period));
        }
        let metric = |name: &str, unit: &str, data_points: Vec<HistogramDataPoint>| Metric {
            name: name.to_owned(),
            unit: unit.to_owned(),
            data: Some(Data::Histogram(Histogram {
                data_points,
                aggregation_temporality: AggregationTemporality::Cumulative.into(),
            })),
            ..Metric::default()
        };
        let metrics = [
            metric("gen_ai.client.operation.duration", "s", duration),
            metric("gen_ai.client.token.usage", "{token}", tokens),
            metric("gen_ai.server.time_to_first_token", "s", first_token),
        ];
        let told = |metric: &Metric| matches!(&metric.data, Some(Data::Histogram(all)) if !all.data_points.is_empty());
        metrics.into_iter().filter(told).collect()
    }
}

impl Series {
    const fn new() -> Self {
        Self {
            duration: Buckets::new(&DURATION),
            input: Buckets::new(&TOKENS),
            output: Buckets::new(&TOKENS),
            first_token: Buckets::new(&FIRST_TOKEN),
        }
    }
}

fn attributes(labels: &Labels) -> Vec<KeyValue> {
    let attributes = Attributes::default();
    let Some((operation_, provider_, model, error)) = labels else {
        return attributes.truth("otel.metric.overflow", true).0;
    };
    attributes
        .text("gen_ai.operation.name", operation(*operation_))
        .text("gen_ai.provider.name", provider(*provider_))
        .text("gen_ai.request.model", model.as_str())
        .some_text("error.type", *error)
        .0
}

/// Counts by size.
struct Buckets<const N: usize> {
    bounds: &'static [f64; N],
    counts: [u64; N],
    above: u64,
    sum: f64,
}

impl<const N: usize> Buckets<N> {
    const fn new(bounds: &'static [f64; N]) -> Self {
        Self { bounds, counts: [0; N], above: 0, sum: 0.0 }
    }

    fn note(&mut self, value: f64) {
        self.sum += value;
        // A bound belongs to the bucket below it.
        match self.bounds.iter().position(|bound| value <= *bound) {
            Some(bucket) => self.counts[bucket] += 1,
            None => self.above += 1,
        }
    }

    fn point(
        &self,
        attributes: impl FnOnce() -> Vec<KeyValue>,
        period: Period,
    ) -> Option<HistogramDataPoint> {
        let bucket_counts: Vec<u64> = self.counts.iter().copied().chain([self.above]).collect();
        let count = bucket_counts.iter().sum();
        (count > 0).then(|| HistogramDataPoint {
            attributes: attributes(),
            start_time_unix_nano: period.since,
            time_unix_nano: period.now,
            count,
            sum: Some(self.sum),
            bucket_counts,
            explicit_bounds: self.bounds.to_vec(),
            ..HistogramDataPoint::default()
        })
    }
}

fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}

/// Some 600 bytes each.
const MOST_SERIES: usize = 1_000;

// The boundaries are the conventions'.
const DURATION: [f64; 14] =
    [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
const TOKENS: [f64; 14] = [
    1.0,
    4.0,
    16.0,
    64.0,
    256.0,
    1_024.0,
    4_096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];
const FIRST_TOKEN: [f64; 16] =
    [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

#[cfg(test)]
mod tests {
    use posthaste_core::{AttemptOutcome, FaultKind, Usage};
    use posthaste_storage::contract::row;

    use super::*;

    const PERIOD: Period = Period { since: 1, now: 2 };

    fn points(metrics: &[Metric], name: &str) -> Vec<HistogramDataPoint> {
        match metrics.iter().find(|metric| metric.name == name).and_then(|metric| metric.data.clone()) {
            Some(Data::Histogram(all)) => all.data_points,
            _ => Vec::new(),
        }
    }

    #[test]
    fn reported_tokens_are_told_and_estimates_are_not() {
        let all = GenAi::default();
        let usage = Usage { input: 10, cache_read: 5, output: 4, ..Usage::NONE };
        let counted = AttemptRow { usage, usage_source: UsageSource::Reported, ..row() };
        all.attempt(&AttemptRow {
            duration_us: 20_000,
            first_content_us: Some(5_000),
            streamed: true,
            ..counted.clone()
        });
        let failed = AttemptOutcome::Failed(FaultKind::Timeout);
        all.attempt(&AttemptRow {
            outcome: failed,
            streamed: false,
            usage_source: UsageSource::Estimated,
            ..counted
        });
        let metrics = all.metrics(PERIOD);
        let tokens = points(&metrics, "gen_ai.client.token.usage");
        let sums: Vec<_> = tokens.iter().map(|point| (point.count, point.sum)).collect();
        assert_eq!(sums, [(1, Some(15.0)), (1, Some(4.0))]);
        // A bound is its bucket's own: 4 tokens are in the second one.
        assert_eq!(tokens[1].bucket_counts[1], 1);
        let durations = points(&metrics, "gen_ai.client.operation.duration");
        assert_eq!(durations.len(), 2);
        let failed =
            durations.iter().find(|point| point.attributes.iter().any(|pair| pair.key == "error.type"));
        assert_eq!(failed.unwrap().count, 1);
        let first = points(&metrics, "gen_ai.server.time_to_first_token");
        assert_eq!((first.len(), first[0].bucket_counts[1]), (1, 1));
    }

    #[test]
    fn a_client_that_makes_up_models_does_not_grow_it() {
        let all = GenAi::default();
        for number in 0..MOST_SERIES + 500 {
            let model = ModelName::parse(&format!("made-up-{number}")).unwrap();
            all.attempt(&AttemptRow { upstream_model: model, ..row() });
        }
        let durations = points(&all.metrics(PERIOD), "gen_ai.client.operation.duration");
        assert_eq!(durations.len(), MOST_SERIES + 1);
        assert_eq!(durations.iter().map(|point| point.count).sum::<u64>(), 1_500);
        let over = durations.iter().find(|point| point.attributes[0].key == "otel.metric.overflow").unwrap();
        assert_eq!(over.count, 500);
    }
}
