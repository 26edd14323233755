//! Routes for people.

use posthaste_admin::{PlaceInput, RouteView, TargetInput};

use crate::cli::output;

pub(super) fn table(routes: &[RouteView]) -> String {
    if routes.is_empty() {
        return "no routes: each model is asked for by its own name".to_owned();
    }
    let mut table = output::table(&["MODEL", "ASKS FOR", "ID"]);
    for route in routes {
        table.add_row([route.model.to_string(), targets(route), route.id.to_string()]);
    }
    table.to_string()
}

pub(super) fn one(route: &RouteView) -> String {
    output::list(&[
        ("model", route.model.to_string()),
        ("id", route.id.to_string()),
        ("asks for", targets(route)),
        ("made", route.created_at.to_string()),
        ("changed", route.updated_at.to_string()),
    ])
}

fn targets(route: &RouteView) -> String {
    let target = |target: &TargetInput| match &target.place {
        None => target.model.clone(),
        Some(PlaceInput::Pool(name)) => format!("{}@pool:{name}", target.model),
        Some(PlaceInput::Account(name)) => format!("{}@account:{name}", target.model),
    };
    route.targets.iter().map(target).collect::<Vec<_>>().join(", then ")
}
