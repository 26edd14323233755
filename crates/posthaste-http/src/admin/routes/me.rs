//! What people do for themselves.

use posthaste_admin::{AdminError, Disclosed, EnrolledFactor, NewFactor, UserView};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::admin::{
    asked::Asked,
    endpoint::{Endpoint, delete, get, post},
    input::{Json, NoBody},
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get("/users/me/sessions", "The own sessions")
            .person()
            .lists(|asked: Asked| async move { asked.admin.sign_in().own_sessions(asked.person()?).await }),
        delete("/users/me/sessions", "End all own sessions but this one").person().answers(end_others),
        post("/users/me/second-factor", "A secret for a device that shows codes; not in force yet")
            .person()
            .answers(new_factor),
        post("/users/me/second-factor/confirm", "Put the second factor in force with a code of the device")
            .person()
            .body::<Confirmation>()
            .answers(confirm),
        delete("/users/me/second-factor", "Switch the own second factor off")
            .person()
            .body::<Password>()
            .answers(remove_factor),
    ]
}

/// The secret that was given out, and the code that the device makes of it.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Confirmation {
    /// The secret.
    secret: Disclosed,
    /// The code.
    code: Disclosed,
}

/// The own password, to show that it is still oneself.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Password {
    /// The password.
    password: Disclosed,
}

/// How many were ended.
#[derive(Serialize, JsonSchema)]
struct Ended {
    /// How many.
    ended: usize,
}

async fn end_others(asked: Asked, _: NoBody) -> Result<Ended, AdminError> {
    Ok(Ended { ended: asked.admin.sign_in().end_other_sessions(asked.person()?).await? })
}

async fn new_factor(asked: Asked, _: NoBody) -> Result<NewFactor, AdminError> {
    asked.admin.sign_in().new_second_factor(asked.person()?)
}

async fn confirm(asked: Asked, Json(given): Json<Confirmation>) -> Result<EnrolledFactor, AdminError> {
    asked.admin.sign_in().enrol_second_factor(asked.person()?, &given.secret, &given.code).await
}

async fn remove_factor(asked: Asked, Json(given): Json<Password>) -> Result<UserView, AdminError> {
    asked.admin.sign_in().remove_second_factor(asked.person()?, &given.password).await
}
