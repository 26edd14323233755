//! `[server]`

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use posthaste_core::Secret;

use super::{
    ByteSize, ConfigError,
    error::secret_from_file,
    section::section,
    setting::{Listen, Networks, Origins},
};

section! {
    /// What the relay listens on and how it treats connections.
    "server" => Server {
        /// The address that clients connect to. Anything but a loopback address can be reached from outside: put a
        /// proxy with TLS before it.
        listen: SocketAddr = "127.0.0.1:3001",
        /// The reverse proxies before the relay, whose word counts on where a request comes from: client keys may be bound to
        /// networks. Of a request from one of these, `x-forwarded-for` and `forwarded` are read from the right, and the
        /// first address that is none of these is the client's; from all others both headers are ignored. Each proxy has
        /// to append the address that it is called from to one of the two. Unset: the address of the connection counts.
        trusted_proxies: Option<Networks> = unset,
        /// The largest request body taken, counted after decompression. A larger one is answered with 413.
        max_body_bytes: ByteSize = "64MiB",
        /// How long a connection may take from its beginning to the end of its first request's head. One that is silent for
        /// so long is closed.
        header_read_timeout: Duration = "10s",
        /// How long an HTTP/1.1 connection may take from the end of one answer to the end of the next request's head; it is
        /// closed then. Keep it above the time for which a reverse proxy before the relay keeps unused connections (often
        /// 60s), else the proxy now and then sends a request into a connection that is being closed. The first head has to
        /// come within both times. HTTP/2 connections stay open as long as the client answers a ping every 30 seconds.
        idle_timeout: Duration = "75s",
        /// How long a piece of an answer may lie ready for a client that does not take it; its connection is closed then, and the
        /// upstream is given up. Over HTTP/2 all requests of the connection end with it.
        unread_timeout: Duration = "5m",
        /// How long requests in flight may go on after the signal to stop; what is left then is cut.
        shutdown_grace: Duration = "15m",
        /// How long streams under way may go on once another process has taken over (`posthaste upgrade`); what is left
        /// then is cut.
        upgrade_grace: Duration = "1h",
        /// How long a stream may be silent before the relay sends something harmless in the client's dialect, and the
        /// pause between two of those.
        keep_alive_after: Duration = "10s",
        /// The bearer token that opens `/metrics` on the main address. Unset: `/metrics` is answered on
        /// `metrics_listen` only, if that is set.
        metrics_token: Option<Secret> = unset,
        /// A file that holds `metrics_token`.
        metrics_token_file: Option<PathBuf> = unset,
        /// A file with a certificate for `listen`, as PEM, and behind it those that lead to its authority. With it and
        /// `tls_key_file` the relay speaks TLS there, and nothing else. A reload reads both again, and so does a change of one of
        /// them where `watch_config` is on.
        tls_certificate_file: Option<PathBuf> = unset,
        /// A file with the certificate's private key, as PEM, without a passphrase.
        tls_key_file: Option<PathBuf> = unset,
        /// Whether the configuration is read again when its file has changed.
        watch_config: bool = "true",
        /// An address of its own for the events WebSocket, which is at `/ws` of `listen` in any case; `off` for none. Give each of
        /// several relays on one machine another one. With a certificate it speaks TLS as `listen` does.
        events_listen: Listen = "127.0.0.1:3002",
        /// The sites whose pages may open the events WebSocket beside the relay's own, such as `https://chat.example`, with
        /// spaces between them. Pages of the names in `admin.hosts` may in any case.
        events_origins: Option<Origins> = unset,
        /// An address of its own for `/metrics`, without a token: let only the monitoring reach it.
        metrics_listen: Option<SocketAddr> = unset,
    }
}

impl Server {
    pub(super) fn finish(&mut self, errors: &mut Vec<ConfigError>) {
        let token = secret_from_file(
            "server.metrics_token",
            self.metrics_token.take(),
            self.metrics_token_file.as_deref(),
            errors,
        );
        self.metrics_token = token;
        let (certificate, key) = (&self.tls_certificate_file, &self.tls_key_file);
        if certificate.is_some() != key.is_some() {
            let (path, other) = match key {
                None => ("server.tls_key_file", "server.tls_certificate_file"),
                Some(_) => ("server.tls_certificate_file", "server.tls_key_file"),
            };
            errors.push(ConfigError::new(path, None, format!("is needed, since `{other}` is set")));
        }
    }
}
