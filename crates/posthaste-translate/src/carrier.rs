//! Carriers: how one dialect's proofs travel through a client that speaks another.
//!
//! A client sends back what it was given, in the place where its own dialect keeps such things: Anthropic's `signature` and
//! `redacted_thinking.data`, Responses' `encrypted_content`, Gemini's `thoughtSignature`, Converse's `signature` and
//! `redactedContent`. A foreign proof is put there inside a carrier, which says what it is and who made it. When it
//! comes back, `open` takes it out again.
//!
//! A carrier is base64 of a mark, a version, a JSON record and a checksum. It is padded to whole groups of three bytes, so
//! that it has no `=` and the same letters open every carrier, by which a body that holds one is told (`holds_carrier`);
//! Google's SDKs write bytes in the other alphabet than they read them, so both are read. The checksum tells a
//! carrier that a client has cut or changed from one that it has not; it is no secret, since all that a forged carrier
//! could bring to an upstream is a proof that the upstream itself refuses.

mod close;
mod home;
mod open;
mod text;

pub use self::text::holds_carrier;
pub(crate) use self::{
    close::{Closing, close_response},
    home::send_home,
    open::open,
};

use crate::ir::Proof;

/// What a proof belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The thoughts that stand there.
    Thoughts,
    /// Nothing readable: it is the thoughts.
    Sealed,
    /// The call that follows.
    Call,
    /// The text that stands before it.
    Text,
}

/// One thing in a carrier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Carried {
    pub(crate) place: Place,
    pub(crate) proof: Proof,
    /// The thoughts' text, where the client's dialect does not keep it beside the proof.
    pub(crate) text: Option<String>,
    /// How much of the turn's text stood before the thoughts, in bytes, where the client keeps them with what came later.
    pub(crate) behind: Option<usize>,
}
