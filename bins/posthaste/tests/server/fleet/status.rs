//! What `status` says of relays on one Redis.

use std::fs;

use posthaste_testkit::spawn_redis;

use crate::support::{Bench, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn status_lists_every_relay_and_tells_which_one_answers() {
    let redis = spawn_redis();
    let bench = || {
        let bench = Bench::new().with("POSTHASTE_DATA__STORE", "redis");
        bench.with("POSTHASTE_DATA__REDIS_URL", &redis.url())
    };
    let (one, two) = (bench(), bench());
    let first = one.serve();
    fs::create_dir_all(two.data()).unwrap();
    fs::copy(one.data().join("master.key"), two.data().join("master.key")).unwrap();
    let second = two.serve();
    let both = |bench: &Bench| {
        let status = bench.cli("status");
        (status["instances"].as_array()?.len() == 2).then_some(status)
    };
    let seen = [
        eventually("the first to list both", || both(&one)).await,
        eventually("the second to list both", || both(&two)).await,
    ];
    for (status, server, answers) in [(&seen[0], &first, [true, false]), (&seen[1], &second, [false, true])] {
        let instances = &status["instances"];
        assert_eq!([instances[0]["answers"] == true, instances[1]["answers"] == true], answers, "{status}");
        let own = &instances[usize::from(answers[1])];
        assert_eq!(own["id"], status["server"]["instance"]);
        assert_eq!(own["address"], server.address());
        assert_eq!(own["version"], status["version"]);
        assert!(own["heartbeat_age_seconds"].as_u64().unwrap() < 15, "{status}");
    }
    second.stop().await;
    let left = one.cli("status");
    assert_eq!(left["instances"].as_array().unwrap().len(), 1, "who stops leaves at once: {left}");
    first.stop().await;
}
