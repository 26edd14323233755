//! A request in no dialect. Everything borrows from the parsed body.

use std::borrow::Cow;

use serde_json::Value;

/// What is answered.
#[derive(Debug)]
pub(crate) struct Prompt<'a> {
    /// Says which prompt this is; the same for the same prompt.
    pub(crate) id: String,
    /// What the ids of tool calls begin with.
    pub(crate) call_prefix: &'static str,
    pub(crate) messages: Vec<Message<'a>>,
    pub(crate) tools: Vec<Tool<'a>>,
    pub(crate) choice: ToolChoice<'a>,
    pub(crate) format: Option<Format<'a>>,
    pub(crate) thinking: Thinking,
    pub(crate) stops: Vec<&'a str>,
    pub(crate) max_tokens: u64,
}

/// What was said so far: all that counts as input.
#[derive(Debug, Default)]
pub(crate) struct Conversation<'a> {
    pub(crate) system: Vec<Block<'a>>,
    pub(crate) messages: Vec<Message<'a>>,
}

impl<'a> Conversation<'a> {
    /// Adds to the last message when that has the same role, as parts of one turn that a dialect tells apart.
    pub(crate) fn join(&mut self, role: Role, block: Block<'a>) {
        match self.messages.last_mut() {
            Some(last) if last.role == role => last.content.push(block),
            _ => self.messages.push(Message { role, content: vec![block] }),
        }
    }
}

/// One turn.
#[derive(Debug)]
pub(crate) struct Message<'a> {
    pub(crate) role: Role,
    pub(crate) content: Vec<Block<'a>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    User,
    Assistant,
    System,
}

/// A piece of a turn.
#[derive(Clone, Debug)]
pub(crate) enum Block<'a> {
    Text(Cow<'a, str>),
    Image,
    /// A document, with its text when that is in the request.
    Document(Option<&'a str>),
    Audio,
    Call {
        id: Cow<'a, str>,
        name: &'a str,
        arguments: Cow<'a, str>,
    },
    Result {
        call: Cow<'a, str>,
        content: Vec<Block<'a>>,
        is_error: bool,
    },
    /// What was thought, or what stands for it.
    Thought(&'a str),
    /// Something that is counted and not looked into.
    Other(&'a Value),
}

impl<'a> Block<'a> {
    pub(crate) const fn text(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

/// A declared tool.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tool<'a> {
    pub(crate) name: &'a str,
    pub(crate) input: Input<'a>,
}

/// What a tool is called with.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Input<'a> {
    /// JSON of this schema.
    Schema(&'a Value),
    /// An empty object.
    Nothing,
    /// Any text.
    Text,
    /// Nothing that the sandbox could know: the vendor runs this tool itself.
    Hosted,
}

/// Which tools are to be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ToolChoice<'a> {
    pub(crate) mode: ToolMode<'a>,
    /// Whether more than one call is welcome in a turn.
    pub(crate) parallel: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ToolMode<'a> {
    Auto,
    Any,
    Named(&'a str),
    None,
}

impl Default for ToolChoice<'_> {
    fn default() -> Self {
        Self { mode: ToolMode::Auto, parallel: true }
    }
}

impl ToolChoice<'_> {
    /// Whether the answer must be a call.
    pub(crate) const fn is_forced(&self) -> bool {
        matches!(self.mode, ToolMode::Any | ToolMode::Named(_))
    }
}

/// The form that the answer must have.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Format<'a> {
    /// JSON that fits this schema.
    Schema(&'a Value),
    /// Any JSON object.
    AnyJson,
}

/// Whether to think before the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Thinking {
    Never,
    /// `omitted` keeps the text from the client.
    Always {
        omitted: bool,
    },
    /// When tool results came in.
    BetweenTools,
}
