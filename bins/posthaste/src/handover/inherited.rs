//! Listening sockets that a process was born with: from systemd, or from the process before.

use std::{net::SocketAddr, os::fd::OwnedFd};

use anyhow::Context;
use listenfd::ListenFd;
use tokio::net::TcpListener;

/// What a socket is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Clients.
    Relay,
    /// The monitoring.
    Metrics,
    /// Those who follow what happens.
    Events,
}

impl Place {
    pub(super) const ALL: [Self; 3] = [Self::Relay, Self::Metrics, Self::Events];

    /// What it is called between processes.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Relay => "relay",
            Self::Metrics => "metrics",
            Self::Events => "events",
        }
    }
}

/// Sockets that nobody has asked for yet.
#[derive(Debug, Default)]
pub struct Inherited {
    sockets: Vec<(Option<Place>, std::net::TcpListener)>,
}

impl Inherited {
    /// Those that systemd has opened for this process (`sd_listen_fds(3)`); none where it has not.
    ///
    /// # Errors
    /// When one is no listening TCP socket.
    pub fn from_systemd() -> anyhow::Result<Self> {
        let mut given = ListenFd::from_env();
        let mut sockets = Vec::with_capacity(given.len());
        for index in 0..given.len() {
            let socket =
                given.take_tcp_listener(index).context("a socket that systemd hands over is none of TCP")?;
            sockets.extend(socket.map(|socket| (None, socket)));
        }
        Ok(Self { sockets })
    }

    /// Those of the process before.
    pub(super) fn from_before(sockets: Vec<(Place, OwnedFd)>) -> Self {
        Self { sockets: sockets.into_iter().map(|(place, socket)| (Some(place), socket.into())).collect() }
    }

    /// The one that listens where the configuration wants it, else a new one.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub async fn listener(&mut self, place: Place, address: SocketAddr) -> anyhow::Result<TcpListener> {
        let found = self.sockets.iter().position(|(of, socket)| {
            socket.local_addr().is_ok_and(|local| fits(local, address)) && of.is_none_or(|of| of == place)
        });
        let Some(found) = found else { return bind(place, address).await };
        let (_, socket) = self.sockets.swap_remove(found);
        socket.set_nonblocking(true)?;
        TcpListener::from_std(socket).with_context(|| format!("the socket at {address} cannot be used"))
    }
}

/// Any port will do where none is named.
fn fits(local: SocketAddr, wanted: SocketAddr) -> bool {
    local == wanted || (wanted.port() == 0 && local.ip() == wanted.ip())
}

async fn bind(place: Place, address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| match place {
        Place::Relay => {
            format!("cannot listen on {address}: is another program there? choose another address with --listen")
        }
        Place::Metrics => format!(
            "cannot listen on {address} for the metrics: is another program there? set server.metrics_listen to another \
             address"
        ),
        Place::Events => format!(
            "cannot listen on {address} for the events WebSocket: is another relay there? set server.events_listen \
             (POSTHASTE_SERVER__EVENTS_LISTEN) to another address, or to `off`"
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(place: Option<Place>) -> (Inherited, SocketAddr) {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        (Inherited { sockets: vec![(place, socket)] }, address)
    }

    #[tokio::test]
    async fn a_socket_is_used_where_it_listens_as_it_is_wanted() {
        let (mut inherited, address) = given(None);
        let listener = inherited.listener(Place::Relay, address).await.unwrap();
        assert_eq!(listener.local_addr().unwrap(), address);
        assert!(inherited.sockets.is_empty());
    }

    #[tokio::test]
    async fn any_port_of_the_process_before_will_do_for_its_own_purpose() {
        let (mut inherited, address) = given(Some(Place::Relay));
        let any = "127.0.0.1:0".parse().unwrap();
        let metrics = inherited.listener(Place::Metrics, any).await.unwrap();
        assert_ne!(metrics.local_addr().unwrap(), address);
        let relay = inherited.listener(Place::Relay, any).await.unwrap();
        assert_eq!(relay.local_addr().unwrap(), address);
    }

    #[tokio::test]
    async fn another_address_is_listened_on_anew() {
        let (mut inherited, address) = given(Some(Place::Relay));
        let listener = inherited.listener(Place::Relay, "127.0.0.2:0".parse().unwrap()).await.unwrap();
        assert_ne!(listener.local_addr().unwrap(), address);
    }
}
