//! Routes: model names of the operator's own, for which other models are asked.

use posthaste_core::{ModelName, Route, RouteId, RouteTarget, Timestamp};
use posthaste_storage::{Repository, StorageError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Admin, AdminError,
    change::{self, find},
    input,
    place::PlaceInput,
};

/// A route to be made, or what one is to be from now on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RouteInput {
    /// The model that clients ask for. A vendor's own name is one too: then the route says what is asked in its place.
    pub model: String,
    /// What is asked, in order.
    pub targets: Vec<TargetInput>,
}

/// One step of a route, as operators write it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TargetInput {
    /// The model that is asked for.
    pub model: String,
    /// Who is asked; everybody who serves the model when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<PlaceInput>,
}

/// A route as operators see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RouteView {
    /// Its identity.
    pub id: RouteId,
    /// The model that clients ask for.
    pub model: ModelName,
    /// What is asked, in order, with the places by name.
    pub targets: Vec<TargetInput>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// Routes.
#[derive(Clone, Copy)]
pub struct RouteService<'a> {
    admin: &'a Admin,
}

impl<'a> RouteService<'a> {
    pub(crate) fn new(admin: &'a Admin) -> Self {
        Self { admin }
    }

    /// Makes a route.
    ///
    /// # Errors
    /// [`AdminError::Invalid`] for an input that cannot be taken, such as a route that leads to another route;
    /// [`AdminError::Conflict`] when the model has a route already.
    pub async fn create(self, new: RouteInput) -> Result<RouteView, AdminError> {
        let now = self.now();
        let (model, targets) = self.checked(&new, None).await?;
        let route = Route {
            id: RouteId::generate(),
            model: model.clone(),
            targets,
            created_at: now,
            updated_at: now,
        };
        match self.records().create(route).await {
            Ok(created) => self.view(created.value).await,
            Err(StorageError::Taken { .. }) => Err(change::taken("route", model.as_str())),
            Err(error) => Err(error.into()),
        }
    }

    /// All routes, by model.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list(self) -> Result<Vec<RouteView>, AdminError> {
        let mut views = Vec::new();
        for record in self.records().all().await? {
            views.push(self.view(record.value).await?);
        }
        views.sort_by(|left, right| left.model.as_str().cmp(right.model.as_str()));
        Ok(views)
    }

    /// One route, by id or model.
    ///
    /// # Errors
    /// [`AdminError::NotFound`] when there is none; so it is with the other services.
    pub async fn show(self, route: &str) -> Result<RouteView, AdminError> {
        let found = find(&self.records(), route).await?;
        self.view(found.value).await
    }

    /// Gives a route other targets.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub async fn update(self, route: &str, targets: Vec<TargetInput>) -> Result<RouteView, AdminError> {
        let now = self.now();
        let found = find(&self.records(), route).await?.value;
        let input = RouteInput { model: found.model.to_string(), targets };
        let (_, targets) = self.checked(&input, Some(found.id)).await?;
        let records = self.records();
        let changed = change::apply(&records, found.id.uuid(), |route: &mut Route| {
            route.targets.clone_from(&targets);
            route.updated_at = now;
            Ok(())
        });
        self.view(changed.await?).await
    }

    /// Removes a route: its model is asked for by its own name again.
    ///
    /// # Errors
    /// As [`show`](Self::show).
    pub async fn delete(self, route: &str) -> Result<RouteView, AdminError> {
        let removed = change::remove(&self.records(), route).await?;
        self.view(removed).await
    }

    /// A route that leads to models, never to another route: so no route can loop.
    async fn checked(
        self,
        input: &RouteInput,
        own: Option<RouteId>,
    ) -> Result<(ModelName, Vec<RouteTarget>), AdminError> {
        let model = input::model("model", input.model.trim())?;
        if input.targets.is_empty() || input.targets.len() > MOST_TARGETS {
            let message =
                format!("a route has 1 to {MOST_TARGETS} targets; this one has {}", input.targets.len());
            return Err(AdminError::invalid("targets", message));
        }
        let others = self.records().all().await?;
        let others: Vec<_> =
            others.into_iter().map(|record| record.value).filter(|route| Some(route.id) != own).collect();
        if let Some(other) = others
            .iter()
            .find(|other| other.model != model && other.targets.iter().any(|to| to.model == model))
        {
            let message = format!(
                "route `{}` leads to model `{model}`, and a route may not lead to another one; change that first",
                other.model
            );
            return Err(AdminError::invalid("model", message));
        }
        let mut targets: Vec<RouteTarget> = Vec::with_capacity(input.targets.len());
        for target in &input.targets {
            let to = input::model("targets", target.model.trim())?;
            if others.iter().any(|other| other.model == to) && to != model {
                let message = format!("`{to}` is a route itself, and a route may not lead to another one");
                return Err(AdminError::invalid("targets", message));
            }
            let place = match &target.place {
                Some(place) => Some(place.found(self.admin, "targets").await?),
                None => None,
            };
            let target = RouteTarget { model: to, place };
            if targets.contains(&target) {
                return Err(AdminError::invalid("targets", format!("`{}` stands there twice", target.model)));
            }
            targets.push(target);
        }
        Ok((model, targets))
    }

    async fn view(self, route: Route) -> Result<RouteView, AdminError> {
        let mut targets = Vec::with_capacity(route.targets.len());
        for RouteTarget { model, place } in route.targets {
            let place = match place {
                Some(place) => Some(PlaceInput::of(self.admin, place).await?),
                None => None,
            };
            targets.push(TargetInput { model: model.to_string(), place });
        }
        let Route { id, model, created_at, updated_at, .. } = route;
        Ok(RouteView { id, model, targets, created_at, updated_at })
    }

    fn records(self) -> Repository<Route> {
        self.admin.route_records()
    }

    fn now(self) -> Timestamp {
        self.admin.parts().clock.now()
    }
}

/// More steps than a client would wait for.
const MOST_TARGETS: usize = 16;
