//! Part of step 10, deliver: a stream on its way from the upstream's surface to the client's.

use posthaste_core::{Dialect, Packing, Surface};
use posthaste_translate::{Loss, Remembered, StreamContext, StreamTranslator};
use posthaste_wire::{Frame, Framing, Repacker, Splitter, code_assist, openai_chat_usage_only, write_frame};

use crate::prepare::WayBack;

/// Changes a stream as far as it must be changed: its dialect, what it holds, how it is framed.
pub(crate) struct Transcoder {
    stage: Stage,
    /// From server-sent events, which the stage writes, to what the client reads.
    pack: Option<Pack>,
    between: Vec<u8>,
}

enum Stage {
    Translate(Box<StreamTranslator>),
    /// The same, out of an envelope.
    UnpackAndTranslate(Box<UnpackAndTranslate>),
    /// Server-sent events from whatever framing and envelope the upstream has.
    Unpack(Unpack),
}

/// A stream of the client's own dialect, taken apart into frames and put together again.
struct Unpack {
    splitter: Splitter,
    envelope: bool,
    without_usage: bool,
}

struct UnpackAndTranslate {
    unpack: Unpack,
    translator: StreamTranslator,
    between: Vec<u8>,
}

enum Pack {
    Framing(Repacker),
    /// Each event in the envelope of Code Assist.
    Envelope {
        splitter: Splitter,
        trace_id: String,
    },
}

/// A stream that cannot be read any further.
pub(crate) type Unreadable = Box<dyn std::error::Error + Send + Sync>;

impl Transcoder {
    /// What a stream has to go through; `None` when its bytes pass as they are.
    pub(crate) fn new(upstream: Surface, client: Surface, way_back: WayBack, trace_id: &str) -> Option<Self> {
        let stage = match way_back {
            WayBack::Translate(context) => Stage::translate(upstream, client.dialect, *context),
            WayBack::Pass { without_usage } if upstream != client || without_usage => {
                Stage::Unpack(Unpack::new(upstream, without_usage))
            }
            WayBack::Pass { .. } => return None,
        };
        Some(Self { stage, pack: Pack::new(client, trace_id), between: Vec::new() })
    }

    /// Takes the upstream's next bytes and appends what the client gets for them.
    pub(crate) fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> Result<(), Unreadable> {
        let Self { stage, pack, between } = self;
        let Some(pack) = pack else { return stage.push(chunk, out) };
        between.clear();
        let pushed = stage.push(chunk, between);
        pack.push(between, out)?;
        pushed
    }

    /// The upstream has closed: appends what the client's stream lacks.
    pub(crate) fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Unreadable> {
        let Self { stage, pack, between } = self;
        let Some(pack) = pack else { return stage.finish(out) };
        between.clear();
        let finished = stage.finish(between);
        pack.push(between, out)?;
        finished?;
        pack.finish(out)
    }

    /// Appends events of the relay's own, which are server-sent events of the client's dialect.
    pub(crate) fn append(&mut self, events: &[u8], last: bool, out: &mut Vec<u8>) -> Result<(), Unreadable> {
        let Some(pack) = &mut self.pack else {
            out.extend_from_slice(events);
            return Ok(());
        };
        pack.push(events, out)?;
        if last { pack.finish(out) } else { Ok(()) }
    }

    /// What the answer lost so far.
    pub(crate) fn losses(&self) -> &[Loss] {
        match &self.stage {
            Stage::Translate(translator) => translator.losses(),
            Stage::UnpackAndTranslate(both) => both.translator.losses(),
            Stage::Unpack(_) => &[],
        }
    }

    /// Whether the client was told of a failure that the upstream's dialect calls an end.
    pub(crate) fn has_failed(&self) -> bool {
        match &self.stage {
            Stage::Translate(translator) => translator.has_failed(),
            Stage::UnpackAndTranslate(both) => both.translator.has_failed(),
            Stage::Unpack(_) => false,
        }
    }

    /// What has to be remembered of the answer.
    pub(crate) fn take_remembered(&mut self) -> Vec<Remembered> {
        match &mut self.stage {
            Stage::Translate(translator) => translator.take_remembered(),
            Stage::UnpackAndTranslate(both) => both.translator.take_remembered(),
            Stage::Unpack(_) => Vec::new(),
        }
    }
}

impl Stage {
    fn translate(upstream: Surface, client: Dialect, context: StreamContext) -> Self {
        if upstream.packing == Packing::CodeAssist {
            let unpack = Unpack::new(upstream, false);
            let translator = StreamTranslator::new(upstream.dialect, client, context);
            return Self::UnpackAndTranslate(Box::new(UnpackAndTranslate {
                unpack,
                translator,
                between: Vec::new(),
            }));
        }
        let framing = Framing::of(upstream);
        Self::Translate(Box::new(StreamTranslator::with_framing(upstream.dialect, framing, client, context)))
    }

    fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> Result<(), Unreadable> {
        match self {
            Self::Translate(translator) => Ok(translator.push(chunk, out)?),
            Self::UnpackAndTranslate(both) => {
                let UnpackAndTranslate { unpack, translator, between } = &mut **both;
                between.clear();
                let unpacked = unpack.push(chunk, between);
                translator.push(between, out)?;
                unpacked
            }
            Self::Unpack(unpack) => unpack.push(chunk, out),
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Unreadable> {
        match self {
            Self::Translate(translator) => Ok(translator.finish(out)?),
            Self::UnpackAndTranslate(both) => {
                let UnpackAndTranslate { unpack, translator, between } = &mut **both;
                between.clear();
                let unpacked = unpack.finish(between);
                translator.push(between, out)?;
                translator.finish(out)?;
                unpacked
            }
            Self::Unpack(unpack) => unpack.finish(out),
        }
    }
}

impl Unpack {
    fn new(upstream: Surface, without_usage: bool) -> Self {
        let envelope = upstream.packing == Packing::CodeAssist;
        Self { splitter: Splitter::new(Framing::of(upstream)), envelope, without_usage }
    }

    fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> Result<(), Unreadable> {
        let Self { splitter, envelope, without_usage } = self;
        Ok(splitter.push(chunk, |frame| pass(frame, *envelope, *without_usage, out))?)
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Unreadable> {
        let Self { splitter, envelope, without_usage } = self;
        Ok(splitter.finish(|frame| pass(frame, *envelope, *without_usage, out))?)
    }
}

fn pass(frame: Frame<'_>, envelope: bool, without_usage: bool, out: &mut Vec<u8>) {
    if without_usage && openai_chat_usage_only(frame.data) {
        return;
    }
    if envelope {
        write_frame(out, frame.event, &code_assist::unwrap_response(frame.data));
    } else {
        write_frame(out, frame.event, frame.data);
    }
}

impl Pack {
    fn new(client: Surface, trace_id: &str) -> Option<Self> {
        match (client.packing, Framing::of(client)) {
            (Packing::CodeAssist, framing) => {
                Some(Self::Envelope { splitter: Splitter::new(framing), trace_id: trace_id.to_owned() })
            }
            (_, Framing::Sse) => None,
            (_, framing) => Some(Self::Framing(Repacker::new(Framing::Sse, framing))),
        }
    }

    fn push(&mut self, events: &[u8], out: &mut Vec<u8>) -> Result<(), Unreadable> {
        match self {
            Self::Framing(repacker) => Ok(repacker.push(events, out)?),
            Self::Envelope { splitter, trace_id } => Ok(splitter.push(events, |frame| {
                write_frame(out, frame.event, &code_assist::wrap_response(frame.data, trace_id));
            })?),
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Unreadable> {
        match self {
            Self::Framing(repacker) => Ok(repacker.finish(out)?),
            Self::Envelope { .. } => Ok(()),
        }
    }
}

/// Events of the relay's own for a stream that is passed on as it is, or that has not begun: `begun` tells whether the client
/// has an event of it already.
pub(crate) fn own_events(client: Surface, events: &[u8], begun: bool) -> Vec<u8> {
    let framing = Framing::of(client);
    if framing == Framing::Sse {
        return events.to_vec();
    }
    let mut repacker =
        if begun { Repacker::resumed(Framing::Sse, framing) } else { Repacker::new(Framing::Sse, framing) };
    let mut out = Vec::with_capacity(events.len() + 64);
    // The relay's own events are small and well framed.
    let written = repacker.push(events, &mut out).and_then(|()| repacker.finish(&mut out));
    debug_assert!(written.is_ok(), "the relay's own events can be framed");
    out
}
