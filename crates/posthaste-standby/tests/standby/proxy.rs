//! A way to a server that can be made slow, or swallow everything.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    task::AbortHandle,
};

pub(crate) struct Proxy {
    port: u16,
    faults: Arc<Faults>,
    listener: AbortHandle,
}

#[derive(Default)]
struct Faults {
    delay_ms: AtomicU64,
    swallows: AtomicBool,
}

impl Proxy {
    pub(crate) async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = listener.local_addr().unwrap().port();
        let faults = Arc::new(Faults::default());
        let shared = Arc::clone(&faults);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, port, Arc::clone(&shared)));
            }
        });
        Self { port: own, faults, listener: task.abort_handle() }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Holds what clients send back for so long.
    pub(crate) fn delay(&self, time: Duration) {
        let millis = u64::try_from(time.as_millis()).unwrap();
        self.faults.delay_ms.store(millis, Ordering::SeqCst);
    }

    /// Swallows what is sent from now on, either way, or no longer.
    pub(crate) fn swallow(&self, swallows: bool) {
        self.faults.swallows.store(swallows, Ordering::SeqCst);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

async fn carry(client: TcpStream, port: u16, faults: Arc<Faults>) {
    let Ok(server) = TcpStream::connect(("127.0.0.1", port)).await else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    tokio::select! {
        () = pump(from_client, to_server, &faults, true) => {}
        () = pump(from_server, to_client, &faults, false) => {}
    }
}

async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, faults: &Faults, is_asking: bool) {
    let mut bytes = vec![0; 64 * 1024];
    loop {
        let Ok(read @ 1..) = from.read(&mut bytes).await else { return };
        let delay = faults.delay_ms.load(Ordering::SeqCst);
        if is_asking && delay > 0 {
            tokio::time::sleep(Duration::from_millis(delay)).await;
        }
        // A connection that has lost a part of what was sent is of no use any more, and stays silent.
        if faults.swallows.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        if to.write_all(&bytes[..read]).await.is_err() {
            return;
        }
    }
}
