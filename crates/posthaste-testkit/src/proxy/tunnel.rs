//! `CONNECT`.

use std::io;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional};

use super::{ProxyBehaviour, Shared};

pub(super) async fn serve<S>(mut client: S, shared: &Shared, behaviour: ProxyBehaviour) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let head = read_head(&mut client).await?;
    let Some(target) = head.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next()) else {
        return refuse(&mut client, "405 Method Not Allowed", "").await;
    };
    if !logged_in(&head, shared) {
        return refuse(
            &mut client,
            "407 Proxy Authentication Required",
            "proxy-authenticate: Basic realm=\"test\"\r\n",
        )
        .await;
    }
    let mut upstream = match shared.connect(target, behaviour).await {
        Ok(upstream) => upstream,
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            return refuse(&mut client, "403 Forbidden", "").await;
        }
        Err(_) => return refuse(&mut client, "502 Bad Gateway", "").await,
    };
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
    client.flush().await?;
    copy_bidirectional(&mut client, &mut upstream).await.map(|_| ())
}

/// Waits for a word.
pub(super) async fn read_some(client: &mut (impl AsyncRead + Unpin)) -> io::Result<()> {
    client.read_buf(&mut BytesMut::with_capacity(1024)).await.map(|_| ())
}

/// Answers with what belongs to no protocol.
pub(super) async fn babble<S: AsyncRead + AsyncWrite + Unpin>(client: &mut S) -> io::Result<()> {
    read_some(client).await?;
    client.write_all(b"SSH-2.0-OpenSSH_9.2\r\n").await?;
    client.flush().await?;
    // Wait until the client has had enough: closing at once could take the bytes back.
    read_some(client).await
}

async fn read_head(client: &mut (impl AsyncRead + Unpin)) -> io::Result<String> {
    let mut head = BytesMut::new();
    while !head.ends_with(b"\r\n\r\n") {
        if client.read_buf(&mut head).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    String::from_utf8(head.to_vec()).map_err(|_| io::ErrorKind::InvalidData.into())
}

fn logged_in(head: &str, shared: &Shared) -> bool {
    let Some((user, password)) = &shared.login else { return true };
    let given = head
        .lines()
        .filter_map(|line| line.split_once(": "))
        .find(|(name, _)| name.eq_ignore_ascii_case("proxy-authorization"));
    given
        .is_some_and(|(_, value)| value == format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))))
}

async fn refuse(client: &mut (impl AsyncWrite + Unpin), status: &str, headers: &str) -> io::Result<()> {
    let body = "<html>no</html>";
    let answer = format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n{body}", body.len());
    client.write_all(answer.as_bytes()).await?;
    client.flush().await
}
