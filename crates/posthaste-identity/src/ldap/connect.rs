//! Which address is called, and TLS.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use ldap3::{LdapConnAsync, LdapConnSettings, StdStream};
use posthaste_admin::DirectoryError;
use posthaste_upstream::is_public;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject},
};
use tokio::net::{TcpStream, lookup_host};
use url::Url;

use super::options::{LdapOptions, LdapSecurity, LdapSetupError};

/// Opens connections.
pub(super) struct Dialer {
    url: Url,
    security: LdapSecurity,
    allow_private: bool,
    connect_timeout: Duration,
    tls: Arc<ClientConfig>,
}

impl std::fmt::Debug for Dialer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dialer").field("url", &self.url.as_str()).finish_non_exhaustive()
    }
}

impl Dialer {
    pub(super) fn new(options: &LdapOptions) -> Result<Self, LdapSetupError> {
        let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(trust(options)?)
            .with_no_client_auth();
        Ok(Self {
            url: options.url.clone(),
            security: options.security,
            allow_private: options.allow_private,
            connect_timeout: options.connect_timeout,
            tls: Arc::new(tls),
        })
    }

    /// A connection, whose other end has shown its certificate where it is to have one.
    pub(super) async fn connect(&self) -> Result<(LdapConnAsync, ldap3::Ldap), DirectoryError> {
        self.in_time(async { self.open(self.dial().await?).await }).await
    }

    /// As long as connecting may take.
    pub(super) async fn in_time<T>(
        &self,
        connecting: impl Future<Output = Result<T, DirectoryError>>,
    ) -> Result<T, DirectoryError> {
        match tokio::time::timeout(self.connect_timeout, connecting).await {
            Ok(connected) => connected,
            Err(_) => Err(super::too_slow(self.connect_timeout)),
        }
    }

    /// The directory's protocol at an address that answers, with TLS where that is to be.
    pub(super) async fn open(
        &self,
        stream: std::net::TcpStream,
    ) -> Result<(LdapConnAsync, ldap3::Ldap), DirectoryError> {
        let settings = LdapConnSettings::new()
            .set_starttls(self.security == LdapSecurity::Tls)
            .set_config(Arc::clone(&self.tls))
            .set_std_stream(StdStream::Tcp(stream));
        LdapConnAsync::from_url_with_settings(settings, &self.url)
            .await
            .map_err(|error| DirectoryError::new(format!("connecting to {}", self.url), error))
    }

    /// The first address that answers, of those that may be called.
    pub(super) async fn dial(&self) -> Result<std::net::TcpStream, DirectoryError> {
        let doing = || format!("connecting to {}", self.url);
        let host = self.url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let port = self.url.port().unwrap_or(if self.url.scheme() == "ldaps" { 636 } else { 389 });
        let found = lookup_host((host, port)).await.map_err(|error| DirectoryError::new(doing(), error))?;
        let mut why = DirectoryError::unfit(format!("`{host}` has no address"));
        for address in found {
            match self.refused(address) {
                Some(refused) => why = refused,
                None => match TcpStream::connect(address).await.and_then(TcpStream::into_std) {
                    Ok(stream) => return Ok(stream),
                    Err(error) => why = DirectoryError::new(doing(), error),
                },
            }
        }
        Err(why)
    }

    fn refused(&self, address: SocketAddr) -> Option<DirectoryError> {
        let ip = address.ip().to_canonical();
        let refuse = |what: &str| Some(DirectoryError::unfit(format!("{ip} is not called: {what}")));
        if is_link_local(ip) || ip.is_unspecified() || ip.is_multicast() {
            return refuse("no directory has such an address");
        }
        if self.security == LdapSecurity::PlainWithinMachine && !ip.is_loopback() {
            return refuse("passwords would go in the clear; use `ldaps` or StartTLS");
        }
        if !self.allow_private && !ip.is_loopback() && !is_public(ip) {
            return refuse("it is not a public address; `ldap.allow_private` allows it");
        }
        None
    }
}

fn is_link_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    }
}

/// The file's certificates alone, else the machine's own, else Mozilla's list.
fn trust(options: &LdapOptions) -> Result<RootCertStore, LdapSetupError> {
    let mut roots = RootCertStore::empty();
    if let Some(path) = &options.ca_file {
        let refuse = |why: posthaste_core::BoxError| LdapSetupError::Certificates { path: path.clone(), why };
        for certificate in CertificateDer::pem_file_iter(path).map_err(|error| refuse(error.into()))? {
            let certificate = certificate.map_err(|error| refuse(error.into()))?;
            roots.add(certificate).map_err(|error| refuse(error.into()))?;
        }
        if roots.is_empty() {
            return Err(refuse("it holds no certificate".into()));
        }
        return Ok(roots);
    }
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ldap::{LdapAttributes, groups::GroupRoles};

    fn dialer(security: LdapSecurity, allow_private: bool) -> Dialer {
        let attributes = LdapAttributes {
            name: "uid".to_owned(),
            display_name: "cn".to_owned(),
            email: "mail".to_owned(),
            groups: "memberOf".to_owned(),
        };
        Dialer::new(&LdapOptions {
            url: Url::parse("ldap://ldap.example.com").unwrap(),
            security,
            ca_file: None,
            allow_private,
            bind: None,
            base: "dc=example".to_owned(),
            filter: "(uid={name})".to_owned(),
            attributes,
            group_search: None,
            roles: GroupRoles::default(),
            connect_timeout: Duration::from_secs(1),
            timeout: Duration::from_secs(1),
        })
        .unwrap()
    }

    #[test]
    fn addresses_are_called_as_far_as_it_is_allowed() {
        let called = |security, private, ip: &str| {
            dialer(security, private).refused(SocketAddr::new(ip.parse().unwrap(), 389)).is_none()
        };
        use LdapSecurity::{Plain, PlainWithinMachine, Tls};
        for (security, private, ip, expected) in [
            (Tls, false, "1.1.1.1", true),
            (Tls, false, "127.0.0.1", true),
            (Tls, false, "10.0.0.1", false),
            (Tls, true, "10.0.0.1", true),
            (Tls, true, "169.254.169.254", false),
            (Tls, true, "::ffff:169.254.169.254", false),
            (Tls, true, "fe80::1", false),
            (Tls, true, "0.0.0.0", false),
            (PlainWithinMachine, true, "10.0.0.1", false),
            (PlainWithinMachine, false, "1.1.1.1", false),
            (PlainWithinMachine, false, "::1", true),
            (Plain, true, "10.0.0.1", true),
            (Plain, false, "10.0.0.1", false),
        ] {
            assert_eq!(called(security, private, ip), expected, "{security:?} {private} {ip}");
        }
    }
}
