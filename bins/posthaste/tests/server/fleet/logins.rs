//! Accounts that are logged in have one refresher.

use tokio::{
    task::JoinSet,
    time::{Duration, Instant, sleep},
};

use super::{Fleet, bench};
use crate::{logins::Desk, support::whole};

/// The vendor takes each refresh token once: a second refresh with it would end the login.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_ends_every_three_seconds_is_refreshed_by_one_relay_at_a_time() {
    let mut fleet = Fleet::new();
    let desk = Desk::on(bench(&fleet.redis.url()), "inference lifetime-3").await;
    desk.logged_in("ada").await;
    let key = desk.bench.create_key("team");
    // The vendor lives as long as the desk does.
    let Desk { bench, vendor: _vendor } = desk;
    fleet.benches = vec![bench];
    fleet.start(4);
    let ends = Instant::now() + Duration::from_secs(8);
    let mut asking = JoinSet::new();
    for client in 0..16 {
        let (relay, key) = (fleet.relays[client % 4].client(), key.clone());
        asking.spawn(async move {
            while Instant::now() < ends {
                let answer = relay.post(&key, &whole()).await.unwrap();
                let status = answer.status;
                let text = answer.text().await.unwrap();
                assert_eq!(status, 200, "{text}");
                sleep(Duration::from_millis(20)).await;
            }
        });
    }
    asking.join_all().await;
    assert_eq!(fleet.desk().cli("accounts show ada")["health"]["state"], "ready");
    fleet.stop().await;
}
