//! A JSON array as a stream: each element is an event.
//!
//! Gemini's `streamGenerateContent` answers so without `alt=sse`: `[{…}`, then `,\r\n{…}` for each further piece, and `]`
//! at the end; an error is an element too (<https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent>).

mod splitter;

pub use self::splitter::JsonArraySplitter;

/// Writes a JSON array element by element.
#[derive(Clone, Copy, Debug, Default)]
pub struct JsonArrayWriter {
    begun: bool,
}

impl JsonArrayWriter {
    /// A writer at the start of an array.
    pub const fn new() -> Self {
        Self { begun: false }
    }

    /// A writer that goes on after a whole element that somebody else wrote.
    pub const fn resumed() -> Self {
        Self { begun: true }
    }

    /// Appends one element, which must be a JSON value.
    pub fn write(&mut self, element: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(if self.begun { b",\r\n" } else { b"[" });
        out.extend_from_slice(element);
        self.begun = true;
    }

    /// Appends the array's end. An array without elements is written whole.
    pub fn finish(self, out: &mut Vec<u8>) {
        out.extend_from_slice(if self.begun { b"]" } else { b"[]" });
    }
}

#[cfg(test)]
mod tests;
