//! What a Chat client cannot carry, remembered by the relay until the next turn.
//!
//! Chat Completions has no place for a vendor's proofs, and its clients send back no thoughts. The only thing that both sides
//! repeat are the ids of tool calls, so what led to a call is remembered by its id.

use std::sync::Arc;

use posthaste_core::Dialect;

use crate::{
    ir::{Block, Content, Delta, Event, Maker, Message, Part, Proof, Request, Response, Role, Thinking},
    turn::{Placed, Turn, said},
};

/// A memory of one tenant's conversations.
pub trait Recall: Send + Sync {
    /// What stood before the call with this id, if it is still known.
    fn recall(&self, call_id: &str) -> Option<Arc<Remembered>>;
}

/// A memory that knows nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Forgetful;

impl Recall for Forgetful {
    fn recall(&self, _: &str) -> Option<Arc<Remembered>> {
        None
    }
}

/// What is remembered with a tool call.
#[derive(Clone, Debug, PartialEq)]
pub struct Remembered {
    /// The call's id, as the client has it.
    pub call_id: String,
    /// The thoughts that stood before it, some of them before a text.
    thoughts: Vec<Placed>,
    /// The proof of the call itself.
    proof: Option<Proof>,
}

impl Remembered {
    /// Its size in memory, about, in bytes.
    pub fn size(&self) -> usize {
        let proof = |proof: &Proof| proof.data.len() + PROOF_BYTES;
        let part = |part: &Part| match &part.content {
            Content::Thinking(thinking) => thinking.text.len() + thinking.proof.as_ref().map_or(0, proof),
            Content::RedactedThinking(sealed) => proof(sealed),
            _ => 0,
        };
        let parts = self.thoughts.iter().map(|thought| part(&thought.part) + PART_BYTES);
        self.call_id.len() + parts.sum::<usize>() + self.proof.as_ref().map_or(0, proof) + PART_BYTES
    }
}

const PROOF_BYTES: usize = 128;
const PART_BYTES: usize = size_of::<Placed>();

/// Puts what is remembered of a history back before its calls.
pub(crate) fn restore(request: &mut Request, memory: &dyn Recall) {
    if request.dialect != Dialect::OpenAiChat {
        return;
    }
    for message in request.messages.iter_mut().filter(|message| message.role == Role::Assistant) {
        restore_message(message, memory);
    }
}

fn restore_message(message: &mut Message, memory: &dyn Recall) {
    let recalled = |part: &Part| match &part.content {
        Content::ToolCall(call) => memory.recall(&call.id),
        _ => None,
    };
    let known: Vec<_> = message.parts.iter().map(recalled).collect();
    if known.iter().all(Option::is_none) {
        return;
    }
    // What the client tells of the thoughts has no proof; the remembered ones are the same and have.
    let replaces = known.iter().flatten().any(|known| !known.thoughts.is_empty());
    let mut turn = Turn::default();
    for (mut part, known) in std::mem::take(&mut message.parts).into_iter().zip(known) {
        if replaces && matches!(part.content, Content::Thinking(_)) {
            continue;
        }
        if let Some(known) = known {
            known.thoughts.iter().cloned().for_each(|thoughts| turn.place(thoughts));
            if let Content::ToolCall(call) = &mut part.content {
                call.proof.clone_from(&known.proof);
            }
        }
        turn.push(part);
    }
    message.parts = turn.into_parts();
}

/// Notes what an answer to a Chat client would lose.
#[derive(Debug)]
pub(crate) struct Remembering {
    maker: Maker,
    /// Thoughts since the last call.
    thoughts: Vec<Placed>,
    /// How much text there was so far, in bytes.
    said: usize,
    /// The number of the block of thoughts that is open.
    open: Option<usize>,
    noted: Vec<Remembered>,
}

impl Remembering {
    /// For an answer to a client of `client`; only Chat's clients need it.
    pub(crate) fn of_client(client: Dialect, maker: &Maker) -> Option<Self> {
        (client == Dialect::OpenAiChat).then(|| Self {
            maker: maker.clone(),
            thoughts: Vec::new(),
            said: 0,
            open: None,
            noted: Vec::new(),
        })
    }

    pub(crate) fn response(&mut self, response: &Response) {
        for part in &response.parts {
            match &part.content {
                Content::Thinking(thinking) => {
                    let proof = thinking.proof.clone().map(|proof| self.made(proof));
                    let text = thinking.text.clone();
                    self.place(Content::Thinking(Thinking { text, proof }));
                }
                Content::RedactedThinking(proof) => self.sealed(proof),
                Content::ToolCall(call) => self.call(&call.id, call.proof.as_ref()),
                content => self.said += said(content),
            }
        }
    }

    pub(crate) fn event(&mut self, event: &Event) {
        match event {
            Event::BlockStart { index, block } => match block {
                Block::Thinking => {
                    self.open = Some(*index);
                    self.place(Content::Thinking(Thinking::new("")));
                }
                Block::RedactedThinking(proof) => self.sealed(proof),
                Block::ToolCall { id, proof, .. } => self.call(id, proof.as_ref()),
                _ => {}
            },
            Event::Delta { delta: Delta::Text(text), .. } => self.said += text.len(),
            Event::Delta { index, delta } if self.open == Some(*index) => self.thought(delta),
            _ => {}
        }
    }

    pub(crate) fn into_noted(self) -> Vec<Remembered> {
        self.noted
    }

    fn made(&self, proof: Proof) -> Proof {
        Proof { maker: self.maker.clone(), ..proof }
    }

    fn thought(&mut self, delta: &Delta) {
        let maker = &self.maker;
        let Some(Placed { part, .. }) = self.thoughts.last_mut() else { return };
        let Content::Thinking(thinking) = &mut part.content else { return };
        match delta {
            Delta::Thinking(text) if thinking.text.len() < MOST_THOUGHTS => thinking.text.push_str(text),
            Delta::Proof(proof) => {
                thinking.proof = Some(Proof { maker: maker.clone(), ..proof.clone() });
            }
            _ => {}
        }
    }

    fn sealed(&mut self, proof: &Proof) {
        let proof = self.made(proof.clone());
        self.place(Content::RedactedThinking(proof));
    }

    fn place(&mut self, content: Content) {
        self.thoughts.push(Placed { behind: self.said, part: Part::new(content) });
    }

    fn call(&mut self, id: &str, proof: Option<&Proof>) {
        self.open = None;
        let proof = proof.cloned().map(|proof| self.made(proof));
        let mut thoughts = std::mem::take(&mut self.thoughts);
        // A signature over a text of which a part is missing is worth nothing.
        thoughts.retain(|thoughts| {
            !matches!(&thoughts.part.content, Content::Thinking(thinking) if thinking.text.len() >= MOST_THOUGHTS)
        });
        if !thoughts.is_empty() || proof.is_some() {
            self.noted.push(Remembered { call_id: id.to_owned(), thoughts, proof });
        }
    }
}

/// Thoughts longer than this are neither remembered nor carried: 256 KiB are some 60,000 tokens.
pub(crate) const MOST_THOUGHTS: usize = 256 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{Arguments, ToolCall};

    struct One(Arc<Remembered>);

    impl Recall for One {
        fn recall(&self, call_id: &str) -> Option<Arc<Remembered>> {
            (self.0.call_id == call_id).then(|| Arc::clone(&self.0))
        }
    }

    fn call(id: &str) -> Part {
        Part::new(Content::ToolCall(ToolCall::new(id, "f", Arguments::default())))
    }

    #[test]
    fn signed_thoughts_survive_a_chat_client() {
        let maker = Maker { dialect: Dialect::AnthropicMessages, account: None, model: None };
        assert!(Remembering::of_client(Dialect::AnthropicMessages, &maker).is_none());
        let mut remembering = Remembering::of_client(Dialect::OpenAiChat, &maker).unwrap();
        let delta = |delta| Event::Delta { index: 0, delta };
        for event in [
            Event::BlockStart { index: 0, block: Block::Thinking },
            delta(Delta::Thinking("h".to_owned())),
            delta(Delta::Thinking("m".to_owned())),
            delta(Delta::Proof(Proof::of(Dialect::AnthropicMessages, "c2ln"))),
            Event::BlockEnd { index: 0 },
            Event::BlockStart {
                index: 1,
                block: Block::ToolCall {
                    id: "a".to_owned(),
                    name: "f".to_owned(),
                    free_text: false,
                    proof: None,
                },
            },
        ] {
            remembering.event(&event);
        }
        let noted = remembering.into_noted();
        let [remembered] = noted.as_slice() else { panic!("{noted:?}") };
        assert!(remembered.size() > 6);
        let memory = One(Arc::new(remembered.clone()));
        let mut request = Request::new(Dialect::OpenAiChat, "m");
        let unsigned = Part::new(Content::Thinking(Thinking::new("hm")));
        request.messages = vec![
            Message::new(Role::Assistant, vec![unsigned, call("a"), call("b")]),
            Message::new(Role::Assistant, vec![call("z")]),
        ];
        restore(&mut request, &memory);
        let Content::Thinking(thinking) = &request.messages[0].parts[0].content else {
            panic!("{request:?}");
        };
        assert_eq!((thinking.text.as_str(), thinking.proof.as_ref().unwrap().data.as_str()), ("hm", "c2ln"));
        assert_eq!(request.messages[0].parts.len(), 3);
        assert_eq!(request.messages[1].parts, [call("z")]);
    }
}
