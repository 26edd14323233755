//! The frame splitter.

use std::mem;

use memchr::memchr2;

use super::{Frame, FrameTooLong};

/// Cuts an event stream into frames, whatever the chunks look like.
///
/// A frame that lies within one chunk is handed out as slices of that chunk; only what a chunk's end cuts off is kept.
/// Lines may end in LF, CRLF or CR, also mixed and also cut between CR and LF; a byte order mark at the start is
/// skipped.
#[derive(Debug, Default)]
pub struct FrameSplitter {
    /// A line that the last chunk cut off.
    line: Vec<u8>,
    /// The length of the open frame's whole lines, each with one byte for its break; 0 between frames.
    open_len: usize,
    /// The open frame's event name and data, as far as they lie in earlier chunks or in several lines.
    kept: Kept,
    /// A first line was read, so a byte order mark can no longer come.
    begun: bool,
    /// The last chunk ended in CR: an LF now belongs to it.
    skip_lf: bool,
    /// Where the last boundary lay in the chunk pushed last.
    boundary: Option<usize>,
    /// A frame was too long.
    broken: bool,
}

impl FrameSplitter {
    /// The longest frame taken, in bytes: all that stands between two boundaries, of whatever lines. Also the longest
    /// comment between frames.
    pub const MAX_FRAME: usize = 16 * 1024 * 1024;

    /// A splitter at the start of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes and hands out the frames that they complete.
    ///
    /// # Errors
    /// When a frame is too long; every later call then fails too.
    pub fn push(&mut self, chunk: &[u8], mut on_frame: impl FnMut(Frame<'_>)) -> Result<(), FrameTooLong> {
        self.scan(chunk, |frame, _| on_frame(frame))
    }

    /// Takes the end of the stream, and hands out a last frame that lacks its blank line.
    ///
    /// # Errors
    /// When that frame is too long.
    pub fn finish(&mut self, mut on_frame: impl FnMut(Frame<'_>)) -> Result<(), FrameTooLong> {
        if self.broken {
            return Err(FrameTooLong);
        }
        let line = mem::take(&mut self.line);
        let mut open = Open::default();
        if !line.is_empty() {
            self.end_line(&line, &mut open).map_err(|error| self.give_up(error))?;
        }
        self.end_frame(&mut open, &mut |frame| on_frame(frame));
        Ok(())
    }

    /// Whether no frame is begun: here another frame may stand. Never so after a frame that was too long.
    pub fn at_boundary(&self) -> bool {
        !self.broken && self.line.is_empty() && self.open_len == 0
    }

    /// The last offset in the chunk pushed last at which no frame was open, 0 left aside; `None` where there was none.
    ///
    /// A frame is over with its blank line, be that one of CR alone; an LF that follows in the next chunk is a boundary
    /// of that chunk.
    pub(crate) fn last_boundary(&self) -> Option<usize> {
        self.boundary
    }

    /// [`push`](Self::push), also telling where in the chunk each frame ends.
    pub(crate) fn scan(
        &mut self,
        chunk: &[u8],
        mut on_frame: impl FnMut(Frame<'_>, usize),
    ) -> Result<(), FrameTooLong> {
        self.boundary = None;
        if self.broken {
            return Err(FrameTooLong);
        }
        self.scan_lines(chunk, &mut on_frame).map_err(|error| self.give_up(error))
    }

    fn scan_lines(
        &mut self,
        chunk: &[u8],
        on_frame: &mut impl FnMut(Frame<'_>, usize),
    ) -> Result<(), FrameTooLong> {
        let mut at = usize::from(self.skip_lf && chunk.first() == Some(&b'\n'));
        self.skip_lf &= chunk.is_empty();
        if at > 0 {
            self.note_boundary(at);
        }
        let mut open = Open::default();
        while let Some(length) = memchr2(b'\n', b'\r', &chunk[at..]) {
            let line = &chunk[at..at + length];
            at = self.after_break(chunk, at + length);
            if self.line.is_empty() {
                self.take_line(line, &mut open, &mut |frame| on_frame(frame, at))?;
            } else {
                self.take_cut_line(line, &mut |frame| on_frame(frame, at))?;
            }
            self.note_boundary(at);
        }
        self.kept.take_over(&mut open);
        self.keep_cut_line(&chunk[at..])
    }

    /// Notes the end of a line that left no frame open.
    fn note_boundary(&mut self, at: usize) {
        if self.open_len == 0 {
            self.boundary = Some(at);
        }
    }

    /// Reads the line that the last chunk cut off, and whose end is now there.
    fn take_cut_line(
        &mut self,
        end: &[u8],
        on_frame: &mut impl FnMut(Frame<'_>),
    ) -> Result<(), FrameTooLong> {
        self.keep_cut_line(end)?;
        let mut line = mem::take(&mut self.line);
        let mut open = Open::default();
        self.take_line(&line, &mut open, on_frame)?;
        self.kept.take_over(&mut open);
        line.clear();
        self.line = line;
        Ok(())
    }

    fn keep_cut_line(&mut self, piece: &[u8]) -> Result<(), FrameTooLong> {
        if self.open_len + self.line.len() + piece.len() > Self::MAX_FRAME {
            return Err(FrameTooLong);
        }
        self.line.extend_from_slice(piece);
        Ok(())
    }

    /// The offset after the line break at `at`; a CR at the chunk's end leaves its LF to the next chunk.
    fn after_break(&mut self, chunk: &[u8], at: usize) -> usize {
        if chunk[at] == b'\n' {
            return at + 1;
        }
        match chunk.get(at + 1) {
            Some(b'\n') => at + 2,
            Some(_) => at + 1,
            None => {
                self.skip_lf = true;
                at + 1
            }
        }
    }

    fn take_line<'a>(
        &mut self,
        line: &'a [u8],
        open: &mut Open<'a>,
        on_frame: &mut impl FnMut(Frame<'_>),
    ) -> Result<(), FrameTooLong> {
        if self.end_line(line, open)? {
            self.end_frame(open, on_frame);
        }
        Ok(())
    }

    /// Reads one whole line; tells whether it was blank. A comment between frames begins none.
    fn end_line<'a>(&mut self, mut line: &'a [u8], open: &mut Open<'a>) -> Result<bool, FrameTooLong> {
        if !self.begun {
            self.begun = true;
            line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line);
        }
        if line.is_empty() {
            return Ok(true);
        }
        let with_line = self.open_len + line.len() + 1;
        if with_line > Self::MAX_FRAME {
            return Err(FrameTooLong);
        }
        if self.open_len == 0 && line[0] == b':' {
            return Ok(false);
        }
        self.open_len = with_line;
        // A line without a colon is a field without a value.
        if let Some(value) = field(line, b"data") {
            self.add_data(value, open);
        } else if let Some(value) = field(line, b"event") {
            open.event = Some(value);
        }
        Ok(false)
    }

    fn add_data<'a>(&mut self, value: &'a [u8], open: &mut Open<'a>) {
        if open.data.is_none() && !self.kept.has_data {
            open.data = Some(value);
            return;
        }
        self.kept.take_over_data(open);
        self.kept.data.push(b'\n');
        self.kept.data.extend_from_slice(value);
    }

    /// Hands out the open frame, unless it has no data, and starts the next one.
    fn end_frame(&mut self, open: &mut Open<'_>, on_frame: &mut impl FnMut(Frame<'_>)) {
        let kept = &self.kept;
        let data = open.data.or_else(|| kept.has_data.then_some(&kept.data[..]));
        let event = open.event.or_else(|| kept.has_event.then_some(&kept.event[..]));
        if let Some(data) = data {
            let event = event.filter(|name| !name.is_empty()).and_then(|name| std::str::from_utf8(name).ok());
            on_frame(Frame::new(event, data));
        }
        *open = Open::default();
        self.kept.clear();
        self.open_len = 0;
    }

    fn give_up(&mut self, error: FrameTooLong) -> FrameTooLong {
        *self = Self { broken: true, boundary: self.boundary, ..Self::default() };
        error
    }
}

/// What the field of this name says, if it is this one's line.
fn field<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    match line.strip_prefix(name)? {
        [] => Some(b""),
        [b':', b' ', value @ ..] | [b':', value @ ..] => Some(value),
        _ => None,
    }
}

/// The open frame's parts that lie in the chunk at hand.
#[derive(Default)]
struct Open<'a> {
    event: Option<&'a [u8]>,
    data: Option<&'a [u8]>,
}

/// The open frame's parts that had to be copied. The buffers are used again for later frames.
#[derive(Debug, Default)]
struct Kept {
    event: Vec<u8>,
    has_event: bool,
    data: Vec<u8>,
    has_data: bool,
}

impl Kept {
    fn take_over(&mut self, open: &mut Open<'_>) {
        if let Some(event) = open.event.take() {
            self.event.clear();
            self.event.extend_from_slice(event);
            self.has_event = true;
        }
        self.take_over_data(open);
    }

    fn take_over_data(&mut self, open: &mut Open<'_>) {
        if let Some(data) = open.data.take() {
            self.data.extend_from_slice(data);
            self.has_data = true;
        }
    }

    fn clear(&mut self) {
        self.event.clear();
        self.has_event = false;
        self.data.clear();
        self.has_data = false;
    }
}
