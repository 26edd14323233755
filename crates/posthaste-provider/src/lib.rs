#![doc = include_str!("../README.md")]

mod anthropic;
mod base_url;
mod error;
mod headers;
mod preset;
mod registry;
mod reset;

use http::{HeaderMap, StatusCode};
use posthaste_core::{
    Account, Dialect, Operation, Payload, ProviderKind, RateWindow, Secret, Timestamp, Verdict,
};
use posthaste_wire::UpstreamError;

pub use base_url::{BaseUrl, BaseUrlError, check_base_url};
pub use error::PrepareError;
pub use preset::{Preset, preset, presets};
pub use registry::provider;

/// A vendor's adapter. It does no I/O and keeps no state.
pub trait Provider: Send + Sync {
    /// Which vendor.
    fn kind(&self) -> ProviderKind;

    /// The dialect in which the vendor answers `operation`.
    fn dialect(&self, operation: Operation) -> Dialect;

    /// Shapes the request that goes out.
    ///
    /// # Errors
    /// When the account's settings or its credential cannot be written into a request, or the vendor has no such
    /// operation.
    fn prepare(&self, outbound: &Outbound<'_>) -> Result<http::Request<Payload>, PrepareError>;

    /// Reads what an answer means. Called for error answers, and for an error event at the head of a stream.
    fn judge(&self, answer: &AnswerHead<'_>) -> Verdict;

    /// Reads what the rate-limit headers say about the tightest window.
    fn limits(&self, headers: &HeaderMap, now: Timestamp) -> Option<RateWindow>;
}

/// What goes out: everything that an adapter needs to know of one attempt.
#[derive(Debug)]
pub struct Outbound<'a> {
    /// Who is asked.
    pub account: &'a Account,
    /// The account's credential, if it has one.
    pub credential: Option<&'a Secret>,
    /// What is asked for.
    pub operation: Operation,
    /// The client's headers; the adapter takes those that the vendor may see.
    pub client_headers: &'a HeaderMap,
    /// The client's query, without `?`.
    pub query: Option<&'a str>,
    /// Whether a stream is asked for.
    pub streamed: bool,
    /// Whether the body was translated from another dialect.
    pub translated: bool,
    /// The body.
    pub body: Payload,
}

/// The head of an upstream's answer, as far as judging needs it.
#[derive(Clone, Copy, Debug)]
pub struct AnswerHead<'a> {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// The error as the answer's dialect tells it, from the body or from an error event under a 200.
    pub error: Option<&'a UpstreamError>,
    /// The present moment, for reset times.
    pub now: Timestamp,
}
