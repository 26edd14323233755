//! One connection: read a request, play its script, and again.

use std::{
    future,
    io::{self, ErrorKind},
    sync::{Arc, atomic::Ordering},
};

use bytes::{Bytes, BytesMut};
use tokio::net::TcpStream;

use super::{
    Script, Shared,
    received::{Received, take_request},
    script::{Ending, Framing, Step},
};

/// Serves a connection until one of the two sides ends it.
pub(super) async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let _open = OpenGuard::new(Arc::clone(&shared));
    // Each chunk is to leave in a packet of its own.
    stream.set_nodelay(true).expect("a fresh socket takes options");
    let mut buffer = BytesMut::new();
    while let Some(request) = next_request(&stream, &mut buffer).await {
        let path = request.path.clone();
        let script = shared.script_for(request);
        let played = tokio::select! {
            biased;
            played = play(&stream, &script) => played,
            () = client_leaves(&stream, &mut buffer) => Err(ErrorKind::ConnectionAborted.into()),
        };
        match played {
            Ok(Next::Request) => {}
            Ok(Next::Close) => return,
            Ok(Next::Reset) => return reset(&stream),
            Err(_) => return shared.aborted(path),
        }
    }
}

/// What follows a script.
enum Next {
    Request,
    Close,
    Reset,
}

/// Plays a script; an error is the client's leaving.
async fn play(stream: &TcpStream, script: &Script) -> io::Result<Next> {
    tokio::time::sleep(script.before_head).await;
    write_all(stream, script.head().into()).await?;
    for step in &script.steps {
        match step {
            Step::Chunk(chunk) => write_all(stream, script.framed(chunk)).await?,
            Step::Pause(pause) => tokio::time::sleep(*pause).await,
            Step::Gate(gate) => gate.wait().await,
        }
    }
    match script.ending {
        Ending::Stall => future::pending().await,
        Ending::Cut => Ok(Next::Close),
        Ending::Reset => Ok(Next::Reset),
        Ending::Proper => {
            if script.framing == Framing::Chunked {
                write_all(stream, Bytes::from_static(b"0\r\n\r\n")).await?;
            }
            let ends_with_connection = matches!(script.framing, Framing::UntilClose | Framing::Raw);
            Ok(if ends_with_connection { Next::Close } else { Next::Request })
        }
    }
}

/// Makes the kernel send RST instead of FIN when the socket is dropped.
fn reset(stream: &TcpStream) {
    stream.set_zero_linger().expect("an open socket takes options");
}

/// The next whole request; `None` when the client has left or sends something else.
async fn next_request(stream: &TcpStream, buffer: &mut BytesMut) -> Option<Received> {
    loop {
        match take_request(buffer) {
            Ok(Some(request)) => return Some(request),
            Ok(None) => {}
            Err(_) => return None,
        }
        if !read_some(stream, buffer).await {
            return None;
        }
    }
}

/// Ends when the client closes its side; what it sends before is kept for the next request.
async fn client_leaves(stream: &TcpStream, buffer: &mut BytesMut) {
    while read_some(stream, buffer).await {}
}

/// Reads what is there into the buffer; `false` when the client has left. Loses nothing when dropped.
async fn read_some(stream: &TcpStream, buffer: &mut BytesMut) -> bool {
    loop {
        if stream.readable().await.is_err() {
            return false;
        }
        match stream.try_read_buf(buffer) {
            Ok(count) => return count > 0,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(_) => return false,
        }
    }
}

async fn write_all(stream: &TcpStream, mut bytes: Bytes) -> io::Result<()> {
    while !bytes.is_empty() {
        stream.writable().await?;
        match stream.try_write(&bytes) {
            Ok(count) => drop(bytes.split_to(count)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Counts an open connection while it lives.
struct OpenGuard(Arc<Shared>);

impl OpenGuard {
    fn new(shared: Arc<Shared>) -> Self {
        shared.open.fetch_add(1, Ordering::SeqCst);
        Self(shared)
    }
}

impl Drop for OpenGuard {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}
