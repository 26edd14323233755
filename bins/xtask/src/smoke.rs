//! A short run of the product as a newcomer starts it: `posthaste demo`, one look at its health, a polite stop.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// Starts the demo on a free port, asks for its health and stops it with SIGTERM.
pub(crate) fn demo(binary: &Path) -> Result<()> {
    let mut running = Running(
        Command::new(binary)
            .args(["demo", "--listen", "127.0.0.1:0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("{} demo could not be started", binary.display()))?,
    );
    let address = address(&lines(&mut running.0)?)?;
    let health = get(&address, "/health")?;
    if !health.starts_with("HTTP/1.1 200") {
        bail!("/health answered {}", health.lines().next().unwrap_or("nothing"));
    }
    running.terminate()
}

/// A child that does not outlive the check.
struct Running(Child);

impl Running {
    fn terminate(mut self) -> Result<()> {
        crate::shell::run(Command::new("kill").args(["-TERM", &self.0.id().to_string()]))?;
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Some(status) = self.0.try_wait()? {
                if status.success() {
                    return Ok(());
                }
                bail!("the demo ended with {status} after SIGTERM");
            }
            thread::sleep(Duration::from_millis(50));
        }
        bail!("the demo did not end within {} s of SIGTERM", PATIENCE.as_secs());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Fails only when it has ended, which is what is wanted.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The lines of the child's stdout, shown as they come; read to the end, so that the child never waits for us.
fn lines(child: &mut Child) -> Result<Receiver<String>> {
    let stdout = child.stdout.take().context("the child's stdout is piped")?;
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            println!("  {line}");
            // The receiver is gone once the address is known.
            let _ = sender.send(line);
        }
    });
    Ok(receiver)
}

/// Waits until the demo has shown all it shows, and gives the address that it told first.
fn address(lines: &Receiver<String>) -> Result<String> {
    let deadline = Instant::now() + PATIENCE;
    let mut address = None;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let line = lines.recv_timeout(left).with_context(|| format!("the demo never said `{LAST_WORDS}`"))?;
        address = address.or_else(|| told(&line).map(str::to_owned));
        if line.contains(LAST_WORDS) {
            return address.context("the demo told no address");
        }
    }
}

/// Host and port of the first URL in a line.
fn told(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once("http://")?;
    rest.split(|c: char| c.is_whitespace() || c == '/').next().filter(|address| !address.is_empty())
}

fn get(address: &str, path: &str) -> Result<String> {
    let mut connection =
        TcpStream::connect(address).with_context(|| format!("{address} takes no connection"))?;
    connection.set_read_timeout(Some(PATIENCE))?;
    write!(connection, "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer)?;
    Ok(answer)
}

/// In the line that the demo ends with, once its own request through the relay has been answered.
const LAST_WORDS: &str = "stays up until Ctrl-C";

/// Far more than a start or a stop takes, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_found_in_a_line() {
        assert_eq!(told("  relay       http://127.0.0.1:4567"), Some("127.0.0.1:4567"));
        assert_eq!(told("curl http://127.0.0.1:4567/health -v"), Some("127.0.0.1:4567"));
        assert_eq!(told("posthaste demo"), None);
    }

    #[test]
    fn the_address_counts_once_the_demo_has_shown_everything() {
        let (sender, receiver) = mpsc::channel();
        for line in
            ["  relay  http://127.0.0.1:1", "curl http://127.0.0.1:2/", "The relay stays up until Ctrl-C."]
        {
            sender.send(line.to_owned()).expect("the receiver is there");
        }
        assert_eq!(address(&receiver).expect("all was said"), "127.0.0.1:1");
    }

    #[test]
    fn a_demo_that_ends_early_is_a_failure() {
        let (sender, receiver) = mpsc::channel();
        sender.send("  relay  http://127.0.0.1:1".to_owned()).expect("the receiver is there");
        drop(sender);
        assert!(address(&receiver).is_err());
    }
}
