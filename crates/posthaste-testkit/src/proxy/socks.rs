//! SOCKS 5 (RFC 1928, RFC 1929).

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional};

use super::{ProxyBehaviour, Shared};

pub(super) async fn serve<S>(mut client: S, shared: &Shared, behaviour: ProxyBehaviour) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    expect(client.read_u8().await?, 5)?;
    let methods = read_text(&mut client).await?;
    match &shared.login {
        None => {
            if !methods.contains(&NO_LOGIN) {
                return client.write_all(&[5, NO_METHOD]).await;
            }
            client.write_all(&[5, NO_LOGIN]).await?;
        }
        Some((user, password)) => {
            if !methods.contains(&USER_AND_PASSWORD) {
                return client.write_all(&[5, NO_METHOD]).await;
            }
            client.write_all(&[5, USER_AND_PASSWORD]).await?;
            expect(client.read_u8().await?, 1)?;
            let given = (read_text(&mut client).await?, read_text(&mut client).await?);
            if given != (user.as_bytes().to_vec(), password.as_bytes().to_vec()) {
                return client.write_all(&[1, 1]).await;
            }
            client.write_all(&[1, 0]).await?;
        }
    }
    expect(client.read_u8().await?, 5)?;
    expect(client.read_u8().await?, 1)?;
    expect(client.read_u8().await?, 0)?;
    let target = read_target(&mut client).await?;
    let mut upstream = match shared.connect(&target, behaviour).await {
        Ok(upstream) => upstream,
        Err(error) => {
            let reply = match error.kind() {
                io::ErrorKind::PermissionDenied => 2,
                io::ErrorKind::ConnectionRefused => 5,
                _ => 4,
            };
            return client.write_all(&[5, reply, 0, 1, 0, 0, 0, 0, 0, 0]).await;
        }
    };
    client.write_all(&[5, 0, 0, 1, 127, 0, 0, 1, 0, 80]).await?;
    copy_bidirectional(&mut client, &mut upstream).await.map(|_| ())
}

/// A length in one byte and so many bytes.
async fn read_text(client: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    let mut text = vec![0; client.read_u8().await?.into()];
    client.read_exact(&mut text).await?;
    Ok(text)
}

async fn read_target(client: &mut (impl AsyncRead + Unpin)) -> io::Result<String> {
    match client.read_u8().await? {
        1 => {
            let address = Ipv4Addr::from(client.read_u32().await?);
            Ok(SocketAddr::from((address, client.read_u16().await?)).to_string())
        }
        4 => {
            let address = Ipv6Addr::from(client.read_u128().await?);
            Ok(SocketAddr::from((address, client.read_u16().await?)).to_string())
        }
        3 => {
            let name = String::from_utf8(read_text(client).await?).map_err(|_| io::ErrorKind::InvalidData)?;
            Ok(format!("{name}:{}", client.read_u16().await?))
        }
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

fn expect(found: u8, wanted: u8) -> io::Result<()> {
    if found == wanted { Ok(()) } else { Err(io::ErrorKind::InvalidData.into()) }
}

const NO_LOGIN: u8 = 0;
const USER_AND_PASSWORD: u8 = 2;
const NO_METHOD: u8 = 0xff;
