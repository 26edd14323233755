//! A secret from standard input: a line typed at a terminal without being shown, or all of a pipe.

use std::io::{self, BufRead, IsTerminal, Read, Write};

use posthaste_core::Secret;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

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
    let stdin = io::stdin();
    let echo = EchoOff::switch()?;
    let asked = write!(io::stderr().lock(), "{what} (not shown; end with Enter): ");
    let mut line = String::new();
    let read = asked.and_then(|()| stdin.lock().read_line(&mut line));
    drop(echo);
    read.map(|_| Secret::new(line))
}

/// The terminal shows what is typed again when this drops. When a signal ends the program before that, the shell puts
/// its terminal right, as after every program that a signal ended.
struct EchoOff {
    before: Termios,
}

impl EchoOff {
    fn switch() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        // Enter shows, so that what is printed next starts on a line of its own.
        silent.local_modes.insert(LocalModes::ECHONL);
        tcsetattr(io::stdin(), OptionalActions::Now, &silent)?;
        Ok(Self { before })
    }
}

impl Drop for EchoOff {
    fn drop(&mut self) {
        // With the terminal gone there is nothing to put right.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.before);
    }
}
