//! The port's implementation, and its end.

use std::{
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};

use ::metrics::{Counter, counter};
use parking_lot::Mutex;
use posthaste_core::{
    AttemptRow, Clock, InstanceId, RequestId, Telemetry, TraceContext, TracedRequest, Transport,
};
use tokio::{sync::mpsc, task::JoinSet, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    OtlpOptions, SetupError,
    exporter::Exporter,
    metrics::{GenAi, Push},
    sampler::Sampler,
    traces::Batches,
};

/// Gives the metrics as Prometheus would be given them.
pub type Scrape = Box<dyn Fn() -> String + Send + Sync>;

/// Tells a receiver of OTLP. Clones tell the same one.
#[derive(Clone)]
pub struct Otlp {
    inner: Arc<Inner>,
}

struct Inner {
    traces: Option<Traces>,
    gen_ai: Option<Arc<GenAi>>,
    instance: Arc<OnceLock<String>>,
    stop: CancellationToken,
    tasks: Mutex<JoinSet<()>>,
}

struct Traces {
    sampler: Sampler,
    queue: mpsc::Sender<Box<TracedRequest>>,
    lost: Counter,
}

impl Otlp {
    /// Starts the tasks that deliver. `scrape` gives the metrics each time that they are sent.
    ///
    /// # Errors
    /// For a receiver that cannot be used as it is told. Nothing is called.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn start(
        options: &OtlpOptions,
        transport: &Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
        scrape: Scrape,
    ) -> Result<Self, SetupError> {
        options.check()?;
        let (stop, instance) = (CancellationToken::new(), Arc::new(OnceLock::new()));
        let mut tasks = JoinSet::new();
        let traces = options.traces.map(|traces| {
            let (queue, requests) = mpsc::channel(QUEUE);
            let lost = counter!("posthaste_otlp_traces_lost_total");
            let batches = Batches {
                requests,
                exporter: Exporter::new(("traces", "/v1/traces"), options, transport, &stop),
                service: options.service.clone(),
                instance: Arc::clone(&instance),
                stop: stop.clone(),
                lost: lost.clone(),
            };
            tasks.spawn(batches.run());
            Traces { sampler: Sampler::new(traces), queue, lost }
        });
        let gen_ai = options.metrics.map(|metrics| {
            let gen_ai = Arc::new(GenAi::default());
            let push = Push {
                exporter: Exporter::new(("metrics", "/v1/metrics"), options, transport, &stop),
                service: options.service.clone(),
                instance: Arc::clone(&instance),
                stop: stop.clone(),
                every: metrics.every,
                since: clock.now(),
                clock,
                scrape,
                gen_ai: Arc::clone(&gen_ai),
            };
            tasks.spawn(push.run());
            gen_ai
        });
        let inner = Inner { traces, gen_ai, instance, stop, tasks: Mutex::new(tasks) };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Says which relay it is that tells; what is delivered before does not say it.
    pub fn known_as(&self, instance: InstanceId) {
        // Whoever was first is right: a relay's identity does not change.
        let _ = self.inner.instance.set(instance.to_string());
    }

    /// Delivers what is left, which takes so long at most. What is told afterwards is lost.
    pub async fn stop(&self, at_most: Duration) {
        self.inner.stop.cancel();
        let mut tasks = std::mem::take(&mut *self.inner.tasks.lock());
        let ended = timeout(at_most, async { while tasks.join_next().await.is_some() {} }).await;
        if ended.is_err() {
            tracing::warn!("the OTLP receiver did not take the last of what there was to tell in time");
        }
    }
}

impl Telemetry for Otlp {
    fn traces(&self) -> bool {
        self.inner.traces.is_some()
    }

    fn begin(&self, id: RequestId, traceparent: Option<&str>) -> Option<TraceContext> {
        self.inner.traces.as_ref()?.sampler.begin(id, traceparent)
    }

    fn attempt(&self, row: &AttemptRow) {
        if let Some(gen_ai) = &self.inner.gen_ai {
            gen_ai.attempt(row);
        }
    }

    fn end(&self, request: Box<TracedRequest>) {
        if let Some(traces) = &self.inner.traces
            && traces.queue.try_send(request).is_err()
        {
            traces.lost.increment(1);
        }
    }
}

impl fmt::Debug for Otlp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Otlp").finish_non_exhaustive()
    }
}

/// Requests that wait to be delivered; beyond that they are lost. Some 10 MB at most where requests have a few attempts each.
const QUEUE: usize = 2_048;
