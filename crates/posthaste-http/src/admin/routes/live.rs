//! What is going on at this moment.

use posthaste_admin::{Command, LiveInput, LivePlaces, LiveView, ReleaseInput, ReleasedPlaces};
use posthaste_core::Area;

use crate::admin::{
    asked::Asked,
    endpoint::{Endpoint, delete, get, post},
    input::{Json, NoBody},
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    let read = Area::System.read();
    vec![
        get("/admin/concurrency", "Who holds places, who waits, and which accounts rest")
            .needs(read)
            .answers_query(|asked: Asked, with: LiveInput, _: NoBody| async move {
                asked.act::<LiveView>(Command::Live(with)).await
            }),
        get("/admin/concurrency/{key}", "The places that a client key's requests hold").needs(read).answers(
            |asked: Asked, _: NoBody| async move {
                let key = asked.parameter("key");
                asked.act::<Vec<LivePlaces>>(Command::KeyPlaces { key }).await
            },
        ),
        delete("/admin/concurrency/{key}", "Give back all places that a client key's requests hold")
            .needs(Area::Keys.write())
            .answers(|asked: Asked, _: NoBody| async move {
                let (key, with) = (asked.parameter("key"), ReleaseInput::default());
                asked.act::<ReleasedPlaces>(Command::ReleasePlaces { key, with }).await
            }),
        post("/admin/concurrency/{key}/release", "Give back the places that have been held for long")
            .needs(Area::Keys.write())
            .body::<ReleaseInput>()
            .answers(|asked: Asked, Json(with): Json<ReleaseInput>| async move {
                let key = asked.parameter("key");
                asked.act::<ReleasedPlaces>(Command::ReleasePlaces { key, with }).await
            }),
    ]
}
