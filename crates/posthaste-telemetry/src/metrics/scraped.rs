//! From what Prometheus is given to OTLP
//! (<https://github.com/prometheus/docs/blob/main/docs/instrumenting/exposition_formats.md>).
//!
//! The reader is for the text of the relay's own exporter: a `TYPE` line before each family, no time stamps. What it does not
//! know it leaves out.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::{
    common::v1::KeyValue,
    metrics::v1::{
        AggregationTemporality, Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint, Sum,
        metric::Data, number_data_point,
    },
};

use super::Period;
use crate::attributes::Attributes;

/// Every family of a text. Names and labels stay as they are.
pub(crate) fn read(text: &str, period: Period) -> Vec<Metric> {
    let mut families: Vec<Family<'_>> = Vec::new();
    for line in text.lines() {
        if let Some(declared) = line.strip_prefix("# TYPE ") {
            families.extend(declared.split_once(' ').and_then(|(name, kind)| Family::new(name, kind)));
        } else if let (Some(family), Some(sample)) = (families.last_mut(), Sample::read(line)) {
            family.take(&sample);
        }
    }
    families.into_iter().filter(|family| !family.is_empty()).map(|family| family.metric(period)).collect()
}

/// A line: a name, labels and a value.
struct Sample<'a> {
    name: &'a str,
    labels: Vec<(&'a str, String)>,
    value: f64,
}

impl<'a> Sample<'a> {
    fn read(line: &'a str) -> Option<Self> {
        if line.is_empty() || line.starts_with('#') {
            return None;
        }
        let end = line.find(['{', ' '])?;
        let (name, mut rest) = line.split_at(end);
        let mut labels = Vec::new();
        if let Some(inside) = rest.strip_prefix('{') {
            rest = inside;
            while !rest.starts_with('}') {
                let (label, after) = rest.trim_start_matches(',').split_once("=\"")?;
                let (value, after) = quoted(after)?;
                labels.push((label, value));
                rest = after;
            }
            rest = rest.strip_prefix('}')?;
        }
        Some(Self { name, labels, value: rest.trim().parse().ok()? })
    }
}

/// The text up to the closing quote, and what comes behind that.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => match characters.next()?.1 {
                'n' => value.push('\n'),
                other => value.push(other),
            },
            other => value.push(other),
        }
    }
    None
}

/// A metric under way.
struct Family<'a> {
    name: &'a str,
    points: Points,
}

enum Points {
    Counter(Vec<(Vec<KeyValue>, f64)>),
    Gauge(Vec<(Vec<KeyValue>, f64)>),
    /// By labels, in the order of their first sample.
    Histogram(BTreeMap<String, Buckets>),
}

/// A histogram under way. Counts are still cumulative.
#[derive(Default)]
struct Buckets {
    attributes: Vec<KeyValue>,
    bounds: Vec<f64>,
    counts: Vec<u64>,
    sum: f64,
    count: u64,
}

impl<'a> Family<'a> {
    fn new(name: &'a str, kind: &str) -> Option<Self> {
        let points = match kind {
            "counter" => Points::Counter(Vec::new()),
            "gauge" => Points::Gauge(Vec::new()),
            "histogram" => Points::Histogram(BTreeMap::new()),
            _ => return None,
        };
        Some(Self { name, points })
    }

    fn is_empty(&self) -> bool {
        match &self.points {
            Points::Counter(points) | Points::Gauge(points) => points.is_empty(),
            Points::Histogram(points) => points.is_empty(),
        }
    }

    fn take(&mut self, sample: &Sample<'_>) {
        let attributes = || {
            let labels = sample.labels.iter().filter(|(name, _)| *name != "le");
            labels.fold(Attributes::default(), |all, (name, value)| all.text(name, value)).0
        };
        match &mut self.points {
            Points::Counter(points) | Points::Gauge(points) if sample.name == self.name => {
                points.push((attributes(), sample.value));
            }
            Points::Counter(_) | Points::Gauge(_) => {}
            Points::Histogram(points) => {
                let Some(part) = sample.name.strip_prefix(self.name) else { return };
                let labels = sample.labels.iter().filter(|(name, _)| *name != "le");
                let key = labels.map(|(name, value)| format!("{name}={value}\n")).collect();
                let buckets = points
                    .entry(key)
                    .or_insert_with(|| Buckets { attributes: attributes(), ..Buckets::default() });
                // Counts are whole and far below 2^53.
                let count = sample.value as u64;
                match part {
                    "_sum" => buckets.sum = sample.value,
                    "_count" => buckets.count = count,
                    "_bucket" => {
                        buckets.counts.push(count);
                        let bound = sample.labels.iter().find(|(name, _)| *name == "le");
                        let bound = bound.and_then(|(_, bound)| bound.parse::<f64>().ok());
                        buckets.bounds.extend(bound.filter(|bound| bound.is_finite()));
                    }
                    _ => {}
                }
            }
        }
    }

    fn metric(self, period: Period) -> Metric {
        let cumulative = AggregationTemporality::Cumulative.into();
        let data = match self.points {
            Points::Counter(points) => Data::Sum(Sum {
                data_points: points.into_iter().map(|point| number(point, period)).collect(),
                aggregation_temporality: cumulative,
                is_monotonic: true,
            }),
            Points::Gauge(points) => Data::Gauge(Gauge {
                data_points: points.into_iter().map(|point| number(point, period)).collect(),
            }),
            Points::Histogram(points) => Data::Histogram(Histogram {
                data_points: points.into_values().map(|buckets| buckets.point(period)).collect(),
                aggregation_temporality: cumulative,
            }),
        };
        Metric {
            name: self.name.to_owned(),
            unit: unit(self.name).to_owned(),
            data: Some(data),
            ..Metric::default()
        }
    }
}

impl Buckets {
    fn point(self, period: Period) -> HistogramDataPoint {
        let before = std::iter::once(0).chain(self.counts.iter().copied());
        let bucket_counts =
            self.counts.iter().zip(before).map(|(count, before)| count.saturating_sub(before));
        HistogramDataPoint {
            bucket_counts: bucket_counts.collect(),
            attributes: self.attributes,
            start_time_unix_nano: period.since,
            time_unix_nano: period.now,
            count: self.count,
            sum: Some(self.sum),
            explicit_bounds: self.bounds,
            ..HistogramDataPoint::default()
        }
    }
}

fn number((attributes, value): (Vec<KeyValue>, f64), period: Period) -> NumberDataPoint {
    NumberDataPoint {
        attributes,
        start_time_unix_nano: period.since,
        time_unix_nano: period.now,
        value: Some(number_data_point::Value::AsDouble(value)),
        ..NumberDataPoint::default()
    }
}

/// What a name says of its unit (UCUM).
fn unit(name: &str) -> &'static str {
    let name = name.strip_suffix("_total").unwrap_or(name);
    match name.rsplit('_').next() {
        Some("seconds") => "s",
        Some("bytes") => "By",
        _ => "1",
    }
}

#[cfg(test)]
mod tests {
    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;

    const PERIOD: Period = Period { since: 1, now: 2 };

    fn labels(attributes: &[KeyValue]) -> Vec<String> {
        attributes
            .iter()
            .map(|pair| format!("{}={:?}", pair.key, pair.value.as_ref().unwrap().value))
            .collect()
    }

    #[test]
    fn what_the_exporter_writes_is_read() {
        let recorder = PrometheusBuilder::new().set_buckets(&[0.5, 1.0]).unwrap().build_recorder();
        metrics::with_local_recorder(&recorder, || {
            metrics::counter!("a_total", "kind" => "one").increment(3);
            metrics::counter!("a_total", "kind" => "two \"quoted\" \\ {}, x=\"y\"\nend").increment(4);
            metrics::gauge!("b_bytes").set(2.5);
            for seconds in [0.25, 0.75, 0.75, 9.0] {
                metrics::histogram!("c_seconds", "of" => "x").record(seconds);
            }
            metrics::histogram!("c_seconds", "of" => "y").record(0.5);
        });
        let metrics = read(&recorder.handle().render(), PERIOD);
        let find = |name: &str| metrics.iter().find(|metric| metric.name == name).unwrap();
        let Some(Data::Sum(sum)) = &find("a_total").data else { panic!("{metrics:?}") };
        assert!(sum.is_monotonic && sum.aggregation_temporality == 2);
        let mut points: Vec<_> =
            sum.data_points.iter().map(|point| (labels(&point.attributes).concat(), point.value)).collect();
        points.sort_by(|one, other| one.0.cmp(&other.0));
        assert_eq!(points[0].1, Some(number_data_point::Value::AsDouble(3.0)));
        assert_eq!(points[1].1, Some(number_data_point::Value::AsDouble(4.0)));
        assert!(points[1].0.contains(r#"two \"quoted\" \\ {}, x=\"y\"\nend"#), "{points:?}");
        let Some(Data::Gauge(gauge)) = &find("b_bytes").data else { panic!("{metrics:?}") };
        assert_eq!(gauge.data_points[0].value, Some(number_data_point::Value::AsDouble(2.5)));
        assert_eq!((find("b_bytes").unit.as_str(), find("c_seconds").unit.as_str()), ("By", "s"));
        let Some(Data::Histogram(histogram)) = &find("c_seconds").data else { panic!("{metrics:?}") };
        let [x, y] = &histogram.data_points[..] else { panic!("{histogram:?}") };
        assert_eq!(labels(&x.attributes), [r#"of=Some(StringValue("x"))"#]);
        assert_eq!((&x.explicit_bounds[..], &x.bucket_counts[..]), (&[0.5, 1.0][..], &[1, 2, 1][..]));
        assert_eq!((x.count, x.sum, x.start_time_unix_nano, x.time_unix_nano), (4, Some(10.75), 1, 2));
        assert_eq!((&y.bucket_counts[..], y.count), (&[1, 0, 0][..], 1));
    }

    #[test]
    fn what_is_not_understood_is_left_out() {
        let text =
            "loose 1\n# TYPE s summary\ns{quantile=\"0.5\"} 1\n# TYPE a counter\na{b=\"c} 1\na{} x\na 7\n";
        let metrics = read(text, PERIOD);
        let Some(Data::Sum(sum)) = &metrics[0].data else { panic!("{metrics:?}") };
        assert_eq!((metrics.len(), sum.data_points.len()), (1, 1));
    }
}
