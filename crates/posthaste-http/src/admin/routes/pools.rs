//! Pools of accounts, and routes.

use posthaste_admin::{
    Command, NewPool, PlanInput, PlanView, PoolChange, PoolView, RouteInput, RouteView, TargetInput,
};
use posthaste_core::Area;

use crate::admin::{
    asked::Asked,
    endpoint::{Endpoint, delete, get, post, put},
    input::{Json, NoBody},
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    let (read, write) = (Area::Pools.read(), Area::Pools.write());
    vec![
        get("/admin/pools", "All pools of accounts")
            .needs(read)
            .lists(|asked: Asked| async move { asked.act::<Vec<PoolView>>(Command::ListPools).await }),
        post("/admin/pools", "Make a pool").needs(write).body::<NewPool>().answers(
            |asked: Asked, Json(new): Json<NewPool>| async move {
                asked.act::<PoolView>(Command::CreatePool(new)).await
            },
        ),
        get("/admin/pools/{pool}", "One pool").needs(read).answers(|asked: Asked, _: NoBody| async move {
            let pool = asked.parameter("pool");
            asked.act::<PoolView>(Command::ShowPool { pool }).await
        }),
        put("/admin/pools/{pool}", "Change a pool; what is not named stays as it is")
            .needs(write)
            .body::<PoolChange>()
            .answers(|asked: Asked, Json(change): Json<PoolChange>| async move {
                let pool = asked.parameter("pool");
                asked.act::<PoolView>(Command::UpdatePool { pool, change }).await
            }),
        delete("/admin/pools/{pool}", "Remove a pool that nobody uses").needs(write).answers(
            |asked: Asked, _: NoBody| async move {
                let pool = asked.parameter("pool");
                asked.act::<PoolView>(Command::DeletePool { pool }).await
            },
        ),
        post("/admin/plan", "Who would serve a request, and why; nothing is sent, reserved or counted")
            .needs(read)
            .body::<PlanInput>()
            .answers(|asked: Asked, Json(input): Json<PlanInput>| async move {
                asked.act::<PlanView>(Command::PlanRequest(input)).await
            }),
        get("/admin/routes", "All routes")
            .needs(read)
            .lists(|asked: Asked| async move { asked.act::<Vec<RouteView>>(Command::ListRoutes).await }),
        post("/admin/routes", "Make a route").needs(write).body::<RouteInput>().answers(
            |asked: Asked, Json(new): Json<RouteInput>| async move {
                asked.act::<RouteView>(Command::CreateRoute(new)).await
            },
        ),
        get("/admin/routes/{route}", "One route").needs(read).answers(|asked: Asked, _: NoBody| async move {
            let route = asked.parameter("route");
            asked.act::<RouteView>(Command::ShowRoute { route }).await
        }),
        put("/admin/routes/{route}", "Give a route other targets")
            .needs(write)
            .body::<Vec<TargetInput>>()
            .answers(|asked: Asked, Json(targets): Json<Vec<TargetInput>>| async move {
                let route = asked.parameter("route");
                asked.act::<RouteView>(Command::UpdateRoute { route, targets }).await
            }),
        delete("/admin/routes/{route}", "Remove a route").needs(write).answers(
            |asked: Asked, _: NoBody| async move {
                let route = asked.parameter("route");
                asked.act::<RouteView>(Command::DeleteRoute { route }).await
            },
        ),
    ]
}
