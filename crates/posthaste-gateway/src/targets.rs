//! What is asked for a model: itself, or the targets of its route.

use posthaste_core::{Place, Route};

use crate::{asked::AskedModel, engine::Engine};

/// What is asked for a request's model, in order. Never empty.
#[derive(Debug)]
pub(crate) enum Targets {
    /// The model itself, of everybody who serves it.
    Itself,
    /// What the operator wants to be asked instead. Targets are taken as they stand, whether or not they have a route, so
    /// that no request can go in circles.
    Route(Vec<(AskedModel, Option<Place>)>),
}

/// One of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target<'a> {
    pub(crate) model: &'a AskedModel,
    pub(crate) place: Option<Place>,
}

impl Targets {
    pub(crate) fn of(engine: &Engine, model: &AskedModel) -> Self {
        let route = engine.directory.route(model.name().as_str()).filter(|route| !route.targets.is_empty());
        route.map_or(Self::Itself, |route| {
            let Route { targets, .. } = &*route;
            Self::Route(targets.iter().map(|target| (engine.asked(&target.model), target.place)).collect())
        })
    }

    /// The targets for the model that the client asked for.
    pub(crate) fn iter<'a>(&'a self, itself: &'a AskedModel) -> impl Iterator<Item = Target<'a>> {
        let (itself, route) = match self {
            Self::Itself => (Some(Target { model: itself, place: None }), &[][..]),
            Self::Route(targets) => (None, targets.as_slice()),
        };
        itself.into_iter().chain(route.iter().map(|(model, place)| Target { model, place: *place }))
    }
}
