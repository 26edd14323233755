//! A server with people, and a client of its WebSocket.

use std::{net::SocketAddr, time::Duration};

use futures_util::{SinkExt, StreamExt};
use http::{HeaderName, HeaderValue, StatusCode};
use posthaste_admin::{Actor, Credentials, Disclosed, NewUser, TokenInput, Visit};
use posthaste_core::{Role, Scope, Secret};
use posthaste_http::{AdminOptions, Drained, SocketOptions, events_router};
use serde_json::{Value, json};
use tokio::{net::TcpStream, task::JoinHandle, time::timeout};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error, Message, client::IntoClientRequest, protocol::CloseFrame},
};
use tokio_util::sync::CancellationToken;

use crate::support::{GPT, Rig, Setup, good};

pub(super) const PATIENCE: Duration = Duration::from_secs(30);
const PASSWORD: &str = "correct horse battery";

pub(super) struct Served {
    pub(super) rig: Rig,
    /// Of `/ws` on the main address.
    pub(super) address: SocketAddr,
    /// Of the events' own.
    pub(super) own: SocketAddr,
    pub(super) stop: CancellationToken,
    pub(super) serving: JoinHandle<Drained>,
}

/// The usual upstreams, people, and times that are short enough to be waited for.
pub(super) fn setup() -> Setup {
    Setup { admin: Some(AdminOptions::default()), sockets: quick(), ..Setup::every_dialect() }
}

pub(super) fn quick() -> SocketOptions {
    let tick = Duration::from_millis(20);
    SocketOptions { tick, recheck: tick, ..SocketOptions::default() }
}

pub(super) async fn served(setup: Setup) -> Served {
    let rig = Rig::with(setup).await;
    let stop = CancellationToken::new();
    let (address, serving) = rig.listen(stop.clone()).await;
    let (own, _) = rig.listen_with(events_router(rig.front.clone()), stop.clone()).await;
    let relay = rig.relay.clone();
    tokio::spawn(async move { relay.follow().await });
    Served { rig, address, own, stop, serving }
}

impl Served {
    pub(super) async fn try_at(
        &self,
        address: SocketAddr,
        path: &str,
        headers: &[(&'static str, String)],
    ) -> Result<(Socket, http::HeaderMap), Error> {
        let mut request = format!("ws://{address}{path}").into_client_request().unwrap();
        for (name, value) in headers {
            let value = HeaderValue::from_str(value).unwrap();
            request.headers_mut().insert(HeaderName::from_static(name), value);
        }
        let stream = TcpStream::connect(address).await.unwrap();
        let (socket, answer) = client_async(request, stream).await?;
        Ok((Socket(socket), answer.headers().clone()))
    }

    pub(super) async fn try_open(&self, headers: &[(&'static str, String)]) -> Result<Socket, Error> {
        self.try_at(self.address, "/ws", headers).await.map(|(socket, _)| socket)
    }

    /// The status with which a handshake is refused.
    pub(super) async fn refused(&self, headers: &[(&'static str, String)]) -> StatusCode {
        match self.try_open(headers).await {
            Err(Error::Http(response)) => response.status(),
            Err(error) => panic!("{error}"),
            Ok(_) => panic!("it is let in: {headers:?}"),
        }
    }

    /// A connection with this secret, behind its first message.
    pub(super) async fn open(&self, secret: &str) -> Socket {
        let mut socket = self.try_open(&[bearer(secret)]).await.unwrap();
        let state = socket.message().await;
        assert_eq!((&state["type"], &state["content"]["authenticated"]), (&json!("state"), &json!(true)));
        socket
    }

    pub(super) async fn asking(&self) -> Socket {
        self.open(&good()).await
    }

    pub(super) async fn add(&self, name: &str, role: Role) {
        let password = Some(Disclosed::new(Secret::new(PASSWORD)));
        let new = NewUser { name: name.to_owned(), password, role: Some(role), ..NewUser::default() };
        self.rig.admin.as_ref().unwrap().people().create(&Actor::machine(), new).await.unwrap();
    }

    /// A session of this person's.
    pub(super) async fn log_in(&self, name: &str) -> String {
        let password = Disclosed::new(Secret::new(PASSWORD));
        let given = Credentials { name: name.to_owned(), password, code: None };
        let visit = Visit::default();
        let signed = self.rig.admin.as_ref().unwrap().sign_in().by_password(given, &visit).await.unwrap();
        signed.token.expose().to_owned()
    }

    pub(super) async fn token(&self, name: &str, scopes: &[Scope]) -> String {
        let input = TokenInput { name: name.to_owned(), scopes: scopes.to_vec(), lasts_seconds: Some(3_600) };
        let admin = self.rig.admin.as_ref().unwrap();
        let made = admin.tokens().create(&Actor::machine(), input).await.unwrap();
        made.token.secret().expose().to_owned()
    }

    /// An operator's connection that watches these topics.
    pub(super) async fn watching(&self, topics: &[&str]) -> Socket {
        let all = posthaste_core::Area::ALL.map(posthaste_core::Area::read);
        let token = self.token(&topics.join("-"), &all).await;
        let mut socket = self.open(&token).await;
        socket.say(&json!({"type": "subscribe", "content": {"topics": topics}})).await;
        assert_eq!(socket.message().await["type"], "subscribed");
        socket
    }

    /// Until the relay holds nothing for anybody.
    pub(super) async fn let_go(&self) {
        let gone = async {
            while self.rig.relay.in_flight() > 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(PATIENCE, gone).await.expect("what was under way is dropped");
    }
}

pub(super) struct Socket(pub(super) WebSocketStream<TcpStream>);

impl Socket {
    pub(super) async fn say(&mut self, message: &Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    pub(super) async fn ask(&mut self, more: Value) {
        let mut message = json!({"type": "text", "model": GPT, "content": "hello"});
        message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.say(&message).await;
    }

    async fn next(&mut self) -> Message {
        loop {
            let message = timeout(PATIENCE, self.0.next()).await.expect("a message comes");
            match message.expect("the connection lives").unwrap() {
                Message::Ping(_) | Message::Pong(_) => {}
                message => return message,
            }
        }
    }

    pub(super) async fn message(&mut self) -> Value {
        match self.next().await {
            Message::Text(text) => {
                let message: Value = serde_json::from_str(&text).unwrap();
                assert!(message["type"].is_string() && message.get("content").is_some(), "{message}");
                assert!(message["timestamp"].as_str().unwrap().ends_with('Z'), "{message}");
                message
            }
            other => panic!("{other:?}"),
        }
    }

    /// The next message of this type; others are passed over.
    pub(super) async fn of(&mut self, kind: &str) -> Value {
        loop {
            let message = self.message().await;
            if message["type"] == kind {
                return message;
            }
        }
    }

    /// The messages of one answer.
    pub(super) async fn answer(&mut self) -> Vec<Value> {
        let mut messages = Vec::new();
        loop {
            let message = self.message().await;
            let last = matches!(message["type"].as_str(), Some("done" | "error" | "cancelled"));
            messages.push(message);
            if last {
                return messages;
            }
        }
    }

    pub(super) async fn error(&mut self) -> Value {
        let error = self.message().await;
        assert_eq!(error["type"], "error", "{error}");
        error["content"].clone()
    }

    pub(super) async fn closed(&mut self) -> CloseFrame {
        match self.next().await {
            Message::Close(Some(frame)) => frame,
            other => panic!("{other:?}"),
        }
    }

    pub(super) async fn close_code(&mut self) -> u16 {
        u16::from(self.closed().await.code)
    }

    /// Until the connection is gone, without a word.
    pub(super) async fn gone(mut self) {
        let gone = async { while let Some(Ok(_)) = self.0.next().await {} };
        timeout(PATIENCE, gone).await.expect("the relay gives the connection up");
    }
}

pub(super) fn bearer(secret: &str) -> (&'static str, String) {
    ("authorization", format!("Bearer {secret}"))
}

pub(super) fn origin(value: impl Into<String>) -> (&'static str, String) {
    ("origin", value.into())
}

pub(super) fn cookie(session: &str) -> (&'static str, String) {
    ("cookie", format!("posthaste_session={session}"))
}

/// The text that the pieces of an answer make.
pub(super) fn text(messages: &[Value]) -> String {
    let pieces = messages.iter().filter(|message| message["type"] == "delta");
    pieces.map(|piece| piece["content"].as_str().unwrap()).collect()
}
