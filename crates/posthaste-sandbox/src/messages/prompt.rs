//! The prompt as the cache sees it: pieces in the order tools, system, messages.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use super::{
    canonical::{feed, feed_text},
    request::{Block, BlockKind, Request, Role, Ttl},
    tokens,
};

/// One piece of a prompt.
pub(super) struct Piece {
    pub(super) tokens: u64,
    /// The digest of the prompt from its start to the end of this piece, for one scope.
    pub(super) prefix: [u8; 32],
    pub(super) mark: Option<Ttl>,
}

/// A prompt in pieces.
pub(super) struct Prompt {
    pieces: Vec<Piece>,
    id: String,
}

impl Prompt {
    pub(super) fn of(request: &Request<'_>, scope: &[u8]) -> Self {
        let mut builder = Builder { scope, pieces: Vec::new(), digest: Sha256::new() };
        feed_text(&mut builder.digest, request.model);
        for tool in &request.tools {
            feed(&mut builder.digest, tool.raw);
            builder.push(tokens::of_tool(tool), tool.cache);
        }
        builder.digest.update(b"system");
        request.system.iter().for_each(|block| builder.push_block(block));
        for message in &request.messages {
            builder.digest.update(match message.role {
                Role::User => b"user",
                Role::Assistant => b"asst",
                Role::System => b"syst",
            });
            message.content.iter().for_each(|block| builder.push_block(block));
        }
        if let (Some(last), Some(ttl)) = (builder.pieces.last_mut(), request.cache_last) {
            last.mark.get_or_insert(ttl);
        }
        let id = short_id(builder.digest);
        Self { pieces: builder.pieces, id }
    }

    /// An id that says which prompt this is; the same for the same prompt.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    pub(super) fn tokens(&self) -> u64 {
        self.pieces.iter().map(|piece| piece.tokens).sum()
    }
}

/// The marks of a request in the cache's order.
pub(super) fn marks(request: &Request<'_>) -> impl Iterator<Item = Ttl> {
    let tools = request.tools.iter().map(|tool| tool.cache);
    let system = request.system.iter().map(|block| block.cache);
    let messages = request.blocks().map(|block| block.cache);
    tools.chain(system).chain(messages).flatten().chain(request.cache_last)
}

/// 22 letters and digits out of a digest, in the manner of the vendor's ids.
pub(crate) fn short_id(digest: Sha256) -> String {
    let digest = digest.finalize();
    let text = URL_SAFE_NO_PAD.encode(&digest[..]);
    let letters = text.chars().filter(char::is_ascii_alphanumeric).take(22);
    ["01"].into_iter().flat_map(str::chars).chain(letters).collect()
}

struct Builder<'a> {
    scope: &'a [u8],
    pieces: Vec<Piece>,
    digest: Sha256,
}

impl Builder<'_> {
    fn push_block(&mut self, block: &Block<'_>) {
        match block.kind {
            // A text is the same whether it stands alone or in a block.
            BlockKind::Text(text) => feed_text(&mut self.digest, text),
            _ => feed(&mut self.digest, block.raw),
        }
        self.push(tokens::of_block(block), block.cache);
    }

    fn push(&mut self, tokens: u64, mark: Option<Ttl>) {
        // The scope is no part of the running digest, so that ids do not depend on who asks.
        let prefix = self.digest.clone().chain_update(self.scope).finalize().into();
        self.pieces.push(Piece { tokens, prefix, mark });
    }
}
