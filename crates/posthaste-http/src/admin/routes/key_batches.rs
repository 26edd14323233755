//! Client keys in numbers: batches, deleted ones, tags.

use posthaste_admin::{
    AdminError, BatchChange, BatchView, Command, CreatedBatch, CreatedKey, KeyBatch, KeySelection, KeyView,
    NewKeys, TagView, rename_tag, tags,
};
use posthaste_core::Area;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::admin::{
    asked::Asked,
    endpoint::{Endpoint, delete, get, post, put},
    input::{Json, NoBody},
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    let mut all = batches();
    all.extend(deleted());
    all.extend(tagged());
    all
}

/// Under which name a deleted key is restored.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct RestoreInput {
    /// Another one, where its own is another key's by now.
    name: Option<String>,
}

/// Which keys, by id.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct KeyIds {
    /// They.
    keys: Vec<String>,
}

/// What a tag is to be called.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct TagInput {
    /// The next name.
    tag: String,
}

fn batches() -> Vec<Endpoint> {
    let write = Area::Keys.write();
    vec![
        post("/admin/api-keys/batch", "Make client keys alike; their secrets are told now and never again")
            .needs(write)
            .body::<NewKeys>()
            .answers(|asked: Asked, Json(new): Json<NewKeys>| async move {
                let made: Result<CreatedBatch, _> = asked.admin.create_keys(&asked.actor, new).await;
                made
            }),
        put("/admin/api-keys/batch", "Change many client keys; one that cannot be changed stops no other")
            .needs(write)
            .body::<BatchChange>()
            .answers(|asked: Asked, Json(change): Json<BatchChange>| {
                batch(asked, KeyBatch::Update(Box::new(change)))
            }),
        delete("/admin/api-keys/batch", "Delete many client keys, so that they can be restored")
            .needs(write)
            .body::<KeySelection>()
            .answers(|asked: Asked, Json(of): Json<KeySelection>| batch(asked, KeyBatch::Delete(of))),
    ]
}

fn deleted() -> Vec<Endpoint> {
    let (read, write) = (Area::Keys.read(), Area::Keys.write());
    vec![
        get("/admin/api-keys/deleted", "The client keys that are deleted")
            .needs(read)
            .lists(|asked: Asked| async move { asked.act::<Vec<KeyView>>(Command::ListDeletedKeys).await }),
        post("/admin/api-keys/deleted/restore", "Restore many deleted client keys")
            .needs(write)
            .body::<KeyIds>()
            .answers(|asked: Asked, Json(ids): Json<KeyIds>| batch(asked, KeyBatch::Restore(ids.keys))),
        post("/admin/api-keys/deleted/purge", "Drop the records of many deleted client keys for good")
            .needs(write)
            .body::<KeyIds>()
            .answers(|asked: Asked, Json(ids): Json<KeyIds>| batch(asked, KeyBatch::Purge(ids.keys))),
        post(
            "/admin/api-keys/{key}/restore",
            "Make a deleted client key what it was; its secret opens again",
        )
        .needs(write)
        .body::<RestoreInput>()
        .answers(|asked: Asked, Json(input): Json<RestoreInput>| async move {
            let (key, name) = (asked.parameter("key"), input.name);
            asked.act::<KeyView>(Command::RestoreKey { key, name }).await
        }),
        delete("/admin/api-keys/{key}/permanent", "Drop a deleted client key's record for good")
            .needs(write)
            .answers(|asked: Asked, _: NoBody| async move {
                let key = asked.parameter("key");
                asked.act::<KeyView>(Command::PurgeKey { key }).await
            }),
        post(
            "/admin/api-keys/{key}/regenerate",
            "Give a client key another secret, told now and never again",
        )
        .needs(write)
        .answers(|asked: Asked, _: NoBody| async move {
            let key = asked.parameter("key");
            asked.act::<CreatedKey>(Command::RegenerateKey { key }).await
        }),
    ]
}

fn tagged() -> Vec<Endpoint> {
    let (read, write) = (Area::Keys.read(), Area::Keys.write());
    vec![
        get("/admin/api-keys/tags", "Every tag, and how many client keys have it").needs(read).lists(
            |asked: Asked| async move {
                let found: Result<Vec<TagView>, _> = tags(&asked.admin, &asked.actor).await;
                found
            },
        ),
        put("/admin/api-keys/tags/{tag}", "Give a tag another name at every client key that has it")
            .needs(write)
            .body::<TagInput>()
            .answers(|asked: Asked, Json(input): Json<TagInput>| async move {
                let tag = asked.parameter("tag");
                rename_tag(&asked.admin, &asked.actor, &tag, Some(input.tag)).await
            }),
        delete("/admin/api-keys/tags/{tag}", "Take a tag away from every client key that has it")
            .needs(write)
            .answers(|asked: Asked, _: NoBody| async move {
                let tag = asked.parameter("tag");
                rename_tag(&asked.admin, &asked.actor, &tag, None).await
            }),
    ]
}

async fn batch(asked: Asked, batch: KeyBatch) -> Result<BatchView, AdminError> {
    asked.admin.batch_keys(&asked.actor, batch).await
}
