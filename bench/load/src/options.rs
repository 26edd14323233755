//! The command line.

pub(crate) const USAGE: &str =
    "load --url http://127.0.0.1:PORT/PATH [-H 'name: value']... --body FILE -c CONNECTIONS -n MAX
  [--seconds S]   start no request after S seconds
  [--rate R]      open loop: R starts a second
  [--ramp-ms M]   spread the first start of each connection over M ms
  [--expect STR]  must be in every response body (repeatable)
  [--chunks N]    stamps (@t=..@) that every response must hold
  [--timeout S]   per request, 60 by default";

pub(crate) struct Options {
    pub(crate) address: String,
    /// Head and body, ready to be written.
    pub(crate) request: Vec<u8>,
    pub(crate) connections: u64,
    pub(crate) max: u64,
    pub(crate) seconds: Option<f64>,
    pub(crate) rate: Option<f64>,
    pub(crate) ramp_ms: u64,
    pub(crate) expect: Vec<String>,
    pub(crate) chunks: Option<usize>,
    pub(crate) timeout: f64,
}

impl Options {
    pub(crate) fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let (mut url, mut headers, mut body) = (String::new(), String::new(), Vec::new());
        let mut options = Self {
            address: String::new(),
            request: Vec::new(),
            connections: 1,
            max: 1,
            seconds: None,
            rate: None,
            ramp_ms: 0,
            expect: Vec::new(),
            chunks: None,
            timeout: 60.0,
        };
        while let Some(name) = words.next() {
            let value = words.next().ok_or_else(|| format!("{name} needs a value"))?;
            match name.as_str() {
                "--url" => url = value,
                "-H" => headers.extend([&value, "\r\n"]),
                "--body" => body = std::fs::read(&value).map_err(|error| format!("{value}: {error}"))?,
                "-c" => options.connections = number(&name, &value)?,
                "-n" => options.max = number(&name, &value)?,
                "--seconds" => options.seconds = Some(number(&name, &value)?),
                "--rate" => options.rate = Some(number(&name, &value)?),
                "--ramp-ms" => options.ramp_ms = number(&name, &value)?,
                "--expect" => options.expect.push(value),
                "--chunks" => options.chunks = Some(number(&name, &value)?),
                "--timeout" => options.timeout = number(&name, &value)?,
                _ => return Err(format!("unknown option {name}")),
            }
        }
        let (address, path) = split(&url).ok_or("--url must be http://127.0.0.1:PORT/PATH")?;
        let length = body.len();
        let head =
            format!("POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-length: {length}\r\n{headers}\r\n");
        options.request = [head.into_bytes(), body].concat();
        options.address = address.to_owned();
        Ok(options)
    }
}

/// Address and path; this machine only.
fn split(url: &str) -> Option<(&str, &str)> {
    let rest = url.strip_prefix("http://").filter(|rest| rest.starts_with("127.0.0.1:"))?;
    Some(rest.split_at(rest.find('/')?))
}

fn number<N: std::str::FromStr>(name: &str, value: &str) -> Result<N, String> {
    value.parse().map_err(|_| format!("{name}: not a number: {value}"))
}
