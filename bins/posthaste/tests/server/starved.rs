//! G8: a relay that has next to nothing refuses early, and serves again when others have gone.

use std::{process::Command, time::Duration};

use posthaste_testkit::{Gate, Received, Script, ScriptedUpstream, anthropic_json};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::{
    task::{JoinHandle, JoinSet},
    time::sleep,
};

use crate::support::{Bench, Server, USAGE, furnished, streamed, whole};

/// Starts the relay in a shell that was told of a limit.
fn serve_within(bench: &Bench, limit: &str) -> Server {
    let relay = bench.command("serve --listen 127.0.0.1:0");
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("{limit} && exec \"$0\" \"$@\"")]);
    shell.arg(relay.get_program()).args(relay.get_args());
    shell.current_dir(relay.get_current_dir().unwrap());
    shell.envs(relay.get_envs().filter_map(|(name, value)| Some((name, value?))));
    Bench::started(shell)
}

/// An upstream that holds every answer back until the gate is open.
async fn holding(gate: &Gate) -> ScriptedUpstream {
    let gate = gate.clone();
    ScriptedUpstream::start(move |_: &Received| {
        let body = anthropic_json("hello", USAGE).to_string();
        Script::new().header("content-type", "application/json").gate(&gate).chunk(body)
    })
    .await
}

/// How many of so many clients, each with a connection of its own, were served, told to come later, and sent away unheard.
struct Crowd {
    asking: JoinSet<Option<(u16, String, String)>>,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Met {
    served: usize,
    told: usize,
    unheard: usize,
}

impl Crowd {
    fn of(clients: usize, server: &Server, key: &str, body: &Value) -> Self {
        let mut asking = JoinSet::new();
        for _ in 0..clients {
            let (client, key, body) = (server.client(), key.to_owned(), body.clone());
            asking.spawn(async move {
                let answer = client.post(&key, &body).await.ok()?;
                let (status, wait) = (answer.status, answer.header("retry-after").to_owned());
                Some((status, wait, answer.text().await.ok()?))
            });
        }
        Self { asking }
    }

    async fn met(self) -> Met {
        let mut met = Met::default();
        for answer in self.asking.join_all().await {
            match answer {
                Some((200, _, _)) => met.served += 1,
                Some((status, wait, text)) => {
                    assert!(matches!(status, 503 | 529), "{status}: {text}");
                    assert!(wait == "1" && text.contains("overloaded_error"), "{wait}: {text}");
                    met.told += 1;
                }
                None => met.unheard += 1,
            }
        }
        met
    }
}

async fn assert_serves(bench: &Bench, server: &Server, key: &str) {
    for _ in 0..20 {
        let answer = server.post(key, &whole()).await.unwrap();
        assert_eq!(answer.status, 200, "{}", server.log());
        answer.text().await.unwrap();
    }
    assert_eq!(bench.cli("accounts show one")["health"]["state"], "ready", "no account is harmed");
}

#[tokio::test(flavor = "multi_thread")]
async fn g8_with_a_hundred_descriptors_a_crowd_is_refused_and_whoever_came_before_is_served() {
    let (bench, gate) = (Bench::new(), Gate::default());
    let upstream = holding(&gate).await;
    bench.add_account("one", &upstream);
    let key = bench.create_key("team");
    let server = serve_within(&bench, "ulimit -n 100");
    let first = Crowd::of(30, &server, &key, &whole());
    upstream.wait_received(30).await;
    for _ in 0..5 {
        let refused = Crowd::of(40, &server, &key, &whole()).met().await;
        assert!(refused.served == 0 && refused.told > 0, "{refused:?}");
    }
    gate.open();
    assert_eq!(first.met().await, Met { served: 30, ..Met::default() });
    assert_serves(&bench, &server, &key).await;
    server.stop().await;
    assert_eq!(bench.rows().await.len(), 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn g8_with_little_memory_large_requests_are_refused_and_small_ones_served() {
    let (bench, gate) = (Bench::new().with("POSTHASTE_SERVER__MAX_BODY_BYTES", "4MiB"), Gate::default());
    let upstream = holding(&gate).await;
    bench.add_account("one", &upstream);
    let key = bench.create_key("team");
    // 192 MiB of data, of which a quarter is for bodies: fourteen of three MiB and a bit.
    let server = serve_within(&bench, "ulimit -d 196608");
    let mut large = whole();
    large["messages"][0]["content"] = "a".repeat(3 << 20).into();
    let mut first = Vec::new();
    for number in 1..=LARGE {
        first.push(Crowd::of(1, &server, &key, &large));
        upstream.wait_received(number).await;
    }
    let refused = Crowd::of(12, &server, &key, &large).met().await;
    assert!(refused.served == 0 && refused.told > 0, "{refused:?}");
    let small = Crowd::of(10, &server, &key, &whole());
    upstream.wait_received(LARGE + 10).await;
    gate.open();
    for first in first {
        assert_eq!(first.met().await.served, 1);
    }
    assert_eq!(small.met().await, Met { served: 10, ..Met::default() });
    assert_eq!(Crowd::of(3, &server, &key, &large).met().await.served, 3, "there is room again");
    assert_serves(&bench, &server, &key).await;
    server.stop().await;
}

/// Lets the relay run for a fifth of the time, in slices like those of a scheduler that holds it to a quota.
fn rationed(server: &Server) -> JoinHandle<()> {
    let relay = Pid::from_raw(i32::try_from(server.pid()).unwrap()).unwrap();
    tokio::spawn(async move {
        loop {
            kill_process(relay, Signal::STOP).unwrap();
            sleep(PERIOD * 4 / 5).await;
            kill_process(relay, Signal::CONT).unwrap();
            sleep(PERIOD / 5).await;
        }
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn g8_with_a_fifth_of_the_processor_a_crowd_is_served_or_refused_and_nobody_waits_for_ever() {
    let (bench, upstream, key) = furnished(Bench::new()).await;
    let server = serve_within(&bench, "ulimit -n 256");
    let rationing = rationed(&server);
    let (mut served, mut met_in_all) = (0, 0);
    for body in [whole(), streamed(), whole()] {
        let met = Crowd::of(CROWD, &server, &key, &body).met().await;
        assert!(met.served > 0, "{met:?}: {}", server.log());
        served += met.served;
        met_in_all += met.served + met.told + met.unheard;
    }
    assert_eq!(met_in_all, 3 * CROWD);
    rationing.abort();
    let _ = rationing.await;
    server.signal(Signal::CONT);
    assert_serves(&bench, &server, &key).await;
    server.stop().await;
    assert_eq!(upstream.received().len(), served + 20, "who was refused was not sent on");
    assert_eq!(bench.rows().await.len(), served + 20);
}

/// One and a half times what it takes at once.
const CROWD: usize = 200;

/// Of Linux's quotas of processor time, unless it is set.
const PERIOD: Duration = Duration::from_millis(100);

/// As many as there is room for.
const LARGE: usize = 14;
