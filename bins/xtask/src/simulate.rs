//! The scheduler in virtual time: the real code plans and learns, everything around it is made up from a seed.
//!
//! `vendor.rs` is the truth about accounts (windows, prompt caches, faults), `load.rs` what people ask for, `relay.rs` what a
//! relay knows and does, `audit.rs` what must hold at every step. The vendor knows nothing of the scheduler, and the relay
//! learns of the vendor by answers alone.

mod audit;
mod load;
mod policy;
mod relay;
mod report;
mod run;
mod tally;
mod vendor;

use std::fs;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::{
    shell::{self, cargo},
    workspace::Workspace,
};
use policy::Policy;
use run::simulate;

#[derive(Args)]
pub(crate) struct Options {
    /// How many conversations there are
    #[arg(long, default_value_t = 100_000)]
    conversations: u32,
    /// How many accounts serve them, in pools of fifty
    #[arg(long, default_value_t = 2_000)]
    accounts: u32,
    /// Over how many days
    #[arg(long, default_value_t = 15)]
    days: u32,
    /// How much people ask for, in hundredths of what all weekly windows together allow; several are joined by commas
    #[arg(long, value_delimiter = ',', default_value = "60,85")]
    load: Vec<u32>,
    /// Another seed makes other accounts, conversations and faults
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Policies, joined by commas; all by default
    #[arg(long)]
    policies: Option<String>,
    /// Write the table into docs/SCHEDULING.md
    #[arg(long)]
    write: bool,
}

/// The made-up world's size and seed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting {
    pub(crate) conversations: u32,
    pub(crate) accounts: u32,
    pub(crate) days: u32,
    pub(crate) load: u32,
    pub(crate) seed: u64,
}

/// Runs every policy on the same world and prints one table.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    if cfg!(debug_assertions) {
        // Ten times as fast.
        return shell::run(
            cargo(workspace)
                .args(["run", "--release", "--locked", "--quiet", "--package", "xtask", "--"])
                .args(std::env::args_os().skip(1)),
        );
    }
    let policies = match &options.policies {
        None => Policy::all(),
        Some(names) => names
            .split(',')
            .map(|name| Policy::parse(name).with_context(|| format!("no policy is called {name}")))
            .collect::<Result<_>>()?,
    };
    let mut text = String::new();
    for &load in &options.load {
        let Options { conversations, accounts, days, seed, .. } = *options;
        let setting = Setting { conversations, accounts, days, load, seed };
        let mut rows = Vec::new();
        for &policy in &policies {
            let tally = simulate(&setting, policy).with_context(|| format!("policy {policy}"))?;
            println!("{}", report::line(policy, &tally));
            rows.push((policy, tally));
        }
        let table = report::table(&setting, &rows);
        println!("\n{table}");
        text.push_str(&table);
        text.push('\n');
    }
    if options.write {
        write(workspace, &text)?;
    }
    Ok(())
}

fn write(workspace: &Workspace, text: &str) -> Result<()> {
    let path = workspace.root().join(PAGE);
    let page = fs::read_to_string(&path).with_context(|| format!("{PAGE} cannot be read"))?;
    let (Some(begin), Some(end)) = (page.find(BEGIN), page.find(END)) else {
        bail!("{PAGE} has no lines {BEGIN} and {END}");
    };
    let page = format!("{}{BEGIN}\n\n{text}{}", &page[..begin], &page[end..]);
    fs::write(&path, page).with_context(|| format!("{PAGE} cannot be written"))
}

const PAGE: &str = "docs/SCHEDULING.md";
const BEGIN: &str = "<!-- simulation: begin -->";
const END: &str = "<!-- simulation: end -->";

#[cfg(test)]
mod tests;
