//! What holds in whatever order things happen.

use std::time::Duration;

use posthaste_testkit::Reply;
use posthaste_vault::CredentialSource;
use proptest::prelude::*;
use serde_json::json;

use crate::support::{Scripted, World, invalid_grant};

/// Something that may happen to an account that several instances serve.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// A request at an instance.
    Request(usize),
    /// A request at an instance, with an account from before everything.
    OldRequest(usize),
    /// The upstream refuses what the instance gives out.
    Refusal(usize),
    /// The clock and the runtime's time go on, seconds.
    Time(u32),
    /// The wall clock alone jumps, seconds.
    Jump(i32),
    /// An operator logs in again.
    Login,
    /// An operator changes something else.
    Edit(u8),
    /// The token server's next answer is an error.
    Failure,
    /// The token server's next answer is a refusal.
    Dead,
    /// The token server's next answer is late, seconds.
    Late(u8),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => (0..3_usize).prop_map(Event::Request),
        2 => (0..3_usize).prop_map(Event::OldRequest),
        2 => (0..3_usize).prop_map(Event::Refusal),
        4 => (1..4_000_u32).prop_map(Event::Time),
        1 => (-7_200..7_200_i32).prop_map(Event::Jump),
        1 => Just(Event::Login),
        2 => (1..100_u8).prop_map(Event::Edit),
        1 => Just(Event::Failure),
        1 => Just(Event::Dead),
        1 => (1..50_u8).prop_map(Event::Late),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn generations_only_grow_and_nothing_is_lost(events in proptest::collection::vec(event(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(history(&events))?;
    }
}

async fn history(events: &[Event]) -> Result<(), TestCaseError> {
    let world = World::new().await;
    let first = world.logged_in("a", Duration::from_secs(100)).await;
    let instances: Vec<_> = (0..3).map(|_| world.instance()).collect();
    let (mut generation, mut priority) = (1, first.priority);
    for event in events {
        let now = world.stored(&first).await;
        match *event {
            Event::Request(at) => drop(instances[at].credential(&now).await),
            Event::OldRequest(at) => drop(instances[at].credential(&first).await),
            Event::Refusal(at) => {
                if let Ok(Some(refused)) = instances[at].credential(&now).await
                    && let Ok(Some(other)) = instances[at].renew(&now, &refused).await
                {
                    prop_assert_ne!(other, refused);
                }
            }
            Event::Time(seconds) => {
                world.clock.advance(Duration::from_secs(seconds.into()));
                tokio::time::sleep(Duration::from_secs(seconds.into())).await;
            }
            Event::Jump(seconds) => {
                let micros = world.now().as_micros() + i64::from(seconds) * 1_000_000;
                world.clock.set(posthaste_core::Timestamp::from_micros(micros));
            }
            Event::Login => {
                let login = world.first_token(Duration::from_secs(1_000));
                instances[0].store_login(first.id, login).await.expect("the store takes a login");
                prop_assert!(world.stored_token(&first).await.refused.is_none());
            }
            Event::Edit(to) => {
                let current = world
                    .accounts()
                    .account(first.id)
                    .await
                    .expect("the store answers")
                    .expect("it is there");
                let changed = posthaste_core::Account { priority: to, ..current.value };
                if world.accounts().replace(changed, current.version).await.is_ok() {
                    priority = to;
                }
            }
            Event::Failure => world.server.next(Scripted::Reply(Reply::json(500, &json!({})))),
            Event::Dead => world.server.next(Scripted::Reply(invalid_grant())),
            Event::Late(seconds) => world.server.next(Scripted::Late(Duration::from_secs(seconds.into()))),
        }
        let stored = world.stored_token(&first).await;
        prop_assert!(stored.generation >= generation, "{} after {generation}", stored.generation);
        generation = stored.generation;
        prop_assert_eq!(world.stored(&first).await.priority, priority);
    }
    for instance in &instances {
        instance.settle().await;
    }
    // Whatever happened, a login is the end of all trouble.
    let login = world.first_token(Duration::from_secs(1_000));
    let saved = instances[0].store_login(first.id, login).await.expect("the store takes a login").value;
    for instance in &instances {
        let credential = instance.credential(&saved).await.expect("a good token").expect("a credential");
        prop_assert_eq!(crate::support::text(&credential), "canary-access-0");
    }
    Ok(())
}
