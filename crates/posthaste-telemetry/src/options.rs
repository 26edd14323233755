//! What is told to whom.

use std::{fmt, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue};
use posthaste_core::Secret;
use url::{Host, Url};

/// How a receiver of OTLP over HTTP is told.
#[derive(Clone)]
pub struct OtlpOptions {
    /// Its address; `/v1/traces` and `/v1/metrics` are put behind it.
    pub endpoint: Url,
    /// What it wants to be sent along, such as a token. Never shown.
    pub headers: HeaderMap,
    /// Whether its address may be one that is not public. This machine's own always may, where the endpoint says so.
    pub allow_private: bool,
    /// How long it may take for one delivery.
    pub timeout: Duration,
    /// Who tells.
    pub service: ServiceFacts,
    /// Whether requests are traced, and which.
    pub traces: Option<TraceOptions>,
    /// Whether metrics are sent, and how often.
    pub metrics: Option<MetricsOptions>,
}

/// The resource that everything is told of.
#[derive(Clone, Debug)]
pub struct ServiceFacts {
    /// `service.name`
    pub name: String,
    /// `service.version`
    pub version: String,
    /// `host.name`
    pub host: String,
}

/// Which requests are traced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceOptions {
    /// Of a million requests whose clients told no trace.
    pub per_million: u32,
    /// Whether a client's trace is gone on with, and its word on whether the request is recorded is taken.
    pub follow_clients: bool,
    /// Whether upstreams are told the trace.
    pub tell_upstreams: bool,
}

/// When metrics are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MetricsOptions {
    /// How long to wait between two times.
    pub every: Duration,
}

/// Why a receiver cannot be used as it is told.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct SetupError(pub(crate) &'static str);

impl OtlpOptions {
    /// Refuses an address to which nothing may go: what is told is nobody's business on strange networks.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn check(&self) -> Result<(), SetupError> {
        let kept = match self.endpoint.scheme() {
            "https" => true,
            // Within a private network the operator knows who listens.
            "http" => self.allow_private || self.is_this_machine(),
            _ => return Err(SetupError("the endpoint is no `http://` or `https://` address")),
        };
        if kept { Ok(()) } else { Err(SetupError(IN_THE_CLEAR)) }
    }

    /// Whether the endpoint is one of this machine's own addresses, as far as its text tells.
    pub(crate) fn is_this_machine(&self) -> bool {
        match self.endpoint.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            Some(Host::Domain(name)) => name == "localhost",
            None => false,
        }
    }

    /// The endpoint with a signal's path behind it.
    pub(crate) fn address(&self, path: &str) -> String {
        format!("{}{path}", self.endpoint.as_str().trim_end_matches('/'))
    }
}

impl fmt::Debug for OtlpOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OtlpOptions")
            .field("endpoint", &self.endpoint.as_str())
            .field("headers", &self.headers.len())
            .field("traces", &self.traces)
            .field("metrics", &self.metrics)
            .finish_non_exhaustive()
    }
}

/// Reads headers as `OTEL_EXPORTER_OTLP_HEADERS` has them: `name=value` with commas between, values percent-encoded where they
/// hold a comma
/// (<https://opentelemetry.io/docs/specs/otel/protocol/exporter/#specifying-headers-via-environment-variables>).
///
/// # Errors
/// Says which part is none, without its value.
pub fn read_headers(text: &Secret) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for (place, pair) in text.expose().split(',').map(str::trim).enumerate() {
        if pair.is_empty() {
            continue;
        }
        let unfit = |what: &str| format!("part {}: {what}; say `name=value,other=value`", place + 1);
        let (name, value) = pair.split_once('=').ok_or_else(|| unfit("has no `=`"))?;
        let name = HeaderName::try_from(name.trim()).map_err(|_| unfit("its name is no header's"))?;
        if OWN.contains(&name.as_str()) {
            return Err(unfit("names a header that the relay writes itself"));
        }
        let value =
            percent_decoded(value.trim()).ok_or_else(|| unfit("its value's percent-encoding is broken"))?;
        let mut value = HeaderValue::from_bytes(&value).map_err(|_| unfit("its value is no header's"))?;
        value.set_sensitive(true);
        headers.append(name, value);
    }
    Ok(headers)
}

fn percent_decoded(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
            let (high, low) = (digit(rest.next())?, digit(rest.next())?);
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    Some(bytes)
}

const IN_THE_CLEAR: &str = "the endpoint has no TLS: use `https://`, or allow private addresses where the receiver is in a \
     network of your own";

/// Headers that are part of how a delivery is sent.
const OWN: [&str; 4] = ["content-type", "content-length", "host", "transfer-encoding"];

#[cfg(test)]
mod tests {
    use super::*;

    fn options(endpoint: &str, allow_private: bool) -> OtlpOptions {
        OtlpOptions {
            endpoint: Url::parse(endpoint).unwrap(),
            headers: read_headers(&Secret::new("authorization=Bearer%20CANARY")).unwrap(),
            allow_private,
            timeout: Duration::from_secs(1),
            service: ServiceFacts { name: "a".into(), version: "b".into(), host: "c".into() },
            traces: None,
            metrics: None,
        }
    }

    #[test]
    fn nothing_goes_over_strange_networks_in_the_clear() {
        for (endpoint, allow_private, fits) in [
            ("https://otlp.example", false, true),
            ("http://127.0.0.1:4318", false, true),
            ("http://[::1]:4318", false, true),
            ("http://localhost:4318", false, true),
            ("http://otelcol:4318", false, false),
            ("http://otelcol:4318", true, true),
            ("ftp://otelcol", true, false),
        ] {
            assert_eq!(options(endpoint, allow_private).check().is_ok(), fits, "{endpoint}");
        }
    }

    #[test]
    fn paths_are_put_behind_the_endpoint() {
        for endpoint in ["https://otlp.example/otlp", "https://otlp.example/otlp/"] {
            assert_eq!(options(endpoint, false).address("/v1/traces"), "https://otlp.example/otlp/v1/traces");
        }
        assert_eq!(options("http://[::1]:1", false).address("/v1/metrics"), "http://[::1]:1/v1/metrics");
    }

    #[test]
    fn headers_are_read_as_the_standard_variable_has_them() {
        let headers = read_headers(&Secret::new(" api-key = a%2Cb , authorization=Basic eA==,")).unwrap();
        assert_eq!(headers["api-key"], "a,b");
        assert_eq!(headers["authorization"], "Basic eA==");
        for bad in ["CANARY", "a b=CANARY", "a=%4CANARY%", "a=CANARY%0a", "content-type=CANARY", "=CANARY"] {
            let told = read_headers(&Secret::new(format!("good=1,{bad}"))).unwrap_err();
            assert!(told.starts_with("part 2: ") && !told.contains("CANARY"), "{bad}: {told}");
        }
    }

    #[test]
    fn headers_are_never_shown() {
        let shown = format!("{:?}", options("https://otlp.example", false));
        assert!(shown.contains("otlp.example") && !shown.contains("CANARY"), "{shown}");
    }
}
