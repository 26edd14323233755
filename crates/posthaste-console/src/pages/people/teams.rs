//! Teams: whose limits hold for the keys of several owners together.

use std::sync::Arc;

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use posthaste_admin::{AdminError, Command, OwnerView, TeamInput, TeamView, limit_text};
use posthaste_core::{Area, Limit};

use super::{Tabs, holds, part};
use crate::{
    BASE,
    asked::Asked,
    fields::Fields,
    frame::Frame,
    pages::{
        paging::Paging,
        reading::{invalid, limits},
    },
    trouble::is_of_form,
};

#[derive(Template)]
#[template(path = "people/teams.html")]
struct List<'a> {
    p: Frame,
    tabs: Tabs,
    query: &'a Fields,
    teams: Vec<TeamView>,
    paging: Paging,
    may_write: bool,
}

#[derive(Template)]
#[template(path = "people/team.html")]
struct One {
    p: Frame,
    team: TeamView,
    owners: Vec<OwnerView>,
    may_write: bool,
}

#[derive(Template)]
#[template(path = "people/team_form.html")]
struct Form<'a> {
    p: Frame,
    form: &'a Fields,
    /// The team that is changed; `None` for a new one.
    team: Option<TeamView>,
    version: Option<u64>,
    trouble: Option<String>,
}

pub(super) async fn list(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let query = &asked.query;
    let mut teams: Vec<TeamView> = asked.act(Command::ListTeams).await?;
    teams.retain(|team| holds(query.text("search"), &[team.name.as_str()]));
    let (teams, paging) = part(&asked, query, teams);
    let p = asked.frame(asked.say("Teams")).await?;
    let (tabs, may_write) = (Tabs::of(&asked, "teams"), asked.may(Area::Keys.write()));
    asked.page(&List { p, tabs, query, teams, paging, may_write })
}

pub(super) async fn show(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let team: TeamView = asked.act(command(&asked)).await?;
    let mut owners: Vec<OwnerView> = asked.act(Command::ListOwners).await?;
    owners.retain(|owner| owner.team.as_ref() == Some(&team.name));
    let p = asked.frame(&team.name).await?;
    asked.page(&One { p, team, owners, may_write: asked.may(Area::Keys.write()) })
}

pub(super) async fn show_new(asked: Arc<Asked>) -> Result<Response, AdminError> {
    show_form(&asked, StatusCode::OK, &Fields::default(), None, None).await
}

pub(super) async fn create(asked: Arc<Asked>) -> Result<Response, AdminError> {
    match make(&asked).await {
        Ok(team) => {
            let told = asked.fill("{} is made. Now say which owners belong to it.", &team.name);
            Ok(done(&asked, &team, &told))
        }
        Err(error) if is_of_form(&error) => {
            let said = asked.say_error(&error);
            show_form(&asked, StatusCode::UNPROCESSABLE_ENTITY, &asked.form, None, Some(said)).await
        }
        Err(error) => Err(error),
    }
}

async fn make(asked: &Asked) -> Result<TeamView, AdminError> {
    let name = asked.form.value("name").trim().to_owned();
    let with = TeamInput { rename: None, limits: Some(limits(&asked.form)?) };
    // The command would change one that is there.
    match asked.act::<TeamView>(Command::ShowTeam { team: name.clone() }).await {
        Ok(known) => Err(invalid("name", asked.fill("There is one called {} already.", known.name))),
        Err(AdminError::NotFound { .. }) => asked.act(Command::SetTeam { team: name, with }).await,
        Err(error) => Err(error),
    }
}

pub(super) async fn show_edit(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let (team, version) = asked.look_up::<TeamView>(command(&asked)).await?;
    let limits: Vec<_> = team.limits.iter().map(limit_text).collect();
    let filled = Fields::default().with("name", &team.name).with("limits", limits.join("\n"));
    show_form(&asked, StatusCode::OK, &filled, Some((team, version)), None).await
}

pub(super) async fn edit(asked: Arc<Asked>) -> Result<Response, AdminError> {
    // By its id: by a name that nobody has, the command would make one.
    let team: TeamView = asked.act(command(&asked)).await?;
    let changed: Result<TeamView, _> = match limits(&asked.form) {
        Ok(limits) => {
            let rename = Some(asked.form.value("name").trim().to_owned());
            let with = TeamInput { rename, limits: Some(limits) };
            asked.act_on(Command::SetTeam { team: team.id.to_string(), with }).await
        }
        Err(error) => Err(error),
    };
    match changed {
        Ok(team) => Ok(done(&asked, &team, &asked.fill("Saved {}.", &team.name))),
        Err(error) if is_of_form(&error) => {
            let said = asked.say_error(&error);
            let now = asked.look_up::<TeamView>(command(&asked)).await?;
            show_form(&asked, StatusCode::CONFLICT, &asked.form, Some(now), Some(said)).await
        }
        Err(error) => Err(error),
    }
}

pub(super) async fn delete(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let team = asked.parameter("team").to_owned();
    let gone: TeamView = asked.act(Command::DeleteTeam { team }).await?;
    Ok(asked.done(&format!("{BASE}/people/teams"), &asked.fill("{} is removed.", &gone.name)))
}

fn command(asked: &Asked) -> Command {
    Command::ShowTeam { team: asked.parameter("team").to_owned() }
}

fn done(asked: &Asked, team: &TeamView, told: &str) -> Response {
    asked.done(&format!("{BASE}/people/teams/{}", team.id), told)
}

async fn show_form(
    asked: &Asked,
    status: StatusCode,
    form: &Fields,
    of: Option<(TeamView, Option<u64>)>,
    trouble: Option<String>,
) -> Result<Response, AdminError> {
    let p = match &of {
        Some((team, _)) => asked.frame(&asked.fill("Edit {}", &team.name)).await?,
        None => asked.frame(asked.say("New team")).await?,
    };
    let (team, version) = of.unzip();
    asked.page_as(status, &Form { p, form, team, version: version.flatten(), trouble })
}

impl List<'_> {
    /// The first few owners; a team may have hundreds.
    fn first<'a>(&self, team: &'a TeamView) -> &'a [String] {
        team.owners.get(..SHOWN).unwrap_or(&team.owners)
    }

    fn others(&self, team: &TeamView) -> usize {
        team.owners.len().saturating_sub(SHOWN)
    }
}

impl One {
    fn limit(&self, limit: &Limit) -> String {
        limit_text(limit)
    }

    /// The list of the keys of all its owners.
    fn keys_path(&self) -> String {
        let query = Fields::default().set("team", self.team.id.to_string());
        format!("{BASE}/keys{}", query.to_query())
    }
}

const SHOWN: usize = 4;
