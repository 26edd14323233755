//! Channels that notices are brought to. The predecessor's paths for them begin with `/admin/webhook`.

use posthaste_admin::{AdminError, ChannelChange, ChannelView, Command, DeliveryView, NewChannel};
use posthaste_core::Area;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::admin::{
    asked::Asked,
    endpoint::{Endpoint, delete, get, post, put},
    input::{Json, NoBody},
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    let (read, write) = (Area::Notifications.read(), Area::Notifications.write());
    vec![
        get("/admin/channels", "All channels")
            .needs(read)
            .lists(|asked: Asked| async move { asked.act::<Vec<ChannelView>>(Command::ListChannels).await }),
        post("/admin/channels", "Add a channel").needs(write).body::<NewChannel>().answers(
            |asked: Asked, Json(new): Json<NewChannel>| async move {
                asked.act::<ChannelView>(Command::CreateChannel(new)).await
            },
        ),
        get("/admin/channels/{channel}", "One channel").needs(read).answers(
            |asked: Asked, _: NoBody| async move {
                let channel = asked.parameter("channel");
                asked.act::<ChannelView>(Command::ShowChannel { channel }).await
            },
        ),
        put("/admin/channels/{channel}", "Change a channel; what is not named stays as it is")
            .needs(write)
            .body::<ChannelChange>()
            .answers(|asked: Asked, Json(change): Json<ChannelChange>| async move {
                let channel = asked.parameter("channel");
                asked.act::<ChannelView>(Command::UpdateChannel { channel, change }).await
            }),
        delete("/admin/channels/{channel}", "Remove a channel").needs(write).answers(
            |asked: Asked, _: NoBody| async move {
                let channel = asked.parameter("channel");
                asked.act::<ChannelView>(Command::DeleteChannel { channel }).await
            },
        ),
        post("/admin/channels/{channel}/test", "Send a test to a channel and wait for what becomes of it")
            .needs(write)
            .answers(|asked: Asked, _: NoBody| async move {
                let channel = asked.parameter("channel");
                asked.act::<DeliveryView>(Command::TestChannel { channel }).await
            }),
        get("/admin/channels/{channel}/deliveries", "What became of a channel's latest messages")
            .needs(read)
            .answers_query(|asked: Asked, query: DeliveriesQuery, _: NoBody| async move {
                let (channel, limit) = (asked.parameter("channel"), query.limit.unwrap_or(50).clamp(1, MOST));
                asked.act::<Vec<DeliveryView>>(Command::ListDeliveries { channel, limit }).await
            }),
        get("/admin/webhook/config", "All channels").needs(read).answers(config),
        post("/admin/webhook/config", "Add a channel").needs(write).body::<NewChannel>().answers(
            |asked: Asked, Json(new): Json<NewChannel>| async move {
                asked.act::<ChannelView>(Command::CreateChannel(new)).await
            },
        ),
        post("/admin/webhook/test", "Send a test to a channel that is not kept")
            .needs(write)
            .body::<NewChannel>()
            .answers(|asked: Asked, Json(new): Json<NewChannel>| async move {
                asked.act::<DeliveryView>(Command::TryChannel(new)).await
            }),
    ]
}

/// How many messages are wanted.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct DeliveriesQuery {
    /// How many; 50 unless told, 200 at most.
    limit: Option<usize>,
}

/// All channels.
#[derive(Serialize, JsonSchema)]
struct Config {
    /// Whether one of them is on.
    enabled: bool,
    /// The channels.
    platforms: Vec<ChannelView>,
}

async fn config(asked: Asked, _: NoBody) -> Result<Config, AdminError> {
    let platforms: Vec<ChannelView> = asked.act(Command::ListChannels).await?;
    Ok(Config { enabled: platforms.iter().any(|channel| channel.enabled), platforms })
}

const MOST: usize = 200;
