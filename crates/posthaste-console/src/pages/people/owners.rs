//! Owners of client keys: whose limits hold for several keys together.

use std::sync::Arc;

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use posthaste_admin::{AdminError, Command, OwnerInput, OwnerView, TeamView, UserView, limit_text};
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
#[template(path = "people/owners.html")]
struct List<'a> {
    p: Frame,
    tabs: Tabs,
    query: &'a Fields,
    owners: Vec<OwnerView>,
    paging: Paging,
    may_write: bool,
}

#[derive(Template)]
#[template(path = "people/owner.html")]
struct One {
    p: Frame,
    owner: OwnerView,
    team: Option<TeamView>,
    /// Who logs in as this owner.
    user: Option<UserView>,
    may_write: bool,
}

#[derive(Template)]
#[template(path = "people/owner_form.html")]
struct Form<'a> {
    p: Frame,
    form: &'a Fields,
    /// The owner that is changed; `None` for a new one.
    owner: Option<OwnerView>,
    version: Option<u64>,
    teams: Vec<TeamView>,
    trouble: Option<String>,
}

pub(super) async fn list(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let query = &asked.query;
    let mut owners: Vec<OwnerView> = asked.act(Command::ListOwners).await?;
    owners.retain(|owner| {
        holds(query.text("search"), &[owner.name.as_str(), owner.team.as_deref().unwrap_or_default()])
    });
    let (owners, paging) = part(&asked, query, owners);
    let p = asked.frame(asked.say("Owners of keys")).await?;
    let (tabs, may_write) = (Tabs::of(&asked, "owners"), asked.may(Area::Keys.write()));
    asked.page(&List { p, tabs, query, owners, paging, may_write })
}

pub(super) async fn show(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let owner: OwnerView = asked.act(command(&asked)).await?;
    let team = match &owner.team {
        Some(team) => Some(asked.act(Command::ShowTeam { team: team.clone() }).await?),
        None => None,
    };
    let of_user = Command::ShowUser { user: owner.id.to_string() };
    let user = match asked.act_if_may(Area::Users.read(), of_user).await {
        Err(AdminError::NotFound { .. }) => None,
        found => found?,
    };
    let p = asked.frame(&owner.name).await?;
    asked.page(&One { p, owner, team, user, may_write: asked.may(Area::Keys.write()) })
}

pub(super) async fn show_new(asked: Arc<Asked>) -> Result<Response, AdminError> {
    show_form(&asked, StatusCode::OK, &Fields::default(), None, None).await
}

pub(super) async fn create(asked: Arc<Asked>) -> Result<Response, AdminError> {
    match make(&asked).await {
        Ok(owner) => Ok(done(&asked, &owner, &asked.fill("{} is made.", &owner.name))),
        Err(error) if is_of_form(&error) => {
            let said = asked.say_error(&error);
            show_form(&asked, StatusCode::UNPROCESSABLE_ENTITY, &asked.form, None, Some(said)).await
        }
        Err(error) => Err(error),
    }
}

async fn make(asked: &Asked) -> Result<OwnerView, AdminError> {
    let name = asked.form.value("name").trim().to_owned();
    let with = input(&asked.form)?;
    // The command would change one that is there.
    match asked.act::<OwnerView>(Command::ShowOwner { owner: name.clone() }).await {
        Ok(known) => Err(invalid("name", asked.fill("There is one called {} already.", known.name))),
        Err(AdminError::NotFound { .. }) => asked.act(Command::SetOwner { owner: name, with }).await,
        Err(error) => Err(error),
    }
}

pub(super) async fn show_edit(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let (owner, version) = asked.look_up::<OwnerView>(command(&asked)).await?;
    let limits: Vec<_> = owner.limits.iter().map(limit_text).collect();
    let filled = Fields::default()
        .with("name", &owner.name)
        .with("team", owner.team.as_deref().unwrap_or_default())
        .with("limits", limits.join("\n"));
    show_form(&asked, StatusCode::OK, &filled, Some((owner, version)), None).await
}

pub(super) async fn edit(asked: Arc<Asked>) -> Result<Response, AdminError> {
    // By its id: by a name that nobody has, the command would make one.
    let owner: OwnerView = asked.act(command(&asked)).await?;
    let changed: Result<OwnerView, _> = match input(&asked.form) {
        Ok(with) => {
            let with = OwnerInput { rename: Some(asked.form.value("name").trim().to_owned()), ..with };
            asked.act_on(Command::SetOwner { owner: owner.id.to_string(), with }).await
        }
        Err(error) => Err(error),
    };
    match changed {
        Ok(owner) => Ok(done(&asked, &owner, &asked.fill("Saved {}.", &owner.name))),
        Err(error) if is_of_form(&error) => {
            let said = asked.say_error(&error);
            let now = asked.look_up::<OwnerView>(command(&asked)).await?;
            show_form(&asked, StatusCode::CONFLICT, &asked.form, Some(now), Some(said)).await
        }
        Err(error) => Err(error),
    }
}

pub(super) async fn delete(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let owner = asked.parameter("owner").to_owned();
    let gone: OwnerView = asked.act(Command::DeleteOwner { owner }).await?;
    Ok(asked.done(&format!("{BASE}/people/owners"), &asked.fill("{} is removed.", &gone.name)))
}

fn command(asked: &Asked) -> Command {
    Command::ShowOwner { owner: asked.parameter("owner").to_owned() }
}

fn input(form: &Fields) -> Result<OwnerInput, AdminError> {
    let team = form.value("team").trim().to_owned();
    Ok(OwnerInput { rename: None, limits: Some(limits(form)?), team: Some(team) })
}

fn done(asked: &Asked, owner: &OwnerView, told: &str) -> Response {
    asked.done(&format!("{BASE}/people/owners/{}", owner.id), told)
}

async fn show_form(
    asked: &Asked,
    status: StatusCode,
    form: &Fields,
    of: Option<(OwnerView, Option<u64>)>,
    trouble: Option<String>,
) -> Result<Response, AdminError> {
    let p = match &of {
        Some((owner, _)) => asked.frame(&asked.fill("Edit {}", &owner.name)).await?,
        None => asked.frame(asked.say("New owner")).await?,
    };
    let teams: Vec<TeamView> = asked.act(Command::ListTeams).await?;
    let (owner, version) = of.unzip();
    asked.page_as(status, &Form { p, form, owner, version: version.flatten(), teams, trouble })
}

impl One {
    fn limit(&self, limit: &Limit) -> String {
        limit_text(limit)
    }

    /// The first few of its keys; there may be thousands.
    fn first(&self) -> &[String] {
        self.owner.keys.get(..SHOWN).unwrap_or(&self.owner.keys)
    }

    fn others(&self) -> usize {
        self.owner.keys.len().saturating_sub(SHOWN)
    }

    /// The list of its keys.
    fn keys_path(&self) -> String {
        let query = Fields::default().set("owner", self.owner.id.to_string());
        format!("{BASE}/keys{}", query.to_query())
    }
}

const SHOWN: usize = 30;
