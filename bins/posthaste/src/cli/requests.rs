//! `posthaste explain` and `posthaste requests`

mod explained;
mod listed;
pub(super) mod told;

use clap::{Args, Subcommand};
use posthaste_admin::{Command as Work, Reply, RequestSummary};

use super::{
    Failure, Output,
    session::{Session, unexpected},
    watch::Watch,
};
use crate::Config;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List the latest requests, the newest first
    List(List),
}

#[derive(Args, Debug)]
pub(super) struct List {
    /// Only requests of this client key (name or id)
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
    /// Show them again whenever there are others, until interrupted
    #[arg(long)]
    watch: bool,
}

#[derive(Args, Debug)]
pub(super) struct Explain {
    /// The request's id, as the answer's x-posthaste-request-id has it
    request_id: String,
    /// Show its bodies as well, where the client key's were captured
    #[arg(long)]
    bodies: bool,
}

pub(super) async fn run(command: Command, config: &Config, out: &Output) -> Result<(), Failure> {
    let Command::List(List { key, limit, watch }) = command;
    let work = Work::ListRequests { key, limit };
    let mut session = Session::open(config, &work).await?;
    if !watch {
        let requests = list(&mut session, work).await?;
        session.close().await?;
        return out.show(&requests, || listed::table(&requests));
    }
    let mut watch = Watch::new(out);
    loop {
        let requests = list(&mut session, work.clone()).await?;
        if !watch.show(&requests, || listed::table(&requests)).await? {
            return session.close().await;
        }
    }
}

async fn list(session: &mut Session, work: Work) -> Result<Vec<RequestSummary>, Failure> {
    match session.call(work).await? {
        Reply::Requests(requests) => Ok(requests),
        _ => Err(unexpected()),
    }
}

pub(super) async fn explain(explain: Explain, config: &Config, out: &Output) -> Result<(), Failure> {
    let work = Work::Explain { request: explain.request_id, bodies: explain.bodies };
    let session = Session::open(config, &work).await?;
    match session.execute(work).await? {
        Reply::Explained(view) => out.show(&*view, || explained::text(&view)),
        _ => Err(unexpected()),
    }
}
