//! Client keys that people make for themselves, at the predecessor's paths.

use posthaste_admin::{AdminError, CreatedOwnKey, NewOwnKey, OwnKeyView, OwnUsage, QuotaInfo};

use crate::admin::{
    asked::Asked,
    endpoint::{Endpoint, delete, get, post},
    input::{Json, NoBody},
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get("/users/api-keys", "The own client keys")
            .person()
            .lists(|asked: Asked| async move { asked.admin.own_keys(asked.person()?).list().await }),
        post("/users/api-keys", "Make a client key of the own; its secret is told here and never again")
            .person()
            .body::<NewOwnKey>()
            .answers(create),
        delete("/users/api-keys/{key}", "Remove one of the own client keys").person().answers(remove),
        get("/users/usage-stats", "What the own client keys used").person().answers(usage),
        get(
            "/users/quota-info",
            "How many client keys one may have, and where the limits of all together stand",
        )
        .person()
        .answers(quota),
    ]
}

async fn create(asked: Asked, Json(new): Json<NewOwnKey>) -> Result<CreatedOwnKey, AdminError> {
    asked.admin.own_keys(asked.person()?).create(new).await
}

async fn remove(asked: Asked, _: NoBody) -> Result<OwnKeyView, AdminError> {
    asked.admin.own_keys(asked.person()?).delete(&asked.parameter("key")).await
}

async fn usage(asked: Asked, _: NoBody) -> Result<OwnUsage, AdminError> {
    asked.admin.own_keys(asked.person()?).usage().await
}

async fn quota(asked: Asked, _: NoBody) -> Result<QuotaInfo, AdminError> {
    asked.admin.own_keys(asked.person()?).quota().await
}
