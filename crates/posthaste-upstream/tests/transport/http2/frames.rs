//! An HTTP/2 server written frame by frame (RFC 9113), to say what well-behaved libraries do not let one say.

use std::{sync::Arc, time::Duration};

use posthaste_testkit::TestAuthority;
use tokio::{
    io::{self, AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

pub(super) const INTERNAL_ERROR: u32 = 2;
pub(super) const REFUSED_STREAM: u32 = 7;
pub(super) const CANCEL: u32 = 8;

/// What the client sent.
#[derive(Clone, Copy, Debug)]
pub(super) enum Saw {
    /// A request on this stream, with its body.
    Request(u32),
    /// A stream's reset, with its reason.
    Reset(u32, u32),
    /// A ping.
    Ping,
}

/// What the server does about it.
#[derive(Default)]
pub(super) struct Out(Vec<Step>);

enum Step {
    Write(Vec<u8>),
    Pause,
    Close,
}

impl Out {
    pub(super) fn head(self, stream: u32) -> Self {
        // `:status: 200`, whose place in HPACK's static table is 8 (RFC 7541 appendix A).
        self.write(HEADERS, END_HEADERS, stream, &[0x88])
    }

    pub(super) fn data(self, stream: u32, data: &[u8]) -> Self {
        self.write(DATA, 0, stream, data)
    }

    pub(super) fn end(self, stream: u32, data: &[u8]) -> Self {
        self.write(DATA, END_STREAM, stream, data)
    }

    pub(super) fn whole(self, stream: u32, data: &[u8]) -> Self {
        self.head(stream).end(stream, data)
    }

    pub(super) fn reset(self, stream: u32, reason: u32) -> Self {
        self.write(RST_STREAM, 0, stream, &reason.to_be_bytes())
    }

    /// Says that nothing after stream `last` was looked at, without an error.
    pub(super) fn go_away(self, last: u32) -> Self {
        let payload = [last.to_be_bytes(), [0; 4]].concat();
        self.write(GOAWAY, 0, 0, &payload)
    }

    /// Gives the client time to act on what was sent so far.
    pub(super) fn pause(mut self) -> Self {
        self.0.push(Step::Pause);
        self
    }

    pub(super) fn close(mut self) -> Self {
        self.0.push(Step::Close);
        self
    }

    fn write(mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Self {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let mut frame = vec![length[1], length[2], length[3], kind, flags];
        frame.extend(stream.to_be_bytes());
        frame.extend(payload);
        self.0.push(Step::Write(frame));
        self
    }
}

type Script = Arc<dyn Fn(Saw, Out) -> Out + Send + Sync>;

/// Runs a script on each connection. It ends with the value.
pub(super) struct FrameServer {
    port: u16,
    seen: watch::Sender<Seen>,
    _serving: JoinSet<()>,
}

#[derive(Clone, Default)]
struct Seen {
    connections: usize,
    requests: usize,
    resets: Vec<(u32, u32)>,
}

impl FrameServer {
    pub(super) async fn start(
        authority: &TestAuthority,
        script: impl Fn(Saw, Out) -> Out + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let acceptor = TlsAcceptor::from(authority.server(&["localhost"], &["h2"]));
        let script: Script = Arc::new(script);
        let seen = watch::Sender::<Seen>::default();
        let noted = seen.clone();
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, script, noted) = (acceptor.clone(), Arc::clone(&script), noted.clone());
                connections.spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    noted.send_modify(|seen| seen.connections += 1);
                    // How a connection ended is for the client to tell.
                    let _ = serve(stream, &script, &noted).await;
                });
            }
        });
        Self { port, seen, _serving: serving }
    }

    pub(super) fn url(&self) -> String {
        format!("https://localhost:{}/", self.port)
    }

    pub(super) fn connections(&self) -> usize {
        self.seen.borrow().connections
    }

    pub(super) fn requests(&self) -> usize {
        self.seen.borrow().requests
    }

    pub(super) fn resets(&self) -> Vec<(u32, u32)> {
        self.seen.borrow().resets.clone()
    }
}

async fn serve(
    mut stream: TlsStream<TcpStream>,
    script: &Script,
    seen: &watch::Sender<Seen>,
) -> io::Result<()> {
    let mut preface = [0; PREFACE.len()];
    stream.read_exact(&mut preface).await?;
    assert_eq!(&preface, PREFACE);
    play(&mut stream, Out::default().write(SETTINGS, 0, 0, &[])).await?;
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await?;
        let [a, b, c, kind, flags, stream_id @ ..] = head;
        let stream_id = u32::from_be_bytes(stream_id);
        let mut payload = vec![0; usize::try_from(u32::from_be_bytes([0, a, b, c])).unwrap()];
        stream.read_exact(&mut payload).await?;
        let saw = match kind {
            SETTINGS if flags & ACK == 0 => {
                play(&mut stream, Out::default().write(SETTINGS, ACK, 0, &[])).await?;
                continue;
            }
            HEADERS | DATA if flags & END_STREAM != 0 => Saw::Request(stream_id),
            RST_STREAM => Saw::Reset(stream_id, u32::from_be_bytes(payload[..4].try_into().unwrap())),
            PING => Saw::Ping,
            _ => continue,
        };
        seen.send_modify(|seen| match saw {
            Saw::Request(_) => seen.requests += 1,
            Saw::Reset(stream, reason) => seen.resets.push((stream, reason)),
            Saw::Ping => {}
        });
        if !play(&mut stream, script(saw, Out::default())).await? {
            return Ok(());
        }
    }
}

/// Whether the connection stays.
async fn play(stream: &mut TlsStream<TcpStream>, out: Out) -> io::Result<bool> {
    for step in out.0 {
        match step {
            Step::Write(frame) => stream.write_all(&frame).await?,
            Step::Pause => {
                stream.flush().await?;
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
            Step::Close => {
                stream.shutdown().await?;
                return Ok(false);
            }
        }
    }
    stream.flush().await?;
    Ok(true)
}

const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const ACK: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
