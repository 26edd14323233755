//! What vendors tell of their plans' windows decides who is asked next.

mod support;

use std::time::Duration;

use posthaste_core::{Account, Clock, ProviderKind};
use posthaste_testkit::{AccountSetters, Script, ScriptedUpstream, anthropic_json};
use support::{Rig, USAGE, at, whole};

/// An upstream whose plan says that so much of its week is spent.
async fn spent(rig_now: i64, share: &'static str) -> ScriptedUpstream {
    // Half of the week is over.
    let reset = (rig_now + 7 * 86_400 / 2).to_string();
    ScriptedUpstream::start(move |_| {
        Script::json(200, &anthropic_json("hello", USAGE))
            .header("anthropic-ratelimit-unified-7d-utilization", share)
            .header("anthropic-ratelimit-unified-7d-reset", &reset)
    })
    .await
}

fn subscription(name: &str, upstream: &ScriptedUpstream) -> Account {
    at(name, upstream.base_url(), 50).with_provider(ProviderKind::Anthropic)
}

#[tokio::test]
async fn new_conversations_go_where_more_of_the_week_would_be_lost() {
    let now = Rig::new(Vec::new()).await.clock.now().as_secs();
    let (much, little) = (spent(now, "0.9").await, spent(now, "0.1").await);
    let rig = Rig::new(vec![subscription("much", &much), subscription("little", &little)]).await;
    for number in 0..8 {
        let mut question = whole();
        question["messages"][0]["content"] = number.to_string().into();
        rig.read(&question).await.unwrap();
        rig.clock.advance(Duration::from_millis(1));
    }
    let asked = (much.received().len(), little.received().len());
    assert!(asked.0 <= 1 && asked.1 >= 7, "once each is known, the fuller one goes first: {asked:?}");
    let told = rig.relay.quota(subscription("much", &much).id);
    assert_eq!(told.len(), 1);
    assert!(told[0].used_percent == 90 && told[0].runs_out_at.is_some(), "{told:?}");
}
