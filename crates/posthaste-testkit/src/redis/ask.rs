//! Just enough of a client to ask a server how it is.

use std::{
    io::{self, BufRead, BufReader, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    thread,
    time::{Duration, Instant},
};

/// Sends one inline command and reads its answer.
pub(super) fn ask(port: u16, line: &str) -> io::Result<String> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(format!("{line}\r\n").as_bytes())?;
    answer(&mut BufReader::new(stream))
}

/// `+PONG`, or `-NOAUTH …` from a server that wants a password: up in both cases.
pub(super) fn answers_ping(port: u16) -> bool {
    ask(port, "PING").is_ok_and(|answer| answer == "PONG" || answer.starts_with('-'))
}

/// Waits until something holds.
pub(super) fn wait_for(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + FORMING;
    while !holds() {
        assert!(Instant::now() < deadline, "{what} did not come within {FORMING:?}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Reads one answer: <https://redis.io/docs/latest/develop/reference/protocol-spec/>.
fn answer(reader: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let line = line.trim_end();
    let Some((kind, rest)) = line.split_at_checked(1) else {
        return Err(io::ErrorKind::UnexpectedEof.into());
    };
    let length = || rest.parse::<i64>().map_err(io::Error::other);
    match kind {
        "-" => Ok(line.to_owned()),
        "$" => match usize::try_from(length()?) {
            Ok(length) => {
                let mut text = vec![0; length + 2];
                reader.read_exact(&mut text)?;
                text.truncate(length);
                Ok(String::from_utf8_lossy(&text).into_owned())
            }
            Err(_) => Ok(String::new()),
        },
        "*" => {
            let elements: io::Result<Vec<_>> = (0..length()?).map(|_| answer(reader)).collect();
            Ok(elements?.join("\n"))
        }
        _ => Ok(rest.to_owned()),
    }
}

const PATIENCE: Duration = Duration::from_secs(5);

/// How long a cluster or a fail-over may take on a busy machine.
const FORMING: Duration = Duration::from_secs(60);
