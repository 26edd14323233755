//! The prompt as the cache sees it: pieces in the order tools, system, messages.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{
    canonical::{feed, feed_text},
    prompt::{Block, Conversation, Role},
    tokens,
};

/// One piece of a prompt.
pub(super) struct Piece {
    pub(super) tokens: u64,
    /// The digest of the prompt from its start to the end of this piece, for one scope.
    pub(super) prefix: [u8; 32],
    pub(super) mark: Option<Ttl>,
}

/// How long a cached prompt is to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ttl {
    FiveMinutes,
    OneHour,
}

/// A prompt in pieces.
pub(crate) struct Pieces {
    pieces: Vec<Piece>,
    id: String,
}

impl Pieces {
    /// A prompt whose vendor caches by itself: all of it, when it is long enough.
    pub(crate) fn unmarked<'a>(
        model: &str,
        scope: &[u8],
        tools: impl IntoIterator<Item = &'a Value>,
        said: &Conversation<'_>,
    ) -> Self {
        let mut builder = PiecesBuilder::new(model, scope);
        tools.into_iter().for_each(|tool| builder.json(tool, tokens::of_json(tool), None));
        builder.section(b"system");
        said.system.iter().for_each(|block| builder.block(block, None));
        for message in &said.messages {
            builder.role(message.role);
            message.content.iter().for_each(|block| builder.block(block, None));
        }
        let long = builder.pieces.iter().map(|piece| piece.tokens).sum::<u64>() >= LEAST_CACHED;
        builder.finish(long.then_some(Ttl::FiveMinutes))
    }

    /// An id that says which prompt this is; the same for the same prompt.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    pub(crate) fn tokens(&self) -> u64 {
        self.pieces.iter().map(|piece| piece.tokens).sum()
    }
}

/// Builds a prompt piece by piece.
pub(crate) struct PiecesBuilder<'s> {
    scope: &'s [u8],
    pieces: Vec<Piece>,
    digest: Sha256,
}

impl<'s> PiecesBuilder<'s> {
    pub(crate) fn new(model: &str, scope: &'s [u8]) -> Self {
        let mut digest = Sha256::new();
        feed_text(&mut digest, model);
        Self { scope, pieces: Vec::new(), digest }
    }

    /// Tells what comes next from what came before.
    pub(crate) fn section(&mut self, name: &[u8]) {
        self.digest.update(name);
    }

    pub(crate) fn role(&mut self, role: Role) {
        self.section(match role {
            Role::User => b"user",
            Role::Assistant => b"asst",
            Role::System => b"syst",
        });
    }

    pub(crate) fn text(&mut self, text: &str, tokens: u64, mark: Option<Ttl>) {
        feed_text(&mut self.digest, text);
        self.push(tokens, mark);
    }

    pub(crate) fn json(&mut self, value: &Value, tokens: u64, mark: Option<Ttl>) {
        feed(&mut self.digest, value);
        self.push(tokens, mark);
    }

    pub(crate) fn block(&mut self, block: &Block<'_>, mark: Option<Ttl>) {
        self.feed_block(block);
        self.push(tokens::of_block(block), mark);
    }

    /// Marks what was pushed last.
    pub(crate) fn mark(&mut self, ttl: Ttl) {
        if let Some(last) = self.pieces.last_mut() {
            last.mark.get_or_insert(ttl);
        }
    }

    pub(crate) fn finish(mut self, mark: Option<Ttl>) -> Pieces {
        if let Some(ttl) = mark {
            self.mark(ttl);
        }
        Pieces { pieces: self.pieces, id: short_id(self.digest) }
    }

    fn feed_block(&mut self, block: &Block<'_>) {
        match block {
            Block::Text(text) => feed_text(&mut self.digest, text),
            Block::Image => self.section(b"image"),
            Block::Audio => self.section(b"audio"),
            Block::Thought(text) => {
                self.section(b"thought");
                feed_text(&mut self.digest, text);
            }
            Block::Document(text) => {
                self.section(b"document");
                feed_text(&mut self.digest, text.unwrap_or_default());
            }
            Block::Call { id, name, arguments } => {
                self.section(b"call");
                [id.as_ref(), name, arguments].into_iter().for_each(|text| feed_text(&mut self.digest, text));
            }
            Block::Result { call, content, is_error } => {
                self.section(if *is_error { b"failure" } else { b"result" });
                feed_text(&mut self.digest, call);
                content.iter().for_each(|block| self.feed_block(block));
            }
            Block::Other(value) => feed(&mut self.digest, value),
        }
    }

    fn push(&mut self, tokens: u64, mark: Option<Ttl>) {
        // The scope is no part of the running digest, so that ids do not depend on who asks.
        let prefix = self.digest.clone().chain_update(self.scope).finalize().into();
        self.pieces.push(Piece { tokens, prefix, mark });
    }
}

/// 22 letters and digits out of a digest, in the manner of the vendors' ids.
pub(crate) fn short_id(digest: Sha256) -> String {
    let digest = digest.finalize();
    let text = URL_SAFE_NO_PAD.encode(&digest[..]);
    let letters = text.chars().filter(char::is_ascii_alphanumeric).take(22);
    ["01"].into_iter().flat_map(str::chars).chain(letters).collect()
}

/// The least prompt that OpenAI and Gemini cache by themselves, in tokens.
const LEAST_CACHED: u64 = 1_024;
