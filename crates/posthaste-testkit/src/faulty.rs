//! A way to a server that can be made slow, dead or shut.

use std::{
    fmt, io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{JoinHandle, JoinSet},
    time::Instant,
};

/// What a [`FaultyWay`] does with what passes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WayFault {
    /// Everything passes at once.
    #[default]
    None,
    /// Each piece that the server sends arrives so much later; pieces do not wait for each other.
    Slow(Duration),
    /// Connections stand and are taken, and nothing passes, in neither direction.
    BlackHole,
    /// Connections are cut, and new ones as soon as they are taken.
    Shut,
    /// The same, with a reset (RST) to both sides instead of a close.
    Reset,
    /// What the server sends passes at so many bytes a second.
    Throttled(u32),
}

/// A TCP forwarder on a free port of 127.0.0.1, before a server on this machine. How it treats what passes can be changed
/// while connections stand. It needs a tokio runtime with I/O and time, and ends with the value.
pub struct FaultyWay {
    address: SocketAddr,
    fault: Arc<watch::Sender<WayFault>>,
    connections: Arc<Mutex<JoinSet<()>>>,
    accepting: JoinHandle<()>,
}

impl FaultyWay {
    /// Opens a way to what listens at 127.0.0.1 on this port.
    ///
    /// # Panics
    /// When 127.0.0.1 cannot be listened on.
    pub async fn to(port: u16) -> Self {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port can be listened on");
        let address = listener.local_addr().expect("a bound listener has an address");
        let (fault, connections) = (Arc::new(watch::Sender::default()), Arc::default());
        let target = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let accepting = tokio::spawn(accept(listener, target, Arc::clone(&fault), Arc::clone(&connections)));
        Self { address, fault, connections, accepting }
    }

    /// The port to connect to.
    pub const fn port(&self) -> u16 {
        self.address.port()
    }

    /// From now on it does this, with connections that stand as well.
    pub fn set(&self, fault: WayFault) {
        self.fault.send_replace(fault);
        if fault == WayFault::Shut {
            self.connections.lock().abort_all();
        }
    }
}

impl fmt::Debug for FaultyWay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultyWay").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Drop for FaultyWay {
    fn drop(&mut self) {
        self.accepting.abort();
        self.connections.lock().abort_all();
    }
}

async fn accept(
    listener: TcpListener,
    target: SocketAddr,
    fault: Arc<watch::Sender<WayFault>>,
    connections: Arc<Mutex<JoinSet<()>>>,
) {
    while let Ok((client, _)) = listener.accept().await {
        if *fault.borrow() == WayFault::Shut {
            continue;
        }
        let mut connections = connections.lock();
        connections.spawn(forward(client, target, fault.subscribe()));
        while connections.try_join_next().is_some() {}
    }
}

async fn forward(mut client: TcpStream, target: SocketAddr, mut fault: watch::Receiver<WayFault>) {
    let Ok(mut server) = TcpStream::connect(target).await else { return };
    // Small answers are what is measured.
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (there, back) = (fault.clone(), fault.clone());
    let (from_client, to_client) = client.split();
    let (from_server, to_server) = server.split();
    // Either end closes both, as the end of a connection does.
    let reset = tokio::select! {
        _ = pass(from_client, to_server, there, false) => false,
        _ = pass(from_server, to_client, back, true) => false,
        met = fault.wait_for(|fault| *fault == WayFault::Reset) => met.is_ok(),
    };
    if reset {
        // It fails only where the other side was quicker.
        let _ = (client.set_zero_linger(), server.set_zero_linger());
    }
}

/// Passes on until one side ends. What is slow arrives later and in order, and holds up nothing that is read meanwhile.
async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut fault: watch::Receiver<WayFault>,
    may_be_slow: bool,
) -> io::Result<()> {
    let (sender, mut pieces) = tokio::sync::mpsc::unbounded_channel::<(Instant, Vec<u8>)>();
    let mut reading_fault = fault.clone();
    let read = async move {
        let mut buffer = vec![0; 64 * 1_024];
        loop {
            let read = from.read(&mut buffer).await?;
            if read == 0 {
                return Ok(());
            }
            let delay = match *reading_fault.borrow_and_update() {
                WayFault::Slow(delay) if may_be_slow => delay,
                _ => Duration::ZERO,
            };
            // The writer goes only when this has.
            let _ = sender.send((Instant::now() + delay, buffer[..read].to_vec()));
        }
    };
    let write = async move {
        while let Some((due, piece)) = pieces.recv().await {
            tokio::time::sleep_until(due).await;
            if fault.wait_for(|fault| *fault != WayFault::BlackHole).await.is_err() {
                return Ok(());
            }
            let mut rest = &piece[..];
            while may_be_slow && let Some(rate) = throttled(&fault) {
                let (part, behind) = rest.split_at(rest.len().min(rate / PARTS + 1));
                to.write_all(part).await?;
                rest = behind;
                if rest.is_empty() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(1_000 / PARTS as u64)).await;
            }
            to.write_all(rest).await?;
        }
        Ok(())
    };
    // What was read before the end is still written.
    tokio::try_join!(read, write).map(|_| ())
}

fn throttled(fault: &watch::Receiver<WayFault>) -> Option<usize> {
    match *fault.borrow() {
        WayFault::Throttled(rate) => usize::try_from(rate).ok(),
        _ => None,
    }
}

/// In how many parts what is throttled passes within a second.
const PARTS: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    async fn echo() -> u16 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = stream.split();
                    tokio::io::copy(&mut from, &mut to).await
                });
            }
        });
        port
    }

    async fn say(stream: &mut TcpStream, word: &[u8; 4]) -> io::Result<[u8; 4]> {
        stream.write_all(word).await?;
        let mut heard = [0; 4];
        stream.read_exact(&mut heard).await?;
        Ok(heard)
    }

    #[tokio::test]
    async fn what_was_held_back_passes_when_the_fault_is_over() {
        let way = FaultyWay::to(echo().await).await;
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, way.port())).await.unwrap();
        assert_eq!(&say(&mut stream, b"ping").await.unwrap(), b"ping");
        way.set(WayFault::BlackHole);
        let held = tokio::time::timeout(Duration::from_millis(100), say(&mut stream, b"held")).await;
        assert!(held.is_err(), "nothing passes");
        way.set(WayFault::None);
        let mut heard = [0; 4];
        stream.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"held");
    }

    #[tokio::test]
    async fn a_slow_way_is_late_by_what_it_was_told() {
        let way = FaultyWay::to(echo().await).await;
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, way.port())).await.unwrap();
        way.set(WayFault::Slow(Duration::from_millis(60)));
        let begun = Instant::now();
        say(&mut stream, b"slow").await.unwrap();
        assert!(begun.elapsed() >= Duration::from_millis(60));
    }

    #[tokio::test]
    async fn a_throttled_way_takes_its_time() {
        let way = FaultyWay::to(echo().await).await;
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, way.port())).await.unwrap();
        way.set(WayFault::Throttled(1_000));
        let begun = Instant::now();
        stream.write_all(&[7; 200]).await.unwrap();
        let mut heard = [0; 200];
        stream.read_exact(&mut heard).await.unwrap();
        assert!(begun.elapsed() >= Duration::from_millis(100), "{:?}", begun.elapsed());
    }

    #[tokio::test]
    async fn a_way_that_resets_is_told_as_a_reset() {
        let way = FaultyWay::to(echo().await).await;
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, way.port())).await.unwrap();
        say(&mut stream, b"ping").await.unwrap();
        way.set(WayFault::Reset);
        let told = stream.read_u8().await.unwrap_err();
        assert_eq!(told.kind(), io::ErrorKind::ConnectionReset);
    }

    #[tokio::test]
    async fn a_shut_way_cuts_what_stands_and_takes_nobody() {
        let way = FaultyWay::to(echo().await).await;
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, way.port())).await.unwrap();
        say(&mut stream, b"ping").await.unwrap();
        way.set(WayFault::Shut);
        assert!(say(&mut stream, b"gone").await.is_err());
        let mut another = TcpStream::connect((Ipv4Addr::LOCALHOST, way.port())).await.unwrap();
        assert!(say(&mut another, b"none").await.is_err());
        way.set(WayFault::None);
        let mut third = TcpStream::connect((Ipv4Addr::LOCALHOST, way.port())).await.unwrap();
        assert_eq!(&say(&mut third, b"back").await.unwrap(), b"back");
    }
}
