//! The form of a route: a row for each step, in the order in which they are asked.

use posthaste_admin::{AdminError, PlaceInput, RouteView, TargetInput};

use crate::{
    edited::{Kept, Labels},
    fields::Fields,
    pages::reading::invalid,
};

/// A row of the form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) model: String,
    /// `pool`, `account` or nothing for everybody.
    pub(super) kind: String,
    pub(super) place: String,
}

/// The rows as they were typed, without those at which nothing was.
pub(super) fn rows(form: &Fields) -> Vec<Row> {
    let (mut kinds, mut places) = (form.all("kind"), form.all("place"));
    let mut rows = Vec::new();
    for model in form.all("target") {
        let text = |next: Option<&str>| next.unwrap_or_default().trim().to_owned();
        let row = Row { model: text(Some(model)), kind: text(kinds.next()), place: text(places.next()) };
        if !(row.model.is_empty() && row.place.is_empty()) {
            rows.push(row);
        }
    }
    rows
}

/// What the rows say.
pub(super) fn targets(form: &Fields) -> Result<Vec<TargetInput>, AdminError> {
    rows(form).into_iter().map(target).collect()
}

fn target(Row { model, kind, place }: Row) -> Result<TargetInput, AdminError> {
    if model.is_empty() {
        return Err(invalid("targets", format!("which model is asked for at `{place}`?")));
    }
    let place = match (kind.as_str(), place.is_empty()) {
        ("pool", false) => Some(PlaceInput::Pool(place)),
        ("account", false) => Some(PlaceInput::Account(place)),
        ("", true) => None,
        (_, true) => return Err(invalid("targets", format!("which {kind} is asked for `{model}`?"))),
        (_, false) => return Err(invalid("targets", format!("is `{place}` a pool or an account?"))),
    };
    Ok(TargetInput { model, place })
}

/// What the form says of a route as it is.
pub(super) fn filled(route: &RouteView) -> Fields {
    let row = |form: Fields, target: &TargetInput| {
        let (kind, place) = match &target.place {
            Some(place) => (place_kind(place), place_name(place)),
            None => ("", ""),
        };
        form.with("target", &target.model).with("kind", kind).with("place", place)
    };
    route.targets.iter().fold(Fields::default().with("model", route.model.as_str()), row)
}

/// The route as its form has it.
pub(super) fn kept(route: &RouteView, version: Option<u64>) -> Kept {
    let fields = with_steps(filled(route));
    Kept { fields, version, labels: LABELS, target: route.id.to_string() }
}

/// With its steps as one text, since what a row is like tells nothing without its place among them.
pub(super) fn with_steps(form: Fields) -> Fields {
    let rows = rows(&form);
    let steps = rows.iter().enumerate().map(|(at, row)| {
        let place = [row.kind.as_str(), row.place.as_str()].join(" ");
        format!("{}. {} {}", at + 1, row.model, place.trim()).trim().to_owned()
    });
    let steps = steps.collect::<Vec<_>>().join("\n");
    form.set("steps", steps)
}

const LABELS: Labels = &[("steps", text("What is asked, one after the other"))];

/// Marks a text that pages say in the reader's language.
const fn text(text: &'static str) -> &'static str {
    text
}

pub(super) fn place_name(place: &PlaceInput) -> &str {
    match place {
        PlaceInput::Pool(name) | PlaceInput::Account(name) => name,
    }
}

pub(super) fn place_kind(place: &PlaceInput) -> &'static str {
    match place {
        PlaceInput::Pool(_) => "pool",
        PlaceInput::Account(_) => "account",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_keep_their_order_and_their_places() {
        let form = Fields::read(
            b"target=a&kind=pool&place=main&target=&kind=&place=&target=b&kind=&place=&target=c&kind=account&place=x",
        );
        let targets = targets(&form).unwrap();
        let target = |model: &str, place| TargetInput { model: model.to_owned(), place };
        assert_eq!(
            targets,
            [
                target("a", Some(PlaceInput::Pool("main".to_owned()))),
                target("b", None),
                target("c", Some(PlaceInput::Account("x".to_owned()))),
            ]
        );
    }

    #[test]
    fn half_a_step_is_asked_about() {
        for text in ["target=a&kind=pool&place=", "target=&kind=pool&place=main", "target=a&kind=&place=main"]
        {
            assert!(targets(&Fields::read(text.as_bytes())).is_err(), "{text}");
        }
    }
}
