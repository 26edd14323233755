//! The command line: parse, call a library, print.

mod accounts;
mod ask;
mod audit;
mod cards;
mod channels;
mod clients;
mod config;
mod data;
mod debug;
mod doctor;
#[cfg(test)]
mod documented;
mod failure;
mod going;
mod health;
#[cfg(test)]
mod helps;
mod import;
mod input;
mod keys;
mod logs;
mod manual;
mod output;
mod owners;
mod people;
mod pools;
mod pricing;
mod remote;
mod requests;
mod routes;
mod service;
mod session;
mod spinner;
mod stats;
mod status;
mod tokens;
mod totals;
mod upgrade;
mod watch;
mod web;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, Parser, Subcommand};
use tokio::runtime;

pub use self::remote::RemoteServer;
use self::{failure::Failure, output::Output};
use crate::{
    Config,
    config::{FileText, Flag, ProcessEnv, Sources},
    demo, logging, memory,
    reload::ConfigSource,
    serve::{self, Start},
    wiring,
};

/// Runs the program as its command line says.
pub fn main() -> ExitCode {
    let line = match Line::try_parse() {
        Ok(line) => line,
        Err(error) if error.use_stderr() && wants_json() => return Failure::from(&error).report(true),
        Err(error) => {
            // Help and version come this way too; a closed pipe is nobody's fault.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(failure::FAILED));
        }
    };
    let json = line.global.json;
    match run(line) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(json),
    }
}

/// Whether a command line that could not be read asks for JSON.
fn wants_json() -> bool {
    std::env::args_os().skip(1).take_while(|word| word != "--").any(|word| word == "--json")
}

/// A relay for AI APIs: one door for every client, many accounts behind it, exact books.
#[derive(Debug, Parser)]
#[command(name = "posthaste", version, after_help = EXIT_CODES, propagate_version = true)]
struct Line {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Args, Debug)]
struct Global {
    /// The data folder [config key data.dir; default ./data]
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The configuration file [default: POSTHASTE_CONFIG, else ./posthaste.toml if it is there]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print JSON for programs instead of tables for people; an error is one line of JSON on standard error
    #[arg(long, global = true)]
    json: bool,
    #[command(flatten)]
    remote: remote::RemoteFlags,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Try everything out: a relay with an imitation provider and a client key, nothing to set up
    Demo(Listen),
    /// Run the relay
    Serve(Serve),
    /// Have the relay that runs here make way for its program as it is on disk now, without a request refused or cut
    Upgrade(upgrade::Upgrade),
    /// Make the data folder, the master key and the store
    Init,
    /// Upstream accounts
    #[command(subcommand)]
    Accounts(accounts::Command),
    /// Client keys
    #[command(subcommand)]
    Keys(keys::Command),
    /// Redemption cards, which add quota and time to client keys
    #[command(subcommand)]
    Cards(cards::Command),
    /// Owners of client keys, each with limits for all its keys together
    #[command(subcommand)]
    Owners(owners::Command),
    /// Teams of owners, each with limits for all their keys together
    #[command(subcommand)]
    Teams(owners::TeamCommand),
    /// People who can log in
    #[command(subcommand)]
    Users(people::Command),
    /// Owners of the relay, for the day on which nobody can log in
    #[command(subcommand)]
    Admin(people::AdminCommand),
    /// Tokens that programs use for the admin API
    #[command(subcommand)]
    Tokens(tokens::Command),
    /// The audit log: who did what
    #[command(subcommand)]
    Audit(audit::Command),
    /// Channels that people are told by: webhooks, chat robots, mail
    #[command(subcommand)]
    Channels(channels::Command),
    /// Pools of accounts, each with its own way of choosing
    #[command(subcommand)]
    Pools(pools::Command),
    /// Routes: model names of your own, with a list of models to ask
    #[command(subcommand)]
    Routes(routes::Command),
    /// What models cost
    #[command(subcommand)]
    Pricing(pricing::Command),
    /// What became of a request, and why: who was asked, why not the others, how long it took, what it cost
    Explain(requests::Explain),
    /// Requests that are on record
    #[command(subcommand)]
    Requests(requests::Command),
    /// Move in from another relay
    #[command(subcommand)]
    Import(import::Command),
    /// Back-ups, restoring, checking, tidying, and exporting what is kept
    #[command(subcommand)]
    Data(data::Command),
    /// The configuration
    #[command(subcommand)]
    Config(config::Command),
    /// What was used and what it cost: by key, owner, account, model, provider, hour, day or month
    Stats(Box<stats::Question>),
    /// Look for what is not in order, from the configuration to each account, and tell what to do about it
    Doctor(doctor::Doctor),
    /// Whether a relay is ready, as load balancers ask it; exit code 0 when it is
    Health(health::Health),
    /// Write a file for those who help: how the relay is and was set up, without secrets
    Debug(debug::Debug),
    /// What the relay has logged lately, and what it logs
    Logs(logs::Logs),
    /// Whether a relay runs here, and how its accounts are
    Status(status::Status),
    /// The relay as a service of systemd
    #[command(subcommand)]
    Service(service::Command),
    /// Settings of agents that use the relay: Claude Code, Codex, Gemini CLI, OpenCode
    #[command(subcommand)]
    Clients(clients::Command),
    /// Print the script by which a shell completes these commands
    Completions(manual::Completions),
    /// Print the manual page, or write the pages of all commands
    Man(manual::Man),
}

#[derive(Args, Debug)]
struct Listen {
    /// The address that clients connect to [config key server.listen; default 127.0.0.1:3001]
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
}

#[derive(Args, Debug)]
struct Serve {
    #[command(flatten)]
    listen: Listen,
    /// Take over from the relay that runs on the data folder: its sockets, its limits; it serves its streams to their end
    #[arg(long)]
    take_over: bool,
}

fn run(line: Line) -> Result<(), Failure> {
    let Line { global, command } = line;
    let out = Output::new(global.json);
    match command {
        Command::Config(command) => config::run(&command, &global, &out),
        Command::Service(command) => service::run(&command, &global, &out),
        Command::Clients(command) => clients::run(command, &global, &out),
        Command::Completions(asked) => manual::completions(&asked, &out),
        Command::Man(asked) => manual::man(&asked, &out),
        Command::Accounts(accounts::Command::Presets) => accounts::presets(&out),
        Command::Serve(Serve { listen, take_over }) => {
            let source = source(&global, listen)?;
            let config = started(&source)?;
            let how = if take_over { Start::TakeOver } else { Start::Anew };
            runtime(Threads::Many)?.block_on(serve::run(config, source, how)).map_err(Failure::from)
        }
        Command::Upgrade(upgrade) => {
            runtime(Threads::One)?.block_on(upgrade::run(upgrade, &load_here(&global)?, &out))
        }
        Command::Demo(listen) => {
            let config = started(&source(&global, listen)?)?;
            runtime(Threads::Many)?.block_on(demo::run(config)).map_err(Failure::from)
        }
        Command::Init => runtime(Threads::One)?.block_on(init(&load_here(&global)?, &out)),
        Command::Accounts(command) => {
            runtime(Threads::One)?.block_on(accounts::run(command, &load(&global)?, &out))
        }
        Command::Keys(command) => runtime(Threads::One)?.block_on(keys::run(command, &load(&global)?, &out)),
        Command::Cards(command) => {
            runtime(Threads::One)?.block_on(cards::run(command, &load(&global)?, &out))
        }
        Command::Owners(command) => {
            runtime(Threads::One)?.block_on(owners::run(command, &load(&global)?, &out))
        }
        Command::Teams(command) => {
            runtime(Threads::One)?.block_on(owners::run_teams(command, &load(&global)?, &out))
        }
        Command::Users(command) => {
            runtime(Threads::One)?.block_on(people::run(command, &load(&global)?, &out))
        }
        Command::Admin(command) => {
            runtime(Threads::One)?.block_on(people::run_admin(command, &load(&global)?, &out))
        }
        Command::Tokens(command) => {
            runtime(Threads::One)?.block_on(tokens::run(command, &load(&global)?, &out))
        }
        Command::Audit(command) => {
            runtime(Threads::One)?.block_on(audit::run(command, &load(&global)?, &out))
        }
        Command::Channels(command) => {
            runtime(Threads::One)?.block_on(channels::run(command, &load(&global)?, &out))
        }
        Command::Pools(command) => {
            runtime(Threads::One)?.block_on(pools::run(command, &load(&global)?, &out))
        }
        Command::Routes(command) => {
            runtime(Threads::One)?.block_on(routes::run(command, &load(&global)?, &out))
        }
        Command::Pricing(command) => {
            runtime(Threads::One)?.block_on(pricing::run(command, &load(&global)?, &out))
        }
        Command::Import(command) => {
            runtime(Threads::One)?.block_on(import::run(command, &load_here(&global)?, &out))
        }
        Command::Explain(explain) => {
            runtime(Threads::One)?.block_on(requests::explain(explain, &load(&global)?, &out))
        }
        Command::Requests(command) => {
            runtime(Threads::One)?.block_on(requests::run(command, &load(&global)?, &out))
        }
        Command::Data(command) => runtime(Threads::One)?.block_on(data::run(command, &load(&global)?, &out)),
        Command::Stats(question) => {
            runtime(Threads::One)?.block_on(stats::run(*question, &load(&global)?, &out))
        }
        Command::Doctor(doctor) => runtime(Threads::One)?.block_on(doctor::run(doctor, &global, &out)),
        Command::Health(health) => {
            runtime(Threads::One)?.block_on(health::run(health, &load(&global)?, &out))
        }
        Command::Debug(debug) => runtime(Threads::One)?.block_on(debug::run(debug, &load(&global)?, &out)),
        Command::Logs(logs) => runtime(Threads::One)?.block_on(logs::run(logs, &load(&global)?, &out)),
        Command::Status(status) => {
            runtime(Threads::One)?.block_on(status::run(status, &load(&global)?, &out))
        }
    }
}

/// The configuration of a command that goes on running, with its log started.
fn started(source: &ConfigSource) -> Result<Config, Failure> {
    let config = read(source)?;
    logging::start(&config.log);
    memory::note_page_size();
    Ok(config)
}

/// Where a command that goes on running takes its configuration from.
fn source(global: &Global, listen: Listen) -> Result<ConfigSource, Failure> {
    global.remote.refuse()?;
    let flag = |value| Flag { name: "--listen", path: "server.listen", value };
    with_flags(global, listen.listen.map(flag).into_iter().collect())
}

fn load(global: &Global) -> Result<Config, Failure> {
    let mut config = read(&with_flags(global, Vec::new())?)?;
    config.elsewhere = global.remote.read()?;
    Ok(config)
}

/// The same for what works on the data folder itself.
fn load_here(global: &Global) -> Result<Config, Failure> {
    let config = load(global)?;
    remote::refuse(&config)?;
    Ok(config)
}

fn with_flags(global: &Global, mut flags: Vec<Flag>) -> Result<ConfigSource, Failure> {
    if let Some(dir) = &global.data {
        let value = dir.to_str().ok_or_else(|| Failure::usage("the path of --data is not UTF-8 text"))?;
        flags.push(Flag { name: "--data", path: "data.dir", value: value.to_owned() });
    }
    Ok(ConfigSource { file: global.config.clone(), flags })
}

fn read(source: &ConfigSource) -> Result<Config, Failure> {
    let file = file(source.file.as_deref())?;
    let sources = Sources { file: file.as_ref(), env: &ProcessEnv, flags: &source.flags };
    Config::read(&sources).map_err(|errors| Failure::from(&errors))
}

fn file(named: Option<&Path>) -> Result<Option<FileText>, Failure> {
    FileText::find(named, &ProcessEnv).map_err(|(path, error)| {
        Failure::usage(format!("the configuration file {} cannot be read", path.display()))
            .caused_by(error.to_string())
    })
}

async fn init(config: &Config, out: &Output) -> Result<(), Failure> {
    let opened = wiring::open_stores(config).await?;
    opened.notices.iter().for_each(|notice| output::note(notice));
    let dir = config.data.dir.display();
    let made = &opened.made;
    out.show(&serde_json::json!({ "dir": dir.to_string(), "store": opened.store_name, "made": made }), || {
        if made.is_empty() {
            return format!("nothing to do: {dir} is ready ({})", opened.store_name);
        }
        let lines: Vec<_> = made.iter().map(|made| format!("made {made}")).collect();
        format!(
            "{}\nnext: posthaste accounts add --preset anthropic --name NAME --api-key -\n      posthaste keys create --name \
             NAME\n      posthaste serve",
            lines.join("\n")
        )
    })
}

enum Threads {
    One,
    Many,
}

fn runtime(threads: Threads) -> Result<runtime::Runtime, Failure> {
    let mut builder = match threads {
        Threads::One => runtime::Builder::new_current_thread(),
        Threads::Many => runtime::Builder::new_multi_thread(),
    };
    builder.enable_all().build().map_err(|error| Failure::from(anyhow::Error::from(error)))
}

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  failed
  2  the command line, an input or the configuration is not in order
  3  no such account, key, pool, route or request, or nothing is kept here yet
  4  a name is taken, or a record kept changing";
