//! What to write into the configuration of a proxy.

pub(super) const REACH: &str =
    "nginx: `proxy_pass` has to lead to the relay's `server.listen`; Caddy: `reverse_proxy` has to";
pub(super) const OTHER: &str = "is the address the relay's, without a path? The proxy's log says whom it asked; where it keeps /admin inside, let \
     /admin/probe/ through while you look, and admin.enabled has to be true";
pub(super) const ADDRESS: &str = "nginx: `proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;`; Caddy does so by itself, unless `header_up` \
     takes it away";
pub(super) const SCHEME: &str =
    "nginx: `proxy_set_header X-Forwarded-Proto $scheme;`; Caddy does so by itself";
pub(super) const HOST: &str =
    "nginx: `proxy_set_header Host $host;`; Caddy does so by itself, unless `header_up Host` changes it";
pub(super) const KEYS: &str = "nginx: no `proxy_set_header NAME \"\";` for them, and `proxy_pass_request_headers on;`; Caddy: no `header_up -NAME`; \
     and no log-in of the proxy's own on the relay's paths";
pub(super) const BUFFERING: &str = "nginx: `proxy_buffering off;`, and no `proxy_ignore_headers X-Accel-Buffering;`; Caddy: `flush_interval -1` in \
     `reverse_proxy`";
pub(super) const COMPRESSION: &str = "nginx: `gzip off;` there, or no `text/event-stream` in `gzip_types`; Caddy: no `encode` for the relay's paths";
pub(super) const UPGRADE: &str = "nginx: `proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection \
     $posthaste_connection;` with the `map` of packaging/nginx/posthaste.conf; Caddy does so by itself";
pub(super) const SILENCE: &str = "nginx: `proxy_read_timeout 960s; proxy_send_timeout 960s;`; Caddy: `response_header_timeout 960s` in `transport \
     http`, and no shorter `read_timeout`";

/// For a bound of so many bytes.
pub(super) fn size(bytes: u64) -> String {
    let mib = bytes.div_ceil(1 << 20);
    format!(
        "as server.max_body_bytes: nginx: `client_max_body_size {mib}m;`; Caddy: `request_body {{ max_size {mib}MiB }}`"
    )
}

/// To have a peer's word count.
pub(super) fn trust(proxy: &str) -> String {
    format!("name the proxy in server.trusted_proxies: `trusted_proxies = \"{proxy}\"` in [server]")
}
