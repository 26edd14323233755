//! `--watch`: shows the same again as it changes, until interrupted.

use std::{
    io::{self, IsTerminal},
    time::Duration,
};

use serde::Serialize;
use tokio::time::sleep;

use super::{Failure, Output, output};

/// What is shown again and again.
pub(super) struct Watch<'a> {
    out: &'a Output,
    every: Duration,
    shown: Option<String>,
}

impl<'a> Watch<'a> {
    pub(super) fn new(out: &'a Output) -> Self {
        Self { out, every: EVERY, shown: None }
    }

    /// Shows it, unless it is as it was shown last; tells whether anybody still looks. For programs each is a line of JSON.
    pub(super) async fn show<T: Serialize + ?Sized>(
        &mut self,
        value: &T,
        text: impl FnOnce() -> String,
    ) -> Result<bool, Failure> {
        let next = match self.out.is_json() {
            true => serde_json::to_string(value).map_err(|error| Failure::failed(error.to_string()))?,
            false => text(),
        };
        if self.shown.as_ref() != Some(&next) {
            if !self.out.is_json() && io::stdout().is_terminal() && !output::clear() {
                return Ok(false);
            }
            if !output::line(&next) {
                return Ok(false);
            }
            self.shown = Some(next);
        }
        sleep(self.every).await;
        Ok(true)
    }
}

const EVERY: Duration = Duration::from_secs(2);
