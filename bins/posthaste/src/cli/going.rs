//! Records that are to go: who sits at a terminal is asked first.

use std::io::{self, IsTerminal};

use clap::Args;

use super::{Failure, ask::asked};

/// A record that is to go.
#[derive(Args, Debug)]
pub(super) struct Going<W: Args> {
    #[command(flatten)]
    which: W,
    /// Do not ask; without a terminal nobody is asked anyway
    #[arg(long)]
    yes: bool,
}

impl<W: Args> Going<W> {
    /// Which, once it is sure that it shall go. Scripts have said what they mean.
    pub(super) fn sure(self, what: impl FnOnce(&W) -> String) -> Result<W, Failure> {
        if !self.yes && io::stdin().is_terminal() && !asked("", &what(&self.which))? {
            return Err(Failure::failed("nothing was changed"));
        }
        Ok(self.which)
    }
}
