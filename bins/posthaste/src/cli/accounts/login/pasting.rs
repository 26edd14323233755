//! Lines from standard input, while something else is waited for as well.

use std::{io, thread};

use posthaste_core::Secret;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::cli::Failure;

/// What a person pastes.
pub(super) struct Pasting {
    lines: UnboundedReceiver<io::Result<String>>,
    over: bool,
}

impl Pasting {
    /// Begins to read. The thread ends with its input or with the program: nothing can wake it before.
    pub(super) fn begin() -> Self {
        let (sender, lines) = unbounded_channel();
        thread::spawn(move || {
            for line in io::stdin().lines() {
                let failed = line.is_err();
                if sender.send(line).is_err() || failed {
                    return;
                }
            }
        });
        Self { lines, over: false }
    }

    /// Whether nothing more can come.
    pub(super) const fn is_over(&self) -> bool {
        self.over
    }

    /// The next line that is not empty; `None` at the end of the input.
    pub(super) async fn next(&mut self) -> Option<Result<Secret, Failure>> {
        loop {
            match self.lines.recv().await {
                Some(Ok(line)) if line.trim().is_empty() => {}
                Some(Ok(line)) => return Some(Ok(Secret::new(line.trim()))),
                Some(Err(error)) => {
                    let failure = Failure::failed("standard input cannot be read");
                    return Some(Err(failure.caused_by(error.to_string())));
                }
                None => {
                    self.over = true;
                    return None;
                }
            }
        }
    }
}
