//! Takes the browser's redirect on this machine (RFC 8252 §7.3).

use std::{io, net::IpAddr, time::Duration};

use futures_util::{StreamExt, stream::FuturesUnordered};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};
use url::{Host, Url};

/// Listens on a loopback address for one redirect with the right `state`. It must run where the browser runs.
#[derive(Debug)]
pub struct Loopback {
    listener: TcpListener,
    redirect_uri: Url,
}

impl Loopback {
    /// Whether a redirect address leads to this machine: `http://127.0.0.1…`, `http://[::1]…` or `http://localhost…`.
    pub fn fits(redirect_uri: &Url) -> bool {
        redirect_uri.scheme() == "http" && address(redirect_uri).is_some()
    }

    /// Listens where `redirect_uri` leads. Port 0 takes any free port.
    ///
    /// # Errors
    /// When the address is not of this machine or is in use.
    pub async fn bind(redirect_uri: &Url) -> io::Result<Self> {
        let elsewhere =
            || io::Error::new(io::ErrorKind::InvalidInput, "the redirect address is not of this machine");
        let address =
            address(redirect_uri).filter(|_| redirect_uri.scheme() == "http").ok_or_else(elsewhere)?;
        let port = redirect_uri.port_or_known_default().unwrap_or_default();
        let listener = TcpListener::bind((address, port)).await?;
        let mut redirect_uri = redirect_uri.clone();
        if port == 0 {
            redirect_uri.set_port(Some(listener.local_addr()?.port())).map_err(|()| elsewhere())?;
        }
        Ok(Self { listener, redirect_uri })
    }

    /// The redirect address with its true port: for [`start_code`](super::OAuthFlows::start_code).
    pub const fn redirect_uri(&self) -> &Url {
        &self.redirect_uri
    }

    /// Waits for the redirect that carries `state` and gives the whole address that the browser was sent to, for
    /// [`finish_code`](super::OAuthFlows::finish_code). Whatever else calls is turned away and changes nothing.
    ///
    /// # Errors
    /// [`io::ErrorKind::TimedOut`] when it did not come in `patience`; otherwise when listening fails.
    pub async fn wait(&self, state: &str, patience: Duration) -> io::Result<Url> {
        timeout(patience, self.answer(state)).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
    }

    /// Browsers open connections ahead of need: a silent one must not keep the right one waiting.
    async fn answer(&self, state: &str) -> io::Result<Url> {
        let mut visits = FuturesUnordered::new();
        loop {
            tokio::select! {
                accepted = self.listener.accept(), if visits.len() < MOST_VISITS => {
                    visits.push(timeout(VISIT, self.visit(accepted?.0, state)));
                }
                Some(visit) = visits.next() => if let Ok(Ok(Some(url))) = visit {
                    return Ok(url);
                }
            }
        }
    }

    /// One connection: one request line, one small page.
    async fn visit(&self, mut stream: TcpStream, state: &str) -> io::Result<Option<Url>> {
        let head = read_head(&mut stream).await?;
        let called = head.and_then(|head| self.called(&head));
        let carries = |url: &Url| url.query_pairs().any(|(name, value)| name == "state" && value == state);
        let (status, message) = match &called {
            Some(url) if carries(url) => {
                ("200 OK", "Done. You can close this page and go back to the terminal.")
            }
            Some(_) => ("400 Bad Request", "This answer belongs to another sign-in."),
            None => ("404 Not Found", "There is nothing here."),
        };
        // The answer counts, whether or not the browser stays for the page.
        let shown = async {
            stream.write_all(page(status, message).as_bytes()).await?;
            stream.shutdown().await
        };
        if let Err(error) = shown.await {
            tracing::debug!(%error, "the browser left before its page");
        }
        Ok(called.filter(carries))
    }

    /// The address that was called, when it is the redirect's.
    fn called(&self, head: &str) -> Option<Url> {
        let mut words = head.lines().next()?.split(' ');
        let (method, target) = (words.next()?, words.next()?);
        let url = self.redirect_uri.join(target).ok()?;
        let same = url.path() == self.redirect_uri.path() && url.origin() == self.redirect_uri.origin();
        (method == "GET" && target.starts_with('/') && same).then_some(url)
    }
}

fn address(url: &Url) -> Option<IpAddr> {
    match url.host()? {
        Host::Ipv4(address) if address.is_loopback() => Some(address.into()),
        Host::Ipv6(address) if address.is_loopback() => Some(address.into()),
        Host::Domain("localhost") => Some(IpAddr::from([127, 0, 0, 1])),
        _ => None,
    }
}

/// The request's head, or nothing when it is too long or no text.
async fn read_head(stream: &mut TcpStream) -> io::Result<Option<String>> {
    let mut head = Vec::new();
    let mut chunk = [0; 1024];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let read = stream.read(&mut chunk).await?;
        if read == 0 || head.len() + read > MAX_HEAD {
            return Ok(None);
        }
        head.extend_from_slice(&chunk[..read]);
    }
    Ok(String::from_utf8(head).ok())
}

fn page(status: &str, message: &str) -> String {
    let body = format!("<!doctype html><meta charset=\"utf-8\"><title>Posthaste</title><p>{message}</p>\n");
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {}\r\ncache-control: no-store\r\nreferrer-policy: no-referrer\r\nconnection: close\r\n\r\n{body}",
        body.len(),
    )
}

const MAX_HEAD: usize = 16 * 1024;
/// A browser sends its request at once.
const VISIT: Duration = Duration::from_secs(5);
const MOST_VISITS: usize = 32;
