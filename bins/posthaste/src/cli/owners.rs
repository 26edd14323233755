//! `posthaste owners` and `posthaste teams`

use clap::{Args, Subcommand};
use posthaste_admin::{Command as Work, OwnerInput, OwnerView, Reply, TeamInput, TeamView, parse_limit};
use posthaste_core::Limit;

use super::{
    Failure, Output,
    going::Going,
    keys, output,
    session::{Session, unexpected},
};
use crate::Config;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List all owners
    List,
    /// Show one owner
    Show(Which),
    /// Change an owner, or make it when none has the name; what is not named stays as it is
    Set(SetOwner),
    /// Remove an owner of no client keys
    Delete(Going<Which>),
}

#[derive(Debug, Subcommand)]
pub(super) enum TeamCommand {
    /// List all teams
    List,
    /// Show one team
    Show(Which),
    /// Change a team, or make it when none has the name; what is not named stays as it is
    Set(SetTeam),
    /// Remove a team of no owners
    Delete(Going<Which>),
}

#[derive(Args, Debug)]
pub(super) struct Which {
    /// The name or id
    name: String,
}

#[derive(Args, Debug)]
pub(super) struct SetOwner {
    #[command(flatten)]
    common: Common,
    /// The team that it belongs to, by name or id; '' for none. Counters of its keys begin anew
    #[arg(long, value_name = "TEAM")]
    team: Option<String>,
}

#[derive(Args, Debug)]
pub(super) struct SetTeam {
    #[command(flatten)]
    common: Common,
}

#[derive(Args, Debug)]
struct Common {
    /// The name or id
    name: String,
    /// Another name for it
    #[arg(long, value_name = "NAME")]
    rename: Option<String>,
    /// Allow all its client keys together so much, such as `requests=100/5h`, `cost=25/month`, `concurrency=4`; may be
    /// repeated, replaces all
    #[arg(long, value_name = "LIMIT", value_parser = parse_limit)]
    limit: Option<Vec<Limit>>,
    /// Drop all limits
    #[arg(long, conflicts_with = "limit")]
    no_limits: bool,
}

impl Common {
    fn limits(&mut self) -> Option<Vec<Limit>> {
        if self.no_limits { Some(Vec::new()) } else { self.limit.take() }
    }
}

pub(super) async fn run(command: Command, config: &Config, out: &Output) -> Result<(), Failure> {
    let work = match command {
        Command::List => Work::ListOwners,
        Command::Show(which) => Work::ShowOwner { owner: which.name },
        Command::Set(SetOwner { mut common, team }) => {
            let with = OwnerInput { limits: common.limits(), rename: common.rename, team };
            Work::SetOwner { owner: common.name, with }
        }
        Command::Delete(going) => {
            let which = going.sure(|which| format!("remove the owner {}", which.name))?;
            Work::DeleteOwner { owner: which.name }
        }
    };
    execute(work, config, out).await
}

pub(super) async fn run_teams(command: TeamCommand, config: &Config, out: &Output) -> Result<(), Failure> {
    let work = match command {
        TeamCommand::List => Work::ListTeams,
        TeamCommand::Show(which) => Work::ShowTeam { team: which.name },
        TeamCommand::Set(SetTeam { mut common }) => {
            let with = TeamInput { limits: common.limits(), rename: common.rename };
            Work::SetTeam { team: common.name, with }
        }
        TeamCommand::Delete(going) => {
            let which = going.sure(|which| format!("remove the team {}", which.name))?;
            Work::DeleteTeam { team: which.name }
        }
    };
    execute(work, config, out).await
}

async fn execute(work: Work, config: &Config, out: &Output) -> Result<(), Failure> {
    let session = Session::open(config, &work).await?;
    let deleted = matches!(work, Work::DeleteOwner { .. } | Work::DeleteTeam { .. });
    match session.execute(work).await? {
        Reply::Owners(owners) => out.show(&owners, || owner_table(&owners)),
        Reply::Owner(owner) if deleted => out.show(&owner, || format!("owner `{}` is removed", owner.name)),
        Reply::Owner(owner) => out.show(&owner, || one_owner(&owner)),
        Reply::Teams(teams) => out.show(&teams, || team_table(&teams)),
        Reply::Team(team) if deleted => out.show(&team, || format!("team `{}` is removed", team.name)),
        Reply::Team(team) => out.show(&team, || one_team(&team)),
        _ => Err(unexpected()),
    }
}

fn owner_table(owners: &[OwnerView]) -> String {
    if owners.is_empty() {
        return "no owners: client keys are nobody's; make one: posthaste owners set NAME".to_owned();
    }
    let mut table = output::table(&["NAME", "TEAM", "LIMITS", "KEYS", "ID"]);
    for owner in owners {
        table.add_row([
            owner.name.clone(),
            owner.team.clone().unwrap_or_else(|| "-".to_owned()),
            keys::view::limits(&owner.limits),
            names(&owner.keys),
            owner.id.to_string(),
        ]);
    }
    table.to_string()
}

fn one_owner(owner: &OwnerView) -> String {
    output::list(&[
        ("name", owner.name.clone()),
        ("id", owner.id.to_string()),
        ("team", owner.team.clone().unwrap_or_else(|| "-".to_owned())),
        ("limits", keys::view::limits(&owner.limits)),
        ("keys", names(&owner.keys)),
        ("made", owner.created_at.to_string()),
        ("changed", owner.updated_at.to_string()),
    ])
}

fn team_table(teams: &[TeamView]) -> String {
    if teams.is_empty() {
        return "no teams; make one: posthaste teams set NAME".to_owned();
    }
    let mut table = output::table(&["NAME", "LIMITS", "OWNERS", "ID"]);
    for team in teams {
        table.add_row([
            team.name.clone(),
            keys::view::limits(&team.limits),
            names(&team.owners),
            team.id.to_string(),
        ]);
    }
    table.to_string()
}

fn one_team(team: &TeamView) -> String {
    output::list(&[
        ("name", team.name.clone()),
        ("id", team.id.to_string()),
        ("limits", keys::view::limits(&team.limits)),
        ("owners", names(&team.owners)),
        ("made", team.created_at.to_string()),
        ("changed", team.updated_at.to_string()),
    ])
}

fn names(names: &[String]) -> String {
    if names.is_empty() { "-".to_owned() } else { names.join(", ") }
}
