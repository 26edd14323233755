//! How far a piece of work is.

use std::{
    io::{self, IsTerminal, Write},
    sync::Mutex,
    time::{Duration, Instant},
};

/// A line on standard error with a bar that fills. Where nobody watches, nothing is written.
pub(in crate::cli) struct Bar {
    shown: Option<Mutex<Shown>>,
}

struct Shown {
    what: &'static str,
    at: Option<Instant>,
}

impl Bar {
    /// A bar; `quiet` writes nothing at all.
    pub(in crate::cli) fn new(quiet: bool) -> Self {
        let shown = !quiet && io::stderr().is_terminal();
        Self { shown: shown.then(|| Mutex::new(Shown { what: "", at: None })) }
    }

    /// Shows how much of what is done.
    pub(in crate::cli) fn tell(&self, what: &'static str, done: u64, total: u64) {
        let Some(shown) = &self.shown else { return };
        // Nothing can panic while it is held.
        let Ok(mut shown) = shown.lock() else { return };
        if shown.what == what && shown.at.is_some_and(|at| at.elapsed() < PAUSE) {
            return;
        }
        (shown.what, shown.at) = (what, Some(Instant::now()));
        write(&format!("\r{}{TO_END}", line(what, done, total)));
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if self.shown.is_some() {
            write(&format!("\r{TO_END}"));
        }
    }
}

fn line(what: &str, done: u64, total: u64) -> String {
    let done = done.min(total);
    let filled = (done * WIDTH).checked_div(total).unwrap_or(WIDTH);
    let cell = |number| if number < filled { '#' } else { '.' };
    let bar: String = (0..WIDTH).map(cell).collect();
    format!("{what:>8} [{bar}] {done} of {total}")
}

fn write(text: &str) {
    let mut err = io::stderr().lock();
    // With standard error closed there is nobody to tell.
    let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
}

const WIDTH: u64 = 30;
const PAUSE: Duration = Duration::from_millis(100);
/// Clears from the cursor to the end of the line (ECMA-48 8.3.41).
const TO_END: &str = "\u{1b}[K";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_is_empty_at_first_and_full_at_the_end() {
        assert_eq!(line("rows", 0, 4), format!("    rows [{}] 0 of 4", ".".repeat(30)));
        assert_eq!(line("rows", 1, 4), format!("    rows [{}{}] 1 of 4", "#".repeat(7), ".".repeat(23)));
        for (done, total) in [(4, 4), (9, 4), (0, 0)] {
            assert!(line("rows", done, total).contains(&"#".repeat(30)), "{done} of {total}");
        }
    }
}
