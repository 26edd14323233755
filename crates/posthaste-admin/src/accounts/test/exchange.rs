//! The request and its answer, with a look at the clock after each step.

use std::{net::IpAddr, time::Duration};

use bytes::{Bytes, BytesMut};
use http::uri::Scheme;
use http_body_util::BodyExt;
use posthaste_core::{
    ConnectStep, ConnectWatch, Dialect, Egress, Packing, Payload, RelayBody, Surface, TimeoutGuard,
    Transport, TransportError, Usage, UsageSource,
};
use posthaste_wire::{
    Framing, Progress, Splitter, StreamTap, UpstreamError, code_assist, read_error_answer, read_whole,
    write_frame,
};
use tokio::time::{Instant, timeout};

use super::{
    events::{TestWatch, Words},
    steps::{TestSteps, micros},
};

/// An upstream's answer.
pub(in crate::accounts) struct Answer {
    pub(in crate::accounts) head: http::response::Parts,
    pub(in crate::accounts) dialect: Dialect,
    body: Bytes,
    /// How far it came as a stream.
    progress: Progress,
    event: Option<UpstreamError>,
    /// What the stream tells that it used, up to its last word of that.
    usage: Option<Usage>,
}

impl Answer {
    /// Whether it is one of the API, to its end. Who does not know of streams may answer in one piece.
    pub(super) fn serves(&self) -> bool {
        self.head.status.is_success()
            && match self.progress {
                Progress::Ended => true,
                Progress::Opening => {
                    read_whole(self.dialect, &self.body).is_ok_and(|whole| whole.error.is_none())
                }
                Progress::Content | Progress::Failed => false,
            }
    }

    /// The error that it tells.
    pub(in crate::accounts) fn error(&self) -> Option<UpstreamError> {
        self.event.clone().or_else(|| read_error_answer(self.dialect, &self.head.headers, &self.body))
    }

    /// What it tells that it used; `None` where it tells nothing, or a part alone.
    pub(super) fn usage(&self) -> Option<Usage> {
        let of_whole = || read_whole(self.dialect, &self.body).ok().filter(|whole| !whole.in_part)?.usage;
        match self.progress {
            Progress::Opening if self.head.status.is_success() => of_whole(),
            _ => self.usage,
        }
    }

    /// Whether content came and no end.
    pub(in crate::accounts) fn is_cut(&self) -> bool {
        self.progress == Progress::Content
    }
}

pub(super) async fn exchange(
    transport: &dyn Transport,
    (egress, told): (&Egress, &TestWatch),
    mut request: http::Request<Payload>,
    surface: Surface,
    steps: &mut TestSteps,
) -> Result<Answer, TransportError> {
    let watch = connecting(&request, egress, told);
    request.extensions_mut().insert(watch.clone());
    let exchange = async {
        let begun = Instant::now();
        let response = transport.send(request, egress).await?;
        let until_head = begun.elapsed();
        let until_head = micros(until_head.saturating_sub(watch.steps().total()));
        steps.head_us = Some(until_head);
        told.step("head", until_head);
        told.begun("first_event");
        let (head, body) = response.into_parts();
        read(head, body, surface, steps, told).await
    };
    let too_late = |_| TransportError::Timeout { guard: TimeoutGuard::Head, after: PATIENCE };
    let answer = timeout(PATIENCE, exchange).await.map_err(too_late).flatten();
    let connecting = watch.steps();
    steps.lookup_us = connecting.lookup.map(micros);
    steps.connect_us = connecting.connect.map(micros);
    steps.tls_us = connecting.tls.map(micros);
    answer
}

/// Tells of the steps up to a connection, and which of them is begun.
fn connecting(request: &http::Request<Payload>, egress: &Egress, told: &TestWatch) -> ConnectWatch {
    let is_name =
        request.uri().host().is_some_and(|host| host.trim_matches(['[', ']']).parse::<IpAddr>().is_err());
    let has_tls = request.uri().scheme() == Some(&Scheme::HTTPS);
    told.begun(if is_name && egress.proxy.is_none() { "lookup" } else { "connect" });
    let told = told.clone();
    ConnectWatch::telling(move |step, took| {
        let (name, next) = match step {
            ConnectStep::Lookup => ("lookup", "connect"),
            ConnectStep::Connect if has_tls => ("connect", "tls"),
            ConnectStep::Connect => ("connect", "head"),
            ConnectStep::Tls => ("tls", "head"),
        };
        told.step(name, micros(took));
        told.begun(next);
    })
}

async fn read(
    head: http::response::Parts,
    mut body: RelayBody,
    surface: Surface,
    steps: &mut TestSteps,
    told: &TestWatch,
) -> Result<Answer, TransportError> {
    let mut watcher = Watcher::new(surface);
    let mut words = Words::new(Framing::of(surface), told.clone());
    let mut bytes = BytesMut::new();
    let mut since = Instant::now();
    while let Some(frame) = body.frame().await {
        let Ok(piece) = frame?.into_data() else { continue };
        if steps.first_event_us.is_none() && !piece.is_empty() {
            let took = micros(since.elapsed());
            steps.first_event_us = Some(took);
            told.step("first_event", took);
            told.begun("end");
            since = Instant::now();
        }
        watcher.push(&piece);
        words.push(surface.dialect, &piece);
        bytes.extend_from_slice(&piece);
        // What follows the end is nobody's, and what is too long is no tiny answer.
        if watcher.tap.progress() == Progress::Ended || bytes.len() > MAX_ANSWER {
            break;
        }
    }
    watcher.finish();
    let took = micros(since.elapsed());
    steps.end_us = Some(took);
    told.step("end", took);
    let (progress, event) = (watcher.tap.progress(), watcher.tap.error().cloned());
    let usage = (watcher.tap.usage_source() == UsageSource::Reported).then(|| watcher.tap.usage());
    Ok(Answer { head, dialect: surface.dialect, body: bytes.freeze(), progress, event, usage })
}

/// Follows the stream, unpacked where the vendor packs its events. What cannot be followed is no stream of the API.
struct Watcher {
    tap: StreamTap,
    unpack: Option<Splitter>,
}

impl Watcher {
    fn new(surface: Surface) -> Self {
        let packed = surface.packing == Packing::CodeAssist;
        let tap = if packed {
            StreamTap::new(surface.dialect)
        } else {
            StreamTap::with_framing(surface.dialect, Framing::of(surface))
        };
        Self { tap, unpack: packed.then(|| Splitter::new(Framing::Sse)) }
    }

    fn push(&mut self, piece: &[u8]) {
        let Some(splitter) = &mut self.unpack else {
            let _ = self.tap.push(piece);
            return;
        };
        let mut unpacked = Vec::new();
        let split = splitter.push(piece, |frame| {
            write_frame(&mut unpacked, frame.event, &code_assist::unwrap_response(frame.data));
        });
        if split.is_ok() {
            let _ = self.tap.push(&unpacked);
        }
    }

    fn finish(&mut self) {
        let _ = self.tap.finish();
    }
}

const MAX_ANSWER: usize = 1 << 20;
const PATIENCE: Duration = Duration::from_secs(60);
