//! Clients that mean harm, or might as well: what they get, and that others are served meanwhile (`docs/RELIABILITY.md`, C3 to C9).

mod frames;
mod herd;
mod http2;
mod knocking;
mod large;
mod lines;
mod neighbours;
mod slow;
mod unread;

use tokio::net::TcpStream;

use crate::support::Server;

async fn connect(server: &Server) -> TcpStream {
    TcpStream::connect(server.address()).await.unwrap()
}

/// The head of a question, with more lines.
fn head(key: &str, more: &str) -> String {
    format!("POST /v1/messages HTTP/1.1\r\nHost: relay\r\nx-api-key: {key}\r\n{more}\r\n")
}

/// How much memory the relay has in use, in KiB, as the kernel counts it.
fn memory_kib(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// How many descriptors the relay has open.
fn descriptors(server: &Server) -> usize {
    std::fs::read_dir(format!("/proc/{}/fd", server.pid())).unwrap().count()
}
