//! The events WebSocket of a running relay.

use std::{net::SocketAddr, time::Duration};

use futures_util::{SinkExt, StreamExt};
use posthaste_core::AttemptOutcome;
use posthaste_testkit::{Script, anthropic_sse};
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Message, client::IntoClientRequest},
};

use crate::support::{Bench, PATIENCE, USAGE, eventually, furnished, whole};

/// Longer than the relay's beat.
const A_MOMENT: Duration = Duration::from_secs(1);

type Socket = WebSocketStream<TcpStream>;

async fn open(address: &str, path: &str, key: &str) -> Socket {
    let mut request = format!("ws://{address}{path}").into_client_request().unwrap();
    request.headers_mut().insert("authorization", format!("Bearer {key}").parse().unwrap());
    let stream = TcpStream::connect(address).await.unwrap();
    client_async(request, stream).await.unwrap().0
}

async fn message(socket: &mut Socket) -> Message {
    loop {
        let message = timeout(PATIENCE, socket.next()).await.expect("a message comes").unwrap().unwrap();
        if !matches!(message, Message::Ping(_) | Message::Pong(_)) {
            return message;
        }
    }
}

async fn json(socket: &mut Socket) -> Value {
    serde_json::from_str(message(socket).await.to_text().unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn both_addresses_serve_and_both_say_good_bye() {
    let bench = Bench::new().with("POSTHASTE_SERVER__EVENTS_LISTEN", "127.0.0.1:0");
    let (bench, upstream, key) = furnished(bench).await;
    let mut server = bench.serve();
    let own: SocketAddr = eventually("it tells where", || {
        let log = server.log();
        let line = log.lines().find(|line| line.contains("address of its own"))?.to_owned();
        line.split_whitespace().find_map(|word| word.trim_start_matches("address=").parse().ok())
    })
    .await;
    let mut sockets = vec![
        open(server.address(), "/ws", &key).await,
        open(&own.to_string(), "/ws", &key).await,
        open(&own.to_string(), "/", &key).await,
    ];
    for socket in &mut sockets {
        assert_eq!(json(socket).await["content"]["stateDescription"], "open");
        upstream.enqueue(Script::sse(&anthropic_sse(&["hel", "lo"], USAGE)));
        let ask = json!({"type": "text", "model": "claude-sonnet-4-5", "content": "hi"});
        socket.send(Message::text(ask.to_string())).await.unwrap();
        let mut text = String::new();
        let done = loop {
            let told = json(socket).await;
            match told["type"].as_str() {
                Some("delta") => text.push_str(told["content"].as_str().unwrap()),
                _ => break told,
            }
        };
        assert_eq!((text.as_str(), &done["type"]), ("hello", &json!("done")), "{done}");
    }
    server.signal(Signal::TERM);
    for socket in &mut sockets {
        let Message::Close(Some(frame)) = message(socket).await else { panic!("a good-bye") };
        assert_eq!(u16::from(frame.code), 1001);
        while let Some(Ok(_)) = socket.next().await {}
    }
    assert_eq!(server.end().await.code(), Some(0), "{}", server.log());
    let rows = bench.rows().await;
    assert_eq!(rows.len(), 3);
    assert!(rows.iter().all(|row| row.outcome == AttemptOutcome::Complete && row.usage == USAGE), "{rows:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_read_the_log_as_it_goes_and_holders_of_keys_do_not() {
    let (bench, _upstream, key) = furnished(Bench::new()).await;
    let token = |scope: &str| {
        let made = bench.cli(&format!("tokens create {} --scope {scope}", scope.replace(':', "-")));
        made["token"].as_str().unwrap().to_owned()
    };
    let (may, may_not) = (token("system:read"), token("usage:read"));
    let server = bench.serve();
    let subscribe = Message::text(json!({"type": "subscribe", "content": {"topics": ["logs"]}}).to_string());
    let mut watching = open(server.address(), "/ws", &may).await;
    assert!(json(&mut watching).await["content"]["topics"].as_array().unwrap().contains(&json!("logs")));
    watching.send(subscribe.clone()).await.unwrap();
    // What is subscribed to is told before anything of it is.
    let said = json(&mut watching).await;
    assert_ne!(said["type"], "error", "{said}");
    // The log is told from the moment on at which it was first looked at, which is a moment after that.
    let line = loop {
        assert_eq!(server.post(&key, &whole()).await.unwrap().status, 200);
        let Ok(told) = timeout(A_MOMENT, json(&mut watching)).await else { continue };
        assert_eq!(told["type"], "logs", "{told}");
        let lines = told["content"].as_array().unwrap();
        if let Some(line) = lines.iter().find(|line| line["message"] == "attempt") {
            break line.clone();
        }
    };
    assert_eq!((&line["level"], &line["fields"]["outcome"]), (&json!("info"), &json!("complete")), "{line}");
    assert!(!line.to_string().contains(&key));

    for other in [&may_not, &key] {
        let mut socket = open(server.address(), "/ws", other).await;
        let topics = json(&mut socket).await["content"]["topics"].clone();
        assert!(!topics.to_string().contains("logs"), "{topics}");
        socket.send(subscribe.clone()).await.unwrap();
        let refused = json(&mut socket).await;
        assert_eq!(refused["type"], "error", "{refused}");
    }
    server.stop().await;
}
