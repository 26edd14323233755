//! An upstream that fails now and then in every way, and knows what it did.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use posthaste_core::Usage;
use posthaste_testkit::{
    Chance, Received, Script, ScriptedUpstream, anthropic_error, anthropic_json, anthropic_sse,
};
use serde_json::{Value, json};

/// The upstream, and what it answered.
pub(super) struct Vendor {
    pub(super) upstream: ScriptedUpstream,
    done: Arc<Mutex<Done>>,
}

struct Done {
    chance: Chance,
    answers: Vec<Given>,
    /// Nothing goes wrong any more.
    calm: bool,
}

/// What was answered to one request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Given {
    pub(super) deed: Deed,
    /// That of the answer: no other one has it.
    pub(super) usage: Usage,
}

/// How it was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Deed {
    Whole,
    /// Whole, and one piece after the other with time between them.
    Slow,
    RateLimited,
    Failed,
    Overloaded,
    ErrorFirst,
    ErrorAmid,
    CutBeforeContent,
    CutAmid,
    ResetAmid,
    SilentFromTheStart,
    SilentAmid,
    Garbage,
    /// Closed without a word. The relay asks again on another connection where it may.
    HungUp,
}

impl Deed {
    /// Nine in ten are whole.
    fn by(chance: &mut Chance) -> Self {
        const ILL: [Deed; 12] = [
            Deed::RateLimited,
            Deed::Failed,
            Deed::Overloaded,
            Deed::ErrorFirst,
            Deed::ErrorAmid,
            Deed::CutBeforeContent,
            Deed::CutAmid,
            Deed::ResetAmid,
            Deed::SilentFromTheStart,
            Deed::SilentAmid,
            Deed::Garbage,
            Deed::HungUp,
        ];
        match chance.below(100) {
            0..82 => Self::Whole,
            82..90 => Self::Slow,
            _ => *chance.of(&ILL),
        }
    }

    /// The client can have had the whole answer.
    pub(super) const fn is_whole(self) -> bool {
        matches!(self, Self::Whole | Self::Slow)
    }

    fn script(self, stream: bool, text: &[String; 3], usage: Usage) -> Script {
        let pieces: Vec<&str> = text.iter().map(String::as_str).collect();
        let frames = anthropic_sse(&pieces, usage);
        // The message and its first block have begun; then come the pieces of the text.
        let (opening, amid) = (&frames[..2], &frames[..4]);
        let error = |kind: &str| anthropic_error(kind, "the weather is bad");
        let event = |kind: &str| format!("event: error\ndata: {}\n\n", error(kind));
        match (self, stream) {
            (Self::Whole, true) => Script::sse(&frames),
            (Self::Whole, false) => Script::json(200, &anthropic_json(&text.concat(), usage)),
            (Self::Slow, true) => Script::sse(&frames).pausing(PAUSE),
            (Self::Slow, false) => {
                Script::json(200, &anthropic_json(&text.concat(), usage)).head_after(PAUSE)
            }
            (Self::RateLimited, _) => {
                Script::json(429, &error("rate_limit_error")).header("retry-after", "1")
            }
            (Self::Failed, _) => Script::json(500, &error("api_error")),
            (Self::Overloaded, _) => Script::json(529, &error("overloaded_error")),
            (Self::ErrorFirst, true) => {
                Script::new().header("content-type", "text/event-stream").chunk(event("overloaded_error"))
            }
            (Self::ErrorAmid, true) => Script::sse(amid).chunk(event("api_error")),
            // What only streams can do wrong.
            (Self::ErrorFirst | Self::ErrorAmid, false) => Script::json(502, &json!({"odd": true})),
            (Self::CutBeforeContent, true) => Script::sse(opening).cut(),
            (Self::CutAmid, true) => Script::sse(amid).cut(),
            (Self::ResetAmid, true) => Script::sse(amid).reset(),
            (Self::CutBeforeContent | Self::CutAmid | Self::ResetAmid, false) => {
                let body = anthropic_json(&text.concat(), usage).to_string();
                let half = body[..body.len() / 2].to_owned();
                let script = Script::new().header("content-type", "application/json");
                let script = script.claiming(body.len() as u64).chunk(half);
                if self == Self::ResetAmid { script.reset() } else { script.cut() }
            }
            (Self::SilentAmid, true) => Script::sse(amid).stall(),
            (Self::SilentFromTheStart | Self::SilentAmid, _) => Script::never(),
            (Self::Garbage, _) => {
                Script::new().header("content-type", "text/html").chunk("<html>weather</html>")
            }
            (Self::HungUp, _) => Script::hang_up(),
        }
    }
}

impl Vendor {
    /// Without `hangs_up` each request that arrives is one attempt: none is sent again unseen.
    pub(super) async fn start(seed: u64, hangs_up: bool) -> Self {
        let done = Done { chance: Chance::new(seed), answers: Vec::new(), calm: false };
        let done = Arc::new(Mutex::new(done));
        let shared = Arc::clone(&done);
        let first = seed % 2;
        let upstream = ScriptedUpstream::start(move |request: &Received| {
            let mut done = shared.lock().unwrap();
            let mut deed = if done.calm { Deed::Whole } else { Deed::by(&mut done.chance) };
            if deed == Deed::HungUp && !hangs_up {
                deed = Deed::Failed;
            }
            // Odd numbers are one vendor's, even ones the other's.
            let number = 2 * done.answers.len() as u64 + first;
            let usage = Usage { input: FIRST_INPUT + number, output: 1 + number % 89, ..Usage::NONE };
            done.answers.push(Given { deed, usage });
            let body = request.json();
            deed.script(body["stream"] == true, &text(&body.to_string()), usage)
        })
        .await;
        Self { upstream, done }
    }

    pub(super) fn calm(&self) {
        self.done.lock().unwrap().calm = true;
    }

    pub(super) fn answers(&self) -> Vec<Given> {
        self.done.lock().unwrap().answers.clone()
    }
}

/// The answer belongs to the question: nobody may get another one's.
pub(super) fn text(body: &str) -> [String; 3] {
    let mark = body.split(MARK).nth(1).unwrap_or("nobody");
    [format!("to {mark}"), ", who asked: ".to_owned(), format!("{mark}.")]
}

/// What a client asks.
pub(super) fn question(mark: &str) -> Value {
    json!(format!("{PROMPT_CANARY} {MARK}{mark}{MARK}"))
}

const MARK: &str = "@@";

/// What is asked is nobody's business but the upstream's.
pub(super) const PROMPT_CANARY: &str = "CANARY-of-the-prompt";

/// Larger than any count of something else.
pub(super) const FIRST_INPUT: u64 = 1_000;

const PAUSE: Duration = Duration::from_millis(30);
