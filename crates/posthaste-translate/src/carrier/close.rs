//! Putting foreign proofs of an answer into carriers, where the client's dialect keeps such things.

use posthaste_core::Dialect;

use super::{Carried, Place, text};
use crate::{
    ir::{Block, Content, Delta, Event, Maker, Part, Proof, Response, Thinking, ToolCall},
    memory::MOST_THOUGHTS,
    turn::said,
};

/// Closes the proofs of a whole answer.
pub(crate) fn close_response(response: &mut Response, client: Dialect, maker: &Maker) {
    let mut closing = Closing::new(client, maker.clone());
    let mut parts = Vec::with_capacity(response.parts.len());
    for part in std::mem::take(&mut response.parts) {
        closing.part(part, &mut parts);
    }
    closing.end_of_parts(&mut parts);
    response.parts = parts;
}

/// Closes proofs while an answer comes in.
#[derive(Debug)]
pub(crate) struct Closing {
    maker: Maker,
    form: Form,
    /// Gemini's clients keep proofs with calls and texts alone: those of thoughts wait for the next of them.
    waiting: Vec<Carried>,
    /// How much text there was so far, in bytes.
    said: usize,
    /// The text of the thoughts that are open, for clients that do not give it back.
    thoughts: String,
    /// The thoughts that are open.
    open: Option<Open>,
    /// The next number for a block of our own.
    own: usize,
}

/// A block of thoughts that came in so far.
#[derive(Clone, Copy, Debug)]
struct Open {
    index: usize,
    /// Whether something was said that is not proved yet.
    unproved: bool,
}

/// Where a dialect keeps proofs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// In blocks of their own, before what they led to.
    Blocks,
    /// With calls and texts.
    WithCalls,
    /// Nowhere: the relay remembers them.
    Nowhere,
    /// As they are: the client's own dialect made them.
    Own,
}

impl Closing {
    pub(crate) fn new(client: Dialect, maker: Maker) -> Self {
        let form = match client {
            _ if are_kin(client, maker.dialect) => Form::Own,
            Dialect::AnthropicMessages | Dialect::OpenAiResponses | Dialect::BedrockConverse => Form::Blocks,
            Dialect::GeminiGenerate => Form::WithCalls,
            Dialect::OpenAiChat => Form::Nowhere,
        };
        Self {
            maker,
            form,
            waiting: Vec::new(),
            said: 0,
            thoughts: String::new(),
            open: None,
            own: OWN_BLOCKS,
        }
    }

    /// The proof with its maker's name, as it is told to memory and carriers.
    pub(crate) fn made(maker: &Maker, proof: Proof) -> Proof {
        Proof { maker: maker.clone(), ..proof }
    }

    fn carried(&self, place: Place, proof: Proof, text: Option<String>) -> Carried {
        let behind = (self.form == Form::WithCalls && place != Place::Call).then_some(self.said);
        Carried { place, proof: Self::made(&self.maker, proof), text, behind }
    }

    fn carrier(&self, carried: &[Carried]) -> Proof {
        Proof { maker: self.maker.clone(), data: text::write(carried), item: None }
    }

    // Whole answers.

    fn part(&mut self, mut part: Part, out: &mut Vec<Part>) {
        if self.form == Form::Own {
            return out.push(part);
        }
        let of_text = part.proof.take();
        match &mut part.content {
            Content::Thinking(Thinking { text, proof }) => {
                let made = proof.take().or_else(|| self.unproved(text.is_empty()));
                *proof = made.and_then(|made| self.thought_proof(made, text));
            }
            Content::RedactedThinking(proof) => {
                let item = self.carried(Place::Sealed, proof.clone(), None);
                match self.form {
                    Form::Blocks => *proof = self.carrier(&[item]),
                    Form::WithCalls => return self.waiting.push(item),
                    Form::Nowhere | Form::Own => return,
                }
            }
            Content::ToolCall(call) => {
                if let Some(block) = self.call_proof(call) {
                    out.push(Part::new(Content::RedactedThinking(block)));
                }
            }
            _ => {}
        }
        self.said += said(&part.content);
        out.push(part);
        if let Some(proof) = of_text {
            self.text_proof(proof, out);
        }
    }

    /// Thoughts that nobody proved get an empty proof: without one a client of such a form would send them to its own
    /// vendor as that vendor's, who refuses what it did not sign.
    fn unproved(&self, is_empty: bool) -> Option<Proof> {
        let needs = self.form == Form::Blocks && !is_empty;
        needs.then(|| Proof { maker: self.maker.clone(), data: String::new(), item: None })
    }

    fn thought_proof(&mut self, made: Proof, text: &str) -> Option<Proof> {
        match self.form {
            Form::Blocks => Some(self.carrier(&[self.carried(Place::Thoughts, made, None)])),
            Form::WithCalls => {
                let item = self.carried(Place::Thoughts, made, Some(text.to_owned()));
                self.waiting.push(item);
                None
            }
            Form::Nowhere | Form::Own => None,
        }
    }

    /// Sets the call's proof, or gives the block that has to stand before it.
    fn call_proof(&mut self, call: &mut ToolCall) -> Option<Proof> {
        let own = call.proof.take();
        match self.form {
            Form::Blocks => own.map(|proof| self.carrier(&[self.carried(Place::Call, proof, None)])),
            Form::WithCalls => {
                let mut items = std::mem::take(&mut self.waiting);
                items.extend(own.map(|proof| self.carried(Place::Call, proof, None)));
                call.proof = (!items.is_empty()).then(|| self.carrier(&items));
                None
            }
            Form::Nowhere | Form::Own => None,
        }
    }

    fn text_proof(&mut self, proof: Proof, out: &mut Vec<Part>) {
        let item = self.carried(Place::Text, proof, None);
        match self.form {
            Form::Blocks => out.push(Part::new(Content::RedactedThinking(self.carrier(&[item])))),
            Form::WithCalls => self.waiting.push(item),
            Form::Nowhere | Form::Own => {}
        }
    }

    /// What waited for a call that did not come goes with the last text, or with an empty one.
    fn end_of_parts(&mut self, out: &mut Vec<Part>) {
        if self.waiting.is_empty() {
            return;
        }
        let items = std::mem::take(&mut self.waiting);
        let proof = Some(self.carrier(&items));
        match out.last_mut() {
            Some(part) if matches!(part.content, Content::Text(_)) => part.proof = proof,
            _ => out.push(Part { proof, ..Part::text("") }),
        }
    }

    // Streams.

    /// Passes an event on, with what has to stand before it.
    pub(crate) fn event(&mut self, event: Event, out: &mut Vec<Event>) {
        match event {
            event if self.form == Form::Own => out.push(event),
            Event::BlockStart { index, block } => self.block_start(index, block, out),
            Event::Delta { index, delta: Delta::Proof(proof) } => self.proof(index, proof, out),
            Event::Delta { index, delta: Delta::Thinking(text) } => {
                if self.form == Form::WithCalls && self.thoughts.len() < MOST_THOUGHTS {
                    self.thoughts.push_str(&text);
                }
                if let Some(open) = self.open.as_mut().filter(|open| open.index == index) {
                    open.unproved |= !text.is_empty();
                }
                out.push(Event::Delta { index, delta: Delta::Thinking(text) });
            }
            Event::Delta { index, delta } => {
                if let Delta::Text(text) | Delta::Refusal(text) = &delta {
                    self.said += text.len();
                }
                out.push(Event::Delta { index, delta });
            }
            Event::BlockEnd { index } => self.block_end(index, out),
            Event::Finish(stop) => {
                self.end_of_blocks(out);
                out.push(Event::Finish(stop));
            }
            other => out.push(other),
        }
    }

    fn block_start(&mut self, index: usize, block: Block, out: &mut Vec<Event>) {
        let block = match block {
            Block::Thinking => {
                self.thoughts.clear();
                self.open = Some(Open { index, unproved: false });
                Block::Thinking
            }
            Block::RedactedThinking(proof) => {
                let item = self.carried(Place::Sealed, proof, None);
                match self.form {
                    Form::Blocks => Block::RedactedThinking(self.carrier(&[item])),
                    Form::WithCalls => return self.waiting.push(item),
                    Form::Nowhere | Form::Own => return,
                }
            }
            Block::ToolCall { id, name, free_text, proof } => {
                let mut call = ToolCall::new(id, name, crate::ir::Arguments::default());
                call.proof = proof;
                if let Some(block) = self.call_proof(&mut call) {
                    self.own_block(block, out);
                }
                Block::ToolCall { id: call.id, name: call.name, free_text, proof: call.proof }
            }
            other => other,
        };
        out.push(Event::BlockStart { index, block });
    }

    fn proof(&mut self, index: usize, proof: Proof, out: &mut Vec<Event>) {
        if let Some(open) = self.open.as_mut().filter(|open| open.index == index) {
            open.unproved = false;
            let text = std::mem::take(&mut self.thoughts);
            // A proof of a text of which a part is missing is worth nothing.
            let proof = (text.len() < MOST_THOUGHTS).then(|| self.thought_proof(proof, &text)).flatten();
            out.extend(proof.map(|proof| Event::Delta { index, delta: Delta::Proof(proof) }));
            return;
        }
        let item = self.carried(Place::Text, proof, None);
        // The block of the text is still open: its proof follows it in a block of its own.
        if self.form != Form::Nowhere {
            self.waiting.push(item);
        }
    }

    fn block_end(&mut self, index: usize, out: &mut Vec<Event>) {
        if let Some(open) = self.open.take_if(|open| open.index == index)
            && let Some(proof) = self.unproved(!open.unproved)
        {
            let proof = self.thought_proof(proof, "");
            out.extend(proof.map(|proof| Event::Delta { index, delta: Delta::Proof(proof) }));
        }
        out.push(Event::BlockEnd { index });
        // The proof of a text follows it in a block of its own.
        if self.form == Form::Blocks {
            self.end_of_blocks(out);
        }
    }

    fn end_of_blocks(&mut self, out: &mut Vec<Event>) {
        if self.waiting.is_empty() {
            return;
        }
        let items = std::mem::take(&mut self.waiting);
        let proof = self.carrier(&items);
        if self.form == Form::Blocks {
            self.own_block(proof, out);
            return;
        }
        let index = self.next_own();
        out.push(Event::BlockStart { index, block: Block::Text });
        out.push(Event::Delta { index, delta: Delta::Proof(proof) });
        out.push(Event::BlockEnd { index });
    }

    fn own_block(&mut self, proof: Proof, out: &mut Vec<Event>) {
        let index = self.next_own();
        out.push(Event::BlockStart { index, block: Block::RedactedThinking(proof) });
        out.push(Event::BlockEnd { index });
    }

    fn next_own(&mut self) -> usize {
        self.own += 1;
        self.own
    }
}

/// Whether two dialects are of one vendor's models, whose proofs pass from one to the other as they are.
pub(super) fn are_kin(one: Dialect, other: Dialect) -> bool {
    let claude = |dialect| matches!(dialect, Dialect::AnthropicMessages | Dialect::BedrockConverse);
    one == other || (claude(one) && claude(other))
}

/// Blocks of our own have numbers that no upstream's stream reaches; writers number anew.
const OWN_BLOCKS: usize = usize::MAX / 2;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Target,
        carrier::{open, send_home},
        ir::{Arguments, Message, Request, Role, Stop, StopReason},
        loss::Losses,
    };
    use posthaste_core::{AccountId, Usage};

    const CLIENTS: [Dialect; 4] = [
        Dialect::AnthropicMessages,
        Dialect::OpenAiResponses,
        Dialect::GeminiGenerate,
        Dialect::BedrockConverse,
    ];

    fn maker(dialect: Dialect) -> Maker {
        Maker { dialect, account: Some(AccountId::generate()), model: Some("m".to_owned()) }
    }

    fn answer(maker: &Maker, parts: Vec<Part>) -> Response {
        Response {
            dialect: maker.dialect,
            id: String::new(),
            model: String::new(),
            created: 0,
            parts,
            stop: Stop::new(StopReason::ToolUse),
            usage: Usage::default(),
            service_tier: None,
            extra: Vec::new(),
        }
    }

    fn proof(maker: &Maker, data: &str) -> Option<Proof> {
        Some(Proof { maker: maker.clone(), data: data.to_owned(), item: Some("item".to_owned()) })
    }

    fn call(proof: Option<Proof>) -> Part {
        let call = ToolCall::new("c", "f", Arguments::new("{}"));
        Part::new(Content::ToolCall(ToolCall { proof, ..call }))
    }

    /// What comes back from a client that gives back what it got, at an upstream.
    fn back(client: Dialect, mut response: Response, maker: &Maker, target: &Target) -> Vec<Part> {
        close_response(&mut response, client, maker);
        let mut request = Request::new(client, "m");
        // Gemini's clients drop thoughts.
        let kept =
            |part: &Part| client != Dialect::GeminiGenerate || !matches!(part.content, Content::Thinking(_));
        let parts = response.parts.into_iter().filter(kept).collect();
        request.messages.push(Message::new(Role::Assistant, parts));
        let mut losses = Losses::default();
        open(&mut request, &mut losses);
        send_home(&mut request, target, &mut losses);
        request.messages.remove(0).parts
    }

    #[test]
    fn proofs_come_home_through_every_client() {
        let maker = maker(Dialect::OpenAiResponses);
        let target = Target { account: maker.account, ..Target::of(maker.dialect) };
        let thought = Thinking { text: "hm".to_owned(), proof: proof(&maker, "sealed") };
        let sealed = Content::RedactedThinking(proof(&maker, "only sealed").unwrap());
        let parts = vec![Part::new(Content::Thinking(thought)), Part::new(sealed), call(None)];
        for client in CLIENTS {
            let response = answer(&maker, parts.clone());
            assert_eq!(back(client, response, &maker, &target), parts, "{client}");
        }
    }

    #[test]
    fn proofs_of_calls_and_texts_come_home() {
        let maker = maker(Dialect::GeminiGenerate);
        let target = Target { account: maker.account, ..Target::of(maker.dialect) };
        for client in CLIENTS {
            let text = Part { proof: proof(&maker, "of the text"), ..Part::text("Well.") };
            let parts = vec![text, call(proof(&maker, "of the call")), call(None)];
            assert_eq!(back(client, answer(&maker, parts.clone()), &maker, &target), parts, "{client}");
            let parts = vec![Part { proof: proof(&maker, "of the text"), ..Part::text("Well.") }];
            assert_eq!(back(client, answer(&maker, parts.clone()), &maker, &target), parts, "{client}");
        }
    }

    #[test]
    fn elsewhere_nothing_of_them_arrives() {
        let maker = maker(Dialect::OpenAiResponses);
        let elsewhere = [
            Target { account: Some(AccountId::generate()), ..Target::of(maker.dialect) },
            Target::of(Dialect::AnthropicMessages),
        ];
        for (client, target) in
            CLIENTS.iter().flat_map(|client| elsewhere.iter().map(move |to| (*client, to)))
        {
            let thought = Thinking { text: "hm".to_owned(), proof: proof(&maker, "sealed") };
            let response = answer(&maker, vec![Part::new(Content::Thinking(thought)), call(None)]);
            assert_eq!(back(client, response, &maker, target), vec![call(None)], "{client}");
        }
    }

    #[test]
    fn a_stream_carries_what_a_whole_answer_carries() {
        let maker = maker(Dialect::GeminiGenerate);
        let mut closing = Closing::new(Dialect::AnthropicMessages, maker.clone());
        let mut out = Vec::new();
        let start = Block::ToolCall {
            id: "c".to_owned(),
            name: "f".to_owned(),
            free_text: false,
            proof: proof(&maker, "of the call"),
        };
        closing.event(Event::BlockStart { index: 0, block: start }, &mut out);
        closing.event(Event::BlockEnd { index: 0 }, &mut out);
        let Event::BlockStart { block: Block::RedactedThinking(carrier), .. } = &out[0] else {
            panic!("the carrier stands before the call: {out:?}");
        };
        let carried = text::read(&carrier.data).unwrap();
        assert_eq!((carried[0].place, carried[0].proof.data.as_str()), (Place::Call, "of the call"));
        assert!(matches!(&out[2], Event::BlockStart { block: Block::ToolCall { proof: None, .. }, .. }));
    }
}
