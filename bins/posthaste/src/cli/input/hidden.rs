//! A secret from standard input: a line typed at a terminal without being shown, or all of a pipe.

use std::io::{self, BufRead, IsTerminal, Read, Write};

use posthaste_core::Secret;
use rustix::{
    process::{Signal, kill_current_process_group},
    termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr},
};

/// Reads a secret; at a terminal it asks for `what` on standard error.
pub(super) fn read(what: &str) -> io::Result<Secret> {
    let stdin = io::stdin();
    if !stdin.is_terminal() {
        let mut text = String::new();
        stdin.lock().read_to_string(&mut text)?;
        return Ok(Secret::new(text));
    }
    ask(what)
}

/// The same, of a pipe one line only: the next secret has the next.
pub(super) fn read_line(what: &str) -> io::Result<Secret> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        return ask(what);
    }
    let mut line = String::new();
    stdin.lock().read_line(&mut line)?;
    Ok(Secret::new(line))
}

fn ask(what: &str) -> io::Result<Secret> {
    let hush = Hush::begin()?;
    let asked = write!(io::stderr().lock(), "{what} (not shown; end with Enter): ");
    let typed = asked.and_then(|()| typed(&hush));
    // Before a signal ends the program.
    drop(hush);
    match typed? {
        Typed::Line(line) => Ok(Secret::new(line)),
        Typed::Signal(signal) => {
            // To all whom the terminal would have told.
            kill_current_process_group(signal)?;
            Err(io::ErrorKind::Interrupted.into())
        }
    }
}

/// What a person did.
enum Typed {
    Line(String),
    /// Pressed a key that ends programs.
    Signal(Signal),
}

/// Reads up to the end of the line or of the input, or to a key that ends programs.
fn typed(hush: &Hush) -> io::Result<Typed> {
    let mut stdin = io::stdin().lock();
    let mut line = Vec::new();
    loop {
        let bytes = stdin.fill_buf()?;
        let signal = |byte: &u8| hush.ends.iter().find(|(key, _)| key == byte).map(|(_, signal)| *signal);
        let end = bytes.iter().position(|byte| *byte == b'\n' || signal(byte).is_some());
        let taken = end.map_or(bytes.len(), |end| end + 1);
        line.extend_from_slice(&bytes[..taken]);
        let pressed = end.and_then(|end| signal(&bytes[end]));
        stdin.consume(taken);
        if let Some(signal) = pressed {
            return Ok(Typed::Signal(signal));
        }
        if taken == 0 || end.is_some() {
            line.retain(|byte| *byte != hush.suspend);
            let line = String::from_utf8(line);
            return line.map(Typed::Line).map_err(|_| io::ErrorKind::InvalidData.into());
        }
    }
}

/// The terminal shows what is typed again when this drops.
///
/// A signal would end the program before that and leave the terminal silent: shells that sit at it put it right, scripts and
/// other programs do not. So meanwhile the keys that send signals only end the line, and the signal is sent afterwards. The
/// key that suspends does nothing: whoever came back would be shown what they type.
struct Hush {
    before: Termios,
    ends: Vec<(u8, Signal)>,
    suspend: u8,
}

impl Hush {
    fn begin() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO | LocalModes::ISIG);
        // Enter shows, so that what is printed next starts on a line of its own.
        silent.local_modes.insert(LocalModes::ECHONL);
        let keys = [
            (SpecialCodeIndex::VINTR, SpecialCodeIndex::VEOL, Signal::INT),
            (SpecialCodeIndex::VQUIT, SpecialCodeIndex::VEOL2, Signal::QUIT),
        ];
        let mut ends = Vec::new();
        for (key, end_of_line, signal) in keys {
            let code = before.special_codes[key];
            if before.local_modes.contains(LocalModes::ISIG) && code != NO_KEY {
                silent.special_codes[end_of_line] = code;
                ends.push((code, signal));
            }
        }
        tcsetattr(io::stdin(), OptionalActions::Now, &silent)?;
        let suspend = before.special_codes[SpecialCodeIndex::VSUSP];
        Ok(Self { before, ends, suspend })
    }
}

impl Drop for Hush {
    fn drop(&mut self) {
        // With the terminal gone there is nothing to put right.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.before);
    }
}

/// A terminal without a key for something (`_POSIX_VDISABLE` on Linux).
const NO_KEY: u8 = 0;
