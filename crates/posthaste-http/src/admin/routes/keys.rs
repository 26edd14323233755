//! Client keys, their owners and teams.

use posthaste_admin::{
    Command, CreatedKey, KeyChange, KeyListInput, KeyRow, KeyView, ListPage, NewKey, OwnerInput, OwnerView,
    TeamInput, TeamView, UsageView,
};
use posthaste_core::Area;

use crate::admin::{
    asked::Asked,
    endpoint::{Endpoint, delete, get, post, put},
    input::{Json, NoBody},
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    let mut all = keys();
    all.extend(owners());
    all.extend(teams());
    all
}

fn keys() -> Vec<Endpoint> {
    let (read, write) = (Area::Keys.read(), Area::Keys.write());
    vec![
        get("/admin/api-keys", "Client keys, page by page").needs(read).answers_query(
            |asked: Asked, query: KeyListInput, _: NoBody| async move {
                asked.act::<ListPage<KeyRow>>(Command::PageKeys(query)).await
            },
        ),
        post("/admin/api-keys", "Make a client key; its secret is told now and never again")
            .needs(write)
            .body::<NewKey>()
            .answers(|asked: Asked, Json(new): Json<NewKey>| async move {
                asked.act::<CreatedKey>(Command::CreateKey(new)).await
            }),
        get("/admin/api-keys/{key}", "One client key").needs(read).answers(
            |asked: Asked, _: NoBody| async move {
                let key = asked.parameter("key");
                asked.act::<KeyView>(Command::ShowKey { key }).await
            },
        ),
        put("/admin/api-keys/{key}", "Change a client key; what is not named stays as it is")
            .needs(write)
            .body::<KeyChange>()
            .answers(|asked: Asked, Json(change): Json<KeyChange>| async move {
                let key = asked.parameter("key");
                asked.act::<KeyView>(Command::UpdateKey { key, change }).await
            }),
        delete("/admin/api-keys/{key}", "Delete a client key, so that it can be restored")
            .needs(write)
            .answers(|asked: Asked, _: NoBody| async move {
                let key = asked.parameter("key");
                asked.act::<KeyView>(Command::DeleteKey { key }).await
            }),
        post("/admin/api-keys/{key}/revoke", "Close a client key for good and keep its record")
            .needs(write)
            .answers(|asked: Asked, _: NoBody| async move {
                let key = asked.parameter("key");
                asked.act::<KeyView>(Command::RevokeKey { key }).await
            }),
        get("/admin/api-keys/{key}/usage", "What a client key used").needs(Area::Usage.read()).answers(
            |asked: Asked, _: NoBody| async move {
                let key = asked.parameter("key");
                asked.act::<UsageView>(Command::KeyUsage { key }).await
            },
        ),
    ]
}

fn owners() -> Vec<Endpoint> {
    let (read, write) = (Area::Keys.read(), Area::Keys.write());
    vec![
        get("/admin/owners", "All owners of client keys")
            .needs(read)
            .lists(|asked: Asked| async move { asked.act::<Vec<OwnerView>>(Command::ListOwners).await }),
        get("/admin/owners/{owner}", "One owner").needs(read).answers(|asked: Asked, _: NoBody| async move {
            let owner = asked.parameter("owner");
            asked.act::<OwnerView>(Command::ShowOwner { owner }).await
        }),
        put("/admin/owners/{owner}", "Change an owner, or make it when none has the name")
            .needs(write)
            .body::<OwnerInput>()
            .answers(|asked: Asked, Json(with): Json<OwnerInput>| async move {
                let owner = asked.parameter("owner");
                asked.act::<OwnerView>(Command::SetOwner { owner, with }).await
            }),
        delete("/admin/owners/{owner}", "Remove an owner of no client keys").needs(write).answers(
            |asked: Asked, _: NoBody| async move {
                let owner = asked.parameter("owner");
                asked.act::<OwnerView>(Command::DeleteOwner { owner }).await
            },
        ),
    ]
}

fn teams() -> Vec<Endpoint> {
    let (read, write) = (Area::Keys.read(), Area::Keys.write());
    vec![
        get("/admin/teams", "All teams of owners")
            .needs(read)
            .lists(|asked: Asked| async move { asked.act::<Vec<TeamView>>(Command::ListTeams).await }),
        get("/admin/teams/{team}", "One team").needs(read).answers(|asked: Asked, _: NoBody| async move {
            let team = asked.parameter("team");
            asked.act::<TeamView>(Command::ShowTeam { team }).await
        }),
        put("/admin/teams/{team}", "Change a team, or make it when none has the name")
            .needs(write)
            .body::<TeamInput>()
            .answers(|asked: Asked, Json(with): Json<TeamInput>| async move {
                let team = asked.parameter("team");
                asked.act::<TeamView>(Command::SetTeam { team, with }).await
            }),
        delete("/admin/teams/{team}", "Remove a team of no owners").needs(write).answers(
            |asked: Asked, _: NoBody| async move {
                let team = asked.parameter("team");
                asked.act::<TeamView>(Command::DeleteTeam { team }).await
            },
        ),
    ]
}
