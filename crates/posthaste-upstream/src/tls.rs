//! Trust in upstreams' and proxies' certificates.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::CertificateDer};

/// Which versions of HTTP are offered to an upstream; it chooses (ALPN, RFC 7301).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offer {
    /// HTTP/1.1, without asking.
    Http1,
    /// HTTP/2, else HTTP/1.1.
    Http2,
}

/// The machine's own trust store, so that operators can add an authority of theirs, or Mozilla's list where the machine has
/// none; and `authorities` in addition.
pub(crate) fn trust(authorities: &[CertificateDer<'static>]) -> Result<RootCertStore, rustls::Error> {
    let mut roots = RootCertStore::empty();
    let native = rustls_native_certs::load_native_certs();
    for error in &native.errors {
        tracing::warn!(%error, "a certificate authority of this machine cannot be read");
    }
    // A trust store may hold certificates that no TLS library takes any more.
    let (_, unreadable) = roots.add_parsable_certificates(native.certs);
    if unreadable > 0 {
        tracing::debug!(unreadable, "some certificate authorities of this machine cannot be used");
    }
    if roots.is_empty() {
        tracing::warn!("this machine has no certificate authorities; using the built-in list");
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    for authority in authorities {
        roots.add(authority.clone())?;
    }
    Ok(roots)
}

/// TLS for connections as a client.
pub(crate) fn client_config(
    roots: Arc<RootCertStore>,
    offer: Offer,
) -> Result<Arc<ClientConfig>, rustls::Error> {
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    if offer == Offer::Http2 {
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    }
    Ok(Arc::new(config))
}
