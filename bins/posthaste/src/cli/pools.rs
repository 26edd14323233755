//! `posthaste pools`

mod view;

use std::time::Duration;

use clap::{Args, Subcommand};
use posthaste_admin::{Command as Work, NewPool, PoolChange, Reply, RulesChange, parse_limit};
use posthaste_core::{Limit, RetryPolicy, Strategy};

use super::{
    Failure, Output,
    going::Going,
    input,
    session::{Session, unexpected},
};
use crate::Config;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a pool; accounts join it with `posthaste accounts update ACCOUNT --pool NAME`
    Create(Create),
    /// List all pools
    List,
    /// Show one pool
    Show(Which),
    /// Change a pool; what is not named stays as it is
    Update(Update),
    /// Remove a pool that no account, key or route uses
    Delete(Going<Which>),
}

#[derive(Args, Debug)]
pub(super) struct Which {
    /// The pool's name or id
    pool: String,
}

#[derive(Args, Debug)]
pub(super) struct Create {
    /// A name for it, unique
    #[arg(long)]
    name: String,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Args, Debug)]
pub(super) struct Update {
    /// The pool's name or id
    pool: String,
    /// Another name for it
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Args, Debug)]
struct Settings {
    /// The order within equal priority: least-recently-used, round-robin, sequential, weighted, least-busy, peak-ewma,
    /// lowest-cost, hybrid or quota-paced
    #[arg(long, value_parser = strategy)]
    strategy: Option<Strategy>,
    /// How eagerly failed requests are repeated: aggressive, balanced or conservative
    #[arg(long, value_name = "POLICY", value_parser = retry)]
    retry: Option<RetryPolicy>,
    /// How long a request waits while all accounts are limited, such as 20s; 0s to 300s
    #[arg(long, value_name = "TIME", value_parser = input::duration)]
    patience: Option<Duration>,
    /// Keep conversations with the account that holds their prompt cache
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    affinity: Option<bool>,
    /// How long a conversation is remembered after its last request, such as 1h
    #[arg(long, value_name = "TIME", value_parser = input::duration)]
    affinity_ttl: Option<Duration>,
    /// Whether each request renews that time
    #[arg(long, value_name = "BOOL")]
    affinity_renews: Option<bool>,
    /// Ask its members together for so much at most, such as `cost=100/day,on-loss=closed`; may be repeated, replaces all
    #[arg(long, value_name = "LIMIT", value_parser = parse_limit)]
    limit: Option<Vec<Limit>>,
    /// Drop all limits
    #[arg(long, conflicts_with = "limit")]
    no_limits: bool,
}

impl Settings {
    fn rules(&self) -> RulesChange {
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        RulesChange {
            strategy: self.strategy,
            retry: self.retry,
            patience_ms: self.patience.map(millis),
            affinity: self.affinity,
            affinity_ttl_seconds: self.affinity_ttl.map(|ttl| ttl.as_secs()),
            affinity_renews: self.affinity_renews,
        }
    }
}

fn strategy(text: &str) -> Result<Strategy, String> {
    Strategy::parse(text)
        .ok_or_else(|| format!("expected one of {}", Strategy::ALL.map(Strategy::as_str).join(", ")))
}

fn retry(text: &str) -> Result<RetryPolicy, String> {
    RetryPolicy::parse(text)
        .ok_or_else(|| format!("expected one of {}", RetryPolicy::ALL.map(RetryPolicy::as_str).join(", ")))
}

pub(super) async fn run(command: Command, config: &Config, out: &Output) -> Result<(), Failure> {
    let work = work(command)?;
    let session = Session::open(config, &work).await?;
    let deleted = matches!(work, Work::DeletePool { .. });
    match session.execute(work).await? {
        Reply::Pools(pools) => out.show(&pools, || view::table(&pools)),
        Reply::Pool(pool) if deleted => out.show(&pool, || format!("pool `{}` is removed", pool.name)),
        Reply::Pool(pool) => out.show(&pool, || view::one(&pool)),
        _ => Err(unexpected()),
    }
}

fn work(command: Command) -> Result<Work, Failure> {
    Ok(match command {
        Command::Create(create) => Work::CreatePool(NewPool {
            name: create.name,
            rules: create.settings.rules(),
            limits: create.settings.limit.unwrap_or_default(),
        }),
        Command::List => Work::ListPools,
        Command::Show(which) => Work::ShowPool { pool: which.pool },
        Command::Update(update) => Work::UpdatePool {
            pool: update.pool,
            change: PoolChange {
                name: update.name,
                rules: update.settings.rules(),
                limits: if update.settings.no_limits { Some(Vec::new()) } else { update.settings.limit },
            },
        },
        Command::Delete(going) => {
            let which = going.sure(|which| format!("remove the pool {}", which.pool))?;
            Work::DeletePool { pool: which.pool }
        }
    })
}
