//! What an operator changes at one relay holds at all.

use posthaste_testkit::ScriptedUpstream;
use tokio::time::{Duration, Instant, sleep};

use super::Fleet;
use crate::support::{PATIENCE, serving, whole};

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_key_is_refused_by_every_relay() {
    let mut fleet = Fleet::new();
    let upstream = ScriptedUpstream::start(serving).await;
    fleet.desk().add_account("one", &upstream);
    let key = fleet.desk().create_key("team");
    fleet.start(4);
    for relay in &fleet.relays {
        assert_eq!(relay.post(&key, &whole()).await.unwrap().status, 200, "known to each before");
    }
    fleet.desk().cli("keys revoke team");
    let revoked = Instant::now();
    for relay in &fleet.relays {
        let status = loop {
            let status = relay.post(&key, &whole()).await.unwrap().status;
            if status != 200 {
                break status;
            }
            assert!(revoked.elapsed() < PATIENCE, "still served");
            sleep(Duration::from_millis(5)).await;
        };
        assert_eq!(status, 403);
    }
    // For whoever looks for the figure: the command's own end is a few milliseconds after the change.
    println!("refused everywhere {:?} after the command", revoked.elapsed());
    fleet.stop().await;
}
