#![doc = include_str!("../README.md")]

mod attributes;
mod exporter;
mod metrics;
mod options;
mod sampler;
mod telemetry;
mod traces;

pub use options::{MetricsOptions, OtlpOptions, ServiceFacts, SetupError, TraceOptions, read_headers};
pub use telemetry::{Otlp, Scrape};
