//! `[admin]`

use super::{ConfigError, section::section, setting::Words};

section! {
    /// The admin API, by which people and programs run the relay.
    "admin" => AdminApi {
        /// Whether it is served, on the address that clients connect to. The command line works without it.
        enabled: bool = "true",
        /// The host names under which it may be asked, without ports, such as `relay.example.com`. Unset: any. Name them where
        /// the relay is reached under a name: what another site's name brings here is refused then.
        hosts: Option<Words> = unset,
        /// Whether the session's cookie is sent over TLS only. Off, it is so where one of `server.trusted_proxies` says in
        /// `x-forwarded-proto` that the browser came over `https`.
        secure_cookies: bool = "false",
    }
}

impl AdminApi {
    pub(super) fn finish(&self, errors: &mut Vec<ConfigError>) {
        for host in self.hosts.iter().flat_map(|hosts| &hosts.0) {
            if host.contains(['/', ' ']) || host.matches(':').count() == 1 {
                let message = format!("`{host}` is no host name; leave scheme, port and path out");
                errors.push(ConfigError::new("admin.hosts", None, message));
            }
        }
    }
}
