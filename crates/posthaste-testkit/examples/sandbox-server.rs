//! Serves the sandbox on a free port of 127.0.0.1, says which, and ends with its standard input.
#![expect(clippy::print_stdout, reason = "it has nowhere else to say where it listens")]

use std::io::{self, Read};

use posthaste_sandbox::Sandbox;
use posthaste_testkit::SandboxServer;

#[tokio::main]
async fn main() -> io::Result<()> {
    let server = SandboxServer::start(Sandbox::default()).await;
    println!("listening on {}", server.base_url());
    tokio::task::spawn_blocking(|| io::stdin().read_to_end(&mut Vec::new())).await??;
    Ok(())
}
