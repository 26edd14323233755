//! A small, fast stand-in for the model vendors' APIs.
//!
//! usage: mock-upstream ADDR[=SPEC] [ADDR[=SPEC] ...]
//!   SPEC is `k=v` pairs joined by ',' (the base settings of that port), for example
//!   127.0.0.1:9100 127.0.0.1:9101=fault=429,retry_after=2
//! An API key that holds `mock.` overrides them for the requests it comes with, with '.' between
//! the pairs: `sk-ant-mock.fault=529.every=3`. A call to /__config?k=v&k=v changes the base of the
//! port it is sent to; /__stats, /__reset and /__last tell what came.

mod answer;
mod handler;
mod profile;
mod stats;
mod wire;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::TokioIo;

use crate::handler::{Shared, handle};
use crate::profile::Profile;

fn main() -> ExitCode {
    let ports: Option<Vec<_>> = std::env::args().skip(1).map(|argument| port(&argument)).collect();
    let Some(ports) = ports.filter(|ports| !ports.is_empty()) else {
        eprintln!("usage: mock-upstream 127.0.0.1:PORT[=SPEC] ...   (SPEC: k=v,k=v; see src/profile.rs)");
        return ExitCode::from(2);
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    tokio::task::LocalSet::new().block_on(&runtime, async {
        for (address, base) in ports {
            tokio::task::spawn_local(serve(address, base));
        }
        tokio::signal::ctrl_c().await.expect("SIGINT can be waited for");
    });
    ExitCode::SUCCESS
}

/// An address on this machine, with the settings of its port.
fn port(argument: &str) -> Option<(SocketAddr, Profile)> {
    let (address, spec) = argument.split_once('=').unwrap_or((argument, ""));
    let address: SocketAddr =
        address.parse().ok().filter(|address: &SocketAddr| address.ip().is_loopback())?;
    let mut profile = Profile::default();
    spec.split(',')
        .filter(|pair| !pair.is_empty())
        .all(|pair| profile.set(pair))
        .then_some((address, profile))
}

async fn serve(address: SocketAddr, base: Profile) {
    let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
    socket.set_reuseaddr(true).expect("SO_REUSEADDR");
    socket.bind(address).expect("the address is free");
    let listener = socket.listen(BACKLOG).expect("a bound socket listens");
    let shared = Rc::new(Shared::new(base));
    loop {
        let Ok((io, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(10)).await; // out of descriptors
            continue;
        };
        // Without it the kernel may hold back small chunks; the measurement goes on all the same.
        let _ = io.set_nodelay(true);
        shared.stats.borrow_mut().connections += 1;
        let shared = Rc::clone(&shared);
        tokio::task::spawn_local(async move {
            let service = service_fn(|request| handle(Rc::clone(&shared), request));
            // An error here is a client that went away, or a `cut` on purpose.
            let _ =
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(io), service).await;
        });
    }
}

/// A thousand clients may connect at once.
const BACKLOG: u32 = 8192;
