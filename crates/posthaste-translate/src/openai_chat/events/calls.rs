//! Which call a piece of a stream belongs to, and when a call is whole.

/// A call that a stream has begun.
#[derive(Debug)]
pub(super) struct Call {
    /// The vendor's index, where it gave one.
    pub(super) key: Option<u64>,
    /// The vendor's id; may be empty.
    pub(super) id: String,
    /// The block's neutral number.
    pub(super) block: usize,
    /// Whether its block is still open.
    pub(super) open: bool,
    /// Whether it is one of a free-text tool.
    pub(super) free_text: bool,
    /// How far its arguments are.
    pub(super) progress: Progress,
}

impl Call {
    /// Whether nothing can follow.
    pub(super) fn is_whole(&self) -> bool {
        !self.free_text && self.progress.is_whole()
    }
}

/// The call that a piece belongs to, or none if it begins a new one.
///
/// By the book the index tells. Some vendors leave it out, or give every call the index 0 and tell them apart by id.
pub(super) fn owner<'c>(calls: &'c mut [Call], key: Option<u64>, id: &str) -> Option<&'c mut Call> {
    let same_id = |call: &Call| id.is_empty() || call.id.is_empty() || call.id == id;
    match key {
        Some(_) => calls.iter_mut().rev().find(|call| call.key == key).filter(|call| same_id(call)),
        None if id.is_empty() => calls.last_mut(),
        None => calls.iter_mut().rev().find(|call| call.id == id),
    }
}

/// Tells when a JSON object that comes in pieces is whole, without keeping the pieces.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Progress {
    depth: u32,
    begun: bool,
    quoted: bool,
    escaped: bool,
}

impl Progress {
    /// Takes the next piece.
    pub(super) fn feed(&mut self, piece: &str) {
        for byte in piece.bytes() {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' if self.quoted => self.escaped = true,
                b'"' => self.quoted = !self.quoted,
                _ if self.quoted => {}
                b'{' | b'[' => {
                    self.begun = true;
                    self.depth = self.depth.saturating_add(1);
                }
                b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
    }

    /// Whether nothing but white space can follow.
    pub(super) fn is_whole(self) -> bool {
        self.begun && self.depth == 0 && !self.quoted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_whole_at_its_last_brace_only() {
        let text = r#"{"a":"}\"{","b":[{}]}"#;
        let mut progress = Progress::default();
        for (at, character) in text.char_indices() {
            assert!(!progress.is_whole(), "at {at}");
            progress.feed(&character.to_string());
        }
        assert!(progress.is_whole());
        assert!(!Progress::default().is_whole());
    }
}
