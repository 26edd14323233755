//! `posthaste data restore`

use std::{fs, path::PathBuf};

use clap::Args;
use posthaste_core::{Clock, SystemClock};
use serde_json::json;

use super::{Failure, Output, progress::Bar, restore_copy, verify};
use crate::{
    Config, admin_socket,
    wiring::{
        self,
        files::{self, Copy},
    },
};

#[derive(Args, Debug)]
pub(in crate::cli) struct Restore {
    /// The back-up; with --from-copy, another copy than the data folder's
    #[arg(required_unless_present = "from_copy")]
    file: Option<PathBuf>,
    /// Restore it also when records or sums in it are not in order; a damaged file, a newer schema or another master key are
    /// refused all the same
    #[arg(long)]
    despite_problems: bool,
    /// Compare the local copy of the configuration with Redis, and show what is missing there
    #[arg(long, conflicts_with = "despite_problems")]
    from_copy: bool,
    /// With --from-copy: write what is missing
    #[arg(long, requires = "from_copy")]
    apply: bool,
}

pub(super) async fn run(restore: &Restore, config: &Config, out: &Output) -> Result<(), Failure> {
    wiring::check_folder(config)?;
    let file = match &restore.file {
        file if restore.from_copy => {
            return restore_copy::run(file.as_deref(), restore.apply, config, out).await;
        }
        Some(file) => file,
        None => return Err(Failure::usage("name a back-up")),
    };
    let target = files::embedded(config)?;
    if !file.is_file() {
        return Err(Failure::not_found(format!("there is no file {}", file.display())));
    }
    if fs::canonicalize(file).ok() == fs::canonicalize(&target).ok() {
        return Err(Failure::usage(format!("{} is the store itself", file.display())));
    }
    let master = files::master_key(config)?;
    files::make_folder(config)?;
    let socket = admin_socket::path(&config.data.dir);
    let _held = admin_socket::hold(&socket).await.map_err(|error| {
        Failure::from(anyhow::Error::from(error)).hint("stop the relay first; nothing was changed")
    })?;
    let unchanged = |failure: Failure| failure.hint("nothing was changed");

    let bar = Bar::new(out.is_json());
    let copy = Copy::of(file, config).await.map_err(|error| unchanged(error.into()))?;
    let from_schema = copy.copied.schema;
    if !copy.copied.problems.is_empty() {
        return Err(refused(&verify::damaged(&copy), "it is damaged; nothing was changed"));
    }
    let opened = copy.open(&master).await.map_err(|error| unchanged(error.into()))?;
    let mut findings = verify::look(&opened, &bar).await;
    copy.copied.damaged.iter().for_each(|row| findings.problem("the books", row));
    opened.close().await.map_err(|error| unchanged(anyhow::Error::from(error).into()))?;
    drop(bar);
    if !findings.problems.is_empty() && !restore.despite_problems {
        return Err(refused(&findings, "nothing was changed; --despite-problems restores it all the same"));
    }

    let mark: String = SystemClock.now().to_string().chars().filter(char::is_ascii_alphanumeric).collect();
    let replaced = copy.replace(&target, &mark).await?;
    let told = json!({
        "store": target, "from": file, "from_schema": from_schema, "replaced": replaced, "findings": findings,
    });
    out.show(&told, || {
        let kept = match &replaced {
            Some(replaced) => format!("\nthe replaced store is {}", replaced.display()),
            None => String::new(),
        };
        let problems = match findings.problems.is_empty() {
            true => String::new(),
            false => format!("\n{}", verify::problems(&findings)),
        };
        format!(
            "{} is restored: {} records, {} secrets, {} ledger rows{kept}\naccounts that are logged in may have to be logged in \
             again: what they were renewed with may have been used since{problems}",
            target.display(),
            findings.records,
            findings.secrets,
            findings.rows
        )
    })
}

fn refused(findings: &posthaste_admin::data::Findings, hint: &str) -> Failure {
    let failure = Failure::failed("the back-up is not in order");
    let problems = findings.problems.iter();
    problems
        .fold(failure, |failure, problem| failure.caused_by(format!("{}: {}", problem.place, problem.what)))
        .hint(hint)
}
