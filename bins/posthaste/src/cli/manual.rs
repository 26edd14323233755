//! `posthaste completions` and `posthaste man`: what shells and manuals know of the command line.

use std::{fs, path::PathBuf};

use clap::{Args, CommandFactory};
use serde_json::json;

use super::{Failure, Line, Output};

#[derive(Args, Debug)]
pub(super) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: clap_complete::Shell,
}

#[derive(Args, Debug)]
pub(super) struct Man {
    /// Write the pages of all commands into this folder, which is made if need be
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
}

/// Prints the script by which a shell completes our commands.
pub(super) fn completions(asked: &Completions, out: &Output) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(asked.shell, &mut Line::command(), NAME, &mut script);
    out.raw("script", &String::from_utf8_lossy(&script))
}

/// Prints the page of the program, or writes one for each command.
pub(super) fn man(asked: &Man, out: &Output) -> Result<(), Failure> {
    let Some(dir) = &asked.to else {
        let mut page = Vec::new();
        clap_mangen::Man::new(Line::command())
            .render(&mut page)
            .map_err(|error| Failure::failed("the page cannot be written").caused_by(error.to_string()))?;
        return out.raw("page", &String::from_utf8_lossy(&page));
    };
    let written = fs::create_dir_all(dir).and_then(|()| clap_mangen::generate_to(Line::command(), dir));
    written.map_err(|error| {
        Failure::failed(format!("the pages cannot be written to {}", dir.display()))
            .caused_by(error.to_string())
    })?;
    let dir = dir.display().to_string();
    out.show(&json!({ "dir": dir }), || {
        format!("wrote the pages to {dir}; `man {dir}/posthaste.1` shows the first")
    })
}

const NAME: &str = "posthaste";
