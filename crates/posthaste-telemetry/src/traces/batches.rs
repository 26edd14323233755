//! The task that gathers requests and delivers their spans.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use metrics::Counter;
use opentelemetry_proto::tonic::{
    collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse},
    trace::v1::{ResourceSpans, ScopeSpans},
};
use posthaste_core::TracedRequest;
use prost::Message;
use tokio::{sync::mpsc, time::sleep};
use tokio_util::sync::CancellationToken;

use super::spans::spans;
use crate::{
    ServiceFacts,
    attributes::{SCHEMA, resource, scope},
    exporter::Exporter,
};

/// What the task works with.
pub(crate) struct Batches {
    pub(crate) requests: mpsc::Receiver<Box<TracedRequest>>,
    pub(crate) exporter: Exporter,
    pub(crate) service: ServiceFacts,
    pub(crate) instance: Arc<OnceLock<String>>,
    pub(crate) stop: CancellationToken,
    /// Counts requests whose trace was not taken.
    pub(crate) lost: Counter,
}

impl Batches {
    /// Ends when it is stopped and everything that waited then was tried, or when nobody is left who could tell more.
    pub(crate) async fn run(mut self) {
        let mut taken = Vec::new();
        loop {
            let ends = tokio::select! {
                biased;
                () = self.stop.cancelled() => true,
                count = self.requests.recv_many(&mut taken, BATCH) => count == 0,
            };
            if !ends && taken.len() < BATCH {
                // Sleeping instead of receiving: a sleeping task costs those who tell nothing.
                tokio::select! {
                    () = sleep(GATHERING) => {}
                    () = self.stop.cancelled() => {}
                }
            }
            while taken.len() < BATCH
                && let Ok(request) = self.requests.try_recv()
            {
                taken.push(request);
            }
            if taken.is_empty() && ends {
                return;
            }
            self.deliver(&taken).await;
            taken.clear();
        }
    }

    async fn deliver(&self, taken: &[Box<TracedRequest>]) {
        if taken.is_empty() {
            return;
        }
        let scope_spans = ScopeSpans {
            scope: Some(scope(&self.service)),
            spans: taken.iter().flat_map(|request| spans(request)).collect(),
            schema_url: SCHEMA.to_owned(),
        };
        let resource_spans = ResourceSpans {
            resource: Some(resource(&self.service, self.instance.get().map(String::as_str))),
            scope_spans: vec![scope_spans],
            schema_url: SCHEMA.to_owned(),
        };
        let request = ExportTraceServiceRequest { resource_spans: vec![resource_spans] };
        match self.exporter.deliver(request.encode_to_vec().into()).await {
            None => self.lost.increment(taken.len() as u64),
            Some(answer) => {
                let told = ExportTraceServiceResponse::decode(answer).unwrap_or_default().partial_success;
                if let Some(part) = told.filter(|part| part.rejected_spans > 0) {
                    // What it says may repeat what it was sent.
                    tracing::warn!(
                        spans = part.rejected_spans,
                        "the OTLP receiver refused a part of what it was sent"
                    );
                }
            }
        }
    }
}

/// Requests that are delivered together.
const BATCH: usize = 256;

/// How long a request waits for others.
const GATHERING: Duration = Duration::from_secs(2);
