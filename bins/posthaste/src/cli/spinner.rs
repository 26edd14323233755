//! A sign of life while something is waited for.

use std::{
    io::{self, IsTerminal, Write},
    time::Duration,
};

use tokio::time::{MissedTickBehavior, interval};

use super::output::printable;

/// A line on standard error that moves while a person waits. Where nobody watches, nothing is written.
pub(super) struct Spinner {
    text: String,
    shown: bool,
}

impl Spinner {
    /// A spinner with a text; `quiet` writes nothing at all.
    pub(super) fn new(text: &str, quiet: bool) -> Self {
        Self { text: printable(text), shown: !quiet && io::stderr().is_terminal() }
    }

    /// Moves until `work` is done.
    pub(super) async fn turn<T>(&self, work: impl Future<Output = T>) -> T {
        if !self.shown {
            return work.await;
        }
        let _line = Line;
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut frames = FRAMES.iter().cycle();
        tokio::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done,
                _ = ticks.tick() => {
                    let frame = frames.next().unwrap_or(&' ');
                    write(&format!("\r{frame} {}{TO_END}", self.text));
                }
            }
        }
    }
}

/// The spinner's line, which is empty again when this drops.
struct Line;

impl Drop for Line {
    fn drop(&mut self) {
        write(&format!("\r{TO_END}"));
    }
}

fn write(text: &str) {
    let mut err = io::stderr().lock();
    // With standard error closed there is nobody to tell.
    let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
}

const FRAMES: [char; 4] = ['|', '/', '-', '\\'];
const TICK: Duration = Duration::from_millis(120);
/// Clears from the cursor to the end of the line (ECMA-48 8.3.41).
const TO_END: &str = "\u{1b}[K";
