//! `[telemetry]`

use std::{path::PathBuf, time::Duration};

use http::HeaderMap;
use posthaste_core::Secret;
use posthaste_telemetry::{MetricsOptions, OtlpOptions, ServiceFacts, TraceOptions, read_headers};
use url::Url;

use super::{ConfigError, Setting, WebUrl, error::secret_from_file, section::section};

section! {
    /// OpenTelemetry: traces and metrics, sent to a receiver of OTLP over HTTP. Prompts, answers, client keys and credentials are
    /// never among them. The variables of OpenTelemetry's SDKs (`OTEL_…`) are not read.
    "telemetry" => Telemetry {
        /// The receiver's address, such as `http://127.0.0.1:4318`; `/v1/traces` and `/v1/metrics` are put behind it. Unset:
        /// nothing is sent.
        endpoint: Option<WebUrl> = unset,
        /// What the receiver wants to be sent along, such as `authorization=Bearer%20…`: `name=value` with commas between, as
        /// `OTEL_EXPORTER_OTLP_HEADERS` has it.
        headers: Option<Secret> = unset,
        /// A file that holds `headers`.
        headers_file: Option<PathBuf> = unset,
        /// Whether the receiver may be at an address that is not public, and without TLS there. Where the endpoint is one of this
        /// machine's own addresses, it may.
        allow_private: bool = "false",
        /// How long the receiver may take for one delivery.
        timeout: Duration = "10s",
        /// What the relay calls itself (`service.name`).
        service_name: String = "posthaste",
        /// Whether requests are traced.
        traces: bool = "true",
        /// How many of the requests whose clients told no trace are recorded: a share.
        sample: Share = "1",
        /// Whether a client's trace (`traceparent`) is gone on with, and the client's word is taken on whether the request is
        /// recorded.
        follow_clients: bool = "true",
        /// Whether upstreams are told the trace in a `traceparent` of the relay's own. They could tell by it which requests belong
        /// together.
        tell_upstreams: bool = "false",
        /// Whether metrics are sent.
        metrics: bool = "true",
        /// How long to wait between two times that metrics are sent.
        metrics_every: Duration = "60s",
    }
}

impl Telemetry {
    pub(super) fn finish(&mut self, errors: &mut Vec<ConfigError>) {
        let (given, before) = (self.headers.take(), errors.len());
        self.headers = secret_from_file("telemetry.headers", given, self.headers_file.as_deref(), errors);
        if let Err(problem) = self.header_map() {
            errors.push(ConfigError::new("telemetry.headers", None, problem));
        }
        if self.endpoint.is_none() && self.headers.is_some() && errors.len() == before {
            let problem = "is not set, and there are headers for it; say where the receiver is";
            errors.push(ConfigError::new("telemetry.endpoint", None, problem));
        }
        if let Some(problem) = self.options("").and_then(|options| options.check().err()) {
            errors.push(ConfigError::new("telemetry.endpoint", None, problem.to_string()));
        }
    }

    /// How the receiver is told; `None` where there is none. `host` is the machine's name.
    pub fn options(&self, host: &str) -> Option<OtlpOptions> {
        let endpoint = Url::parse(&self.endpoint.as_ref()?.0).ok()?;
        let traces = TraceOptions {
            per_million: self.sample.0,
            follow_clients: self.follow_clients,
            tell_upstreams: self.tell_upstreams,
        };
        Some(OtlpOptions {
            endpoint,
            // It was checked when the configuration was read.
            headers: self.header_map().unwrap_or_default(),
            allow_private: self.allow_private,
            timeout: self.timeout,
            service: ServiceFacts {
                name: self.service_name.clone(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                host: host.to_owned(),
            },
            traces: self.traces.then_some(traces),
            metrics: self.metrics.then_some(MetricsOptions { every: self.metrics_every }),
        })
    }

    fn header_map(&self) -> Result<HeaderMap, String> {
        self.headers.as_ref().map_or_else(|| Ok(HeaderMap::new()), read_headers)
    }
}

/// A share, in millionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share(pub u32);

impl Setting for Share {
    const EXPECTED: &'static str =
        "a share in quotes from 0 to 1 with up to six decimals, such as `\"0.05\"`";

    fn parse(text: &str) -> Option<Self> {
        let (whole, decimals) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(decimals) || decimals.len() > 6 || whole.len() != 1 {
            return None;
        }
        let millionths = format!("{whole}{decimals:0<6}").parse().ok()?;
        (millionths <= MILLION).then_some(Self(millionths))
    }

    fn show(&self) -> Option<String> {
        let text = format!("{}.{:06}", self.0 / MILLION, self.0 % MILLION);
        Some(format!("\"{}\"", text.trim_end_matches('0').trim_end_matches('.')))
    }
}

const MILLION: u32 = 1_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_read_and_shown_as_it_is_written() {
        for (text, millionths) in [("0", 0), ("1", 1_000_000), ("0.05", 50_000), ("0.000001", 1)] {
            let share = Share::parse(text).unwrap();
            assert_eq!(share, Share(millionths));
            assert_eq!(share.show().unwrap(), format!("\"{text}\""));
        }
        assert_eq!(Share::parse("1.0"), Some(Share(MILLION)));
        for bad in ["", "1.1", "-0.5", "2", "0.0000001", ".5", "0,5", "50%", "0.5x", "1e-3"] {
            assert_eq!(Share::parse(bad), None, "{bad}");
        }
    }
}
