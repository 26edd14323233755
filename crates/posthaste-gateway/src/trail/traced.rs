//! What a trace tells beside the record.

use std::{mem, sync::Arc};

use http::Uri;
use posthaste_core::{
    AnswerWords, AttemptRow, Fault, RequestRecord, TraceContext, TracedAttempt, TracedRequest,
};
use posthaste_wire::fault::render;

use crate::Call;

/// A trace under way.
pub(super) struct Traced {
    context: TraceContext,
    route: Option<Arc<str>>,
    attempts: Vec<TracedAttempt>,
    /// Where the attempt goes that is under way.
    server: Option<(String, u16)>,
    /// What its answer said of itself.
    answer: AnswerWords,
    /// The status of a fault that the client was told.
    fault_status: Option<u16>,
}

impl Traced {
    /// `None` for a request that is not recorded in a trace.
    pub(super) fn begin(context: Option<TraceContext>, call: &Call) -> Option<Box<Self>> {
        let context = context.filter(|context| context.sampled)?;
        let route = call.route.clone();
        Some(Box::new(Self {
            context,
            route,
            attempts: Vec::new(),
            server: None,
            answer: AnswerWords::default(),
            fault_status: None,
        }))
    }

    pub(super) fn asks(&mut self, uri: &Uri) {
        let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("http") { 80 } else { 443 });
        self.server = uri.host().map(|host| (host.to_owned(), port));
    }

    pub(super) fn answered(&mut self, answer: AnswerWords) {
        self.answer = answer;
    }

    pub(super) fn failed(&mut self, record: &RequestRecord, fault: &Fault) {
        self.fault_status = Some(render(record.dialect, fault, record.id).status.as_u16());
    }

    pub(super) fn booked(&mut self, row: &AttemptRow) {
        // Whether there is room or not: the next attempt has its own.
        let (server, answer) = (self.server.take(), mem::take(&mut self.answer));
        if self.attempts.len() < MOST_ATTEMPTS {
            self.attempts.push(TracedAttempt { row: row.clone(), server, answer });
        }
    }

    pub(super) fn end(self, record: &RequestRecord) -> Box<TracedRequest> {
        let Self { context, route, attempts, fault_status, .. } = self;
        let status = record.status.or(fault_status);
        Box::new(TracedRequest { context, route, status, record: record.clone(), attempts })
    }
}

/// As many as the record keeps turns.
const MOST_ATTEMPTS: usize = 64;
