//! `posthaste routes`

mod told;
mod trial;
mod view;

use clap::{Args, Subcommand};
use posthaste_admin::{Command as Work, PlaceInput, Reply, RouteInput, TargetInput};

use super::{
    Failure, Output,
    going::Going,
    session::{Session, unexpected},
};
use crate::Config;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a route: a model that clients ask for, and what is asked in its place
    Create(Create),
    /// List all routes
    List,
    /// Show one route
    Show(Which),
    /// Give a route other targets
    Update(Update),
    /// Remove a route
    Delete(Going<Which>),
    /// Tell who would serve a request at this moment, in which order and why, without sending anything; needs a running relay
    Try(trial::Try),
}

#[derive(Args, Debug)]
pub(super) struct Which {
    /// The route's model or id
    route: String,
}

#[derive(Args, Debug)]
pub(super) struct Create {
    /// The model that clients ask for; a vendor's own name may be one of its own targets
    #[arg(long)]
    model: String,
    #[command(flatten)]
    targets: Targets,
}

#[derive(Args, Debug)]
pub(super) struct Update {
    /// The route's model or id
    route: String,
    #[command(flatten)]
    targets: Targets,
}

#[derive(Args, Debug)]
struct Targets {
    /// A model to ask, in order: MODEL, MODEL@pool:NAME or MODEL@account:NAME; may be repeated
    #[arg(long = "to", value_name = "TARGET", value_parser = target, required = true)]
    to: Vec<TargetInput>,
}

/// The last `@pool:` or `@account:` divides, so that models with an `@` can be named too.
fn target(text: &str) -> Result<TargetInput, String> {
    let place = ["@pool:", "@account:"].into_iter().filter_map(|mark| Some((text.rfind(mark)?, mark))).max();
    let Some((at, mark)) = place else {
        return Ok(TargetInput { model: text.to_owned(), place: None });
    };
    let (model, name) = (&text[..at], &text[at + mark.len()..]);
    if model.is_empty() || name.is_empty() {
        return Err("expected MODEL, MODEL@pool:NAME or MODEL@account:NAME".to_owned());
    }
    let name = name.to_owned();
    let place = if mark == "@pool:" { PlaceInput::Pool(name) } else { PlaceInput::Account(name) };
    Ok(TargetInput { model: model.to_owned(), place: Some(place) })
}

pub(super) async fn run(command: Command, config: &Config, out: &Output) -> Result<(), Failure> {
    let work = work(command)?;
    let session = Session::open(config, &work).await?;
    let deleted = matches!(work, Work::DeleteRoute { .. });
    match session.execute(work).await? {
        Reply::Routes(routes) => out.show(&routes, || view::table(&routes)),
        Reply::Route(route) if deleted => out.show(&route, || format!("route `{}` is removed", route.model)),
        Reply::Route(route) => out.show(&route, || view::one(&route)),
        Reply::Planned(view) => out.show(&*view, || told::text(&view)),
        _ => Err(unexpected()),
    }
}

fn work(command: Command) -> Result<Work, Failure> {
    Ok(match command {
        Command::Create(create) => {
            Work::CreateRoute(RouteInput { model: create.model, targets: create.targets.to })
        }
        Command::List => Work::ListRoutes,
        Command::Show(which) => Work::ShowRoute { route: which.route },
        Command::Update(update) => Work::UpdateRoute { route: update.route, targets: update.targets.to },
        Command::Delete(going) => {
            let which = going.sure(|which| format!("remove the route {}", which.route))?;
            Work::DeleteRoute { route: which.route }
        }
        Command::Try(asked) => asked.work(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_a_model_and_perhaps_a_place() {
        let read = |text: &str| target(text).unwrap();
        assert_eq!(read("gpt-5"), TargetInput { model: "gpt-5".into(), place: None });
        let pool = Some(PlaceInput::Pool("fast".into()));
        assert_eq!(read("a@1@pool:fast"), TargetInput { model: "a@1".into(), place: pool });
        let account = Some(PlaceInput::Account("b@pool".into()));
        assert_eq!(read("a@account:b@pool"), TargetInput { model: "a".into(), place: account });
        assert!(target("@pool:x").is_err() && target("a@account:").is_err());
    }
}
