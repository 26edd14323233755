//! The element splitter.

use std::mem;

use memchr::memchr2;

use crate::{Frame, FrameSplitter, FrameTooLong, FramingError};

/// Cuts a JSON array into its elements, whatever the chunks look like.
///
/// Only strings and brackets are looked at: whether an element is JSON is for its reader to say. Whitespace and commas, in
/// any number, are what stands between elements. An element that lies within one chunk is handed out as a slice of that
/// chunk; only what a chunk's end cuts off is kept, up to [`FrameSplitter::MAX_FRAME`].
#[derive(Debug, Default)]
pub struct JsonArraySplitter {
    /// The part of the open element that lies in earlier chunks.
    kept: Vec<u8>,
    place: Place,
    element: Element,
    /// Where the last boundary lay in the chunk pushed last.
    boundary: Option<usize>,
    /// The offset past the array's end, if it lay in the chunk pushed last.
    closed_at: Option<usize>,
    /// Why the stream cannot be read any further.
    broken: Option<FramingError>,
}

impl JsonArraySplitter {
    /// A splitter at the start of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes and hands out the elements that they complete.
    ///
    /// # Errors
    /// When they are no array, or an element is too long; every later call then fails too.
    pub fn push(&mut self, chunk: &[u8], mut on_frame: impl FnMut(Frame<'_>)) -> Result<(), FramingError> {
        self.scan(chunk, |frame, _| on_frame(frame))
    }

    /// Takes the end of the stream. Nothing can be made of an element that was cut off.
    ///
    /// # Errors
    /// [`FramingError::Truncated`] when the array was not closed.
    pub fn finish(&mut self, _on_frame: impl FnMut(Frame<'_>)) -> Result<(), FramingError> {
        match self.broken {
            Some(error) => Err(error),
            None if self.is_closed() => Ok(()),
            None => Err(FramingError::Truncated),
        }
    }

    /// Whether the bytes so far end before the array, after a whole element, or after the array.
    ///
    /// After `[` or a comma an element is wanted, so there it is not.
    pub fn at_boundary(&self) -> bool {
        self.broken.is_none() && self.place.is_boundary()
    }

    /// Whether the array's `]` came.
    pub fn is_closed(&self) -> bool {
        self.place == Place::Closed
    }

    /// The offset just past the array's `]`, if it lay in the chunk pushed last.
    pub(crate) fn closed_at(&self) -> Option<usize> {
        self.closed_at
    }

    /// The last offset in the chunk pushed last that was a [boundary](Self::at_boundary), 0 left aside; `None` where there
    /// was none.
    pub(crate) fn last_boundary(&self) -> Option<usize> {
        self.boundary
    }

    /// [`push`](Self::push), also telling where in the chunk each element ends.
    pub(crate) fn scan(
        &mut self,
        chunk: &[u8],
        mut on_frame: impl FnMut(Frame<'_>, usize),
    ) -> Result<(), FramingError> {
        self.boundary = None;
        self.closed_at = None;
        if let Some(error) = self.broken {
            return Err(error);
        }
        self.scan_elements(chunk, &mut on_frame).inspect_err(|error| {
            self.kept = Vec::new();
            self.broken = Some(*error);
        })
    }

    fn scan_elements(
        &mut self,
        chunk: &[u8],
        on_frame: &mut impl FnMut(Frame<'_>, usize),
    ) -> Result<(), FramingError> {
        let mut at = 0;
        while at < chunk.len() {
            if self.place == Place::Element {
                let Some(length) = self.element.end(&chunk[at..]) else {
                    return self.keep(&chunk[at..]);
                };
                let end = at + length;
                self.hand_out(&chunk[at..end], &mut |frame| on_frame(frame, end))?;
                self.place = Place::AfterElement;
                at = end;
            } else if self.step(chunk[at])? {
                at += 1;
                if self.is_closed() && self.closed_at.is_none() && chunk[at - 1] == b']' {
                    self.closed_at = Some(at);
                }
            }
            if at > 0 && self.place.is_boundary() {
                self.boundary = Some(at);
            }
        }
        Ok(())
    }

    /// Takes one byte outside of elements; `false` leaves it for the element that it begins.
    fn step(&mut self, byte: u8) -> Result<bool, FramingError> {
        self.place = match (self.place, byte) {
            (place, b' ' | b'\t' | b'\r' | b'\n') => place,
            (Place::Before, b'[') => Place::BeforeElement,
            (Place::Before | Place::Closed, _) => return Err(FramingError::NotAnArray),
            (_, b',') => Place::BeforeElement,
            (_, b']') => Place::Closed,
            _ => {
                self.place = Place::Element;
                self.element = Element::default();
                return Ok(false);
            }
        };
        Ok(true)
    }

    fn hand_out(&mut self, end: &[u8], on_frame: &mut impl FnMut(Frame<'_>)) -> Result<(), FramingError> {
        if self.kept.is_empty() {
            self.check_length(end)?;
            on_frame(Frame::new(None, end));
            return Ok(());
        }
        self.keep(end)?;
        let mut kept = mem::take(&mut self.kept);
        on_frame(Frame::new(None, &kept));
        kept.clear();
        self.kept = kept;
        Ok(())
    }

    fn keep(&mut self, piece: &[u8]) -> Result<(), FramingError> {
        self.check_length(piece)?;
        self.kept.extend_from_slice(piece);
        Ok(())
    }

    fn check_length(&self, piece: &[u8]) -> Result<(), FrameTooLong> {
        if self.kept.len() + piece.len() > FrameSplitter::MAX_FRAME { Err(FrameTooLong) } else { Ok(()) }
    }
}

/// Where in the array the bytes so far end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Before,
    /// After `[` or a comma.
    BeforeElement,
    Element,
    AfterElement,
    Closed,
}

impl Place {
    const fn is_boundary(self) -> bool {
        matches!(self, Self::Before | Self::AfterElement | Self::Closed)
    }
}

/// How far the open element has come.
#[derive(Clone, Copy, Debug, Default)]
struct Element {
    /// Open brackets and braces; which is which does not matter here.
    depth: usize,
    in_string: bool,
    /// The last byte was a backslash that escapes the next one.
    escaping: bool,
}

impl Element {
    /// Goes through the element's next bytes, as far as they are there, and tells where it ends.
    fn end(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        while at < bytes.len() {
            if mem::take(&mut self.escaping) {
                at += 1;
                continue;
            }
            if self.in_string {
                at += memchr2(b'"', b'\\', &bytes[at..])? + 1;
                self.escaping = bytes[at - 1] == b'\\';
                self.in_string = self.escaping;
                if !self.in_string && self.depth == 0 {
                    return Some(at);
                }
                continue;
            }
            match bytes[at] {
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' if self.depth > 0 => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        return Some(at + 1);
                    }
                }
                // A number or a word ends with what follows it.
                b']' | b',' | b' ' | b'\t' | b'\r' | b'\n' if self.depth == 0 => return Some(at),
                _ => {}
            }
            at += 1;
        }
        None
    }
}
